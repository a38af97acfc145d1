"""How long generating takes: `cdp new` beside `copier copy`, the renderer beside a bare loop.

Usage: python benchmarks/generate.py [RUNS]. The two commands run in processes of their own, by
turns, on the same template and the same wish; the renderer and the loop run here, and write the
same files. Told are medians, of the clock and of CPU time, and how they compare; CPU time is the
one to trust where something else runs on the machine.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import yaml
from jinja2 import Environment, FileSystemLoader

from cdp_scaffold.render import Template
from cdp_scaffold.resolver import Resolution, resolve

ROOT = Path(__file__).parent.parent
STACKS = yaml.safe_load((ROOT / "golden" / "stacks.yml").read_text(encoding="utf-8"))
DEMO: list[str] = STACKS["web_shop"]["patterns"]
LIMIT = 1.1
"""`cdp new` must take no longer than copier; a tenth is left to chance."""

Times = tuple[float, float]
"""Seconds by the clock, and of CPU time."""


def cdp_new(folder: Path) -> None:
    """Generate as a user of `cdp` does."""
    run(["cdp_scaffold.cli", "new", str(folder), *DEMO, "--no-input"])


def copier_copy(folder: Path) -> None:
    """Generate as a user of copier does."""
    data = ("--data", "project=shop", "--data", f"patterns=[{', '.join(DEMO)}]")
    run(
        ["copier", "copy", "--defaults", "--quiet", "--vcs-ref=HEAD", *data, str(ROOT), str(folder)]
    )


def run(module: list[str]) -> None:
    """Run a module in a process of its own."""
    command = [sys.executable, "-m", *module]
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)


def renderer(folder: Path) -> None:
    """Read the template, resolve, render and write, in this process."""
    template = Template(ROOT)
    for path, content in template.tree(wish(template)).items():
        put(folder / path, content)


def bare_loop(folder: Path) -> None:
    """Render and write, with all else at hand: the least that Jinja allows."""
    extensions = ["jinja2_ansible_filters.AnsibleCoreFiltersExtension"]
    loader = FileSystemLoader(ROOT)
    environment = Environment(loader=loader, extensions=extensions, keep_trailing_newline=True)  # noqa: S701 - no HTML
    for source in SOURCES:
        if source.is_template:
            text = environment.get_template(source.file.as_posix()).render(CONTEXT)
            put(folder / source.path, text.encode())
        else:
            put(folder / source.path, (ROOT / source.file).read_bytes())


def put(path: Path, content: bytes) -> None:
    """Write a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def wish(template: Template) -> Resolution:
    """What the demo is made of."""
    answer = resolve(template.catalog, DEMO)
    assert isinstance(answer, Resolution)
    return answer


KNOWN = Template(ROOT)
SOURCES = [source for source in KNOWN.sources if source.member in wish(KNOWN).members]
CONTEXT = KNOWN.context(wish(KNOWN))


def timed(work: Callable[[Path], None]) -> Times:
    """How long it takes to generate once."""
    with tempfile.TemporaryDirectory(prefix="cdp-bench.") as place:
        began, used = time.perf_counter(), cpu()
        work(Path(place) / "shop")
        return time.perf_counter() - began, cpu() - used


def cpu() -> float:
    """CPU seconds of this process and of those it started and waited for."""
    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(each.ru_utime + each.ru_stime for each in map(resource.getrusage, who))


def compare(
    first: Callable[[Path], None], second: Callable[[Path], None], runs: int
) -> tuple[Times, Times]:
    """Medians of both, run by turns so that the machine's moods meet both alike."""
    timed(first), timed(second)  # compile what is not compiled yet
    pairs = [(timed(first), timed(second)) for _ in range(runs)]
    one, other = (
        (median(times[side][0] for times in pairs), median(times[side][1] for times in pairs))
        for side in (0, 1)
    )
    return one, other


def main() -> None:
    """Print a table; end with 1 where `cdp new` is slower than it may be."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    print(f"{len(SOURCES)} files, median of {runs:<10} {'clock':>8} {'CPU':>8}")
    ratios = {}
    for (name, first), (against, second), many in (
        (("cdp new", cdp_new), ("copier copy", copier_copy), runs),
        (("renderer", renderer), ("bare jinja2 loop", bare_loop), 3 * runs),
    ):
        one, other = compare(first, second, many)
        ratios[name] = one[1] / other[1]
        print(f"{name:30} {one[0]:7.2f}s {one[1]:7.2f}s")
        print(f"{against:30} {other[0]:7.2f}s {other[1]:7.2f}s")
        print(f"{f'{name} ÷ {against}':30} {one[0] / other[0]:7.2f}x {ratios[name]:7.2f}x\n")
    if ratios["cdp new"] > LIMIT:
        sys.exit(
            f"`cdp new` takes {ratios['cdp new']:.2f} x the CPU time of copier; at most {LIMIT}"
        )


if __name__ == "__main__":
    main()
