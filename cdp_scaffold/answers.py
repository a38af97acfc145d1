"""Gather what the user asks for from flags, `--set` and an answers file, and judge it.

A flag wins over the file. Every fault is told with its reason and the smallest change that mends
it, before anything is generated.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cdp_scaffold.catalog import Catalog
from cdp_scaffold.errors import (
    AnswersFileError,
    BadAnswerError,
    ConflictError,
    EmptyWishError,
    PlannedError,
    UnknownAnswerError,
    UnknownOptionError,
    UnknownPatternError,
    UnknownSlotError,
    UnusedChoiceError,
    WantedComponentError,
    in_json,
)
from cdp_scaffold.questions import Questions
from cdp_scaffold.resolver import Conflict, Resolution, resolve

# Written by copier into every answers file, so that one may be used for another repository.
RECORDED = ("_commit", "_src_path")


@dataclass(frozen=True)
class Answers:
    """What the user asks for, as far as it is known."""

    patterns: tuple[str, ...] = ()
    """The wish: ids in the order they were named."""

    choices: Mapping[str, str] = field(default_factory=dict)
    """Slot → option."""

    others: Mapping[str, Any] = field(default_factory=dict)
    """Any other question → answer."""

    def for_copier(self, questions: Questions, resolution: Resolution) -> dict[str, Any]:
        """The answers in the form the template asks for them.

        Every slot is given, so that none is left to what the repository recorded before.

        Raises:
            UnusedChoiceError: A choice is made that the template takes no answer for.
        """
        slots = asked_slots(questions, resolution)
        for slot, option in self.choices.items():
            if slot not in slots:
                why = "only another choice opens that job, and then its default is taken"
                raise UnusedChoiceError(slot, option, why)
        return {**self.others, "patterns": list(resolution.wish), **slots}


def gather(
    catalog: Catalog,
    questions: Questions,
    patterns: Iterable[str] = (),
    settings: Iterable[str] = (),
    file: Path | None = None,
    *,
    change: bool = False,
) -> Answers:
    """Merge the answers file and the flags.

    Args:
        catalog: Names the patterns and slots.
        questions: Name what else may be answered.
        patterns: Ids or titles from `-p`; each may hold several, divided by commas.
        settings: `KEY=VALUE` from `--set`.
        file: A YAML file of answers, such as another repository's `.copier-answers.yml`.
        change: Whether it is for a repository that is there; its patterns have their own commands.

    Raises:
        AnswersFileError, UnknownAnswerError, BadAnswerError, UnknownPatternError: It says why.
    """
    raw = read_file(file) if file else {}
    where = f" in {file}" if file else ""
    for key in raw:
        if key not in RECORDED:
            _check_key(str(key), questions, where)
    named = _file_patterns(raw.get("patterns"), file)
    given = [each for text in patterns for each in _split(text)]
    values: dict[str, Any] = {k: v for k, v in raw.items() if k not in (*RECORDED, "patterns")}
    for setting in settings:
        key, value = _setting(setting)
        _check_key(key, questions)
        if key == "patterns":
            by, flag = ("`cdp add` and `cdp remove`", "cdp add") if change else ("`-p`", "-p")
            rule = f"`patterns` are named by {by}"
            raise BadAnswerError("patterns", rule, example=f"{flag} {value}")
        values[key] = value if key in catalog.slots else typed(questions, key, value)
    wish = find_patterns(catalog, given) if given else find_patterns(catalog, named, where)
    answers = Answers(tuple(wish))
    return set_values(answers, catalog, questions, values)


def set_values(
    answers: Answers, catalog: Catalog, questions: Questions, values: Mapping[str, Any]
) -> Answers:
    """Add answers, each judged.

    Raises:
        UnknownOptionError, BadAnswerError: It says why.
    """
    choices, others = dict(answers.choices), dict(answers.others)
    for key, value in values.items():
        if key in catalog.slots:
            options = tuple(catalog.slots[key].options)
            if value not in options:
                raise UnknownOptionError(key, str(value), options)
            choices[key] = value
        else:
            check_value(questions, key, value)
            others[key] = value
    return replace(answers, choices=choices, others=others)


def check_value(questions: Questions, key: str, value: Any) -> None:
    """Refuse a value that breaks the template's rule.

    Raises:
        BadAnswerError: It names the rule and the value.
    """
    fault = questions.fault(key, value)
    if fault:
        default = questions.all[key].default
        plain = isinstance(default, (str, int)) and "{{" not in str(default)
        example = f"--set {key}={written(default)}" if plain else ""
        raise BadAnswerError(key, fault, value, example=example)


def with_name(answers: Answers, questions: Questions, folder: str) -> Answers:
    """Take the project's name from the destination, where none is given and it may be one."""
    if "project" not in questions.all or "project" in answers.others:
        return answers
    if questions.fault("project", folder):
        return answers
    return replace(answers, others={**answers.others, "project": folder})


def check_all(questions: Questions, answers: Answers, folder: str) -> None:
    """Refuse answers that are not whole.

    Raises:
        BadAnswerError: The project has no name, for the destination's cannot be one.
    """
    if "project" in questions.all and "project" not in answers.others:
        rule = questions.fault("project", folder)
        told = f"name the project, for the folder's name cannot be its: {rule}"
        raise BadAnswerError("project", told, folder, example="--set project=my-service")


def command_to_repeat(
    dest: Path, answers: Answers, template: str | None = None, ref: str | None = None
) -> str:
    """`cdp new DEST` with all other answers; whoever uses it adds patterns and choices."""
    settings = [f"--set {shlex.quote(f'{k}={written(v)}')}" for k, v in answers.others.items()]
    if answers.others.get("project") == dest.absolute().name:
        settings = [each for each in settings if not each.startswith("--set project=")]
    named = {"--template": template, "--ref": ref}
    source = [f"{flag} {shlex.quote(value)}" for flag, value in named.items() if value]
    return " ".join(["cdp new", shlex.quote(str(dest)), *source, *settings])


def whole_command(command: str, answers: Answers) -> str:
    """The command with patterns and choices: it generates the same without questions."""
    choices = [f"--set {slot}={option}" for slot, option in answers.choices.items()]
    return " ".join([command, *answers.patterns, *choices])


def find_patterns(catalog: Catalog, names: Iterable[str], where: str = "") -> list[str]:
    """The ids that people mean by ids or titles, each once.

    Args:
        catalog: Names them.
        names: What the user wrote.
        where: In which file; a clause for the message.

    Raises:
        UnknownPatternError: There is none of that name.
        WantedComponentError: It is a component.
    """
    found: dict[str, None] = {}
    for name in names:
        id = _find(catalog, name, where)
        if catalog.entries[id].kind != "pattern":
            raise WantedComponentError(id, bringers(catalog, id))
        found[id] = None
    return list(found)


def _find(catalog: Catalog, name: str, where: str) -> str:
    try:
        return catalog.find(name, "pattern")
    except UnknownPatternError as unknown:
        try:
            return catalog.find(name)
        except UnknownPatternError:
            raise UnknownPatternError(name, unknown.close, where) from None


def bringers(catalog: Catalog, id: str) -> tuple[str, ...]:
    """Some patterns that bring a component in by themselves."""
    found = []
    for pattern in catalog.patterns:
        answer = resolve(catalog, [pattern])
        if id in answer.members and catalog.entries[pattern].status == "ready":
            found.append(pattern)
    return tuple(found[:3])


def settle(catalog: Catalog, answers: Answers, command: str = "cdp resolve") -> Resolution:
    """Resolve the wish, or refuse it.

    Args:
        catalog: Names and relates everything.
        answers: The wish and the choices.
        command: What the ways out of a conflict are told as.

    Raises:
        EmptyWishError: No pattern was named.
        PlannedError: A part of it is not built yet.
        ConflictError: The wish cannot be.
        UnusedChoiceError: A slot was chosen for that nothing asks for.
    """
    from cdp_scaffold.explain import conflict_sheet

    if not answers.patterns:
        raise EmptyWishError
    answer = resolve(catalog, answers.patterns, answers.choices)
    if isinstance(answer, Conflict):
        raise ConflictError(answer, conflict_sheet(catalog, answer, command))
    planned = [id for id in answer.members if catalog.entries[id].status == "planned"]
    if planned:
        wished = [id for id in planned if id in answer.wish]
        raise PlannedError(wished or planned, [] if wished else answer.wish)
    unused = [slot for slot in answer.unused if slot in answers.choices]
    if unused:
        raise UnusedChoiceError(unused[0], answers.choices[unused[0]])
    return answer


def asked_slots(questions: Questions, resolution: Resolution) -> dict[str, str]:
    """The slots of a resolution that the template asks about: those the wish alone opens.

    A slot that only another choice opens keeps its default in the template.
    """
    draft = resolve(resolution.catalog, resolution.wish).slots
    return {
        slot: option
        for slot, option in resolution.slots.items()
        if slot in draft and slot in questions.all
    }


def choices_only(catalog: Catalog, settings: Iterable[str]) -> dict[str, str]:
    """The slot choices among `--set`, where nothing is generated and nothing else matters.

    Raises:
        UnknownAnswerError, UnknownOptionError, BadAnswerError: It says why.
    """
    choices = {}
    for setting in settings:
        slot, option = _setting(setting)
        if slot not in catalog.slots:
            raise UnknownSlotError(slot, tuple(catalog.slots), near(slot, catalog.slots))
        if option not in catalog.slots[slot].options:
            raise UnknownOptionError(slot, option, tuple(catalog.slots[slot].options))
        choices[slot] = option
    return choices


def read_file(file: Path) -> dict[str, Any]:
    """Read an answers file.

    Raises:
        AnswersFileError: It cannot be read, is no YAML, or is no mapping.
    """
    import yaml

    try:
        raw = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise AnswersFileError(file, (error.strerror or "cannot be read").lower()) from error
    except UnicodeDecodeError as error:
        raise AnswersFileError(file, "is no text in UTF-8") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "it cannot be parsed"
        raise AnswersFileError(file, f"is no YAML{place}: {problem}") from error
    except ValueError as error:  # such as a date in a thirteenth month
        raise AnswersFileError(file, f"is no YAML: {error}") from error
    except RecursionError:
        raise AnswersFileError(file, "its brackets or lists stand too deep in each other") from None
    if not isinstance(raw, dict):
        raise AnswersFileError(file, "holds no answers, each a line `name: value`")
    return raw


def _file_patterns(raw: Any, file: Path | None) -> Sequence[str]:
    if raw is None or (isinstance(raw, list) and all(isinstance(each, str) for each in raw)):
        return raw or ()
    raise AnswersFileError(file or Path(), "`patterns` must be a list of names")


def _setting(text: str) -> tuple[str, str]:
    key, sign, value = text.partition("=")
    if not sign or not key.strip():
        raise BadAnswerError(
            text, "`--set` takes a name and a value", example="--set region=eu-central-1"
        )
    return key.strip(), value


def written(value: Any) -> str:
    """A value as one writes it after `--set KEY=`."""
    return value if isinstance(value, str) else in_json(value)


def typed(questions: Questions, key: str, value: str) -> Any:
    """What somebody typed as the question's type; text stays text, whatever it looks like."""
    if questions.all[key].type in ("str", "path"):
        return value
    import yaml

    try:
        return yaml.safe_load(value)
    except (yaml.YAMLError, ValueError, RecursionError):
        return value


def _check_key(key: str, questions: Questions, where: str = "") -> None:
    if key not in questions.all:
        known = tuple(questions.all)
        raise UnknownAnswerError(key, where, near(key, known), known)


def near(name: str, known: Iterable[str]) -> tuple[str, ...]:
    """The two known names that are spelled most like this one, if any is."""
    import difflib  # Only a wrong name needs it.

    return tuple(difflib.get_close_matches(name, list(known), n=2))


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",")] if "," in text else [text]
