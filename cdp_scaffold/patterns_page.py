"""docs/patterns.md: the whole pattern language for people to read, in the book's order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cdp_scaffold.catalog import Catalog, Entry, Slot, Why

INTRO = """\
<!-- Made from blueprints/catalog.yml by `make docs`; edits here are lost. -->

# The patterns

{count} patterns in {families} families, {ready} of which generate today. The others are
**planned**: `cdp list`, `cdp show` and `cdp resolve` know them, and `cdp new` refuses them for now.
What stands here is the catalogue, `blueprints/catalog.yml`, with every reason in it. A relation is
the book's, unless *ours* follows with the reason why we hold it.

- **Needs**: comes in along with the pattern, and so does all that it needs in turn.
- **Job**: must be done in one of several ways, compared under [Jobs](#all-jobs); without a word
  from you the default does it.
- **Excludes**: cannot be in one system with it; the reason is the same from both sides.
- **Suited by**: advice. `cdp resolve` gives it, and nothing comes in by it.

[matrix.html](matrix.html) shows which two patterns go together and why, and [model.md](model.md)
how many wishes there are.
"""

JOBS = """\
What can be done in several ways. Patterns and components ask for the job; whatever is there that
can do it decides, and your choice (`--set SLOT=OPTION`) decides before all else."""

COMPONENTS = """\
What patterns stand on. Nobody asks for a component: it comes in because something needs it."""


def patterns_page(catalog: Catalog) -> str:
    """The whole page."""
    patterns = [catalog.entries[id] for id in catalog.patterns]
    blocks = [
        INTRO.format(
            count=len(patterns),
            families=len({entry.family for entry in patterns}),
            ready=sum(entry.status == "ready" for entry in patterns),
        ).rstrip(),
        _contents(catalog, patterns),
        "![The whole pattern language](pictures/whole.svg)",
    ]
    for family, title in catalog.families.items():
        own = [entry for entry in patterns if entry.family == family]
        if own:
            blocks += _family(catalog, family, title, own)
    blocks += ['<a id="all-jobs"></a>\n\n## Jobs', JOBS]
    for slot in catalog.slots.values():
        blocks += _slot(catalog, slot)
    blocks += ["## Components", COMPONENTS]
    for entry in catalog.entries.values():
        if entry.kind == "component":
            blocks += _entry(catalog, entry)
    return "\n\n".join(blocks) + "\n"


def _contents(catalog: Catalog, patterns: Sequence[Entry]) -> str:
    """Families and patterns as a table; the ready ones are bold."""
    rows = []
    for family, title in catalog.families.items():
        own = [entry for entry in patterns if entry.family == family]
        names = [
            f"**{_link(catalog, e.id)}**" if e.status == "ready" else _link(catalog, e.id)
            for e in own
        ]
        rows.append((f"[{title}](#family-{family})", ", ".join(names)))
    return _table(("Family", "Patterns, in bold those that generate today"), rows)


def _family(catalog: Catalog, id: str, title: str, own: Sequence[Entry]) -> list[str]:
    overview = [(_link(catalog, e.id), _plain(e.summary), _status(e)) for e in own]
    blocks = [
        f'<a id="family-{id}"></a>\n\n## {title}',
        _table(("Pattern", "What for", "Status"), overview),
        f"![What the patterns of {title} relate to](pictures/{id}.svg)",
    ]
    for entry in own:
        blocks += _entry(catalog, entry)
    return blocks


def _entry(catalog: Catalog, entry: Entry) -> list[str]:
    """The section of one pattern or component."""
    source = f" · section “{_plain(entry.source)}” of the book" if entry.source else ""
    rivals = catalog.rivals[entry.id]
    rows = [
        *(("needs", _link(catalog, id), _why(why)) for id, why in entry.needs.items()),
        *(("job", _slot_link(catalog, id), _why(why)) for id, why in entry.slots.items()),
        *(("excludes", _link(catalog, id), _why(why)) for id, why in rivals.items()),
        *(("suited by", _link(catalog, id), _why(why)) for id, why in entry.suits.items()),
    ]
    blocks = [
        f'<a id="{_anchor(entry)}"></a>\n\n### {_plain(entry.title)}',
        f"`{entry.id}` · {_status(entry)}{source}",
        _plain(entry.summary),
    ]
    if rows:
        blocks.append(_table(("Relation", "Entry", "Why"), rows))
    notes = ["Part of every system."] if entry.always else []
    ways: dict[str, list[str]] = {}
    for slot, option in catalog.filled_by[entry.id]:
        title = _plain(catalog.slots[slot].options[option].title)
        ways.setdefault(slot, []).append(f"“{title}”")
    if ways:
        jobs = (f"{_slot_link(catalog, id)} ({' or '.join(as_)})" for id, as_ in ways.items())
        notes.append(f"Can do the job {', '.join(jobs)}.")
    needed = catalog.needed_by[entry.id]
    if needed:
        notes.append(f"Needed by {', '.join(_link(catalog, id) for id in needed)}.")
    return [*blocks, "\n".join(notes)] if notes else blocks


def _slot(catalog: Catalog, slot: Slot) -> list[str]:
    options = list(slot.options.values())
    asking = [id for id, entry in catalog.entries.items() if slot.id in entry.slots]
    rule = "One of them does it." if slot.exclusive else "One of them at least does it."
    asks = [option for option in options if option.asks]
    if asks:
        titles = " and ".join(f"“{_plain(option.title)}”" for option in asks)
        rule += f" {titles} is taken only if it is chosen."
    rows = [
        (
            _plain(option.title) + (" (default)" if option.id == slot.default else ""),
            f"`{option.id}`",
            " with ".join(_link(catalog, id) for id in option.fills) or "nothing more",
            _plain(option.take),
        )
        for option in options
    ]
    blocks = [
        f'<a id="slot-{slot.id}"></a>\n\n### {_plain(slot.title)}',
        f"`{slot.id}` · {_plain(slot.job)}. {rule}",
        f"Asked for by {', '.join(_link(catalog, id) for id in asking)}.",
        _table(("Way", "Option", "Done by", "Take it when"), rows),
    ]
    if slot.trade_off:
        header = ("", *(_plain(option.title) for option in options))
        compared = [
            (_plain(row.about), *(_plain(row.of[option.id]) for option in options))
            for row in slot.trade_off
        ]
        blocks += ["Compared:", _table(header, compared)]
    return blocks


def _status(entry: Entry) -> str:
    return "generates today" if entry.status == "ready" else "planned"


def _why(why: Why) -> str:
    return _plain(why.text) + (f" (*ours:* {_plain(why.ours)})" if why.ours else "")


def _link(catalog: Catalog, id: str) -> str:
    entry = catalog.entries[id]
    return f"[{_plain(entry.title)}](#{_anchor(entry)})"


def _anchor(entry: Entry) -> str:
    """Not the bare id: a forge makes anchors of headings, and a family may be called the same."""
    return f"{entry.kind}-{entry.id}"


def _slot_link(catalog: Catalog, id: str) -> str:
    return f"[{_plain(catalog.slots[id].title)}](#slot-{id})"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in (header, ["---"] * len(header), *rows))


def _plain(text: str | None) -> str:
    """Text of the catalogue with nothing in it that Markdown would read as its own."""
    return "".join(f"\\{letter}" if letter in "\\`*_|<[" else letter for letter in text or "")
