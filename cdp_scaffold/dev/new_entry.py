"""The catalogue's entry for something that it does not hold: worded by options or by questions."""

from __future__ import annotations

import builtins
import difflib
import keyword
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cdp_scaffold import rules
from cdp_scaffold.catalog import Catalog
from cdp_scaffold.dev import catalogue_text
from cdp_scaffold.dev.errors import RefusedError
from cdp_scaffold.errors import UnknownPatternError, either

LONGEST = 40
"""Letters of an id: with more of them, lines that hold it get too long."""

Ask = Callable[[str, str], str]
"""Question and default to answer."""


@dataclass(frozen=True)
class Wording:
    """What the options say of an entry that is not in the catalogue yet."""

    title: str | None = None
    family: str | None = None
    summary: str | None = None
    source: str | None = None
    needs: tuple[str, ...] = ()
    slots: tuple[str, ...] = ()
    needed_by: tuple[str, ...] = ()
    component: bool = False


def with_new_entry(
    catalog: Catalog,
    text: str,
    id: str,
    ids: Sequence[str],
    wording: Wording,
    status: str,
    ask: Ask | None,
) -> str:
    """The text of the catalogue with an entry for an id that it does not hold.

    Args:
        catalog: What the text says.
        text: The file as it is.
        id: The new one.
        ids: All that is to be written in this call.
        wording: What the entry is to say.
        status: `ready` or `planned`.
        ask: Asks for what is missing; without it that is an error.

    Raises:
        RefusedError: The entry would not be a good one.
        UnknownPatternError: Nothing is said of it, and the catalogue holds something like it.
    """
    near = _near(catalog, id)
    if near and wording == Wording():
        raise UnknownPatternError(id, near, " in the catalogue")
    if len(ids) > 1:
        raise RefusedError(
            f"`{id}` is not in the catalogue, and its entry cannot be written along with others",
            f"write it first: cdp-dev new-pattern {id} --title …",
        )
    _is_good_id(catalog, id)
    wording = _complete(catalog, id, wording, ask)
    entry = _entry(catalog, id, wording, status)
    text = catalogue_text.with_entry(text, id, entry, _after(catalog, wording))
    for other, why in _whys("--needed-by", wording.needed_by, catalog.entries).items():
        text = catalogue_text.with_need(text, other, id, why)
    return text


def _near(catalog: Catalog, id: str) -> tuple[str, ...]:
    try:
        catalog.find(id)
    except UnknownPatternError as error:
        return error.close
    return ()


def _is_good_id(catalog: Catalog, id: str) -> None:
    if not rules.ID.match(id) or len(id) > LONGEST:
        words = re.findall(r"[a-z0-9]+", id.lower())
        better = "_".join(words)[:LONGEST].strip("_").lstrip("0123456789_")
        raise RefusedError(
            f"`{id}` cannot be an id: it must be lower-case words joined by `_`, {LONGEST} letters "
            "at most, for it becomes a name in two languages",
            f"such as `{better}`" if better else "such as `two_words`",
        )
    if keyword.iskeyword(id) or hasattr(builtins, id) or hasattr(dict, id):
        raise RefusedError(
            f"`{id}` cannot be an id: Python has a meaning for it", f"such as `{id}_pattern`"
        )
    if id in catalog.slots:
        raise RefusedError(
            f"`{id}` cannot be an id: it is the name of a slot", f"such as `{id}_pattern`"
        )


def _complete(catalog: Catalog, id: str, wording: Wording, ask: Ask | None) -> Wording:
    """Ask for what is missing, or refuse."""
    options = {
        "title": id.replace("_", " ").title(),
        **({} if wording.component else {"family": ""}),
        "summary": "",
        **({} if wording.component else {"source": ""}),
    }
    missing = [name for name in options if getattr(wording, name) is None]
    lonely = wording.component and not wording.needed_by
    if ask is None and (missing or lonely):
        names = [f"--{name}" for name in missing] + (["--needed-by"] if lonely else [])
        raise RefusedError(
            f"`{id}` is not in the catalogue, and of its entry {', '.join(names)} is missing",
            f"cdp-dev new-pattern {id} {' '.join(f'{name} …' for name in names)}, "
            "or run it on a terminal, which asks; `cdp-dev planned` lists what is in the catalogue",
        )
    if ask is None:
        return wording
    about = {
        "title": "Title",
        "family": f"Family ({', '.join(catalog.families)})",
        "summary": "The problem; the answer, in one sentence",
        "source": "Section of the book",
    }
    for name in missing:
        default = f"{wording.title} Pattern" if name == "source" else options[name]
        answer: Any = ask(about[name], default).strip()
        wording = replace(wording, **{name: answer})
    if missing and not wording.needs:
        wording = replace(wording, needs=_asked_whys(ask, "Ids of what it needs"))
    if lonely:
        wording = replace(wording, needed_by=_asked_whys(ask, "Ids of what needs it"))
    return wording


def _asked_whys(ask: Ask, question: str) -> tuple[str, ...]:
    ids = re.findall(r"\w+", ask(f"{question}, or - for none", "-"))
    return tuple(f"{id}={ask(f'Why {id}, in one clause', '')}" for id in ids)


def _entry(catalog: Catalog, id: str, wording: Wording, status: str) -> dict[str, Any]:
    title, summary = wording.title or "", wording.summary or ""
    kind = "component" if wording.component else "pattern"
    if re.sub(r"[ -]", "_", title.lower()) != id:
        raise RefusedError(
            f"`--title`: an id is its title in small letters joined by `_`, and `{title}` "
            f"makes another one than `{id}`",
            f"such as `{id.replace('_', ' ').title()}`",
        )
    if wording.component and (wording.family or wording.source):
        raise RefusedError(
            "a component has no family and no section in the book",
            "leave --family and --source out, or --component",
        )
    if not wording.component and wording.needed_by:
        raise RefusedError(
            "a pattern is asked for by users, so it takes no --needed-by",
            "leave it out, or say --component",
        )
    if not wording.component and wording.family not in catalog.families:
        close = difflib.get_close_matches(wording.family or "", catalog.families, n=2)
        raise RefusedError(
            f"`--family`: there is no family `{wording.family}`",
            f"did you mean {either(close)}?"
            if close
            else f"the families are {', '.join(catalog.families)}",
        )
    if not re.fullmatch(r"[A-Z][^\n]{0,138}[^\s.]\.", summary):
        raise RefusedError(
            "`--summary` must be one sentence of at most 140 letters that begins with a capital "
            f"and ends with a full stop; got `{summary}`",
            'such as "One big server has a limit; add equal ones when the load grows."',
        )
    if not wording.component and not (wording.source or "").strip():
        raise RefusedError("`--source` is empty", f"such as `{title} Pattern`")
    return {
        "title": title,
        "kind": kind,
        "family": wording.family,
        "status": status,
        "summary": summary,
        "source": wording.source,
        "needs": _whys("--needs", wording.needs, catalog.entries),
        "slots": _whys("--slots", wording.slots, catalog.slots),
    }


def _whys(option: str, given: Sequence[str], known: Mapping[str, Any]) -> dict[str, str]:
    """Id → why, of options such as `app=it holds the code`."""
    found = {}
    for each in given:
        id, _, why = (part.strip() for part in each.partition("="))
        if id not in known:
            close = difflib.get_close_matches(id, known, n=2)
            raise RefusedError(
                f"`{option}`: there is no `{id}` in the catalogue",
                f"did you mean {either(close)}?"
                if close
                else "`cdp-dev planned` and `cdp list` show what there is",
            )
        clause = r"(?![A-Z][a-z])[^\n]{1,119}[^\s.;,]"
        if not re.fullmatch(clause, why) or "; " in why or ". " in why:
            raise RefusedError(
                f"`{option} {id}=…` must give a reason, one clause of at most 120 letters without "
                f"a capital or a full stop; got `{why}`",
                f'such as {option} "{id}=it spreads requests over the servers"',
            )
        found[id] = why
    return found


def _after(catalog: Catalog, wording: Wording) -> str | None:
    """The entry behind which a new one stands: at the end of its family, or of all."""
    if wording.component:
        return next(reversed(list(catalog.entries)))
    families = list(catalog.families)
    last = families.index(str(wording.family))
    before = [
        id for id in catalog.patterns if families.index(str(catalog.entries[id].family)) <= last
    ]
    return before[-1] if before else None
