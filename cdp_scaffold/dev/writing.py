"""Write the folder of a pattern or component, and say so in the catalogue.

What is written works and is small: one note on the part, kept in Parameter Store, and where the
part comes with the application a feature that tells it. A contributor sees every place where
something of a pattern stands, finds all checks passing, and replaces the note by what the pattern
is about.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from cdp_scaffold import interrupts, rules, staging
from cdp_scaffold.catalog import Catalog, Entry, build_catalog, load_catalog
from cdp_scaffold.dev import catalogue_text
from cdp_scaffold.dev.errors import RefusedError
from cdp_scaffold.dev.new_entry import Ask, Wording, with_new_entry
from cdp_scaffold.errors import CatalogError, UnknownPatternError, either
from cdp_scaffold.render import Template
from cdp_scaffold.resolver import Resolution, resolve

TEMPLATES = Path(__file__).parent / "templates"
CATALOG = "blueprints/catalog.yml"
WIDTH = 100


def new(
    folder: Path,
    names: Sequence[str],
    wording: Wording,
    *,
    planned: bool = False,
    ask: Ask | None = None,
) -> str:
    """Write what is named, and tell what was written and what to do next.

    Args:
        folder: The checkout, or a folder in it.
        names: Ids or titles of what the catalogue plans, or one id that it does not hold.
        wording: What to say of an id that the catalogue does not hold.
        planned: Leave the entries planned.
        ask: Asks for what is missing; without it that is an error.

    Raises:
        RefusedError: It cannot be written; nothing was.
        UnknownPatternError: The catalogue holds nothing of that name, but something like it.
    """
    root = checkout(folder)
    catalog = load_catalog(root / CATALOG)
    text = (root / CATALOG).read_bytes().decode("utf-8")
    ids = tuple(dict.fromkeys(_known(catalog, name) or name for name in names))
    unknown = [id for id in ids if id not in catalog.entries]
    if not unknown and wording != Wording():
        raise RefusedError(
            f"{either(ids)} is in the catalogue, which has its title, family and needs already",
            f"leave these options out: cdp-dev new-pattern {' '.join(ids)}",
        )
    status = "planned" if planned else "ready"
    if unknown:
        text = with_new_entry(catalog, text, unknown[0], ids, wording, status, ask)
    else:
        for id in ids:
            _still_planned(root, catalog.entries[id])
            text = catalogue_text.with_status(text, id, status)
    try:
        catalog = build_catalog(catalogue_text.read(text), CATALOG)
    except CatalogError as error:
        raise RefusedError(str(error), error.hint) from error
    if not planned:
        _nothing_is_missing(catalog, ids)
    template = Template(root)
    files = {id: _files(template, catalog, id) for id in ids}
    _no_path_is_taken(template, files)
    _write(template, files, text)
    return _told(root, catalog, files, invented=bool(unknown) and not wording.component)


def planned(folder: Path) -> str:
    """Tell what can be written today, and what waits for something else."""
    catalog = load_catalog(checkout(folder) / CATALOG)
    now: list[str] = []
    later: list[str] = []
    for id, entry in catalog.entries.items():
        if entry.status == "planned":
            missing = _missing(catalog, id)
            what = f"  {id:24}{entry.kind}"
            if missing:
                later.append(f"{what:36}waits for {', '.join(missing)}\n")
            else:
                now.append(f"{what}\n")
    if not now and not later:
        return "Nothing is planned: all of the catalogue generates.\n"
    parts = [
        f"{head}:\n{''.join(rows)}"
        for head, rows in (("Can be written today", now), ("Wait for something else", later))
        if rows
    ]
    return "\n".join(parts)


def can_be_written(catalog: Catalog, id: str) -> bool:
    """Whether an entry is planned, and all that comes with it is there."""
    return catalog.entries[id].status == "planned" and not _missing(catalog, id)


def checkout(folder: Path) -> Path:
    """The top folder of the checkout that a folder belongs to.

    Raises:
        RefusedError: It belongs to none.
    """
    for each in (folder.absolute(), *folder.absolute().parents):
        if (each / "copier.yml").is_file() and (each / CATALOG).is_file():
            return each
    raise RefusedError(
        f"{folder.absolute()} is in no checkout of cdp-scaffold: {CATALOG} is missing",
        "change into one, or name it: -C DIRECTORY",
    )


def _known(catalog: Catalog, name: str) -> str | None:
    try:
        return catalog.find(name)
    except UnknownPatternError:
        return None


def _still_planned(root: Path, entry: Entry) -> None:
    folder = Template(root).folder(entry.id)
    if entry.status == "ready":
        raise RefusedError(
            f"`{entry.id}` generates already",
            f"change what is in {folder.relative_to(root)}, or take one of `cdp-dev planned`",
        )
    if folder.exists():
        raise RefusedError(
            f"{folder.relative_to(root)} is there already",
            f"go on in it; `status: ready` in {CATALOG} is what offers `{entry.id}` to users",
        )


def _brought(catalog: Catalog, id: str) -> tuple[str, ...]:
    """What comes with an entry that is asked for alone, itself included."""
    answer = resolve(catalog, (id,))
    if isinstance(answer, Resolution):
        return answer.members
    return catalog.ordered(rules.closures(catalog)[id])


def _missing(catalog: Catalog, id: str) -> list[str]:
    """What comes with an entry and is planned, itself left out."""
    planned = (each for each in _brought(catalog, id) if catalog.entries[each].status == "planned")
    return [each for each in planned if each != id]


def _nothing_is_missing(catalog: Catalog, ids: Sequence[str]) -> None:
    """Refuse what would be offered to users although a part of it cannot be generated."""
    for id in ids:
        missing = _missing(catalog, id)
        if missing:
            names = ", ".join(f"`{each}`" for each in missing)
            together = " ".join(dict.fromkeys((*missing, *ids)))
            verb = "is" if len(missing) == 1 else "are"
            raise RefusedError(
                f"`{id}` cannot be generated without {names}, which {verb} planned; "
                "nothing was written",
                f"write them in one go: cdp-dev new-pattern {together}\n"
                f"or begin, and offer it later: cdp-dev new-pattern --planned {' '.join(ids)}",
            )


# Its files


def _files(template: Template, catalog: Catalog, id: str) -> dict[str, str]:
    """The files of the folder: path → text."""
    import jinja2

    environment = jinja2.Environment(  # noqa: S701 - no HTML
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
    environment.filters["wrapped"] = _wrapped
    entry = catalog.entries[id]
    problem, _, idea = entry.summary.partition("; ")
    always = always_with(catalog, id)
    context = {
        "id": id,
        "kind": entry.kind,
        "title": entry.title,
        "words": "".join(word.capitalize() for word in id.split("_")),
        "summary": entry.summary,
        "problem": problem.rstrip(".") + ".",
        "idea": idea,
        "app": {"app", "setup"} <= always,
        "leans_on": [
            {"name": _page(template, catalog.entries[need], entry), "why": why.text}
            for need, why in entry.needs.items()
        ],
    }
    places = {
        ".cdp/contributes.yml": "contributes.yml",
        f"docs/{entry.kind}s/{id}.md": "page.md",
        f"infra/{id}.tf": "main.tf",
        f"infra/{id}.variables.tf": "variables.tf",
        f"infra/{id}.outputs.tf": "outputs.tf",
        f"infra/tests/{id}.tftest.hcl": "tftest.hcl",
    }
    if context["app"]:
        places[f"app/src/app/features/{id}.py"] = "feature.py"
        places[f"app/tests/test_{id}.py"] = "test_feature.py"
    return {
        path: environment.get_template(f"{name}.jinja").render(context)
        for path, name in places.items()
    }


def _wrapped(text: str, indent: str = "") -> str:
    """Text in lines, where code in backticks stays on one of them."""
    kept = re.sub(r"`[^`]*`", lambda code: code[0].replace(" ", "\0"), text)
    lines = textwrap.fill(
        kept, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    return lines.replace("\0", " ")


def always_with(catalog: Catalog, id: str) -> frozenset[str]:
    """What comes with an entry whatever else is chosen: its needs, and what every option brings."""
    closed = rules.closures(catalog)
    found = closed[id]
    while True:
        more = found
        for slot in {slot for each in found for slot in catalog.entries[each].slots}:
            brought = [
                frozenset().union(*(closed[filler] for filler in option.fills))
                for option in catalog.slots[slot].options.values()
            ]
            more |= frozenset.intersection(*brought)
        if more == found:
            return found
        found = more


def _page(template: Template, entry: Entry, seen_from: Entry) -> str:
    """The title, with a link to the page where there is one."""
    page = f"docs/{entry.kind}s/{entry.id}.md"
    folder = template.folder(entry.id)
    if not any((folder / f"{page}{suffix}").is_file() for suffix in ("", ".jinja")):
        return entry.title
    where = "" if entry.kind == seen_from.kind else f"../{entry.kind}s/"
    return f"[{entry.title}]({where}{entry.id}.md)"


def _no_path_is_taken(template: Template, files: Mapping[str, Mapping[str, str]]) -> None:
    owners = {source.path: source.member for source in template.sources}
    for id, texts in files.items():
        for path in texts:
            if path in owners and not path.startswith(".cdp/"):
                raise RefusedError(
                    f"`{id}` cannot be an id: its file {path} belongs to `{owners[path]}` already",
                    "take another title and id",
                )


def _write(template: Template, files: Mapping[str, Mapping[str, str]], catalogue: str) -> None:
    """Put all of it where it stands, or nothing."""
    root = template.root
    for id in files:
        if template.folder(id).exists():
            raise RefusedError(
                f"{template.folder(id).relative_to(root)} is there already",
                "move it away, or go on in it by hand",
            )
    try:
        with staging.beside(root / "blueprints" / "new") as place:
            for id, texts in files.items():
                for path, text in texts.items():
                    (place / id / path).parent.mkdir(parents=True, exist_ok=True)
                    (place / id / path).write_text(text, encoding="utf-8")
            (place / "catalog.yml").write_bytes(catalogue.encode("utf-8"))
            _move(template, files, place)
    except OSError as error:
        raise RefusedError(
            f"{error.filename} cannot be written: {error.strerror}; nothing was written",
            "make it writable, then run this again",
        ) from error


def _move(template: Template, ids: Iterable[str], place: Path) -> None:
    moved: list[str] = []
    with interrupts.undisturbed():
        try:
            for id in ids:
                (place / id).rename(template.folder(id))
                moved.append(id)
            (place / "catalog.yml").replace(template.root / CATALOG)
        except OSError:
            for id in moved:
                template.folder(id).rename(place / id)
            raise


def _told(
    root: Path, catalog: Catalog, files: Mapping[str, Mapping[str, str]], *, invented: bool
) -> str:
    """What was written, and the next three commands."""
    template = Template(root)
    lines = []
    for id, texts in files.items():
        entry = catalog.entries[id]
        folder = template.folder(id).relative_to(root)
        lines += [f"{entry.title} is written, and {entry.status} in {CATALOG}:", ""]
        lines += [f"  {folder}/"]
        lines += [f"    {path}" for path in sorted(texts)]
        lines += [""]
    if invented:
        lines += [
            "Tests hold the catalogue to the headings of the book: add this one to BOOK in",
            "tests/test_catalogue_text.py, and say in the commit where it is from.",
            "",
        ]
    last = list(files)[-1]
    lines += [
        "It keeps a note on itself and nothing else; replace that by what it is about. Next:",
        "",
        "  make docs goldens                   # what tells of it; read the difference",
        f"  {f'.venv/bin/pytest -k {last}':36}# its checks",
        f"  {_seen(catalog, last)}",
    ]
    return "\n".join(lines) + "\n"


def _seen(catalog: Catalog, id: str) -> str:
    """The command that shows what comes out."""
    entry = catalog.entries[id]
    if entry.status == "ready" and entry.kind == "pattern":
        return f".venv/bin/cdp new ../try --template . --ref HEAD --no-input -p {id}"
    return f".venv/bin/cdp show {id}"
