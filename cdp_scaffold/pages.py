"""The pages and pictures of docs/ that are made from the catalogue: `python -m cdp_scaffold.pages`.

Every page is a function of the catalogue alone, so that a check can tell a stale one.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from math import comb
from pathlib import Path
from typing import Any

from cdp_scaffold import model_text, pictures
from cdp_scaffold.catalog import Catalog, load_catalog
from cdp_scaffold.model import Model, Pair, Wishes
from cdp_scaffold.patterns_page import patterns_page
from cdp_scaffold.resolver import resolve

TEMPLATES = Path(__file__).parent / "page_templates"
ROOT = Path(__file__).parents[1]
COMMAND = "make docs"

CROSS = "\N{MULTIPLICATION SIGN}"
LEGEND = (
    ("valid", "", "can be together"),
    ("suits", "+", "can be together, and one would suit the other"),
    ("brings", "↑", "the row brings in the column"),
    ("brings", "←", "the column brings in the row"),
    ("default", "↑", "the same, but only by default: you may choose otherwise"),
    ("refused", CROSS, "cannot be together"),
    ("self", "", "a pattern alone, and what it brings in"),
)


def pages(catalog: Catalog) -> dict[str, str]:
    """Every page: its path in the repository → its text."""
    model = Model(catalog)
    found = {
        "docs/patterns.md": patterns_page(catalog),
        "docs/model.md": model_page(model),
        "docs/matrix.html": matrix_page(model),
        "docs/pictures/whole.svg": pictures.whole(catalog),
    }
    for family in _families(catalog):
        found[f"docs/pictures/{family}.svg"] = pictures.family(catalog, family)
    return found


def stale(root: Path, made: Mapping[str, str]) -> list[str]:
    """What is wrong with the pages that stand there, a line each; none if they are as made."""
    faults = []
    for path, text in made.items():
        file = root / path
        if not file.is_file():
            faults.append(f"{path} is missing")
        elif file.read_bytes() != text.encode():
            faults.append(f"{path} is not what the catalogue makes of it")
    for file in sorted((root / "docs" / "pictures").glob("*")):
        path = file.relative_to(root).as_posix()
        if path not in made:
            faults.append(f"{path} belongs to nothing in the catalogue")
    return faults


def write(root: Path, made: Mapping[str, str]) -> None:
    """Put the pages where they stand, and remove pictures that belong to nothing."""
    for path, text in made.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(text.encode())
    for file in (root / "docs" / "pictures").glob("*"):
        if file.relative_to(root).as_posix() not in made:
            file.unlink()


def matrix_page(model: Model) -> str:
    """The table of all pairs, with the reason of each at hand; one file that needs no other."""
    catalog = model.catalog
    pairs = {frozenset((pair.one, pair.other)): pair for pair in model.pairs}
    first = {next(iter(ids)) for ids in _families(catalog).values()}
    return _rendered(
        "matrix.html.jinja",
        summary=model_text.pairs_summary(model),
        legend=LEGEND,
        ids=list(catalog.patterns),
        titles=[catalog.entries[id].title for id in catalog.patterns],
        families=[
            {
                "title": catalog.families[family],
                "patterns": [
                    {
                        "title": catalog.entries[row].title,
                        "ready": row in model.ready,
                        "cells": [
                            {
                                **_cell(catalog, row, column, pairs.get(frozenset((row, column)))),
                                "first": column in first,
                            }
                            for column in catalog.patterns
                        ],
                    }
                    for row in ids
                ],
            }
            for family, ids in _families(catalog).items()
        ],
    )


def _families(catalog: Catalog) -> dict[str, list[str]]:
    """Family → its patterns; those without any are left out."""
    found: dict[str, list[str]] = {family: [] for family in catalog.families}
    for id in catalog.patterns:
        found[str(catalog.entries[id].family)].append(id)
    return {family: ids for family, ids in found.items() if ids}


def _cell(catalog: Catalog, row: str, column: str, pair: Pair | None) -> dict[str, str]:
    if pair is None:
        others = [id for id in resolve(catalog, (row,)).members if id != row]
        titles = ", ".join(catalog.entries[id].title for id in others)
        return {"look": "self", "mark": "", "told": f"Alone it brings in {titles}."}
    advice = model_text.pair_advice(catalog, pair)
    told = " ".join(filter(None, (model_text.pair_why(catalog, pair), advice)))
    if pair.verdict == "refused":
        return {"look": "refused", "mark": CROSS, "told": told}
    if pair.verdict == "bought_in":
        look = "default" if pair.by_default else "brings"
        return {"look": look, "mark": "↑" if pair.brought == column else "←", "told": told}
    return {"look": "suits" if advice else "valid", "mark": "+" if advice else "", "told": told}


def model_page(model: Model) -> str:
    """What is counted and how, with the numbers of today."""
    patterns = model.whole.patterns
    return _rendered(
        "model.md.jinja",
        # Markdown would swallow the spaces that set off what belongs to the line above.
        numbers=[
            (title.replace("  ", "… "), *both) for title, *both in model_text.numbers_rows(model)
        ],
        pairs=model_text.pairs_summary(model),
        patterns=patterns,
        wishes=f"{model.whole.wishes:,}",
        pair_count=f"{comb(patterns, 2):,}",
        triple_count=f"{comb(patterns, 3):,}",
        nodes=_size(model.by_default),
        chosen_nodes=_size(model.by_choice),
        core=_listed(model.core),
        dead=_listed(model.dead),
        only_by_choice=_listed(model.only_by_choice),
        dead_slots=_listed(model.dead_slots),
        dead_options=_listed(map("=".join, model.dead_options)),
        options_only_by_choice=_listed(map("=".join, model.options_only_by_choice)),
    )


def _size(wishes: Wishes) -> str:
    return f"{wishes.diagrams.size(wishes.valid):,}"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "none"


def _rendered(template: str, **values: Any) -> str:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        autoescape=template.endswith(".html.jinja"),
        keep_trailing_newline=True,
    )
    return environment.get_template(template).render(values)


def main(arguments: Sequence[str]) -> int:
    """Write all pages; with `--check` write none and tell which are stale."""
    made = pages(load_catalog(ROOT / "blueprints" / "catalog.yml"))
    if "--check" not in arguments:
        write(ROOT, made)
        return 0
    faults = stale(ROOT, made)
    for fault in faults:
        print(f"error: {fault}", file=sys.stderr)
    if faults:
        print(f"\nhint: {COMMAND}", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
