"""Generate a repository and keep it current; the only module that imports copier.

Whatever happens, the user's folder holds either what it held before or the whole result. A new
repository is generated beside its destination and moved there. An update is worked out in a clone
and carried over once it is known to be whole and nothing of the user's would be lost unasked.
"""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from cdp_scaffold import repository
from cdp_scaffold.errors import (
    AnswerLostError,
    BadAnswerError,
    DestinationError,
    GenerationError,
    NotGeneratedError,
    WouldLoseError,
)
from cdp_scaffold.repository import Change
from cdp_scaffold.template import Source

ANSWERS_FILE = ".copier-answers.yml"


@dataclass(frozen=True)
class Record:
    """What a generated repository tells about itself."""

    address: str
    commit: str
    answers: Mapping[str, Any]

    @property
    def patterns(self) -> tuple[str, ...]:
        """The wish."""
        return tuple(self.answers.get("patterns") or ())


def check_destination(destination: Path) -> None:
    """Refuse a destination that holds something.

    Raises:
        DestinationError: It is a file or a folder that is not empty.
    """
    try:
        if destination.is_symlink() or (destination.exists() and not destination.is_dir()):
            raise DestinationError(destination, "exists and is no folder")
        if destination.is_dir() and any(destination.iterdir()):
            raise DestinationError(destination, "exists and is not empty")
    except OSError as error:
        raise DestinationError(destination, error.strerror or "cannot be read") from error


def new(source: Source, answers: Mapping[str, Any], destination: Path) -> None:
    """Generate a repository into a folder that does not exist, or is empty.

    Args:
        source: The template.
        answers: Question → answer; copier takes the default of any other.
        destination: Appears at once and whole, or not at all, even if the program is killed.

    Raises:
        DestinationError: The destination holds something, or cannot be written.
        BadAnswerError, GenerationError: Copier refuses an answer or fails.
    """
    check_destination(destination)
    destination = destination.absolute()
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{destination.name}.cdp-", dir=destination.parent))
    except OSError as error:
        raise DestinationError(destination, error.strerror or "cannot be written") from error
    with _removed_at_the_end(staging):
        # The last part of the path stays, for a template may ask for the folder's name.
        made = staging / destination.name
        with _copier(source) as copier:
            copier.run_copy(
                source.address,
                made,
                data=dict(answers),
                vcs_ref=source.ref,
                defaults=True,
                quiet=True,
            )
        check_destination(destination)
        made.rename(destination)  # onto an empty folder this is allowed, and still one step


def read_record(folder: Path) -> Record:
    """What the repository in `folder` was generated from.

    Raises:
        NotGeneratedError: There is no answers file, or it is broken.
    """
    import yaml

    file = folder / ANSWERS_FILE
    try:
        raw = yaml.safe_load(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise NotGeneratedError(folder, f"it holds no {ANSWERS_FILE}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise NotGeneratedError(folder, f"its {ANSWERS_FILE} cannot be read") from error
    except yaml.YAMLError as error:
        where = getattr(error, "problem_mark", None)
        place = f" at line {where.line + 1}" if where else ""
        raise NotGeneratedError(folder, f"its {ANSWERS_FILE} is broken{place}") from error
    if not isinstance(raw, dict) or not isinstance(raw.get("_src_path"), str):
        raise NotGeneratedError(folder, f"its {ANSWERS_FILE} names no template (`_src_path`)")
    if not isinstance(raw.get("_commit"), str):
        raise NotGeneratedError(
            folder,
            f"its {ANSWERS_FILE} names no version (`_commit`): the template had no git history",
        )
    answers = {key: value for key, value in raw.items() if not str(key).startswith("_")}
    patterns = answers.get("patterns")
    if not isinstance(patterns, list) or not all(isinstance(each, str) for each in patterns):
        raise NotGeneratedError(
            folder, f"the `patterns` in its {ANSWERS_FILE} are no list of names"
        )
    return Record(raw["_src_path"], raw["_commit"], answers)


def read_answers(folder: Path) -> dict[str, Any]:
    """The answers that a repository records, whatever template it has."""
    import yaml

    raw = yaml.safe_load((folder / ANSWERS_FILE).read_text(encoding="utf-8"))
    return {key: value for key, value in raw.items() if not str(key).startswith("_")}


def update(
    folder: Path,
    record: Record,
    source: Source,
    answers: Mapping[str, Any],
    may_lose: Callable[[Sequence[str]], bool],
) -> Change:
    """Bring a generated repository to a version of its template and to new answers.

    Args:
        folder: The top of what was generated; a git work tree without uncommitted changes.
        record: What it was generated from.
        source: The template, at the version to go to.
        answers: The answers that are to change.
        may_lose: Asked with the files that the user edited and the update removes or overwrites.

    Returns:
        What became different, and which files are left with conflicts.

    Raises:
        RepositoryError: No git work tree, or a dirty one.
        WouldLoseError: `may_lose` said no. Nothing was changed.
        AnswerLostError: A recorded answer is no longer valid. Nothing was changed.
        BadAnswerError, GenerationError: Copier refuses an answer or fails. Nothing was changed.
    """
    with repository.clone(folder) as clone:
        with _copier(source) as copier:
            copier.run_update(
                clone.folder,
                data=dict(answers),
                vcs_ref=source.ref,
                defaults=True,
                overwrite=True,
                quiet=True,
            )
        _check_answers(record, read_record(clone.folder), answers)
        change = clone.change()
        lost = list(change.covered)
        if change.deleted:
            with tempfile.TemporaryDirectory(prefix="cdp-old.") as old:
                _render_old(source, record, Path(old) / folder.absolute().name)
                generated = Path(old) / folder.absolute().name
                lost += [path for path in change.deleted if clone.edited(path, generated)]
        if lost and not may_lose(lost):
            raise WouldLoseError(lost)
        clone.carry_over(change)
    return change


def _render_old(source: Source, record: Record, target: Path) -> None:
    """Generate again what the user was given, to see what they made of it."""
    with _copier(source) as copier:
        copier.run_copy(
            record.address,
            target,
            data=dict(record.answers),
            vcs_ref=record.commit,
            defaults=True,
            quiet=True,
        )


def _check_answers(before: Record, after: Record, changed: Mapping[str, Any]) -> None:
    """Refuse an update in which copier replaced a recorded answer by a default.

    It does so silently where the new version no longer takes the answer, and whole parts of the
    repository may vanish with it.
    """
    wanted = {**before.answers, **changed}
    for name, value in after.answers.items():
        if name in wanted and value != wanted[name]:
            raise AnswerLostError(name, wanted[name], value)
    if "patterns" not in after.answers:
        raise AnswerLostError("patterns", list(before.patterns), None)


@contextmanager
def _copier(source: Source) -> Iterator[Any]:
    """Copier, seeing the template where `source` has it, and its errors as ours."""
    import copier
    from copier.errors import CopierError, CopierWarning
    from jinja2 import TemplateError as JinjaError
    from plumbum import ProcessExecutionError, local

    with tempfile.TemporaryDirectory(prefix="cdp-cache.") as cache:
        environment = {**source.environment(Path(cache)), "GIT_TERMINAL_PROMPT": "0"}
        saved = dict(os.environ)
        try:
            # Inside a git hook these would lead every git below to the wrong repository.
            for name in ("GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE", "GIT_PREFIX"):
                os.environ.pop(name, None)
            os.environ.update(environment)
            with local.env(), warnings.catch_warnings():
                local.env.clear()  # plumbum keeps a copy of its own
                local.env.update(os.environ)
                warnings.simplefilter("ignore", CopierWarning)
                yield copier
        except ProcessExecutionError as error:
            raise GenerationError(_last_line(error.stderr) or "git failed") from error
        except (CopierError, JinjaError) as error:
            raise GenerationError(str(error).strip() or type(error).__name__) from error
        except ValueError as error:
            raise _refused(str(error)) from error
        except OSError as error:
            raise GenerationError(f"{error.strerror}: {error.filename}") from error
        finally:
            os.environ.clear()
            os.environ.update(saved)


def _refused(message: str) -> BadAnswerError | GenerationError:
    """Copier's `ValueError` as the refusal of an answer, where it is one."""
    import re

    found = re.match(
        r"(?:Validation error|Invalid choice) for (?:question )?'(\w+)': (.*)", message, re.DOTALL
    )
    if found:
        return BadAnswerError(found[1], " ".join(found[2].split()))
    return GenerationError(message)


def _last_line(text: object) -> str:
    lines = str(text or "").strip().splitlines()
    return lines[-1] if lines else ""


@contextmanager
def _removed_at_the_end(folder: Path) -> Iterator[None]:
    """Remove a folder when done, also when asked to terminate."""

    def terminate(number: int, _: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = None
    with suppress(ValueError):  # not in the main thread: whoever runs us handles signals
        before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if before is not None:
            signal.signal(signal.SIGTERM, before)
