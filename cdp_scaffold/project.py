"""Generate a repository and keep it current; the only module that imports copier.

A new repository is rendered in this process where that is exact, see `standin`; all else is
copier's.

Whatever happens, the user's folder holds either what it held before or the whole result. A new
repository is generated beside its destination and moved there. An update is worked out in a clone
and carried over once it is known to be whole and nothing of the user's would be lost unasked.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, redirect_stderr, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cdp_scaffold import git, interrupts, repository, staging, standin
from cdp_scaffold.errors import (
    AnswerLostError,
    BadAnswerError,
    DestinationError,
    GenerationError,
    NotGeneratedError,
    RepositoryError,
    WouldLoseError,
)
from cdp_scaffold.repository import Change, Clone
from cdp_scaffold.template import Source, bundle_tags, checked_out

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


def check_destination(destination: Path, ours: Path | None = None) -> None:
    """Refuse a destination that holds something.

    Args:
        destination: It need not be there.
        ours: A folder of our own that it may hold.

    Raises:
        DestinationError: It is a file or a folder that is not empty.
    """
    try:
        if destination.is_symlink() or (destination.exists() and not destination.is_dir()):
            raise DestinationError(destination, "exists and is no folder")
        found = list(destination.iterdir()) if destination.is_dir() else []
        if not all(each == ours or staging.is_left(each) for each in found):
            raise DestinationError(destination, "exists and is not empty")
    except OSError as error:
        raise DestinationError(destination, _reason(error)) from error


def new(
    source: Source, answers: Mapping[str, Any], destination: Path, files: Path | None = None
) -> None:
    """Generate a repository into a folder that does not exist, or is empty.

    Args:
        source: The template.
        answers: Question → answer; copier takes the default of any other.
        destination: Appears at once and whole, or not at all, even if the program is killed.
        files: What `template.opened` gave for the source, if it is open.

    Raises:
        DestinationError: The destination holds something, or cannot be written.
        BadAnswerError, GenerationError: Copier refuses an answer or fails.
    """
    check_destination(destination)
    destination = Path(os.path.abspath(destination))  # noqa: PTH100 - links stay, `..` does not
    with interrupts.ending_cleanly(), ExitStack() as stack:
        try:
            place = stack.enter_context(staging.beside(destination))
        except OSError as error:
            raise DestinationError(destination, _reason(error)) from error
        # The last part of the path stays, for a template may ask for the folder's name.
        made = place / destination.name
        if not _stand_in(source, answers, made, files):
            data = {**answers, **_read_ahead(source)}
            _render(source, source.address, data, source.ref, made)
        check_destination(destination, place)
        try:
            staging.move(made, destination)
        except OSError as error:
            raise DestinationError(destination, _reason(error)) from error


def _stand_in(source: Source, answers: Mapping[str, Any], made: Path, known: Path | None) -> bool:
    """Generate without copier; `False` where only copier can, or has to say what is wrong."""
    with ExitStack() as stack:
        try:
            checkout = stack.enter_context(checked_out(source, known))
            files = standin.files(checkout, source.address, answers, made.name)
        except Exception:
            return False
        try:
            standin.write(files, made, checkout)
        except standin.Beyond:
            shutil.rmtree(made)
            return False
        except OSError as error:
            raise GenerationError(f"{error.filename}: {error.strerror}") from error
    return True


def _read_ahead(source: Source) -> dict[str, Any]:
    """The catalogue as copier would read it, where it is at hand.

    It is the hidden answer that takes longest: copier parses it several times, and slowly.
    """
    from cdp_scaffold import plain_yaml

    if source.files is None:
        return {}
    try:
        text = (source.files / "blueprints" / "catalog.yml").read_bytes()
    except FileNotFoundError:
        return {}
    if any(mark in text for mark in (b"{{", b"{%", b"{#")):
        return {}  # copier renders it first
    return {"catalog": plain_yaml.load(text)}


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
    except (yaml.YAMLError, ValueError, RecursionError) as error:
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
    _check_version(source, record)
    with interrupts.ending_cleanly(), repository.clone(folder) as clone:
        if not (clone.folder / ANSWERS_FILE).is_file():
            raise RepositoryError(
                f"{ANSWERS_FILE} is not committed, so git cannot tell your edits from the template",
                f"git add --force {ANSWERS_FILE} && git commit -m 'Keep the answers'",
            )
        asked = _run_update(source, record, answers, clone.folder)
        after = read_record(clone.folder)
        _check_answers(record, after, answers)
        change, lost = _losses(source, record, after, clone, clone.change())
        if lost and not may_lose(lost):
            raise WouldLoseError(lost)
        clone.carry_over(change, last=ANSWERS_FILE)
    return replace(change, notes=_notes(clone, record, after, asked))


def _run_update(
    source: Source, record: Record, answers: Mapping[str, Any], folder: Path
) -> frozenset[str]:
    """Let copier update a clone; hand back the questions that the template has now."""
    try:
        with _copier(source, updating=True) as copier:
            worker = copier.run_update(
                folder,
                data=dict(answers),
                vcs_ref=source.ref,
                defaults=True,
                overwrite=True,
                quiet=True,
            )
            return frozenset(worker.template.questions_data)
    except GenerationError as error:
        said = str(error).replace(f"{folder}/", "")
        if said.startswith("You are downgrading"):
            raise _too_new(source, record) from error
        raise GenerationError(said, error.hint) from error


def _check_version(source: Source, record: Record) -> None:
    """Refuse what a package cannot update, for it lacks the version to compare with.

    Raises:
        GenerationError: It says whether the package is too old, or the version is of no release.
    """
    from packaging.version import InvalidVersion, Version

    if source.bundle is None or record.commit in bundle_tags(source.bundle):
        return
    with suppress(InvalidVersion):
        if source.ref and Version(record.commit) > Version(source.ref):
            raise _too_new(source, record)
    raise _unknown(record.commit)


def _too_new(source: Source, record: Record) -> GenerationError:
    return GenerationError(
        f"the repository is at {record.commit}, which is newer than "
        f"{source.ref or 'the newest version of the template'}; nothing was changed",
        "bring cdp-scaffold itself up to date, or name a newer version by `--ref`",
    )


def _unknown(version: str) -> GenerationError:
    return GenerationError(
        f"the template has no version `{version}`, from which the repository was generated",
        "write the nearest version that it has as `_commit` into .copier-answers.yml "
        "and commit that",
    )


def _losses(
    source: Source, record: Record, after: Record, clone: Clone, change: Change
) -> tuple[Change, list[str]]:
    """The files whose present content would be lost, in git's history or for good.

    Returns:
        The change without files that git does not hold and the template left as they were, and
        the files.
    """
    touched = [path for path in (*change.deleted, *change.changed) if path != ANSWERS_FILE]
    if not touched and not change.covered:
        return change, []
    name = clone.original.name
    with tempfile.TemporaryDirectory(prefix="cdp-compare.") as place:
        # Generated again what the user was given, to see what they made of it.
        old, new = Path(place) / "old" / name, Path(place) / "new" / name
        _render(source, record.address, record.answers, record.commit, old)
        change = clone.sparing(change, old)
        lost = list(change.covered)
        edited = clone.edited(touched, old)
        lost += [path for path in edited if path in change.deleted]
        merged = [path for path in edited if path not in {*change.deleted, *change.conflicts}]
        if merged:
            _render(source, after.address, after.answers, source.ref, new)
            lost += clone.dropped(merged, old, new)
    return change, list(dict.fromkeys(lost))


def _notes(clone: Clone, before: Record, after: Record, asked: frozenset[str]) -> tuple[str, ...]:
    """What the user would not see in the files."""
    notes = []
    if clone.recovered:
        notes.append("an update that was stopped half-way was taken back first")
    for name, value in before.answers.items():
        if name not in after.answers and name not in asked:
            notes.append(f"the template no longer asks for {name}; your answer was {value}")
    return tuple(notes)


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


def _render(
    source: Source, address: str, answers: Mapping[str, Any], ref: str | None, target: Path
) -> None:
    """Let copier generate into a folder of ours."""
    with _copier(source) as copier:
        copier.run_copy(address, target, data=dict(answers), vcs_ref=ref, defaults=True, quiet=True)


@contextmanager
def _copier(source: Source, *, updating: bool = False) -> Iterator[Any]:
    """Copier, seeing the template where `source` has it, and its errors as ours."""
    import copier
    from copier.errors import CopierError, InvalidConfigFileError
    from jinja2 import TemplateError as JinjaError
    from plumbum import ProcessExecutionError, local

    saved = dict(os.environ)
    with tempfile.TemporaryDirectory(prefix="cdp-cache.") as cache:
        try:
            for name in git.MISLEADING:
                os.environ.pop(name, None)
            os.environ.update(source.environment(Path(cache), updating=updating))
            os.environ.update(git.PLAIN)
            # What copier remarks is for whoever writes templates, or told by our own errors.
            with local.env(), warnings.catch_warnings(), redirect_stderr(io.StringIO()):
                local.env.clear()  # plumbum keeps a copy of its own
                local.env.update(os.environ)
                warnings.simplefilter("ignore")
                yield copier
        except KeyboardInterrupt:  # of which copier makes an error of its own
            raise KeyboardInterrupt from None
        except ProcessExecutionError as error:
            said = _last_line(error.stderr) or "git failed"
            found = re.match(r"invalid reference: (.*)", said)
            raise (_unknown(found[1]) if found else GenerationError(said)) from error
        except JinjaError as error:
            raise GenerationError(_placed(error)) from error
        except InvalidConfigFileError as error:
            fault = _in_template(str(error.__cause__))
            raise GenerationError(f"the template's questions cannot be read: {fault}") from error
        except CopierError as error:
            raise GenerationError(str(error).strip() or type(error).__name__) from error
        except AssertionError as error:
            # Copier takes it for granted that a file and a folder are never at one place.
            raise GenerationError(
                "the template has a file where the repository has a folder of the same name"
            ) from error
        except ValueError as error:
            raise _refused(str(error)) from error
        except OSError as error:
            raise GenerationError(f"{error.filename}: {error.strerror}") from error
        finally:
            os.environ.clear()
            os.environ.update(saved)


def _placed(error: Exception) -> str:
    """What went wrong in a file of the template, and where."""
    place = ""
    for frame, line in traceback.walk_tb(error.__traceback__):
        file = frame.f_code.co_filename
        if "copier._vcs.clone." in file or file.endswith(".jinja"):
            place = f"the template's {_in_template(file)}, line {line}: "
    return f"{place}{_in_template(str(error))}"


def _in_template(text: str) -> str:
    """The text on one line, files named as they are in the template and not in copier's clone."""
    return re.sub(r"[^\s\"']*copier\._vcs\.clone\.[^/\s]*/", "", " ".join(text.split()))


def _refused(message: str) -> BadAnswerError | GenerationError:
    """Copier's `ValueError` as the refusal of an answer, where it is one."""
    found = re.match(
        r"(?:Validation error|Invalid choice) for (?:question )?'(\w+)': (.*)", message, re.DOTALL
    )
    if found:
        return BadAnswerError(found[1], " ".join(found[2].split()))
    found = re.match(r'Question "(\w+)" is required', message)
    if found:
        return BadAnswerError(found[1], "needs an answer", example=f"--set {found[1]}=…")
    found = re.match(r"Unknown revision: '(.*)'", message)
    return _unknown(found[1]) if found else GenerationError(message)


def _last_line(text: object) -> str:
    lines = str(text or "").strip().splitlines()
    return lines[-1].removeprefix("fatal: ") if lines else ""


def _reason(error: OSError) -> str:
    return (error.strerror or "cannot be used").lower()
