"""The rules a catalogue keeps, so that resolving is well defined; each breach is a `Fault`.

`schema_faults` looks at plain data: keys, types, missing words. `relation_faults` looks at what
the entries say of each other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from cdp_scaffold.catalog import Catalog, Slot
from cdp_scaffold.errors import Fault, either

ID = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*\Z")

# key → (type, required). The order is the one in which an entry is best written.
TOP = {"families": (dict, False), "slots": (dict, False), "entries": (dict, True)}
ENTRY = {
    "title": (str, True),
    "kind": (str, True),
    "family": (str, False),
    "status": (str, True),
    "always": (bool, False),
    "summary": (str, True),
    "source": (str, False),
    "needs": (dict, False),
    "slots": (dict, False),
    "excludes": (dict, False),
    "suits": (dict, False),
}
SLOT = {
    "title": (str, True),
    "job": (str, True),
    "default": (str, True),
    "exclusive": (bool, False),
    "options": (dict, True),
    "trade_off": (list, False),
}
OPTION = {"title": (str, True), "fills": (list, True), "asks": (bool, False), "take": (str, True)}
WORDS: Mapping[type, str] = {
    dict: "a mapping",
    list: "a list",
    str: "text",
    bool: "true or false",
}
RELATIONS = ("needs", "slots", "excludes", "suits")


def schema_faults(raw: Any) -> list[Fault]:
    """What is wrong with the data by itself: keys, types, missing words."""
    if not isinstance(raw, dict):
        return [Fault("catalog", "must be a mapping with `families`, `slots` and `entries`")]
    faults = list(_keys("", raw, TOP))
    if faults:
        return faults
    for id, slot in (raw.get("slots") or {}).items():
        faults.extend(_slot(f"slots.{id}", id, slot))
    for id, entry in raw["entries"].items():
        faults.extend(_entry(f"entries.{id}", id, entry, raw.get("families") or {}))
    for id, title in (raw.get("families") or {}).items():
        if not isinstance(title, str) or not title.strip():
            faults.append(Fault(f"families.{id}", "must be text"))
    return faults


def _keys(where: str, raw: Any, known: Mapping[str, tuple[type, bool]]) -> Iterator[Fault]:
    if not isinstance(raw, dict):
        yield Fault(where, f"must be a mapping with {either(list(known))}")
        return
    at = f"{where}." if where else ""
    for key, value in raw.items():
        if key not in known:
            yield Fault(
                f"{at}{key}", "is an unknown key", f"the keys here are {either(list(known))}"
            )
        elif not isinstance(value, known[key][0]):
            if value is None and known[key][0] is dict and not known[key][1]:
                continue  # `needs:` with nothing under it.
            yield Fault(f"{at}{key}", f"must be {WORDS[known[key][0]]}; got `{value!r}`")
        elif isinstance(value, str) and not value.strip():
            yield Fault(f"{at}{key}", "is empty")
    for key, (_, required) in known.items():
        if required and key not in raw:
            yield Fault(f"{at}{key}", "is missing")


def _id(where: str, id: Any) -> Iterator[Fault]:
    if not isinstance(id, str) or not ID.match(id):
        yield Fault(
            where, "must be lower-case words joined by `_`, for it becomes a name in two languages"
        )


def _slot(where: str, id: Any, raw: Any) -> Iterator[Fault]:
    yield from _id(where, id)
    yield from _keys(where, raw, SLOT)
    if not isinstance(raw, dict) or not isinstance(raw.get("options"), dict):
        return
    options = raw["options"]
    for key, option in options.items():
        yield from _id(f"{where}.options.{key}", key)
        yield from _keys(f"{where}.options.{key}", option, OPTION)
        if isinstance(option, dict):
            for each in _list(option.get("fills")):
                if not isinstance(each, str):
                    yield Fault(
                        f"{where}.options.{key}.fills", f"must be a list of ids; got `{each!r}`"
                    )
    default = raw.get("default")
    if isinstance(default, str) and default not in options:
        yield Fault(f"{where}.default", f"must be one of {either(list(options))}; got `{default}`")
    for number, row in enumerate(_list(raw.get("trade_off"))):
        spot = f"{where}.trade_off.{number}"
        if not isinstance(row, dict):
            yield Fault(spot, "must be a mapping with `about` and a word on every option")
            continue
        columns = ["about", *options]
        for key in columns:
            if not isinstance(row.get(key), str) or not row[key].strip():
                yield Fault(
                    f"{spot}.{key}", "is missing", "every row says something of every option"
                )
        for key in row:
            if key not in columns:
                yield Fault(
                    f"{spot}.{key}", "is an unknown key", f"the keys here are {either(columns)}"
                )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _entry(where: str, id: Any, raw: Any, families: Mapping[str, str]) -> Iterator[Fault]:
    yield from _id(where, id)
    yield from _keys(where, raw, ENTRY)
    if not isinstance(raw, dict):
        return
    for key, allowed in (("kind", ("pattern", "component")), ("status", ("ready", "planned"))):
        if isinstance(raw.get(key), str) and raw[key] not in allowed:
            yield Fault(f"{where}.{key}", f"must be {either(allowed)}; got `{raw[key]}`")
    if raw.get("kind") == "pattern":
        for key in ("family", "source"):
            if key not in raw:
                yield Fault(f"{where}.{key}", "is missing", f"every pattern has a {key}")
    if isinstance(raw.get("family"), str) and raw["family"] not in families:
        yield Fault(f"{where}.family", f"must be {either(list(families))}; got `{raw['family']}`")
    for relation in RELATIONS:
        if isinstance(raw.get(relation), dict):
            for other, why in raw[relation].items():
                yield from _why(f"{where}.{relation}.{other}", why)


def _why(where: str, raw: Any) -> Iterator[Fault]:
    if isinstance(raw, dict):
        yield from _keys(where, raw, {"why": (str, True), "ours": (str, True)})
    elif not isinstance(raw, str) or not raw.strip():
        other = where.rsplit(".", 1)[1]
        yield Fault(where, "has no reason", f"write `{other}: …` with the reason in one clause")


def relation_faults(catalog: Catalog) -> list[Fault]:
    """What is wrong with the entries together."""
    unknown = list(_unknown_ids(catalog))
    if unknown:
        return unknown  # The other rules follow the ids.
    cycles = list(_cycles(catalog))
    if cycles:
        return cycles
    return [
        *_titles(catalog),
        *_exclusions(catalog),
        *_fills(catalog),
        *_shared(catalog),
        *_ambiguous(catalog),
        *_unasked(catalog),
        *_unstratified(catalog),
    ]


def _unknown_ids(catalog: Catalog) -> Iterator[Fault]:
    for id, entry in catalog.entries.items():
        for relation in ("needs", "excludes", "suits"):
            for other in getattr(entry, relation):
                where = f"entries.{id}.{relation}.{other}"
                if other not in catalog.entries:
                    yield Fault(
                        where, "is no entry of the catalogue", _near(other, catalog.entries)
                    )
                elif other == id:
                    yield Fault(where, "names the entry itself")
        for slot in entry.slots:
            if slot not in catalog.slots:
                yield Fault(
                    f"entries.{id}.slots.{slot}",
                    "is no slot of the catalogue",
                    _near(slot, catalog.slots),
                )
    for name, option in _options(catalog.slots.values()):
        for id in option.fills:
            if id not in catalog.entries:
                yield Fault(
                    f"{name}.fills", f"names `{id}`, which is no entry", _near(id, catalog.entries)
                )


def _near(name: str, known: Iterable[str]) -> str:
    import difflib

    close = difflib.get_close_matches(str(name), list(known), n=2)
    return f"did you mean {either(close)}?" if close else ""


def _options(slots: Iterable[Slot]) -> Iterator[tuple[str, Any]]:
    for slot in slots:
        for option in slot.options.values():
            yield f"slots.{slot.id}.options.{option.id}", option


def _cycles(catalog: Catalog) -> Iterator[Fault]:
    """Each cycle once, at the need that closes it."""
    state: dict[str, int] = {}
    for start in catalog.entries:
        if start in state:
            continue
        path = [start]
        state[start] = 1
        todo = [iter(catalog.entries[start].needs)]
        while todo:
            need = next(todo[-1], None)
            if need is None:
                todo.pop()
                state[path.pop()] = 2
            elif need not in state:
                state[need] = 1
                path.append(need)
                todo.append(iter(catalog.entries[need].needs))
            elif state[need] == 1:
                round_trip = [*path[path.index(need) :], need]
                yield Fault(
                    f"entries.{path[-1]}.needs.{need}",
                    "closes a circle: " + " needs ".join(f"`{each}`" for each in round_trip),
                    "two parts that always come together are one entry",
                )


def _titles(catalog: Catalog) -> Iterator[Fault]:
    seen: dict[str, str] = {}
    for id, entry in catalog.entries.items():
        title = "".join(letter for letter in entry.title.lower() if letter.isalnum())
        if title in seen:
            yield Fault(f"entries.{id}.title", f"is the title of `{seen[title]}` too")
        seen[title] = id


def closures(catalog: Catalog) -> dict[str, frozenset[str]]:
    """Entry → itself and all it needs, at any distance. Needs must be free of circles."""
    known: dict[str, frozenset[str]] = {}
    for start in catalog.entries:
        todo = [start]
        while todo:
            id = todo[-1]
            missing = [need for need in catalog.entries[id].needs if need not in known]
            if missing:
                todo.extend(missing)
            else:
                todo.pop()
                known[id] = frozenset({id}).union(
                    *(known[need] for need in catalog.entries[id].needs)
                )
    return known


def _exclusions(catalog: Catalog) -> Iterator[Fault]:
    closed = closures(catalog)
    everywhere: frozenset[str] = frozenset().union(*(closed[id] for id in catalog.always))
    pairs = [(id, other) for id, entry in catalog.entries.items() for other in entry.excludes]
    for one, other in pairs:
        if one in catalog.entries[other].excludes and catalog.place[one] > catalog.place[other]:
            yield Fault(
                f"entries.{one}.excludes.{other}",
                f"is said at `entries.{other}.excludes.{one}` already",
                "an exclusion holds both ways; say it once",
            )
    for id, parts in closed.items():
        needs = [closed[need] for need in catalog.entries[id].needs]
        for one, other in pairs:
            if _meet(parts, everywhere, one, other) and not any(
                _meet(each, everywhere, one, other) for each in needs
            ):
                yield Fault(
                    f"entries.{id}.needs",
                    f"bring in both `{one}` and `{other}`, which exclude each other",
                )


def _meet(parts: frozenset[str], everywhere: frozenset[str], one: str, other: str) -> bool:
    """Whether the two come together because of these parts."""
    return (one in parts or other in parts) and {one, other} <= parts | everywhere


def _fills(catalog: Catalog) -> Iterator[Fault]:
    """What fills a slot together must be able to stand together, and must not fill more of it."""
    closed = closures(catalog)
    for slot in catalog.slots.values():
        for option in slot.options.values():
            where = f"slots.{slot.id}.options.{option.id}.fills"
            if len(set(option.fills)) < len(option.fills):
                yield Fault(where, "names an entry twice")
            parts: frozenset[str] = frozenset().union(*(closed[id] for id in option.fills))
            for one in sorted(parts & catalog.excluding, key=catalog.place.__getitem__):
                for other in catalog.entries[one].excludes:
                    if other in parts:
                        yield Fault(
                            where, f"bring in both `{one}` and `{other}`, which exclude each other"
                        )
            for id in catalog.ordered(parts & set(slot.fillers)):
                if slot.exclusive and id not in option.fills:
                    yield Fault(
                        where, f"need `{id}`, which is another option's filler of the same slot"
                    )


def _shared(catalog: Catalog) -> Iterator[Fault]:
    """A slot that several may fill takes one filler an option.

    It is content with any filler, so of an option with two only one might be there.
    """
    closed = closures(catalog)
    for slot in catalog.slots.values():
        if slot.exclusive:
            continue
        for option in slot.options.values():
            where = f"slots.{slot.id}.options.{option.id}"
            if len(option.fills) > 1:
                yield Fault(
                    f"{where}.fills", "must name one entry at most; the slot is not exclusive"
                )
            if option.asks:
                yield Fault(f"{where}.asks", "means nothing where the slot is not exclusive")
        for other in catalog.ordered(_bring(closed, slot.options[slot.default].fills)):
            if other in slot.fillers and other not in slot.options[slot.default].fills:
                yield Fault(
                    f"slots.{slot.id}.default",
                    f"brings in `{other}`, which is another option's filler of the same slot",
                )


def _ambiguous(catalog: Catalog) -> Iterator[Fault]:
    """Two options that hold one entry and are both taken without asking: which would it be?"""
    for slot in catalog.slots.values():
        owner: dict[str, str] = {}
        for option in slot.options.values():
            for id in () if option.asks else dict.fromkeys(option.fills):
                if id in owner:
                    yield Fault(
                        f"slots.{slot.id}.options.{option.id}.fills",
                        f"hold `{id}`, and so do those of `{owner[id]}`: "
                        "nothing decides between them",
                        f"write `asks: true` where `{option.id}` is taken only by choice"
                        if slot.exclusive
                        else "",
                    )
                owner.setdefault(id, option.id)
        if slot.options[slot.default].asks:
            yield Fault(f"slots.{slot.id}.default", "is an option that asks to be chosen")


def _unasked(catalog: Catalog) -> Iterator[Fault]:
    asked = {slot for entry in catalog.entries.values() for slot in entry.slots}
    for slot in catalog.slots:
        if slot not in asked:
            yield Fault(f"slots.{slot}", "is asked for by no entry")


def _unstratified(catalog: Catalog) -> Iterator[Fault]:
    """Slots are filled once, in the file's order: filling one must not disturb an earlier one.

    What an option may newly bring in is what its fillers need, less what whoever asks for the slot
    has brought in before. Of that, nothing may ask for an earlier slot that is not filled yet, and
    nothing may fill an earlier exclusive one. An earlier slot that is not exclusive stays
    satisfied, but a pattern that brings its filler would decide it otherwise once it is wished
    for, and wishing for what is there anyway must change nothing.
    """
    closed = closures(catalog)
    order = {name: number for number, name in enumerate(catalog.slots)}
    for name in order:
        askers = list(_askers(catalog, closed, name))
        for option in catalog.slots[name].options.values():
            told: dict[tuple[str, str], str] = {}
            brought = _bring(closed, option.fills)
            for before in askers:
                new = brought - before
                for id in catalog.ordered(new):
                    related = {*catalog.entries[id].slots, *(s for s, _ in catalog.filled_by[id])}
                    earlier = (slot for slot in related if order[slot] < order[name])
                    for slot in sorted(earlier, key=order.__getitem__):
                        does = _disturbs(catalog, closed, id, slot, new, before)
                        if does:
                            told.setdefault((id, slot), does)
            for (id, slot), does in told.items():
                yield Fault(
                    f"slots.{name}.options.{option.id}.fills",
                    f"bring in `{id}`, which {does} `{slot}`, a slot decided before",
                    f"let `{name}` stand before `{slot}`",
                )


def _bring(closed: Mapping[str, frozenset[str]], ids: Iterable[str]) -> frozenset[str]:
    return frozenset().union(*(closed[id] for id in ids))


def _askers(
    catalog: Catalog, closed: Mapping[str, frozenset[str]], slot: str
) -> Iterator[frozenset[str]]:
    """For each entry that asks for the slot, what is there when it does."""
    everywhere = _bring(closed, catalog.always)
    for id, entry in catalog.entries.items():
        if slot in entry.slots:
            yield closed[id] | everywhere


def _disturbs(
    catalog: Catalog,
    closed: Mapping[str, frozenset[str]],
    id: str,
    slot: str,
    new: frozenset[str],
    before: frozenset[str],
) -> str:
    """What the newly brought `id` does to an earlier slot, if that is not allowed."""
    asked = any(slot in catalog.entries[each].slots for each in before)
    if slot in catalog.entries[id].slots and not asked:
        return "asks for"
    if id not in catalog.slots[slot].fillers:
        return ""
    bringers = (each for each in new if catalog.entries[each].kind == "pattern")
    if catalog.slots[slot].exclusive or any(id in closed[each] for each in bringers):
        return "fills"
    return ""
