"""Judge a second plan: it must be empty, but for what is known to be the mock's doing."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Verdict:
    """What a plan right after an apply still wants to change."""

    known: dict[str, str] = field(default_factory=dict)
    """Address -> why the mock reads it back differently."""
    unknown: list[str] = field(default_factory=list)
    """One line for each change that nobody expected."""


def judge(plan: Mapping[str, Any], known: Sequence[Mapping[str, str]]) -> Verdict:
    """Sort the changes of a plan.

    Args:
        plan: What `terraform show -json` tells of it.
        known: `{address, why}`; an address without index stands for all its instances. Only an
            update in place is excused: what is made anew would never settle.
    """
    verdict = Verdict()
    for change in plan.get("resource_changes", []):
        actions = change["change"]["actions"]
        if actions in (["no-op"], ["read"]):
            continue
        plain = re.sub(r"\[[^\]]*\]$", "", change["address"])
        why = [each["why"] for each in known if each["address"] in (change["address"], plain)]
        if why and actions == ["update"]:
            verdict.known[change["address"]] = why[0]
        else:
            parts = ", ".join(changed(change["change"]))
            verdict.unknown.append(
                f"{change['address']}: {' and '.join(actions)}" + (f" ({parts})" if parts else "")
            )
    for name, change in plan.get("output_changes", {}).items():
        # One that is unknown follows from a resource above.
        if change["actions"] != ["no-op"] and not change.get("after_unknown"):
            verdict.unknown.append(f"output {name}: {' and '.join(change['actions'])}")
    return verdict


def changed(change: Mapping[str, Any]) -> list[str]:
    """Names of the arguments that would change."""
    before, after = change.get("before") or {}, change.get("after") or {}
    unknown = change.get("after_unknown") or {}
    if "update" not in change["actions"]:
        return []
    names = {name for name in {*before, *after} if before.get(name) != after.get(name)}
    return sorted(names | {name for name, is_so in unknown.items() if is_so is True})
