"""Every error a user may see. A class stands for one situation and words it from facts.

    ScaffoldError
    ├── CatalogError           the catalogue is wrong: every fault with file, entry and key
    ├── UnknownPatternError    a name that is in no catalogue entry
    ├── UnknownSlotError       `--set` names a slot that does not exist
    ├── UnknownOptionError     `--set` names an option the slot does not have
    ├── EmptyWishError         nothing was asked for
    ├── ConflictError          the wish cannot be resolved; carries the facts
    │                          of generating and updating:
    ├── PlannedError           the wish names something that has no blueprint yet
    ├── WantedComponentError   the wish names a component, which nobody asks for
    ├── AnswersFileError       the file of `--answers` cannot be used
    ├── UnknownAnswerError     an answer to a question that does not exist
    ├── BadAnswerError         an answer breaks the template's rule
    ├── UnusedChoiceError      a slot is chosen for that nothing asks for
    ├── StoppedError           the user wants no more
    ├── StillNeededError       `cdp remove` of what something else brings in
    ├── NotChosenError         `cdp remove` of what was not chosen
    ├── DestinationError       DEST holds something or cannot be written
    ├── TemplateError          the template cannot be found, fetched or read
    ├── GenerationError        copier failed
    ├── NotGeneratedError      the folder holds no generated repository
    ├── RepositoryError        no git work tree, or one that must not be touched now
    ├── WouldLoseError         files that were edited would go, and nobody agreed
    └── AnswerLostError        a recorded answer is no longer valid

Nothing here prints: the command line prints `str(error)` and `error.hint` and ends with
`error.exit_code`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cdp_scaffold.resolver import Conflict
    from cdp_scaffold.sheet import Sheet


def either(names: Sequence[str]) -> str:
    """Name each in backticks and join them with "or"."""
    quoted = [f"`{each}`" for each in names]
    if len(quoted) < 2:
        return "".join(quoted)
    return f"{', '.join(quoted[:-1])} or {quoted[-1]}"


class ScaffoldError(Exception):
    """What went wrong in one sentence, and in `hint` the way out."""

    exit_code = 1

    sheet: Sheet | None = None
    """The same as the text of `render`, for a terminal, where there is more to lay out."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint

    def render(self) -> str:
        """The text for a terminal: `error: …` and, after a blank line, `hint: …`."""
        text = f"error: {self}"
        return f"{text}\n\nhint: {self.hint}" if self.hint else text


@dataclass(frozen=True)
class Fault:
    """One thing wrong in the catalogue."""

    key: str
    """Where: `entries.alpha.needs.beta`."""

    message: str
    """What: a clause that follows the key."""

    hint: str = ""

    def __str__(self) -> str:
        return f"`{self.key}` {self.message}"


class CatalogError(ScaffoldError):
    """The catalogue breaks a rule; all faults are told at once."""

    def __init__(self, file: str, faults: Sequence[Fault]) -> None:
        self.file = file
        self.faults = tuple(faults)
        super().__init__(
            "\n".join(
                ("" if number == 0 else "error: ") + f"{file}: {fault}"
                for number, fault in enumerate(faults)
            ),
            "\n".join(fault.hint for fault in faults if fault.hint),
        )

    def render(self) -> str:
        """One fault like any error; of several, each with its own way out under it."""
        if len(self.faults) == 1:
            return super().render()
        lines = []
        for fault in self.faults:
            lines.append(f"error: {self.file}: {fault}")
            if fault.hint:
                lines.append(f"  hint: {fault.hint}")
        return "\n".join(lines)


class UnknownPatternError(ScaffoldError):
    """The wish names something the catalogue does not hold."""

    exit_code = 2

    def __init__(self, name: str, close: Sequence[str] = (), where: str = "") -> None:
        self.name = name
        self.close = tuple(close)
        super().__init__(
            f"there is no pattern `{name}`{where}",
            f"did you mean {either(close)}?" if close else "`cdp list` shows every pattern",
        )


class UnknownSlotError(ScaffoldError):
    """A choice is made for a slot that does not exist."""

    exit_code = 2

    def __init__(self, name: str, slots: Sequence[str], close: Sequence[str] = ()) -> None:
        super().__init__(
            f"there is no slot `{name}`",
            f"did you mean {either(close)}?" if close else f"the slots are {either(slots)}",
        )


class UnknownOptionError(ScaffoldError):
    """A choice names an option that its slot does not have."""

    exit_code = 2

    def __init__(self, slot: str, name: str, options: Sequence[str]) -> None:
        super().__init__(
            f"`{slot}` cannot be `{name}`",
            f"choose one of {either(options)}",
        )


class EmptyWishError(ScaffoldError):
    """No pattern was named."""

    exit_code = 2

    def __init__(self) -> None:
        super().__init__(
            "no pattern was named",
            "name at least one; `cdp list` shows every pattern",
        )


class ConflictError(ScaffoldError):
    """The wish cannot be resolved. What is `told` is the whole message, worded by `explain`."""

    exit_code = 2

    def __init__(self, conflict: Conflict, told: Sheet | str) -> None:
        self.conflict = conflict
        if isinstance(told, str):
            self.text = told
        else:
            self.sheet = told
            self.text = told.plain(80)
        super().__init__(self.text.removeprefix("error: "))

    def render(self) -> str:
        """The conflict's own text, which ends with its hint."""
        return self.text


class PlannedError(ScaffoldError):
    """A part of the wish is in the catalogue but cannot be generated yet."""

    exit_code = 2

    def __init__(self, planned: Sequence[str], because_of: Sequence[str] = ()) -> None:
        names = ", ".join(f"`{each}`" for each in planned)
        verb = "is" if len(planned) == 1 else "are"
        chain = f", and {either(because_of)} cannot do without it" if because_of else ""
        super().__init__(
            f"{names} {verb} planned and cannot be generated yet{chain}",
            "`cdp list` shows what can be generated",
        )


class WantedComponentError(ScaffoldError):
    """The wish names a component."""

    exit_code = 2

    def __init__(self, id: str, bringers: Sequence[str]) -> None:
        super().__init__(
            f"`{id}` is a component, which comes in when a pattern needs it",
            f"name a pattern that brings it in, such as {either(bringers)}"
            if bringers
            else f"`cdp show {id}` tells what brings it in",
        )


class AnswersFileError(ScaffoldError):
    """The file of `--answers` cannot be used."""

    exit_code = 2

    def __init__(self, file: object, why: str) -> None:
        super().__init__(
            f"{file}: {why}",
            "write it like the .copier-answers.yml of a generated repository",
        )


class UnknownAnswerError(ScaffoldError):
    """An answer is given to a question that does not exist."""

    exit_code = 2

    def __init__(
        self, name: str, where: str, close: Sequence[str], known: Sequence[str] = ()
    ) -> None:
        super().__init__(
            f"there is no question `{name}`{where}",
            f"did you mean {either(close)}?" if close else f"the questions are {', '.join(known)}",
        )


class BadAnswerError(ScaffoldError):
    """An answer breaks the rule of its question; at most one value was `got`."""

    exit_code = 2

    def __init__(self, name: str, rule: str, *got: object, example: str = "") -> None:
        said = rule if f"`{name}`" in rule else f"`{name}`: {rule}"
        value = "".join(f"; got {_quoted(each)}" for each in got)
        super().__init__(f"{said}{value}", f"such as `{example}`" if example else "")


class UnusedChoiceError(ScaffoldError):
    """A slot is chosen for that no part of the wish asks for."""

    exit_code = 2

    def __init__(
        self, slot: str, option: str, why: str = "no part of the wish asks for that job"
    ) -> None:
        super().__init__(
            f"`{slot}={option}` has nothing to decide: {why}",
            f"leave `{slot}` out; `cdp show {slot}` tells what asks for it",
        )


class StoppedError(ScaffoldError):
    """The user pressed Ctrl-C or said no."""

    exit_code = 130

    def __init__(self, what_is: str) -> None:
        super().__init__(f"stopped; {what_is}")

    def render(self) -> str:
        """What was stopped; nothing is wrong, so it is no `error:`."""
        return str(self)


class StillNeededError(ScaffoldError):
    """`cdp remove` names a pattern that something else brings in."""

    exit_code = 2

    def __init__(self, title: str, why: str, hint: str) -> None:
        super().__init__(f"{title} would stay: {why}", hint)


class NotChosenError(ScaffoldError):
    """`cdp remove` names a pattern that was not chosen."""

    exit_code = 2

    def __init__(self, id: str, why: str, chosen: Sequence[str]) -> None:
        super().__init__(
            f"`{id}` was not chosen" + (f"; {why}" if why else ""),
            f"chosen are {', '.join(chosen)}",
        )


class DestinationError(ScaffoldError):
    """The destination holds something, or cannot be written."""

    exit_code = 2

    def __init__(self, destination: object, why: str) -> None:
        super().__init__(f"{destination}: {why}", "name a folder that is not there yet")


class TemplateError(ScaffoldError):
    """The template cannot be found, fetched or read."""


class GenerationError(ScaffoldError):
    """Copier failed."""


class NotGeneratedError(ScaffoldError):
    """The folder holds no generated repository."""

    exit_code = 2

    def __init__(self, folder: object, why: str) -> None:
        super().__init__(
            f"{folder} is no repository that can be updated: {why}",
            "change into a generated repository, or name it: `-C DIRECTORY`",
        )


class RepositoryError(ScaffoldError):
    """The work tree is not one that may be changed now."""


class WouldLoseError(ScaffoldError):
    """The change would remove or overwrite files that were edited, and nobody agreed."""

    def __init__(self, paths: Sequence[str]) -> None:
        self.paths = tuple(paths)
        super().__init__(
            "nothing was changed, because edited files would be lost",
            "agree to it with `--yes`; what was committed stays in git's history",
        )


class AnswerLostError(ScaffoldError):
    """The template no longer takes a recorded answer and would replace it by a default."""

    def __init__(self, name: str, before: object, after: object) -> None:
        instead = "" if after is None else f" and would make it {_quoted(after)}"
        super().__init__(
            f"the template no longer takes the answer {name} = {_quoted(before)}{instead}; "
            "nothing was changed",
            f"choose another: cdp update --set {name}=…",
        )


def in_json(value: object) -> str:
    """A value on one line, as JSON where that can hold it."""
    import json

    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except (TypeError, ValueError):
        return repr(value)  # YAML may give a list that holds itself, or a date for a key


def _quoted(value: object) -> str:
    """A value on one line, short enough to read."""
    text = in_json(value)
    return text if len(text) <= 60 else f"{text[:40]}… ({len(str(value))} characters)"
