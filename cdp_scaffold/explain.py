"""Word the facts of a resolution or a conflict; no other module makes such a sentence.

Every text stands by itself on a terminal of `width` columns, understandable without colour and
without having read the catalogue.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from cdp_scaffold.catalog import Catalog, Why
from cdp_scaffold.resolver import (
    Advice,
    Always,
    Chain,
    Conflict,
    Fact,
    Filled,
    Needed,
    Reason,
    Repair,
    Resolution,
    Side,
    Wished,
)
from cdp_scaffold.sheet import (
    HEIGHT,
    Block,
    Blocks,
    Command,
    Compared,
    Gap,
    Node,
    Para,
    Row,
    Rows,
    Sheet,
    Tree,
    plain,
)

WIDTH = 80
SHOWN = 8
"""Repairs shown; a wish with several conflicts has the product of their repairs."""


class Form(NamedTuple):
    """How much of a resolution is told."""

    whys: bool
    """Each part with its why."""

    jobs: bool
    """A line for each slot; without it, slots share lines."""

    advice: bool
    """Advice with its why."""

    dense: bool
    """Parts that bring in nothing share a line."""

    flat: bool = False
    """Slots follow each other without columns, advice and the note without a gap."""


FORMS = (
    Form(whys=True, jobs=True, advice=True, dense=False),
    Form(whys=True, jobs=False, advice=True, dense=False),
    Form(whys=True, jobs=False, advice=False, dense=False),
    Form(whys=False, jobs=False, advice=True, dense=True),
    Form(whys=False, jobs=False, advice=False, dense=True),
    Form(whys=False, jobs=False, advice=False, dense=True, flat=True),
)
"""From the fullest to the tersest."""


def conflict_text(
    catalog: Catalog, conflict: Conflict, command: str = "cdp resolve", width: int = WIDTH
) -> str:
    """The same as `conflict_sheet`, as plain text."""
    return conflict_sheet(catalog, conflict, command).plain(width)


def conflict_sheet(catalog: Catalog, conflict: Conflict, command: str = "cdp resolve") -> Sheet:
    """What cannot be, the chain of causes from each side, and all smallest ways out.

    Args:
        command: What the repairs are commands of; the patterns and `--set` are added to it.
    """
    facts = conflict.facts
    blocks: list[Block] = []
    if len(facts) == 1:
        blocks += [Para(f"error: {_headline(catalog, facts[0])}", "error", rest="  ")]
        blocks += _fact_blocks(catalog, facts[0], "  ")
    else:
        blocks += [Para(f"error: the wish cannot be, for {_count(len(facts))} reasons", "error")]
        for number, fact in enumerate(facts, 1):
            first = f"  {number}. "
            space = " " * len(first)
            headline = _upper(_headline(catalog, fact))
            blocks += [Gap(), Para(headline, "section", first, space)]
            blocks += _fact_blocks(catalog, fact, space)
    for slot in dict.fromkeys(fact.slot for fact in facts if fact.slot):
        blocks += [Gap(), *trade_off(catalog, slot, "  ")]
    blocks += [Gap(), *_repair_blocks(catalog, conflict, command)]
    return Sheet((blocks,))


def resolution_text(
    catalog: Catalog,
    resolution: Resolution,
    advice: bool = True,
    width: int = WIDTH,
    height: int = HEIGHT,
) -> str:
    """The same as `resolution_sheet`, as plain text of at most `height` lines if any form is."""
    return resolution_sheet(catalog, resolution, advice).plain(width, height)


def resolution_sheet(
    catalog: Catalog, resolution: Resolution, advice: bool = True, planned: Sequence[str] = ()
) -> Sheet:
    """Who is part of it and why, which option does each job, and what else would suit.

    The parts are a tree: each stands under the one that its shortest chain of reasons comes from.

    Args:
        planned: The members that cannot be generated yet, if that is to be told.
    """
    suits = resolution.advice() if advice else ()
    notes: list[Blocks] = [()]
    if planned:
        yet = "cannot be generated yet"
        names = f"note: planned, so this wish {yet}: {', '.join(planned)}"
        are = "1 part is" if len(planned) == 1 else f"{len(planned)} parts are"
        count = f"note: {are} planned, so it {yet}; `--json` lists them"
        notes = [(Gap(), Para(text, "note", rest="  ")) for text in (names, count)]
    return Sheet(
        [
            (*_resolution_blocks(catalog, resolution, suits, form), *note[form.flat :])
            for form in FORMS
            for note in notes
        ]
    )


def reason_text(catalog: Catalog, reason: Reason) -> str:
    """One reason as a clause: "Load balancer needs it (it stands in public subnets)"."""
    return _backward(catalog, reason, "it")


def because(catalog: Catalog, chain: Chain) -> str:
    """The chain told from the member back to the wish, one clause."""
    last, *before = reversed(chain)
    clauses = [_backward(catalog, last, "it")]
    clauses += [_backward(catalog, reason, "which") for reason in before]
    return ", ".join(clauses)


def chain_text(catalog: Catalog, chain: Chain) -> str:
    """The chain told from the wish to the member, one clause."""
    return "".join(_forward(catalog, reason) for reason in chain)


def advice_text(catalog: Catalog, advice: Advice) -> str:
    """One line on what would suit the wish."""
    pattern, by = _title(catalog, advice.pattern), _title(catalog, advice.by)
    return f"{pattern} would suit {by}: {advice.why.text}"


def slot_text(catalog: Catalog, resolution: Resolution, slot: str) -> str:
    """Which option does the job, and who decided so."""
    how = resolution.decision.how[slot]
    ways = " + ".join(catalog.slots[slot].options[id].title for id in _ways(resolution, slot))
    if how == "choice":
        return f"{ways}, as you chose"
    if how == "default":
        return f"{ways}, the default"
    deciders = _and(_title(catalog, id) for id in resolution.decision.fillers[slot])
    return f"{ways}, which is part of it" if deciders == ways else f"{ways}, decided by {deciders}"


def trade_off_lines(catalog: Catalog, slot: str, width: int = WIDTH, indent: int = 0) -> list[str]:
    """The same as `trade_off`, as lines of plain text."""
    return plain(trade_off(catalog, slot, " " * indent), width)


def trade_off(catalog: Catalog, slot: str, indent: str = "") -> Blocks:
    """The job, when to take which option, and the table that compares them."""
    known = catalog.slots[slot]
    blocks: list[Block] = [Para(f"{known.title}: {known.job}.", "text", indent, indent)]
    for option in known.options.values():
        text = f"Take {_quoted(option.title)} when {option.take}."
        blocks.append(Para(text, "text", indent, indent + "  "))
    if known.trade_off:
        rows = [["", *(option.title for option in known.options.values())]]
        rows += [[row.about, *(row.of[id] for id in known.options)] for row in known.trade_off]
        blocks += [Gap(), Compared(rows, indent)]
    return blocks


def repair_text(catalog: Catalog, repair: Repair) -> str:
    """What the repair changes, one clause."""
    parts = []
    if repair.drop:
        parts.append("without " + _and(_title(catalog, id) for id in repair.drop))
    set_ = []
    for slot, option in repair.choose:
        known = catalog.slots[slot]
        set_.append(f"{_lower(known.title)} set to {_quoted(known.options[option].title)}")
    if set_:
        parts.append("with " + _and(set_))
    text = " and ".join(parts)
    if repair.unasked:
        jobs = _and(_lower(catalog.slots[slot].title) for slot in repair.unasked)
        has = "has" if len(repair.unasked) == 1 else "have"
        text += f" ({jobs} then {has} nothing to decide)"
    return text


def repair_command(repair: Repair, command: str = "cdp resolve") -> str:
    """The repair as a command to paste."""
    choices = " ".join(f"--set {slot}={option}" for slot, option in repair.choices.items())
    return " ".join(each for each in (command, shlex.join(repair.wish), choices) if each)


def reason_data(reason: Reason) -> dict[str, Any]:
    """One reason as plain data, for `--json`."""
    if isinstance(reason, Wished):
        return {"kind": "wish"}
    if isinstance(reason, Always):
        return {"kind": "always"}
    if isinstance(reason, Needed):
        return {"kind": "needs", "by": reason.by, **_why_data(reason.why)}
    return {
        "kind": "slot",
        "slot": reason.slot,
        "option": reason.option,
        "how": reason.how,
        "by": reason.by,
        "fillers": list(reason.fillers),
        **_why_data(reason.why),
    }


def resolution_data(catalog: Catalog, resolution: Resolution) -> dict[str, Any]:
    """A resolution as plain data; docs/resolver.md documents the keys."""
    return {
        "valid": True,
        "wish": list(resolution.wish),
        "choices": dict(resolution.choices),
        "members": [
            {
                "id": id,
                "title": _title(catalog, id),
                "kind": catalog.entries[id].kind,
                "reasons": [reason_data(reason) for reason in resolution.reasons[id]],
                "chain": _chain_data(resolution.chain(id)),
                "because": because(catalog, resolution.chain(id)),
            }
            for id in resolution.members
        ],
        "slots": {
            slot: {
                "option": option,
                "how": resolution.decision.how[slot],
                "fillers": list(resolution.decision.fillers[slot]),
            }
            for slot, option in resolution.slots.items()
        },
        "unused": list(resolution.unused),
        "advice": [
            {"pattern": each.pattern, "suits": each.by, **_why_data(each.why)}
            for each in resolution.advice()
        ],
    }


def conflict_data(
    catalog: Catalog, conflict: Conflict, command: str = "cdp resolve"
) -> dict[str, Any]:
    """A conflict as plain data; docs/resolver.md documents the keys."""
    return {
        "valid": False,
        "wish": list(conflict.wish),
        "choices": dict(conflict.choices),
        "facts": [
            {
                "kind": fact.kind,
                "text": _headline(catalog, fact),
                "sides": [
                    {"id": side.member, "chain": _chain_data(side.chain)} for side in fact.sides
                ],
                **({"slot": fact.slot} if fact.slot else {}),
                **({"option": fact.option} if fact.option else {}),
                **({"asker": fact.asker.member} if fact.asker else {}),
                **(_why_data(fact.why) if fact.why else {}),
            }
            for fact in conflict.facts
        ],
        "repairs": [
            {
                "drop": list(repair.drop),
                "choose": dict(repair.choose),
                "wish": list(repair.wish),
                "choices": dict(repair.choices),
                "unasked": list(repair.unasked),
                "text": repair_text(catalog, repair),
                "command": repair_command(repair, command),
            }
            for repair in conflict.repairs
        ],
    }


def _chain_data(chain: Chain) -> list[dict[str, Any]]:
    return [{"id": reason.member, **reason_data(reason)} for reason in chain]


def _why_data(why: Why) -> dict[str, str]:
    return {"why": why.text, **({"ours": why.ours} if why.ours else {})}


def _headline(catalog: Catalog, fact: Fact) -> str:
    names = [_title(catalog, side.member) for side in fact.sides]
    if fact.kind == "excluded":
        return f"{_and(names)} cannot be in one system"
    assert fact.slot
    slot = catalog.slots[fact.slot]
    if fact.kind == "slot_choice":
        return f"`{fact.slot}={fact.option}` does not go with {_and(names)}"
    if len(names) == 1:
        return f"{names[0]} leaves open how {_lower(slot.title)} is done: which is it to be?"
    return f"{_and(names)} do one job, {_lower(slot.title)}: which is it to be?"


def _fact_blocks(catalog: Catalog, fact: Fact, indent: str) -> Blocks:
    return [Para(text, "text", indent, indent) for text in _sentences(catalog, fact)]


def _sentences(catalog: Catalog, fact: Fact) -> list[str]:
    """How both sides came in, and why they cannot meet."""
    if fact.kind == "excluded":
        assert fact.why
        one, other = fact.sides
        excludes = f"{_title(catalog, one.member)} excludes {_title(catalog, other.member)}"
        return [
            f"{_arrival(catalog, one, 'Because')}.",
            f"{_arrival(catalog, other, 'But')}, and {excludes}: {fact.why.text}.",
        ]
    if all(isinstance(side.chain[-1], Wished) for side in fact.sides):
        told = [f"You chose {_and(_title(catalog, side.member) for side in fact.sides)}."]
    else:
        words = ["Because", *("And" for _ in fact.sides[1:])]
        told = [
            f"{_arrival(catalog, side, word)}."
            for side, word in zip(fact.sides, words, strict=True)
        ]
    if fact.kind == "slot_choice":
        assert fact.slot and fact.option
        slot = catalog.slots[fact.slot]
        members = {side.member for side in fact.sides}
        fit = [_quoted(o.title) for o in slot.options.values() if members <= set(o.fills)]
        then = f"Then {_lower(slot.title)} is {_or(fit)}, but you" if fit else "But you"
        chosen = _quoted(slot.options[fact.option].title)
        told.append(f"{then} set `{fact.slot}={fact.option}`, which is {chosen}.")
    return told


def _arrival(catalog: Catalog, side: Side, word: str) -> str:
    """How one side came in: a sentence without its full stop."""
    told = chain_text(catalog, side.chain)
    if len(side.chain) > 1:
        because = "Because" if word == "Because" else f"{word} because"
        return f"{because} {told}, {_title(catalog, side.member)} is part of it"
    if isinstance(side.chain[0], Wished):
        also = "You chose" if word == "Because" else f"{word} you also chose"
        return f"{also} {_title(catalog, side.member)}"
    return _upper(told)


def _forward(catalog: Catalog, reason: Reason) -> str:
    member = _title(catalog, reason.member)
    if isinstance(reason, Wished):
        return f"you chose {member}"
    if isinstance(reason, Always):
        return f"{member} is always part"
    if isinstance(reason, Needed):
        return f", which needs {member} ({reason.why.text})"
    slot = catalog.slots[reason.slot]
    option = slot.options[reason.option].title
    job = _lower(slot.title)
    if reason.how == "fillers":
        return f", which makes the {job} {_quoted(option)} and brings {member}"
    how = "by default" if reason.how == "default" else "by your choice"
    way = "" if option == member else f" ({_quoted(option)})"
    return f", which needs some {job} ({reason.why.text}), {how} {member}{way}"


def _backward(catalog: Catalog, reason: Reason, it: str) -> str:
    """A clause with `it` as its object: "X needs it (why)" or "which X needs (why)"."""
    which = it == "which"
    if isinstance(reason, Wished):
        return "which you chose" if which else "you chose it"
    if isinstance(reason, Always):
        return f"{it} is always part"
    by = _title(catalog, reason.by)
    if isinstance(reason, Needed):
        said = f"which {by} needs" if which else f"{by} needs it"
        return f"{said} ({reason.why.text})"
    job = _lower(catalog.slots[reason.slot].title)
    if reason.how == "fillers":
        deciders = _and(_title(catalog, id) for id in reason.fillers)
        return f"{it} completes the {job} of {by}, decided by {deciders}"
    how = "by default" if reason.how == "default" else "by your choice"
    return f"{it} serves {by} as {job} {how} ({reason.why.text})"


def _resolution_blocks(
    catalog: Catalog, resolution: Resolution, suits: Sequence[Advice], form: Form
) -> Blocks:
    wished, all = len(resolution.wish), len(resolution.members)
    head = f"{_number(wished, 'pattern')} chosen"
    if all > wished:
        comes = "comes" if all - wished == 1 else "come"
        head += (
            f", {_number(all - wished, 'part')} {comes} along; each stands under what brings it in"
        )
    blocks: list[Block] = [Para(f"{head}:", "title", rest="  "), Gap()]
    blocks += _tree(resolution, form)
    if resolution.slots:
        jobs = _number(len(resolution.slots), "job")
        them = "it" if jobs == "1 job" else "them"
        blocks += [Gap(), Para(f"{jobs} with several ways to do {them}:", "section", wrap=False)]
        rows = _jobs(catalog, resolution, form)
        if form.flat:
            blocks += [Para(f"{row.name}: {row.text}", "text", "  ", "    ") for row in rows]
        else:
            blocks.append(Rows(rows))
    for slot in resolution.unused:
        note = f"note: `{slot}` was set, but nothing here asks for it"
        blocks += [Gap(), Para(note, "note")]
    if suits and form.advice:
        rows = [Row(each.pattern, each.why.text) for each in suits]
        if wished > 1:
            rows = [Row(each.pattern, each.why.text, f" (for {each.by})") for each in suits]
        blocks += [Gap(), Para("would suit it:", "section", wrap=False), Rows(rows)]
    elif suits:
        names = ", ".join(each.pattern for each in suits)
        gap = () if form.flat else (Gap(),)
        blocks += [*gap, Para(f"would suit it: {names}", rest="  ")]
    return blocks


def _tree(resolution: Resolution, form: Form) -> Blocks:
    """Every member under the one before it on its shortest chain."""
    under: dict[str | None, list[str]] = {None: []}
    for id in resolution.members:
        under.setdefault(resolution.nearest[id].base, []).append(id)
    wish = set(resolution.wish)
    roots = [id for id in under[None] if id in wish]
    always = [id for id in under[None] if id not in wish]
    blocks: list[Block] = []
    if form.dense:
        # What brings in nothing shares a line.
        bare = [id for id in roots if id not in under]
        blocks += [Para(", ".join(bare), "names")] if bare else []
        roots = [id for id in roots if id in under]
    return [*blocks, Tree([_node(resolution, under, id, form) for id in (*roots, *always)])]


def _node(
    resolution: Resolution, under: Mapping[str | None, Sequence[str]], id: str, form: Form
) -> Node:
    """A member and what stands under it."""
    inner = [each for each in under.get(id, ()) if each in under or not form.dense]
    leaves = [each for each in under.get(id, ()) if each not in inner]
    reason = resolution.nearest[id].reason
    why = ""
    if isinstance(reason, Always):
        why = " (part of everything)"
    elif form.whys:
        why = _bracket(reason)
    return Node(
        id,
        why,
        f": {', '.join(leaves)}" if leaves else "",
        [_node(resolution, under, each, form) for each in inner],
    )


def _bracket(reason: Reason) -> str:
    """Why the member stands where it stands in the tree."""
    if isinstance(reason, Needed):
        return f" ({reason.why.text})"
    if not isinstance(reason, Filled):
        return ""
    if reason.how == "fillers":
        return f" (completes the {reason.slot} of {reason.by})"
    how = "by default" if reason.how == "default" else "as you chose"
    return f" ({reason.slot} {how}: {reason.why.text})"


def _jobs(catalog: Catalog, resolution: Resolution, form: Form) -> list[Row]:
    """Each slot as `--set` takes it, and who decided it."""
    if form.jobs:
        return [
            Row(_set(resolution, slot), *_decided(catalog, resolution, slot))
            for slot in resolution.slots
        ]
    words = {"choice": "as you chose", "fillers": "as the parts decide", "default": "by default"}
    rows: dict[str, list[str]] = {how: [] for how in words}
    for slot in resolution.slots:
        rows[resolution.decision.how[slot]].append(_set(resolution, slot))
    return [Row(words[how], ", ".join(pairs)) for how, pairs in rows.items() if pairs]


def _ways(resolution: Resolution, slot: str) -> list[str]:
    """The options that do the job: where it is not exclusive, all whose filler is there."""
    known = resolution.catalog.slots[slot]
    first = resolution.slots[slot]
    return [first] + [
        option.id
        for option in known.options.values()
        if not known.exclusive
        and option.id != first
        and set(option.fills) & set(resolution.members)
    ]


def _set(resolution: Resolution, slot: str) -> str:
    return f"{slot}={'+'.join(_ways(resolution, slot))}"


def _decided(catalog: Catalog, resolution: Resolution, slot: str) -> tuple[str, str]:
    """Who decided, and what else could have been."""
    text = slot_text(catalog, resolution, slot)
    if resolution.decision.how[slot] != "default":
        return text, ""
    others = [id for id in catalog.slots[slot].options if id not in _ways(resolution, slot)]
    return text, f" (or {', '.join(others)})"


def _repair_blocks(catalog: Catalog, conflict: Conflict, command: str) -> Blocks:
    repairs = conflict.repairs
    if not repairs:
        none = "hint: no part of the wish can be kept; begin with another pattern"
        return [Para(none, "hint", wrap=False)]
    told = "hint: this resolves it" if len(repairs) == 1 else "hint: any one of these resolves it"
    blocks: list[Block] = [Para(told, "hint", wrap=False)]
    for repair in repairs[:SHOWN]:
        blocks.append(Para(f"{repair_text(catalog, repair)}:", "text", "  ", "    "))
        blocks.append(Command(repair_command(repair, command), "    "))
    if len(repairs) > SHOWN:
        more = f"and {len(repairs) - SHOWN} more of that size, which `--json` lists"
        blocks.append(Para(more, "text", "  ", wrap=False))
    return blocks


def _title(catalog: Catalog, id: str) -> str:
    return catalog.entries[id].title


def _and(names: Iterable[str], word: str = "and") -> str:
    every = list(names)
    return every[0] if len(every) == 1 else f"{', '.join(every[:-1])} {word} {every[-1]}"


def _or(names: Iterable[str]) -> str:
    return _and(names, "or")


def _quoted(title: str) -> str:
    """An option's title inside a sentence, where "The internet" would read oddly bare."""
    return f'"{title}"' if " " in title else title


def _lower(title: str) -> str:
    """A title inside a sentence; "DNS" stays as it is."""
    return title if title[1:2].isupper() else title[:1].lower() + title[1:]


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _count(number: int) -> str:
    words = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    return words[number] if number < len(words) else str(number)
