"""What rendering costs: beside a bare jinja2 loop, cookiecutter and copier on the same templates.

Usage: python benchmarks/render.py [RUNS]. Every contestant is a process of its own, by turns, from
the start of the interpreter to its end, and writes the same files; told are medians of CPU time,
user and system, how they compare, and whether that is within bounds.

The loop and cookiecutter get all variables at hand; we read catalogue, questions and contributions,
judge the answers and set modes besides. `warm` finds compiled templates in the cache, `cold` an
empty one. The templates are today's blueprints for the demo's wish, and made-up ones in which
every file is a template of 42 lines: six with values, one with a loop over what others contribute.

Ends with 1 where a bound is missed.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from statistics import median
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent
STACKS = yaml.safe_load((ROOT / "golden" / "stacks.yml").read_text(encoding="utf-8"))
DEMO: list[str] = STACKS["web_shop"]["patterns"]
SIZES = (30, 120, 480, 1920)
FILTERS = "jinja2_ansible_filters.AnsibleCoreFiltersExtension"

BOUNDS = (
    ("warm", "loop", 1.25),
    ("cold", "loop", 1.75),
    ("warm", "cookiecutter", 0.6),
    ("warm", "copier", 0.2),
)
"""This at most so many times that."""

MEGABYTES = 60
"""What we may need at most."""

COMBINATIONS, MANY, SECONDS = 1000, 480, 7.0
"""Combinations in memory, the files of each, and the CPU seconds for all."""


@dataclass(frozen=True)
class Task:
    """A template and a wish, prepared for each contestant."""

    place: Path
    template: Path
    wish: Sequence[str]

    @property
    def plan(self) -> Path:
        """What the loop and cookiecutter get: the variables and the files."""
        return self.place / "plan.json"


def prepare(place: Path, template: Path, wish: Sequence[str]) -> Task:
    """Work out what the others need to render the same."""
    known, resolution = opened(template, wish)
    recorded: dict[str, Any] = {
        "_src_path": str(template),
        "project": "shop",
        "region": "us-east-1",
    }
    recorded |= {"patterns": list(wish), **asked(known, resolution)}
    context = known.assemble(resolution, recorded)
    sources = [s for s in known.sources if s.member in resolution.members]
    files = [(s.file.as_posix(), s.path, s.is_template) for s in sources]
    inside = place / "cookie" / "{{cookiecutter.folder}}"
    for file, path, _ in files:
        (inside / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(template / file, inside / path)
    shutil.copytree(template / "macros", place / "cookie" / "templates" / "macros")
    task = Task(place, template, wish)
    task.plan.write_text(json.dumps({"context": context, "files": files}))
    return task


def opened(template: Path, wish: Sequence[str]) -> tuple[Any, Any]:
    """A template and the resolution of a wish."""
    from cdp_scaffold.render import Template
    from cdp_scaffold.resolver import resolve

    known = Template(template)
    return known, resolve(known.catalog, wish)


def asked(known: Any, resolution: Any) -> Mapping[str, str]:
    """The answers for slots."""
    from cdp_scaffold.answers import asked_slots

    return asked_slots(known.questions, resolution)


def made_up(place: Path, files: int, members: int = 6, wished: int = 6) -> list[str]:
    """Write a template in which `wished` of the patterns give so many files; name the patterns.

    It has our own `copier.yml` and macros, so that the same is asked and computed.
    """
    place.mkdir(parents=True)
    shutil.copy(ROOT / "copier.yml", place)
    shutil.copytree(ROOT / "macros", place / "macros")
    patterns = [f"p{number:02}" for number in range(members)]
    entry = "status: ready, summary: 'It is one.', "
    kind = "kind: pattern, family: all, source: none}"
    entries = [f"  {id}: {{title: Part {id}, {entry}{kind}" for id in patterns]
    entries.append(f"  core: {{title: Core, {entry}always: true, kind: component}}")
    catalog = ["families: {all: All}", "slots: {}", "entries:", *entries, ""]
    put(place / "blueprints/catalog.yml", "\n".join(catalog))
    answers = "blueprints/{{use.core}}/{{_copier_conf.answers_file}}.jinja"
    put(place / answers, "{{ _copier_answers | to_nice_yaml -}}\n")
    each, more = divmod(files - 1, wished)
    for number, id in enumerate(patterns):
        folder = place / f"blueprints/{{{{use.{id}}}}}"
        given = [f"{patterns[(number + n) % members]}.parts: [part of {id}]" for n in range(3)]
        put(folder / ".cdp/contributes.yml", "\n".join([*given, ""]))
        for file in range(each + (number < more)):
            put(folder / f"src/{id}/d{file % 7}/f{file}.txt.jinja", forty_two(id, file))
    return patterns


def forty_two(member: str, number: int) -> str:
    """The text of a made-up template."""
    lines = [f'resource "kind" "{member}_{number}_{n}" {{ size = {n} }}' for n in range(35)]
    for at in (3, 11, 23):
        lines[at:at] = [f'name = "{{{{ project }}}}-{number}"', "region = {{ region | upper }}"]
    parts = f"plugs['{member}.parts']"
    lines.append(f"parts ={{% for part in {parts} %}} {{{{ part.value }}}}{{% endfor %}}")
    return "\n".join(lines) + "\n"


def put(path: Path, content: str | bytes) -> None:
    """Write a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def ours(task: Task, target: Path) -> None:
    """What `cdp new` does with a template at hand."""
    from cdp_scaffold import standin
    from cdp_scaffold.template import Checkout

    checkout = Checkout(task.template, None, "folder")
    answers = {"project": "shop", "patterns": list(task.wish)}
    files = standin.files(checkout, str(task.template), answers, target.name)
    standin.write(files, target, checkout)


def loop(task: Task, target: Path) -> None:
    """Render and write, with all else at hand: the least that Jinja allows."""
    from jinja2 import Environment, FileSystemLoader

    plan = json.loads(task.plan.read_text())
    environment = Environment(  # noqa: S701 - no HTML
        loader=FileSystemLoader(task.template), extensions=[FILTERS], keep_trailing_newline=True
    )
    for file, path, is_template in plan["files"]:
        if is_template:
            put(target / path, environment.get_template(file).render(plan["context"]))
        else:
            put(target / path, (task.template / file).read_bytes())


def cookiecutter(task: Task, target: Path) -> None:
    """Generate as cookiecutter does once it has asked."""
    from cookiecutter.generate import generate_files

    plan = json.loads(task.plan.read_text())
    plain = [path for _, path, is_template in plan["files"] if not is_template]
    settings = {"folder": "shop", "_extensions": [FILTERS], "_copy_without_render": plain}
    context = {**plan["context"], "cookiecutter": settings}
    generate_files(str(task.place / "cookie"), context, str(target.parent))


def copier(task: Task, target: Path) -> None:
    """Generate as a user of copier does."""
    from copier import run_copy

    data = {"project": "shop", "patterns": list(task.wish)}
    run_copy(str(task.template), target, data=data, defaults=True, quiet=True)


def combine(task: Task, _: Path) -> None:
    """Render many wishes in memory, each for half of the patterns."""
    from cdp_scaffold.render import Template
    from cdp_scaffold.resolver import Resolution, resolve

    known = Template(task.template)
    dice = random.Random(5)  # noqa: S311 - nothing here is secret
    for _once in repeat(None, COMBINATIONS):
        answer = resolve(known.catalog, dice.sample(task.wish, len(task.wish) // 2))
        assert isinstance(answer, Resolution)
        assert len(known.tree(answer)) == MANY + 1  # the answers file


CONTESTANTS = {each.__name__: each for each in (ours, loop, cookiecutter, copier, combine)}


@dataclass(frozen=True)
class Cost:
    """What a process took."""

    seconds: float
    megabytes: float


def run(task: Task, name: str, target: Path, cache: Path) -> Cost:
    """Let a contestant run in a process of its own."""
    places = map(str, (task.place, task.template, target))
    command = [sys.executable, __file__, "--run", name, *places]
    environment = {
        **{k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"},
        "PYTHONPYCACHEPREFIX": str(task.place / "python"),  # as installed packages have it
        "XDG_CACHE_HOME": str(cache),
        "XDG_CONFIG_HOME": "/nonexistent",
    }
    process = subprocess.Popen([*command, *task.wish], env=environment)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = status
    if status:
        sys.exit(f"{name} failed")
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return Cost(used.ru_utime + used.ru_stime, used.ru_maxrss / unit)


def contest(task: Task, files: int, runs: int) -> dict[str, list[Cost]]:
    """Let all run by turns, after one run that is not counted, in which they must write alike."""
    costs: dict[str, list[Cost]] = {name: [] for name in ("warm", "cold", *CONTESTANTS)}
    first: dict[str, bytes] = {}
    for turn in range(runs + 1):
        for name in ("warm", "cold", "loop", "cookiecutter", "copier"):
            if name == "copier" and turn > (2 if files < MANY else 1):
                continue  # it takes long
            with tempfile.TemporaryDirectory(prefix="cdp-bench.") as folder:
                cache = Path(folder) / "cache" if name == "cold" else task.place / "cache"
                target = Path(folder) / "shop"
                contestant = "ours" if name in ("warm", "cold") else name
                cost = run(task, contestant, target, cache)
                if turn:
                    costs[name].append(cost)
                else:
                    made = tree(target)
                    first = first or made
                    wrong = {p for p in {*first, *made} if first.get(p) != made.get(p)}
                    assert not wrong, (name, sorted(wrong)[:3])
    return costs


def tree(folder: Path) -> dict[str, bytes]:
    """What was written."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def line(told: str, is_: float, bound: float) -> bool:
    """Print a ratio beside its bound; whether it is met."""
    print(f"  {told:28} {is_:8.2f}   at most {bound:6.2f}   {'met' if is_ <= bound else 'MISSED'}")
    return is_ <= bound


def compare(title: str, task: Task, files: int, runs: int) -> list[bool]:
    """Let the contestants render one template, and print how they compare."""
    costs = contest(task, files, runs)
    of = {name: median(c.seconds for c in each) for name, each in costs.items() if each}
    print(f"\n{title}: " + ", ".join(f"{name} {seconds:.2f} s" for name, seconds in of.items()))
    met = [line(f"{one} ÷ {other}", of[one] / of[other], bound) for one, other, bound in BOUNDS]
    most = max(cost.megabytes for cost in (*costs["warm"], *costs["cold"]))
    return [*met, line("megabytes", most, MEGABYTES)]


def main() -> None:
    """Print all, and end with 1 where a bound is missed."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    print(f"CPU seconds of whole processes, medians of {runs}, of copier fewer")
    began = time.perf_counter()
    met: list[bool] = []
    with tempfile.TemporaryDirectory(prefix="cdp-bench.") as folder:
        place = Path(folder)
        today = place / "today"
        for name in ("blueprints", "macros"):
            leave = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, today / name, ignore=leave)
        shutil.copy(ROOT / "copier.yml", today)
        task = prepare(place / "0", today, DEMO)
        files = len(json.loads(task.plan.read_text())["files"])
        met += compare(f"today's blueprints, {files} files", task, files, runs)
        for size in SIZES:
            template = place / f"made-up-{size}"
            task = prepare(place / str(size), template, made_up(template, size))
            met += compare(f"made up, {size:,} files", task, size, runs)
        patterns = made_up(place / "many", MANY + 1, members=48, wished=24)
        task = Task(place, place / "many", patterns)
        cost = run(task, "combine", place / "nowhere", place / "cache")
        print(f"\n{COMBINATIONS:,} combinations of {MANY} files in memory")
        met.append(line("CPU seconds", cost.seconds, SECONDS))
        met.append(line("megabytes", cost.megabytes, MEGABYTES))
    print(f"\n{sum(met)} of {len(met)} bounds met, in {time.perf_counter() - began:.0f} s")
    sys.exit(not all(met))


def child(name: str, place: str, template: str, target: str, *wish: str) -> None:
    """Be a contestant."""
    CONTESTANTS[name](Task(Path(place), Path(template), wish), Path(target))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--run"]:
        child(*sys.argv[2:])
    else:
        main()
