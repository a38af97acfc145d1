"""Change `catalog.yml` as a careful person would: one value or one entry, and no other byte.

A YAML library would write the whole file anew and lose its comments, its quotes or its order. Here
the parser only tells where things stand; what is put there is text. The result is read back, and
one that says anything else than was meant is not given out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from cdp_scaffold import plain_yaml
from cdp_scaffold.dev.errors import RefusedError

ORDER = ("title", "kind", "family", "status", "summary", "source", "needs", "slots")
"""The keys of an entry that is written here, in the order of `rules.ENTRY`."""


def with_status(text: str, id: str, status: str) -> str:
    """The catalogue in which an entry has another status."""
    node = _at(text, "entries", id, "status")
    lines = text.splitlines(keepends=True)
    line, start, end = node.start_mark.line, node.start_mark.column, node.end_mark.column
    lines[line] = lines[line][:start] + status + lines[line][end:]
    data = read(text)
    data["entries"][id]["status"] = status
    return _checked("".join(lines), data)


def with_entry(text: str, id: str, entry: Mapping[str, Any], after: str | None) -> str:
    """The catalogue with one more entry, after another one or as the first."""
    entries = _at(text, "entries")
    lines = text.splitlines(keepends=True)
    column = entries.start_mark.column
    block = "".join(f"{' ' * column}{line}\n" for line in _entry_lines(id, entry))
    if after is None:
        lines.insert(entries.start_mark.line, block + "\n")
    else:
        line = _last_line(_at(text, "entries", after))
        lines[line] = lines[line].rstrip("\n") + "\n"
        lines.insert(line + 1, "\n" + block)
    data = read(text)
    pairs = list(data["entries"].items())
    place = 0 if after is None else 1 + list(data["entries"]).index(after)
    data["entries"] = dict([*pairs[:place], (id, _nested(entry)), *pairs[place:]])
    return _checked("".join(lines), data)


def with_need(text: str, id: str, need: str, why: str) -> str:
    """The catalogue in which an entry needs one thing more."""
    entry = _at(text, "entries", id)
    keys = {key.value: value for key, value in entry.value}
    lines = text.splitlines(keepends=True)
    column = entry.start_mark.column
    block = f"{' ' * (column + 2)}{need}: {_scalar(why)}\n"
    if "needs" in keys and keys["needs"].value:
        line = _last_line(keys["needs"])
    else:
        before = [key for key in keys if key in ORDER[: ORDER.index("needs")]]
        line = max(_last_line(keys[key]) for key in before)
        block = f"{' ' * column}needs:\n{block}"
    lines[line] = lines[line].rstrip("\n") + "\n"
    lines.insert(line + 1, block)
    data = read(text)
    data["entries"][id].setdefault("needs", {})[need] = why
    return _checked("".join(lines), data, ordered=False)


def _entry_lines(id: str, entry: Mapping[str, Any]) -> Iterator[str]:
    yield f"{id}:"
    for key in ORDER:
        value = entry.get(key)
        if isinstance(value, Mapping):
            if value:
                yield f"  {key}:"
                yield from (f"    {other}: {_scalar(why)}" for other, why in value.items())
        elif value is not None:
            yield f"  {key}: {_scalar(value)}"


def _nested(entry: Mapping[str, Any]) -> dict[str, Any]:
    """What reading the lines above gives."""
    values = ((key, entry.get(key)) for key in ORDER)
    return {
        key: dict(value) if isinstance(value, Mapping) else value for key, value in values if value
    }


def _scalar(text: str) -> str:
    """Text as YAML on one line, quoted only where it must be."""
    line = yaml.safe_dump({"k": text}, width=2**20, allow_unicode=True)
    return line.removeprefix("k: ").rstrip("\n")


def read(text: str) -> Any:
    """What the text says, as plain data."""
    return plain_yaml.load(text)


def _at(text: str, *path: str) -> Any:
    """The node under these keys; the catalogue was read before, so it is there."""
    node: Any = yaml.compose(text, plain_yaml.LOADER)
    for key in path:
        node = next(value for name, value in node.value if name.value == key)
    return node


def _last_line(node: Any) -> int:
    """The line on which a value ends; the parser takes what is blank after it for a part of it."""
    if isinstance(node, yaml.ScalarNode):
        if node.style in ("|", ">"):
            return int(node.end_mark.line) - 1
        return int(node.end_mark.line)
    if node.flow_style or not node.value:
        return int(node.end_mark.line)
    last = node.value[-1]
    return _last_line(last[1] if isinstance(last, tuple) else last)


def _checked(text: str, meant: Any, *, ordered: bool = True) -> str:
    try:
        found = read(text)
    except yaml.YAMLError:
        found = None
    same = found == meant and (not ordered or list(found["entries"]) == list(meant["entries"]))
    if not same:
        raise RefusedError(
            "blueprints/catalog.yml is laid out in a way that this command cannot edit",
            "write its lines as those of the other entries, then run this again",
        )
    return text
