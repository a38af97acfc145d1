"""`python -m cdp_scaffold.mutation`: break the template, and report who notices."""

from __future__ import annotations

import json
import signal
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from cdp_scaffold.mutation.checks import CHECKS, ROOT
from cdp_scaffold.mutation.harmless import harmless
from cdp_scaffold.mutation.mutants import KINDS, chosen, mutants
from cdp_scaffold.mutation.run import Outcome, tried


def mutate(
    count: Annotated[int, typer.Option(help="How many mutants to try.", min=1)] = 500,
    seed: Annotated[
        int, typer.Option(help="Which of all mutants: the same for the same seed.")
    ] = 1,
    shard: Annotated[str, typer.Option(help="Which part of them, such as `1/8`.")] = "1/1",
    without_goldens: Annotated[
        bool, typer.Option("--without-goldens", help="Only checks that know what is right.")
    ] = False,
    quick: Annotated[bool, typer.Option("--quick", help="Only checks of a few seconds.")] = False,
    skip: Annotated[
        list[str] | None, typer.Option(help="Leave a check out, by its name; may be repeated.")
    ] = None,
    only: Annotated[str, typer.Option(help="Only the mutant with this fingerprint.")] = "",
    to: Annotated[
        Path | None,
        typer.Option(help="Write each outcome here, a line of JSON; go on from what is there."),
    ] = None,
) -> None:
    """Break the template in many small ways, in a copy, and report who notices."""
    number, of = (int(part) for part in shard.split("/"))
    if not 1 <= number <= of:
        raise typer.BadParameter(f"`{shard}` is no part; the first of eight is `1/8`")
    checks = [
        check
        for check in CHECKS
        if not (without_goldens and check.golden)
        and not (quick and check.slow)
        and check.name not in (skip or ())
    ]
    every = list(mutants(ROOT))
    if without_goldens:
        # The tests of a generated repository are what knows; nothing else could tell they are gone.
        every = [each for each in every if "/tests/" not in each.path]
    sample = (
        [each for each in every if each.fingerprint == only] if only else chosen(every, count, seed)
    )
    print(f"{len(every)} mutants; {len(sample)} of them with seed {seed}, part {shard}", flush=True)
    known = harmless(ROOT)
    outcomes = _read(to)
    done = {each["fingerprint"] for each in outcomes}
    left = [each for each in sample[number - 1 :: of] if each.fingerprint not in done]
    for outcome in tried(ROOT, left, checks):
        outcomes.append(recorded(outcome))
        if to is not None:
            with to.open("a", encoding="utf-8") as lines:
                lines.write(json.dumps(outcomes[-1]) + "\n")
        if outcome.noticed_by is None:
            reason = known.get(outcome.mutant.fingerprint)
            told = f"harmless: {reason}" if reason else "NOT NOTICED"
            print(f"{told}\n  {outcome.mutant}", flush=True)
    print(report(outcomes))
    if any(not each["noticed by"] and each["fingerprint"] not in known for each in outcomes):
        raise typer.Exit(1)


def _read(file: Path | None) -> list[dict[str, object]]:
    """The outcomes of a run that was broken off."""
    if file is None or not file.exists():
        return []
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def recorded(outcome: Outcome) -> dict[str, object]:
    """An outcome without the text of the file."""
    told = asdict(outcome.mutant)
    del told["text"]
    return {
        **told,
        "fingerprint": outcome.mutant.fingerprint,
        "noticed by": outcome.noticed_by and outcome.noticed_by.name,
        "seconds": round(outcome.seconds, 2),
    }


def report(outcomes: Sequence[dict[str, object]]) -> str:
    """The table: by kind and by check."""
    noticed = [each for each in outcomes if each["noticed by"]]
    seconds = sum(float(str(each["seconds"])) for each in outcomes)
    lines = ["", "| Kind | Tried | Noticed |", "| --- | ---: | ---: |"]
    tried_of = Counter(str(each["kind"]) for each in outcomes)
    noticed_of = Counter(str(each["kind"]) for each in noticed)
    lines += [
        f"| {kind} | {tried_of[kind]} | {noticed_of[kind]} |" for kind in KINDS if tried_of[kind]
    ]
    lines.append(f"| **all** | **{len(outcomes)}** | **{len(noticed)}** |")
    lines += ["", "| First noticed by | Mutants |", "| --- | ---: |"]
    by = Counter(str(each["noticed by"]) for each in noticed)
    lines += [f"| {check.name} | {by[check.name]} |" for check in CHECKS if by[check.name]]
    share = 100 * len(noticed) / max(1, len(outcomes))
    lines += ["", f"{share:.1f} % noticed, {seconds:.0f} s"]
    return "\n".join(lines)


def main() -> None:
    """The command."""
    # Told to stop, it still ends what it started and takes its copy away.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    typer.run(mutate)


if __name__ == "__main__":
    main()
