"""Read the template's questions, so that an answer is judged by the template's own rule.

Copier judges every answer again when it generates. Judging here first means that a wrong answer is
told at once, in an interview even while it is typed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from cdp_scaffold.errors import TemplateError

NO = ("", "0", "n", "no", "f", "false", "off", "~", "null", "none")
"""What copier reads as no."""


@dataclass(frozen=True)
class Question:
    """One question that users may answer."""

    name: str
    type: str
    help: str
    default: Any
    validator: str
    when: str | bool = True
    """Jinja that says whether the question is asked."""

    fixed_choices: tuple[Any, ...] = ()
    """The values it may have, where the template gives them as a plain list."""


@dataclass(frozen=True)
class Questions:
    """All questions of a template, in the order they are asked."""

    root: Path
    all: Mapping[str, Question]
    renames: Mapping[str, str]
    """Former id of a pattern → its present id, from the hidden answer `renamed`."""

    def fault(self, name: str, value: Any, others: Mapping[str, Any] | None = None) -> str:
        """Why the value is no answer to the question; empty where nothing speaks against it.

        A rule that reads answers which are not known yet says nothing.
        """
        question = self.all[name]
        wrong = _wrong_type(question.type, value)
        if wrong:
            return wrong
        if question.fixed_choices and value not in question.fixed_choices:
            return "choose one of " + ", ".join(f"`{each}`" for each in question.fixed_choices)
        if not question.validator:
            return ""
        from jinja2 import TemplateError as JinjaError

        try:
            template = self._environment.from_string(question.validator)
            return " ".join(template.render({**(others or {}), name: value}).split())
        except JinjaError:
            return ""

    def asked(self, name: str, known: Mapping[str, Any]) -> bool:
        """Whether the template asks the question, as far as what is known tells."""
        when = self.all[name].when
        if isinstance(when, bool):
            return when
        from jinja2 import TemplateError as JinjaError

        try:
            said = self._environment.from_string(when).render(known)
        except JinjaError:
            return False
        return said.strip().lower() not in NO

    @cached_property
    def _environment(self) -> Any:
        from jinja2 import FileSystemLoader, StrictUndefined
        from jinja2.sandbox import SandboxedEnvironment

        # The same filters that copier offers its templates.
        return SandboxedEnvironment(
            loader=FileSystemLoader(self.root),
            extensions=["jinja2_ansible_filters.AnsibleCoreFiltersExtension"],
            undefined=StrictUndefined,
        )


def load_questions(root: Path) -> Questions:
    """Read the questions of `copier.yml` and of what it includes.

    Raises:
        TemplateError: A file is missing or broken.
    """
    found: dict[str, Question] = {}
    renames: dict[str, str] = {}
    for part in load_parts(root):
        for name, details in part.items():
            if not name.startswith("_") and isinstance(details, dict):
                if name == "renamed":
                    renames = dict(details.get("default") or {})
                elif details.get("when") is not False:
                    found[name] = _question(name, details)
    return Questions(root, found, renames)


def load_parts(root: Path) -> list[dict[str, Any]]:
    """Read `copier.yml` and what it includes: settings and questions as they stand there.

    Raises:
        TemplateError: A file is missing or broken.
    """
    import yaml

    from cdp_scaffold import plain_yaml

    class Loader(plain_yaml.LOADER):  # type: ignore[misc]
        """Knows copier's `!include`; a class of its own, so that no other user of yaml does."""

    def include(loader: Any, node: Any) -> list[Any]:
        pattern = str(loader.construct_scalar(node))
        return [each for file in sorted(root.glob(pattern)) for each in documents(file)]

    def documents(file: Path) -> list[Any]:
        try:
            with file.open("rb") as stream:
                return [each for each in yaml.load_all(stream, Loader) if each]
        except (OSError, yaml.YAMLError) as error:
            raise TemplateError(f"{file} cannot be read: {' '.join(str(error).split())}") from error

    Loader.add_constructor("!include", include)
    return _flat(documents(root / "copier.yml"))


def _flat(parts: list[Any]) -> list[dict[str, Any]]:
    flat: list[dict[str, Any]] = []
    for part in parts:
        flat.extend(_flat(part) if isinstance(part, list) else [part])
    return flat


def _question(name: str, details: Mapping[str, Any]) -> Question:
    choices = details.get("choices") or ()
    if isinstance(choices, dict):
        choices = list(choices.values())
    if isinstance(choices, list):
        choices = [each[1] if isinstance(each, list) else each for each in choices]
    plain = not isinstance(choices, str) and not any("{{" in str(each) for each in choices)
    return Question(
        name=name,
        type=str(details.get("type", "str")),
        help=str(details.get("help", "")),
        default=details.get("default"),
        validator=str(details.get("validator", "")),
        when=details.get("when", True),
        fixed_choices=tuple(choices) if plain else (),
    )


def _wrong_type(name: str, value: Any) -> str:
    wanted: Mapping[str, tuple[tuple[type, ...], str]] = {
        "str": ((str,), "text"),
        "bool": ((bool,), "`true` or `false`"),
        "int": ((int,), "a whole number"),
        "float": ((int, float), "a number"),
    }
    if name not in wanted:
        return ""
    classes, word = wanted[name]
    fits = isinstance(value, classes) and (name == "bool" or not isinstance(value, bool))
    return "" if fits else f"it must be {word}"
