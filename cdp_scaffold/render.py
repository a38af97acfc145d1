"""Render a resolution in this process, byte for byte what copier writes.

What copier computes from `copier.yml` in Jinja (who is a member, which folders are laid over the
repository, what members contribute to each other) is computed here in Python; the tests of both
ways hold them equal. `standin` tells for which templates and answers that is so. Nothing is
written here.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from jinja2 import BaseLoader, Environment, StrictUndefined, TemplateNotFound, meta
from jinja2 import Template as Compiled
from jinja2.loaders import split_template_path
from jinja2.sandbox import SandboxedEnvironment

from cdp_scaffold import plain_yaml
from cdp_scaffold.answers import asked_slots
from cdp_scaffold.catalog import Catalog, load_catalog
from cdp_scaffold.compiled import CompiledTemplates, user_folder
from cdp_scaffold.memory import EVERYTHING, Memory
from cdp_scaffold.questions import Questions, load_questions
from cdp_scaffold.resolver import Resolution

SUFFIX = ".jinja"
ANSWERS_FILE = ".copier-answers.yml"
ANSWERS_NAME = "{{_copier_conf.answers_file}}" + SUFFIX
EXCLUDED = (".cdp", "catalog.yml")
"""What `_exclude` in copier.yml keeps out of the top of a repository."""

COMPILED = "compiled Python"
"""What is left out because Python put it beside its sources."""

MARKS = ("{{", "{%", "{#")
"""What Jinja code begins with."""


@dataclass(frozen=True, slots=True)
class Source:
    """One file of a blueprint."""

    member: str
    """Id of the pattern or component that owns the file."""
    file: Path
    """Where it stands in the template, relative to the template's root."""
    path: str
    """Where it will stand in a generated repository."""

    @property
    def is_template(self) -> bool:
        """Whether Jinja renders the file; the others are copied as they are."""
        return self.file.name.endswith(SUFFIX)


@dataclass(frozen=True, slots=True)
class Planned:
    """A file that a wish would give."""

    path: str
    member: str
    why: str
    """Why it is there, as its owner tells it; empty where it does not."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What a repository is rendered from, besides the resolution.

    `commit` and `source` are what copier records in the answers file; `None` leaves them out.
    """

    project: str = "shop"
    region: str = "us-east-1"
    commit: str | None = None
    source: str | None = None
    others: Mapping[str, Any] = field(default_factory=dict)
    """Answers to questions that patterns ask besides those for slots."""


class _Loader(BaseLoader):
    """Reads templates below one folder, and nothing that a link leads out of it.

    A template is called by its name there, wherever the folder is, and so is its compiled code.
    """

    def __init__(self, root: Path) -> None:
        self._root = os.path.realpath(root)

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, None]:  # noqa: ARG002
        file = os.path.join(self._root, *split_template_path(template))  # noqa: PTH118
        try:
            if os.path.realpath(file) != file:
                raise TemplateNotFound(template)
            with open(file, encoding="utf-8") as stream:  # noqa: PTH123 - hundreds of them
                return stream.read(), template, None
        except OSError:
            raise TemplateNotFound(template) from None


class Template:
    """The template's files, its catalogue and its compiled Jinja templates."""

    def __init__(self, root: Path, cache: Path | None = None) -> None:
        """Open a template.

        Args:
            root: The folder that holds `copier.yml`.
            cache: Where compiled templates are kept; in the user's cache folder if not given.
        """
        self.root = root
        self.odd: dict[str, str] = {}
        """Paths that copier treats in ways of its own → what they are; known with `sources`."""

        self._compiled: dict[Path, Compiled] = {}
        self._plain: dict[Path, bytes] = {}
        self._memory: Memory | None = None
        folder = cache or user_folder()
        self.environment = SandboxedEnvironment(
            loader=_Loader(root),
            extensions=["jinja2_ansible_filters.AnsibleCoreFiltersExtension"],
            undefined=StrictUndefined,
            keep_trailing_newline=True,
            cache_size=-1,
            auto_reload=False,
            bytecode_cache=CompiledTemplates(folder) if folder else None,
        )

    @cached_property
    def catalog_data(self) -> dict[str, Any]:
        """The catalogue as templates see it: plain mappings and lists."""
        text = (self.root / "blueprints" / "catalog.yml").read_text(encoding="utf-8")
        data: dict[str, Any] = plain_yaml.load(text)
        return data

    @cached_property
    def catalog(self) -> Catalog:
        """The catalogue as the resolver sees it."""
        return load_catalog(self.root / "blueprints" / "catalog.yml")

    @cached_property
    def questions(self) -> Questions:
        """What copier would ask; only answers to that are recorded."""
        return load_questions(self.root)

    @cached_property
    def sources(self) -> tuple[Source, ...]:
        """Every file of every blueprint, in catalogue order, then by path."""
        return tuple(source for member in self.catalog.entries for source in self._of(member))

    def folder(self, member: str) -> Path:
        """The blueprint folder of `member`, whether it exists or not."""
        return self.root / "blueprints" / f"{{{{use.{member}}}}}"

    def _of(self, member: str) -> Iterator[Source]:
        folder = os.fspath(self.folder(member))
        place = f"blueprints/{{{{use.{member}}}}}/"
        for path in self._walk(folder, "") if os.path.isdir(folder) else ():  # noqa: PTH112
            if path == ANSWERS_NAME:
                yield Source(member, Path(place + path), ANSWERS_FILE)
                continue
            if "{" in path and any(mark in path for mark in MARKS):
                self.odd[place + path] = "a name that is a template"
            yield Source(member, Path(place + path), path.removesuffix(SUFFIX))

    def _walk(self, folder: str, above: str) -> Iterator[str]:
        """The files below a folder, by path, seen from the folder that `above` is empty for."""
        with os.scandir(folder) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
        if not found:
            self.odd[folder] = "an empty folder"
        names = {entry.name for entry in found}
        for entry in found:
            if not above and entry.name in EXCLUDED:
                continue
            if entry.name == "__pycache__":
                self.odd[entry.path] = COMPILED
            elif entry.is_dir():
                if entry.is_symlink():
                    self.odd[entry.path] = "a link"
                yield from self._walk(entry.path, f"{above}{entry.name}/")
            else:
                if entry.is_symlink():
                    self.odd[entry.path] = "a link"
                if entry.name + SUFFIX in names:
                    self.odd[entry.path] = "a file beside a template of the same name"
                yield above + entry.name

    @cached_property
    def contributions(self) -> Mapping[str, Mapping[str, Sequence[Any]]]:
        """What each member contributes: member -> socket -> values."""
        found: dict[str, Mapping[str, Sequence[Any]]] = {}
        for member in self.catalog.entries:
            file = self.folder(member) / ".cdp" / "contributes.yml"
            if file.exists():
                text = file.read_text(encoding="utf-8")
                if any(mark in text for mark in MARKS):
                    name = file.relative_to(self.root).as_posix()
                    text = self.environment.get_template(name).render(id=member)
                # Copier hands it on as JSON, which sorts keys.
                found[member] = json.loads(json.dumps(plain_yaml.load(text) or {}, sort_keys=True))
        return found

    def plugs(self, members: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
        """Gather by socket what `members` contribute, in the order given."""
        sockets: dict[str, list[dict[str, Any]]] = {}
        for member in members:
            for socket, values in self.contributions.get(member, {}).items():
                sockets.setdefault(socket, []).extend({"by": member, "value": v} for v in values)
        return dict(sorted(sockets.items()))

    def context(self, resolution: Resolution, answers: Answers = Answers()) -> dict[str, Any]:
        """The variables that templates may read."""
        recorded: dict[str, Any] = {
            **({"_commit": answers.commit} if answers.commit else {}),
            **({"_src_path": answers.source} if answers.source else {}),
            "project": answers.project,
            "region": answers.region,
            "patterns": list(resolution.wish),
            **asked_slots(self.questions, resolution),
            **answers.others,
        }
        return self.assemble(resolution, recorded)

    def assemble(self, resolution: Resolution, recorded: Mapping[str, Any]) -> dict[str, Any]:
        """The variables that templates may read, from what the repository records."""
        members = set(resolution.members)
        return {
            **recorded,
            "catalog": self.catalog_data,
            "resolution": {
                "conflicts": [],
                "members": list(resolution.members),
                "slots": dict(sorted(resolution.slots.items())),
            },
            "use": {id: "." if id in members else "" for id in sorted(self.catalog.entries)},
            "plugs": self.plugs(resolution.members),
            "_copier_answers": dict(recorded),
            "_copier_conf": {"answers_file": ANSWERS_FILE},
        }

    def render(self, source: Source, context: Mapping[str, Any]) -> bytes:
        """The bytes of one file."""
        if not source.is_template:
            return (self.root / source.file).read_bytes()
        compiled = self._compiled.get(source.file)
        if compiled is None:
            compiled = self.environment.get_template(source.file.as_posix())
            self._compiled[source.file] = compiled
        return compiled.render(context).encode()

    def variables(self, source: Source) -> set[str]:
        """The names a template takes from outside; none for a file that is copied."""
        if not source.is_template:
            return set()
        text = (self.root / source.file).read_text(encoding="utf-8")
        return meta.find_undeclared_variables(self.environment.parse(text))

    def planned(self, resolution: Resolution) -> list[Planned]:
        """The files a wish would give, by path; nothing is rendered."""
        members = set(resolution.members)
        whys = {
            (member, told["path"]): str(told["why"])
            for member in members
            for told in self.contributions.get(member, {}).get("files", ())
        }
        found = (
            Planned(s.path, s.member, whys.get((s.member, s.path), ""))
            for s in self.sources
            if s.member in members
        )
        return sorted(found, key=lambda file: file.path)

    def tree(self, resolution: Resolution, answers: Answers = Answers()) -> dict[str, bytes]:
        """Every file of a generated repository: path -> bytes."""
        context = self.context(resolution, answers)
        members = set(resolution.members)
        sources = [source for source in self.sources if source.member in members]
        if self._memory is None:  # what is rendered once need not be remembered
            self._memory = Memory(self.environment)
            return {source.path: self.render(source, context) for source in sources}
        state = self._state(resolution, context)
        return {source.path: self._again(source, context, state) for source in sources}

    def _again(
        self, source: Source, context: Mapping[str, Any], state: Mapping[str, object]
    ) -> bytes:
        """The bytes of one file, perhaps from memory."""
        if source.is_template:
            assert self._memory is not None
            name = source.file.as_posix()
            return self._memory.get(name, state, lambda: self.render(source, context))
        content = self._plain.get(source.file)
        if content is None:
            content = self._plain[source.file] = self.render(source, context)
        return content

    def _state(self, resolution: Resolution, context: Mapping[str, Any]) -> dict[str, object]:
        """What of the context two wishes may have in common; see `Memory.get`."""
        members = tuple(resolution.members)
        slots = tuple(sorted(resolution.slots.items()))
        recorded = json.dumps(context["_copier_answers"], sort_keys=True, default=str)
        return {
            "catalog": (),
            "_copier_conf": (),
            "project": context["project"],
            "region": context["region"],
            "patterns": tuple(resolution.wish),
            "resolution": (members, slots),
            "resolution.conflicts": (),
            "resolution.members": members,
            "resolution.slots": slots,
            "plugs": members,
            **{f"plugs.{k}": tuple(e["by"] for e in v) for k, v in context["plugs"].items()},
            "use": members,
            **{f"use.{id}": folder for id, folder in context["use"].items()},
            EVERYTHING: (members, slots, recorded),
        }
