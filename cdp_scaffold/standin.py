"""Stand in for copier where that is exact: the same bytes and modes in a fraction of the time.

Copier needs seconds, most of them to import itself, to ask itself questions and to start git for
every file. This module knows the settings and hidden answers of our own `copier.yml` (`render`
computes those in Python), plain questions, and the questions for slots that `cdp` writes. Anything
else it takes no part in: it raises `Beyond`, as may any other error come up here, and then copier
does all of it and words what is wrong. So nothing is refused here, and nothing guessed.

It rests on: what `copier.yml`, the macros and the questions say, compared with our own template's;
copier's rules of what a question's value may be, as far as `_answer` holds them; and a context that
has copier's names, where using one that is not told here raises `Beyond`.
"""

from __future__ import annotations

import gc
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from cdp_scaffold import template as templates
from cdp_scaffold.questions import NO, load_parts
from cdp_scaffold.render import ANSWERS_FILE, COMPILED, EXCLUDED, MARKS, Source, Template
from cdp_scaffold.resolver import Resolution, decide, resolve

COMPUTED = ("catalog", "patterns", "draft", "resolution", "use", "plugs")
"""The questions of `copier.yml` that Python answers: they must be what they are in our template."""

MACROS = ("macros/gather.jinja", "macros/resolve.jinja")
"""What those are computed by."""

SETTINGS: Mapping[str, Any] = {
    "_answers_file": ANSWERS_FILE,
    "_envops": {"undefined": "jinja2.StrictUndefined", "keep_trailing_newline": True},
    "_exclude": ["/" + name for name in EXCLUDED],
    "_subdirectory": "blueprints",
}
OLDEST_COPIER = (9, 17, 2)
"""The least version that the package is installed with."""

PLAIN = {"str": str, "bool": bool, "int": int, "float": float}
ASKED = {"type", "help", "default", "validator", "when", "choices", "placeholder", "multiline"}
SLOT = {
    "type": "str",
    "when": "{{ 'SLOT' in draft.slots }}",
    "choices": "{% from 'macros/resolve.jinja' import options %}{{ options(catalog, 'SLOT') }}",
    "default": "{{ draft.slots.SLOT | default('', true) or UNSET }}",
    "validator": (
        "{% from 'macros/resolve.jinja' import refuse %}"
        "{{ refuse(catalog, patterns, 'SLOT', SLOT) }}"
    ),
}
"""The question for a slot; whatever it is, `help` decides nothing."""


class Beyond(Exception):  # noqa: N818 - it is no error: copier goes on
    """Copier has to do it; the text says why."""


@dataclass(frozen=True)
class File:
    """A file of the new repository."""

    path: str
    origin: str
    """The file of the template, whose mode it gets."""

    content: bytes | None
    """What it holds; if nothing, what the file of the template holds."""


def files(
    checkout: templates.Checkout, address: str, answers: Mapping[str, Any], name: str
) -> list[File]:
    """All files of a new repository.

    Args:
        checkout: The template.
        address: What the repository records as where it came from.
        answers: Question → answer; any other gets its default.
        name: The name of the repository's folder.

    Raises:
        Beyond: Copier has to do it. So it has on any other error.
    """
    with _no_collecting():
        return _files(checkout, address, answers, name)


@contextmanager
def _no_collecting() -> Iterator[None]:
    """Let Python look for no garbage: there is none, and looking takes a tenth of the time."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


def _files(
    checkout: templates.Checkout, address: str, answers: Mapping[str, Any], name: str
) -> list[File]:
    template = Template(checkout.root)
    _check_user()
    questions = _questions(checkout.root)
    told: dict[str, Any] = {"_src_path": address}
    if checkout.commit is not None:
        told["_commit"] = checkout.commit
    resolution, recorded, hidden = _answers(template, questions, answers, told)
    context = {
        **template.assemble(resolution, {**dict(sorted(told.items())), **recorded}),
        **hidden,
        "_copier_conf": _Settings(),
        "_copier_phase": _Untold(),
        "_copier_python": sys.executable,
        "_external_data": _Untold(),
        "_folder_name": name,
        "make_secret": _Untold(),
        "now": _Untold(),
    }
    members = set(resolution.members)
    sources = [source for source in template.sources if source.member in members]
    _check_files(template, sources, packaged=checkout.kind == "packaged")
    root = os.fspath(checkout.root)
    return [
        File(
            source.path,
            f"{root}/{source.file}",
            template.render(source, context) if source.is_template else None,
        )
        for source in sources
    ]


def write(made: Iterable[File], target: Path, checkout: templates.Checkout) -> None:
    """Write the files into a folder that is not there yet.

    Raises:
        Beyond: This file system takes two of the names for one.
        OSError: It cannot be done.
    """
    top = os.fspath(target)
    os.makedirs(top)  # noqa: PTH103 - hundreds of files: strings are quicker than paths
    folders = {""}
    for file in made:
        folder = file.path.rpartition("/")[0]
        if folder not in folders:
            os.makedirs(f"{top}/{folder}", exist_ok=True)  # noqa: PTH103
            folders.add(folder)
        path = f"{top}/{file.path}"
        try:
            _write(file, path, checkout)
        except FileExistsError:
            raise Beyond(f"{file.path} is there already") from None
        except OSError as error:
            where = error.filename or path
            raise OSError(error.errno, error.strerror, where) from error


def _write(file: File, path: str, checkout: templates.Checkout) -> None:
    origin = os.open(file.origin, os.O_RDONLY)
    try:
        target = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        try:
            if file.content is None:
                while chunk := os.read(origin, 1 << 20):
                    put(target, chunk)
            else:
                put(target, file.content)
            _set_mode(target, os.fstat(origin).st_mode, checkout)
        finally:
            os.close(target)
    finally:
        os.close(origin)


def put(handle: int, content: bytes) -> None:
    """Write all of it."""
    while content:
        content = content[os.write(handle, content) :]


def _set_mode(handle: int, origin: int, checkout: templates.Checkout) -> None:
    """Give a file the mode that it would have out of copier's hands.

    Of a clone it is that of any new file, and git's word on whether it may be executed; what pip
    unpacked has the mode that pip gave it, so there only the last is of interest.
    """
    fresh = os.fstat(handle).st_mode
    mode = origin
    if checkout.kind != "folder":
        base = fresh if checkout.kind == "packaged" else origin
        mode = (base & ~0o111) | (0o111 if origin & 0o100 else 0)
    if mode != fresh:
        with suppress(PermissionError):  # some file systems know no modes
            os.fchmod(handle, mode & 0o7777)


class _Untold:
    """A name that copier's context has, and whatever is done with it."""

    def _beyond(self, *_: Any) -> Any:
        raise Beyond("a template reads what only copier knows")

    __getattr__ = __getitem__ = __call__ = __iter__ = __len__ = __bool__ = _beyond
    __str__ = __contains__ = __eq__ = __hash__ = __lt__ = __gt__ = __add__ = __radd__ = _beyond


class _Settings(_Untold):
    """`_copier_conf`, as far as templates of ours read it."""

    answers_file = PurePath(ANSWERS_FILE)

    def __getitem__(self, key: str) -> Any:
        return self.answers_file if key == "answers_file" else self._beyond()


def _check_user() -> None:
    """Copier lets its users have settings, which may change defaults."""
    home = os.path.expanduser("~")  # noqa: PTH111 - stays `~` where there is no home
    config = os.environ.get("XDG_CONFIG_HOME") or f"{home}/.config"
    places = (f"{config}/copier", f"{home}/Library/Application Support/copier")
    known = any(os.path.exists(f"{place}/settings.yml") for place in places)  # noqa: PTH110
    if known or os.environ.get("COPIER_SETTINGS_PATH"):
        raise Beyond("the user has settings for copier")


def _questions(root: Path) -> dict[str, dict[str, Any]]:
    """The template's questions, if there is nothing in it that is not known here."""
    names = os.listdir(root)  # noqa: PTH208
    configs = [n for n in names if n.startswith("copier.") and re.match(r"(?i).*\.ya?ml", n)]
    if configs != ["copier.yml"] or ".gitmodules" in names:
        raise Beyond("several configurations, or submodules")
    settings, questions = _merged(load_parts(root))
    _check_settings(settings)
    ours = templates.own().files
    assert ours is not None
    if not ours.samefile(root):
        known = _merged(load_parts(ours))[1]
        for name in COMPUTED:
            if questions.get(name) != known[name]:
                raise Beyond(f"`{name}` is computed in another way")
        for file in MACROS:
            if (root / file).read_bytes() != (ours / file).read_bytes():
                raise Beyond(f"{file} is another")
    missing = [name for name in COMPUTED if name not in questions]
    if missing:
        raise Beyond(f"nothing computes `{missing[0]}`")
    return questions


def _merged(parts: Iterable[Mapping[str, Any]]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Settings and questions, of which the last of a name counts, but for exclusions."""
    settings: dict[str, Any] = {}
    questions: dict[str, Any] = {}
    for part in parts:
        for name, value in part.items():
            if name == "_exclude":
                settings[name] = [*settings.get(name, ()), *value]
            else:
                (settings if name.startswith("_") else questions)[name] = value
    return settings, questions


def _check_settings(settings: dict[str, Any]) -> None:
    least = str(settings.pop("_min_copier_version", "0"))
    if not re.fullmatch(r"\d+(\.\d+)*", least):
        raise Beyond(f"`_min_copier_version` is {least}")
    if tuple(map(int, least.split("."))) > OLDEST_COPIER:
        raise Beyond("it wants a newer copier")
    envops = settings.get("_envops")
    if isinstance(envops, dict):
        settings = {**settings, "_envops": {"keep_trailing_newline": True, **envops}}
    if settings != SETTINGS:
        odd = [k for k in {*settings, *SETTINGS} if settings.get(k) != SETTINGS.get(k)]
        raise Beyond(f"`{min(odd)}` is not as it is known here")


def _answers(
    template: Template,
    questions: Mapping[str, Any],
    given: Mapping[str, Any],
    told: Mapping[str, Any],
) -> tuple[Resolution, dict[str, Any], dict[str, Any]]:
    """What a repository is made of, what it records, and the answers that it does not record."""
    unknown = [name for name in given if name not in questions]
    if unknown:
        raise Beyond(f"an answer to no question: `{unknown[0]}`")
    text = (template.root / "blueprints" / "catalog.yml").read_text(encoding="utf-8")
    if any(mark in text for mark in MARKS):
        raise Beyond("the catalogue is a template")
    catalog = template.catalog
    wish = given.get("patterns")
    ready = {id for id in catalog.patterns if catalog.entries[id].status == "ready"}
    if not isinstance(wish, list) or not wish or not ready.issuperset(wish):
        raise Beyond("no such wish")
    wish = [id for id in catalog.patterns if id in wish]
    drafted = decide(catalog, wish, {})
    if any(kind == "excluded" for kind, _, _ in drafted.wrong):
        raise Beyond("the wish cannot be")
    draft = {
        "conflicts": _Untold() if drafted.wrong else [],
        "members": list(catalog.ordered(drafted.members)),
        "slots": dict(sorted(drafted.slots.items())),
    }
    recorded: dict[str, Any] = {}
    hidden: dict[str, Any] = {"draft": draft}
    resolution: Resolution | None = None
    known = {**told, **given, "catalog": template.catalog_data, "patterns": wish, "draft": draft}
    for name, details in questions.items():
        if name == "patterns":
            recorded[name] = wish
        elif name == "resolution":
            choices = {slot: recorded[slot] for slot in catalog.slots if slot in recorded}
            answer = resolve(catalog, wish, choices)
            if not isinstance(answer, Resolution):
                raise Beyond("the choices do not go together")
            resolution = answer
        elif name not in COMPUTED:
            if _is_slot(template, name, details):
                value, asked = _option(template, name, given, known)
            else:
                value, asked = _answer(template, name, details, given, known)
            if value is not None:
                (recorded if asked else hidden)[name] = known[name] = value
    assert resolution is not None
    return resolution, recorded, hidden


def _is_slot(template: Template, name: str, details: Any) -> bool:
    """Whether this is the question for a slot as we write it."""
    if name not in template.catalog.slots or not isinstance(details, dict):
        return False
    said = {key: " ".join(str(value).split()) for key, value in details.items() if key != "help"}
    return said == {key: value.replace("SLOT", name) for key, value in SLOT.items()}


def _option(
    template: Template, slot: str, given: Mapping[str, Any], known: Mapping[str, Any]
) -> tuple[str | None, bool]:
    """What is taken for a slot, and whether it is asked for."""
    catalog = template.catalog
    drafted = known["draft"]["slots"]
    if slot not in drafted:
        if slot in given:
            raise Beyond(f"an answer to a question that is not asked: `{slot}`")
        return None, False
    option = given.get(slot, drafted[slot])
    offered = catalog.slots[slot].options
    if option not in offered or any(
        catalog.entries[id].status != "ready" for id in offered[option].fills
    ):
        raise Beyond(f"`{slot}` cannot be `{option}`")
    if decide(catalog, known["patterns"], {slot: option}).wrong:
        text = SLOT["validator"].replace("SLOT", slot)
        if _rendered(template, text, {**known, slot: option}).strip():
            raise Beyond(f"`{slot}` is refused")
    return option, True


def _answer(
    template: Template,
    name: str,
    details: Any,
    given: Mapping[str, Any],
    known: Mapping[str, Any],
) -> tuple[Any, bool]:
    """The answer to a plain question, and whether it is asked."""
    if not isinstance(details, dict):
        raise Beyond(f"`{name}` is no question as they are known here")
    default = details.get("default")
    if details.get("when") is False and isinstance(default, (dict, list)) and name not in given:
        return default, False
    type = details.get("type")
    if not ASKED.issuperset(details) or type not in PLAIN or "_copier" in str(details):
        raise Beyond(f"`{name}` is no question as they are known here")
    asked = _asked(template, details.get("when", True), known)
    if name in given and not asked:
        raise Beyond(f"an answer to a question that is not asked: `{name}`")
    value = given.get(name, default)
    if name not in given and isinstance(default, str) and type == "str":
        value = _rendered(template, default, known)
    if value.__class__ is not PLAIN[type]:
        raise Beyond(f"`{name}` is not of its type")
    choices = details.get("choices", [value])
    if isinstance(choices, dict):
        choices = list(choices.values())
    if not isinstance(choices, list) or any(mark in str(choices) for mark in MARKS):
        raise Beyond(f"`{name}` has choices that are a template")
    if not any(each.__class__ is value.__class__ and each == value for each in choices):
        raise Beyond(f"`{name}` cannot be {value}")
    if asked and _rendered(template, details.get("validator", ""), {**known, name: value}).strip():
        raise Beyond(f"`{name}` is refused")
    return value, asked


def _asked(template: Template, when: Any, known: Mapping[str, Any]) -> bool:
    if isinstance(when, bool):
        return when
    said = _rendered(template, when, known).strip().lower()
    if said not in ("true", *NO):
        raise Beyond(f"`{said}` is neither yes nor no")
    return said == "true"


def _rendered(template: Template, text: str, known: Mapping[str, Any]) -> str:
    if "\r" not in text and not any(mark in text for mark in MARKS):
        return text
    return template.environment.from_string(text).render(known)


def _check_files(template: Template, sources: Iterable[Source], *, packaged: bool) -> None:
    """See to it that each file has one place, and that copier would see no others."""
    for path, what in template.odd.items():
        if not packaged or what != COMPILED:  # pip compiles what it unpacks
            raise Beyond(f"{path} is {what}")
    known = {"catalog.yml", *(f"{{{{use.{id}}}}}" for id in template.catalog.entries)}
    others = {*os.listdir(template.root / "blueprints")} - known  # noqa: PTH208
    if others:
        raise Beyond(f"blueprints/{min(others)} belongs to nobody")
    paths: set[str] = set()
    folders: set[str] = set()
    beside = set(os.listdir(template.root)) - {"blueprints"}  # noqa: PTH208
    for source in sources:
        if source.path in paths:
            raise Beyond(f"{source.path} has two owners")
        paths.add(source.path)
        parts = source.path.split("/")
        folders.update("/".join(parts[:n]) for n in range(1, len(parts)))
        # Copier leaves out a file for which the template's root has a template of its name.
        if (
            (parts[0] in beside or f"{parts[0]}.jinja" in beside)
            and not source.is_template
            and (template.root / f"{source.path}.jinja").exists()
        ):
            raise Beyond(f"{source.path}.jinja stands beside the blueprints")
    if not paths.isdisjoint(folders):
        raise Beyond("a file has the name of a folder")
