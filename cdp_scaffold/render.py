"""Render a resolution in this process, byte for byte what copier writes.

Copier stays the way in and the reference; checks that need thousands of renderings use this
module. It reads the template's files and writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from jinja2 import FileSystemLoader, StrictUndefined, meta
from jinja2.sandbox import SandboxedEnvironment

from cdp_scaffold.answers import asked_slots
from cdp_scaffold.catalog import Catalog, load_catalog
from cdp_scaffold.questions import Questions, load_questions
from cdp_scaffold.resolver import Resolution

SUFFIX = ".jinja"
ANSWERS_FILE = ".copier-answers.yml"


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


class Template:
    """The template's files, its catalogue and its compiled Jinja templates."""

    def __init__(self, root: Path) -> None:
        """Open the template at `root`, the folder that holds `copier.yml`."""
        self.root = root
        self.environment = SandboxedEnvironment(
            loader=FileSystemLoader(root),
            extensions=["jinja2_ansible_filters.AnsibleCoreFiltersExtension"],
            undefined=StrictUndefined,
            keep_trailing_newline=True,
        )

    @cached_property
    def catalog_data(self) -> dict[str, Any]:
        """The catalogue as templates see it: plain mappings and lists."""
        text = (self.root / "blueprints" / "catalog.yml").read_text(encoding="utf-8")
        loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        data: dict[str, Any] = yaml.load(text, loader)  # noqa: S506 - a safe one
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
        folder = self.folder(member)
        for file in sorted(folder.rglob("*")):
            relative = file.relative_to(folder)
            if (
                file.is_file()
                and relative.parts[0] != ".cdp"
                and "__pycache__" not in relative.parts
            ):
                path = relative.as_posix().replace("{{_copier_conf.answers_file}}", ANSWERS_FILE)
                yield Source(member, file.relative_to(self.root), path.removesuffix(SUFFIX))

    @cached_property
    def contributions(self) -> Mapping[str, Mapping[str, Sequence[Any]]]:
        """What each member contributes: member -> socket -> values."""
        found: dict[str, Mapping[str, Sequence[Any]]] = {}
        for member in self.catalog.entries:
            file = self.folder(member) / ".cdp" / "contributes.yml"
            if file.exists():
                name = file.relative_to(self.root).as_posix()
                text = self.environment.get_template(name).render()
                found[member] = yaml.safe_load(text) or {}
        return found

    def plugs(self, members: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
        """Gather by socket what `members` contribute, in the order given."""
        sockets: dict[str, list[dict[str, Any]]] = {}
        for member in members:
            for socket, values in self.contributions.get(member, {}).items():
                sockets.setdefault(socket, []).extend({"by": member, "value": v} for v in values)
        return sockets

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
        return {
            **{key: value for key, value in recorded.items() if not key.startswith("_")},
            "catalog": self.catalog_data,
            "resolution": {
                "members": list(resolution.members),
                "slots": dict(sorted(resolution.slots.items())),
                "conflicts": [],
            },
            "use": {id: "." if id in resolution.members else "" for id in self.catalog.entries},
            "plugs": self.plugs(resolution.members),
            "_copier_answers": recorded,
            "_copier_conf": {"answers_file": ANSWERS_FILE},
        }

    def render(self, source: Source, context: Mapping[str, Any]) -> bytes:
        """The bytes of one file."""
        if not source.is_template:
            return (self.root / source.file).read_bytes()
        return self.environment.get_template(source.file.as_posix()).render(context).encode()

    def variables(self, source: Source) -> set[str]:
        """The names a template takes from outside; none for a file that is copied."""
        if not source.is_template:
            return set()
        text = (self.root / source.file).read_text(encoding="utf-8")
        return meta.find_undeclared_variables(self.environment.parse(text))

    def tree(self, resolution: Resolution, answers: Answers = Answers()) -> dict[str, bytes]:
        """Every file of a generated repository: path -> bytes."""
        context = self.context(resolution, answers)
        members = set(resolution.members)
        return {s.path: self.render(s, context) for s in self.sources if s.member in members}
