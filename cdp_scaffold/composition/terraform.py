"""What Terraform defines and refers to: configuration, tests, mocks and variable files.

It does not see: attributes of a resource (`terraform validate` does), names put together from
parts, that two locals spell one name, and the inside of strings that mean something only later,
such as user data.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from functools import cache
from pathlib import PurePosixPath
from typing import Any

from lark import Token, Tree

from cdp_scaffold.composition.facts import Facts

ADDRESS = "Terraform address"
UNIQUE = (
    *("name", "alarm_name", "identifier", "function_name", "dashboard_name", "family", "bucket"),
    *("scheduled_action_name", "creation_token", "replication_group_id"),
)
"""Attributes whose value is the resource's name in AWS."""

NAMED_ELSEWHERE = re.compile(r"aws_(s3_bucket_\w+|iam_\w+_attachment|\w+_association)$")
"""Types in which such an attribute tells whose part a resource is."""

WITHIN = {
    "provider": "",  # another one is another Region
    "role": "aws_iam_role_policy$",
    "user": "aws_iam_user_policy$",
    "group": "aws_iam_group_policy$",
    "autoscaling_group_name": "aws_autoscaling_",
    "vpc_id": "aws_security_group$",
    "zone_id": "aws_route53_",
    "type": "aws_route53_record$",
    "set_identifier": "aws_route53_record$",
    "log_group_name": "aws_cloudwatch_log_",
    "file_system_id": "aws_efs_",
    "api_id": "aws_apigatewayv2_",
}
"""Attributes within whose value a name must be unique, for the types that start so."""

KEYS: dict[str, tuple[str, ...]] = {
    "aws_s3_object": ("bucket", "key"),
    "aws_lb_listener_rule": ("listener_arn", "priority"),
    "aws_lb_listener": ("load_balancer_arn", "port"),
}
"""Types that something other than a name tells apart."""

WORDS = {"each", "count", "self", "path", "terraform"}
REPOSITORY = re.compile(r"(?:\$\{path\.(?:module|root)\}/\.\.|\$\{local\.\w+_root\})/([\w./-]+)")
MODULE = re.compile(r"\$\{path\.(?:module|root)\}/([\w./-]+)")
SETTING = re.compile(r"(?:\$\{local\.\w*settings_path\}|/app)/(\$\{each\.key\}|\w+)$")
TRAVERSALS = {
    "get_attr_expr_term",
    "index_expr_term",
    "attr_splat_expr_term",
    "full_splat_expr_term",
}


@cache
def parse(text: str) -> Any:
    """The syntax tree; every text is read once a process, for parsing is what takes the time."""
    import hcl2

    return hcl2.parses_to_tree(text)


def read(path: str, text: str) -> Facts:
    """What a `.tf`, `.tftest.hcl`, `.tfmock.hcl` or `.tfvars` file says."""
    return _Reader(path, text).read()


class _Reader:
    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text
        self.facts = Facts()
        self.root = _root(path)
        self.within = ""
        """The address that waits for what is referred to here."""

    def read(self) -> Facts:
        body = _child(parse(self.text), "body")
        if self.path.endswith(".tfvars"):
            for key, value, line in _attributes(body):
                self.facts.define("value of a variable", f"{self.path}: {key}", line)
                self.refer("var." + key, line)
                self.walk(value)
            return self.facts
        test = self.path.endswith(".tftest.hcl")
        for kind, labels, inner, line in _blocks(body):
            if self.path.endswith(".tfmock.hcl"):
                mocks = PurePosixPath(self.path).parent
                self.facts.define("mock", f"{mocks}: {kind} {' '.join(labels)}", line)
            elif test:
                self._test_block(kind, labels, inner, line)
            else:
                self._block(kind, labels, inner, line)
        return self.facts

    def define(self, address: str, line: int) -> None:
        self.facts.define(ADDRESS, self._told(address), line)

    def refer(self, address: str, line: int) -> None:
        told = self._told(address)
        self.facts.refer(ADDRESS, told, line)
        if self.within:
            self.facts.depend(ADDRESS, self.within, told, line)

    def _told(self, address: str) -> str:
        return address if self.root == "infra" else f"{self.root}: {address}"

    def _owns(self, address: str, line: int) -> None:
        """Note a definition, and that it waits for what is referred to from here on."""
        self.within = self._told(address)
        self.define(address, line)

    def _block(self, kind: str, labels: list[str], inner: Any, line: int) -> None:
        self.within = ""
        if kind in ("resource", "ephemeral"):
            self._owns(".".join(labels), line)
            self._names(labels[0], inner)
            if labels[0] == "aws_ssm_parameter":
                self._parameter(inner)
        elif kind == "data":
            self._owns(".".join(("data", *labels)), line)
        elif kind == "variable":
            self.define("var." + labels[0], line)
        elif kind in ("output", "module", "check"):
            self.define(f"{kind}.{labels[0]}", line)
        elif kind == "provider":
            values = {key: value for key, value, _ in _attributes(inner)}
            alias = _literal(values["alias"]) if "alias" in values else None
            self.define(f"provider {labels[0]}" + (f".{alias}" if alias else ""), line)
        elif kind == "locals":
            for key, value, at in _attributes(inner):
                self._owns("local." + key, at)
                self.walk(value)
            return
        elif kind == "terraform":
            for key, _, inside, _ in _blocks(inner):
                if key == "required_providers":
                    for name, _, at in _attributes(inside):
                        self.define(f"required provider {name}", at)
            return
        self.body(inner, frozenset(), skip=_SKIPPED.get(kind, frozenset()))

    def _test_block(self, kind: str, labels: list[str], inner: Any, line: int) -> None:
        if kind == "run":
            self.facts.define("test run", f"{self.path}: {labels[0]}", line)
        if kind == "variables":
            self._set_variables(inner)
        elif kind == "mock_provider":
            self._mocks(inner)
        elif kind == "run":
            for inside, _, body, _ in _blocks(inner):
                if inside == "variables":
                    self._set_variables(body)
        if kind not in ("mock_provider", "variables"):
            self.body(inner, frozenset())

    def _set_variables(self, body: Any) -> None:
        for key, value, line in _attributes(body):
            self.refer("var." + key, line)
            self.walk(value)

    def _mocks(self, body: Any) -> None:
        for key, value, line in _attributes(body):
            folder = _literal(value)
            if key == "source" and folder:
                where = PurePosixPath(self.root, folder).as_posix()
                self.facts.refer("path", _normal(where), line)

    def body(self, body: Any, bound: Set[str], skip: Set[str] = frozenset()) -> None:
        """Note the references of a block's attributes and of the blocks in it."""
        for key, value, line in _attributes(body):
            if key in skip or key == "ignore_changes":
                continue
            if key == "provider":
                self._provider(value, line)
            else:
                self.walk(value, bound)
        for kind, labels, inner, _ in _blocks(body):
            if kind in ("variables", "module") and self.path.endswith(".tftest.hcl"):
                continue
            inside = bound
            if kind == "dynamic":
                iterator = [
                    str(token)
                    for key, value, _ in _attributes(inner)
                    if key == "iterator"
                    for token in _tokens(value)
                ]
                inside = {*bound, *(iterator or labels)}
            self.body(inner, inside)
            if kind == "health_check":
                self._health_check(inner)

    def _health_check(self, body: Any) -> None:
        for key, value, line in _attributes(body):
            path = _literal(value)
            if key == "path" and path:
                self.facts.refer("route", f"GET {path}", line)

    def _provider(self, value: Any, line: int) -> None:
        self.refer("provider " + "".join(str(token) for token in _tokens(value)).strip(), line)

    def walk(self, node: Any, bound: Set[str] = frozenset()) -> None:
        """Note every reference of an expression; `bound` are names of loops around it."""
        if isinstance(node, Token):
            self._template(node, bound)
            return
        kind = node.data
        if kind in ("for_tuple_expr", "for_object_expr"):
            intro = _child(node, "for_intro")
            names = {_identifier(each) for each in intro.children if _is(each, "identifier")}
            for each in intro.children:
                if not _is(each, "identifier"):
                    self.walk(each, bound)
            for each in node.children:
                if each is not intro:
                    self.walk(each, {*bound, *names})
            return
        if kind in TRAVERSALS:
            self._traversal(node, bound)
            return
        if kind == "string":
            self._paths(node)
        for each in node.children:
            self.walk(each, bound)

    def _traversal(self, node: Any, bound: Set[str]) -> None:
        parts: list[str] = []
        base: Any = node
        steps: list[Any] = []
        while isinstance(base, Tree) and (
            base.data in TRAVERSALS or (base.data == "expr_term" and len(base.children) == 1)
        ):
            if base.data in TRAVERSALS:
                steps.append(base.children[1:])
            base = base.children[0]
        if not _is(base, "identifier"):
            self.walk(base, bound)
        else:
            parts.append(_identifier(base))
            for step in reversed(steps):
                name = _attribute_step(step)
                if name is None:
                    break
                parts.append(name)
            self._reference(parts, bound, _line(base))
        for step in steps:
            for each in step:
                self._indexes(each, bound)

    def _indexes(self, node: Any, bound: Set[str]) -> None:
        """The expressions in brackets of a traversal."""
        if isinstance(node, Token):
            return
        if node.data == "expr_term":
            self.walk(node, bound)
            return
        for each in node.children:
            self._indexes(each, bound)

    def _reference(self, parts: list[str], bound: Set[str], line: int) -> None:
        first = parts[0]
        if first in bound or first in WORDS or len(parts) < 2:
            return
        if first == "run":
            self.facts.refer("test run", f"{self.path}: {parts[1]}", line)
            if len(parts) > 2:
                self.refer("output." + parts[2], line)
        elif first == "data":
            self.refer(".".join(parts[:3]), line)
        else:
            self.refer(".".join(parts[:2]), line)

    def _template(self, token: Token, bound: Set[str]) -> None:
        """The expressions within a heredoc, which the parser leaves as text."""
        if not token.type.startswith("HEREDOC"):
            return
        loops = set(re.findall(r"%\{-?~?\s*for\s+(\w+)", token))
        for expression in re.findall(r"[$%]\{~?\s*(?:if\s|for\s+\w+\s+in\s)?([^{}]*)\}", token):
            if expression.strip() in ("", "else", "endif", "endfor"):
                continue
            tree = parse(f"x = {expression.strip().rstrip('~')}\n")
            found = _Reader(self.path, "")
            found.within = self.within
            found.walk(tree, {*bound, *loops})
            line = token.line or 1
            for reference in found.facts.refers:
                for name in reference.names:
                    self.facts.refer(name.kind, name.text, line)
            self.facts.depends += ((one, other, line) for one, other, _ in found.facts.depends)

    def _paths(self, string: Any) -> None:
        """Paths of this repository in a string."""
        text, line = self.source(string), _line(string)
        for pattern, folder in ((REPOSITORY, ""), (MODULE, self.root)):
            for path in pattern.findall(text):
                if not path.startswith("../") and not path.endswith(("/", ".")):
                    where = PurePosixPath(folder, path).as_posix()
                    self.facts.refer("path", where, line)

    def _names(self, type: str, inner: Any) -> None:
        """What must be unique in the account besides the address."""
        values = {key: (self.source(value), at) for key, value, at in _attributes(inner)}
        keys = KEYS.get(type)
        if keys is None:
            found = [] if NAMED_ELSEWHERE.match(type) else [k for k in UNIQUE if k in values]
            keys = tuple(found[:1])
        if not keys or not all(key in values for key in keys):
            return
        own = ", ".join(values[key][0].strip('"') for key in keys)
        within = [k for k, types in WITHIN.items() if k not in keys and re.match(types, type)]
        around = [f"{key} = {values[key][0]}" for key in within if key in values]
        if any(re.search(r"\b(each|count)\.", told) for told in (own, *around)):
            around += [f"{k} = {values[k][0]}" for k in ("for_each", "count") if k in values]
        what = f"{type} {keys[-1]} {own}"
        where = f" within {', '.join(around)}" if around else ""
        self.facts.define("name in AWS", what + where, values[keys[-1]][1])

    def _parameter(self, inner: Any) -> None:
        """A setting of the application that is written to the Parameter Store."""
        values = {key: (value, at) for key, value, at in _attributes(inner)}
        if "name" not in values:
            return
        value, at = values["name"]
        match = SETTING.search(self.source(value).strip('"'))
        if match is None:
            return
        names = [(match[1], at)]
        if match[1] == "${each.key}":
            names = list(_keys(values["for_each"][0])) if "for_each" in values else []
        for name, where in names:
            self.facts.define("parameter of the application", name, where)
            self.facts.refer("setting of the application", name, where)

    def source(self, node: Any) -> str:
        """The text a node was read from."""
        found = [token for token in _tokens(node) if token.start_pos is not None]
        if not found:
            return ""
        return " ".join(self.text[found[0].start_pos : found[-1].end_pos].split())


_SKIPPED: dict[str, Set[str]] = {"variable": {"type"}, "moved": {"from"}, "removed": {"from"}}


def _root(path: str) -> str:
    """The folder whose files are one Terraform module."""
    folder = PurePosixPath(path).parent
    while folder.name in ("tests", "mocks"):
        folder = folder.parent
    return "infra" if path.endswith(".tfvars") else folder.as_posix()


def _normal(path: str) -> str:
    return PurePosixPath(*(part for part in PurePosixPath(path).parts if part != ".")).as_posix()


def _is(node: Any, kind: str) -> bool:
    return isinstance(node, Tree) and node.data == kind


def _child(node: Any, kind: str) -> Any:
    return next(each for each in node.children if _is(each, kind))


def _tokens(node: Any) -> Iterator[Token]:
    if isinstance(node, Token):
        yield node
    elif node is not None:
        yield from node.scan_values(lambda value: isinstance(value, Token))


def _line(node: Any) -> int:
    return next((token.line or 1 for token in _tokens(node)), 1)


def _identifier(node: Any) -> str:
    return str(next(_tokens(node)))


def _literal(node: Any) -> str | None:
    """The text of a string without interpolation."""
    found = [str(token) for token in _tokens(node)]
    return found[1] if len(found) == 3 and found[0] == found[2] == '"' else None


def _attributes(body: Any) -> Iterator[tuple[str, Any, int]]:
    for each in body.children:
        if _is(each, "attribute"):
            yield _identifier(each.children[0]), each.children[-1], _line(each)


def _blocks(body: Any) -> Iterator[tuple[str, list[str], Any, int]]:
    for each in body.children:
        if _is(each, "block"):
            bodies = [child for child in each.children if _is(child, "body")]
            inner: Any = bodies[0] if bodies else Tree("body", [])
            heads = [child for child in each.children if _is(child, "string")]
            labels = ["".join(map(str, _tokens(head))).strip('"') for head in heads]
            yield _identifier(each.children[0]), labels, inner, _line(each)


def _attribute_step(step: list[Any]) -> str | None:
    """The name a step of a traversal goes to; `None` for an index or a splat."""
    if len(step) == 1 and _is(step[0], "get_attr"):
        return str(list(_tokens(step[0]))[-1])
    return None


def _keys(node: Any) -> Iterator[tuple[str, int]]:
    """The keys of the objects written out in an expression, but not of those inside them."""
    if isinstance(node, Token):
        return
    if node.data == "object_elem":
        yield str(next(_tokens(node))).strip('"'), _line(node)
        return
    for each in node.children:
        yield from _keys(each)
