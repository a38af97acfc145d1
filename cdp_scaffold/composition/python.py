"""What Python defines and refers to: modules and their names, routes, settings, requirements.

It does not see: modules imported by a name made up at run time, attributes of objects, and routes
that are registered in another way than by a decorator or `mount`.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import PurePosixPath

from cdp_scaffold.composition.facts import Facts, Name

METHODS = ("get", "post", "put", "patch", "delete", "head", "options", "websocket")
FOUND_FROM = ("app/src", "app/tests", "local/runner")
"""Folders on the path of those who import; elsewhere a file finds what lies beside it."""

BRINGS = {
    "botocore": "boto3",
    "starlette": "fastapi",
    "pydantic": "fastapi",
    "werkzeug": "moto",
    "anyio": "fastapi",
    "cryptography": "moto",
    "responses": "moto",
}
"""Import → the requirement that brings it along."""

SETTINGS = "setting of the application"
_VARIABLE = re.compile(r"\bAPP_([A-Z0-9_]+)")
_SCRIPT_READS = re.compile(r"\bsetting ([A-Z][A-Z0-9_]*)\b")
"""How a setup part asks for one: `$(setting SESSION_TABLE)`."""
_READS = re.compile(r"(\$\{?|environ(\.get\(|\[)[\"'])$")


def read(path: str, text: str) -> Facts:
    """What a module says."""
    facts = Facts()
    tree = ast.parse(text)
    folder = _found_from(path)
    module = _module(path, folder)
    for name, line in _module_names(module):
        facts.provide("Python module", f"{folder}: {name}", line)
    for name, line in _names(tree):
        facts.provide("Python name", f"{folder}: {module}.{name}", line)
    if "." in module:
        parent, _, own = module.rpartition(".")
        facts.provide("Python name", f"{folder}: {parent}.{own}", 1)
    _imports(facts, tree, path, folder, module)
    if folder == "app/src":
        _routes(facts, tree)
        _settings(facts, tree)
    return facts


def requirements(path: str, text: str) -> Facts:
    """What a file of requirements installs."""
    facts = Facts()
    for line, requirement in enumerate(text.splitlines(), 1):
        included = re.match(r"-r\s*(\S+)", requirement)
        if included:
            where = PurePosixPath(path).parent / included[1]
            facts.refer("path", where.as_posix(), line)
        match = re.match(r"[A-Za-z0-9][\w.-]*", requirement)
        if match:
            facts.define("requirement", f"{path}: {_distribution(match[0])}", line)
    return facts


def _found_from(path: str) -> str:
    for folder in FOUND_FROM:
        if path.startswith(folder + "/"):
            return folder
    return PurePosixPath(path).parent.as_posix()


def _module(path: str, folder: str) -> str:
    parts = list(PurePosixPath(path).relative_to(folder).with_suffix("").parts)
    if parts[-1] == "__init__" and len(parts) > 1:
        parts.pop()
    return ".".join(parts)


def _module_names(module: str) -> Iterator[tuple[str, int]]:
    parts = module.split(".")
    for end in range(1, len(parts) + 1):
        yield ".".join(parts[:end]), 1


def _names(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """The names a module has at its top, also those within `if` and `try`."""
    todo: list[ast.stmt] = list(tree.body)
    while todo:
        node = todo.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name, node.lineno
        elif isinstance(node, ast.Import | ast.ImportFrom):
            for each in node.names:
                yield (each.asname or each.name).split(".")[0], node.lineno
        elif isinstance(node, ast.If | ast.Try | ast.With):
            todo += [each for each in ast.iter_child_nodes(node) if isinstance(each, ast.stmt)]
        else:
            for inner in ast.walk(node):
                if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
                    yield inner.id, inner.lineno


def _imports(facts: Facts, tree: ast.Module, path: str, folder: str, module: str) -> None:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for each in node.names:
                _import(facts, folder, each.name, None, node.lineno)
        elif isinstance(node, ast.ImportFrom):
            source = node.module or ""
            if node.level:
                inside = module if path.endswith("__init__.py") else module.rpartition(".")[0]
                for _ in range(node.level - 1):
                    inside = inside.rpartition(".")[0]
                source = f"{inside}.{source}".strip(".")
            for each in node.names:
                _import(facts, folder, source, each.name, node.lineno)


def _import(facts: Facts, folder: str, module: str, name: str | None, line: int) -> None:
    top = module.split(".")[0]
    if top in sys.stdlib_module_names:
        return
    folders = ["app/tests", "app/src"] if folder == "app/tests" else [folder]
    if folder.startswith("local/"):
        folders.append("local/runner")
    kind, text = ("Python module", module) if name is None else ("Python name", f"{module}.{name}")
    here = [Name(kind, f"{each}: {text}") for each in dict.fromkeys(folders)]
    installed = _distribution(BRINGS.get(top, top))
    files = ["app/requirements.txt"] if folder.startswith("app/") else ["local/requirements.txt"]
    if folder == "app/tests":
        files.append("app/requirements-dev.txt")
    if not folder.startswith("app/"):
        files.append("app/requirements.txt")
    there = [Name("requirement", f"{file}: {installed}") for file in files]
    facts.refer_to_any((*here, *there), line)


def _distribution(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _routes(facts: Facts, tree: ast.Module) -> None:
    prefixes = {
        target.id: _string(keyword.value) or ""
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)
        for target in node.targets
        if isinstance(target, ast.Name)
        for keyword in node.value.keywords
        if keyword.arg == "prefix"
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for call in node.decorator_list:
                _route(facts, call, prefixes)
        elif _called(node) == "mount":
            assert isinstance(node, ast.Call)
            path = _string(node.args[0]) if node.args else None
            if path:
                facts.define("route", f"* {path}", node.lineno)


def _route(facts: Facts, call: ast.expr, prefixes: dict[str, str]) -> None:
    method = _called(call)
    if method not in METHODS:
        return
    assert isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)
    path = _string(call.args[0]) if call.args else None
    if path is None:
        return
    owner = call.func.value
    prefix = prefixes.get(owner.id, "") if isinstance(owner, ast.Name) else ""
    facts.define(
        "route", f"{method.upper()} " + re.sub(r"\{[^}]*\}", "{}", prefix + path), call.lineno
    )


def _called(node: ast.AST) -> str | None:
    """The name of the method that is called."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return node.func.attr
    return None


def _string(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _settings(facts: Facts, tree: ast.Module) -> None:
    """Fields of settings classes; one without a default must be written by somebody."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.ClassDef):
            continue
        bases = [base.id for base in node.bases if isinstance(base, ast.Name)]
        if not any(base.endswith("Settings") for base in bases):
            continue
        for field in node.body:
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                name = field.target.id
                if name.startswith(("_", "model_")):
                    continue
                # Several may read what another one writes; two defaults would be two meanings.
                if _has_default(field.value):
                    facts.define(SETTINGS, name, field.lineno)
                else:
                    facts.provide(SETTINGS, name, field.lineno)
                    facts.refer("parameter of the application", name, field.lineno)


def _has_default(value: ast.expr | None) -> bool:
    if isinstance(value, ast.Call):
        return bool(value.args) or any(
            k.arg in ("default", "default_factory") for k in value.keywords
        )
    return value is not None


def variables(path: str, text: str) -> Facts:
    """Settings of the application that a text reads or sets by their environment variable.

    A script or unit that reads one itself is what the setting is for.
    """
    facts = Facts()
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("#") and not path.endswith(".md"):
            continue
        for name in _SCRIPT_READS.findall(line):
            facts.provide(SETTINGS, name.lower(), number)
        for match in _VARIABLE.finditer(line):
            if match[1].endswith("_"):
                continue  # put together at run time
            if _READS.search(line[: match.start()]):
                facts.provide(SETTINGS, match[1].lower(), number)
            else:
                facts.refer(SETTINGS, match[1].lower(), number)
    return facts
