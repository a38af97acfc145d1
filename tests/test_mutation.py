"""The suite can fail: the template is broken in small ways, and the checks notice.

The whole, hundreds of mutants and all checks, is `make mutate`; here are a few and quick checks.
"""

from __future__ import annotations

import os
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from cdp_scaffold.mutation.checks import CHECKS, Check
from cdp_scaffold.mutation.harmless import harmless
from cdp_scaffold.mutation.languages import lines_that_matter
from cdp_scaffold.mutation.mutants import DELETE, KINDS, Mutant, chosen, mutants
from cdp_scaffold.mutation.run import _shared, tried
from tests.test_generated import RecordProperty

ROOT = Path(__file__).parent.parent
EVERY = list(mutants(ROOT))
PARTS = 2
QUICK = 20


@pytest.mark.parametrize("part", range(PARTS))
def test_a_broken_template_is_noticed(part: int, record_property: RecordProperty) -> None:
    """One of each kind and some deleted lines, by checks that take seconds."""
    checks = [check for check in CHECKS if not check.slow and check.name in CHEAP]
    sample = chosen(EVERY, QUICK, seed=20)[part::PARTS]

    outcomes = list(tried(ROOT, sample, checks))

    assert [str(each.mutant) for each in outcomes if each.noticed_by is None] == []
    record_property("proof: mutants that were noticed", len(outcomes))


CHEAP = {
    "rules of the catalogue",
    "the resolver",
    "the resolver's twin",
    "goldens of messages",
    "goldens of stacks",
    "goldens of variants",
    "pages made from the catalogue",
}


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """Something that looks like the template, with a test of its own."""
    for path, text in {
        "blueprints/catalog.yml": "slots: {}\n",
        "blueprints/{{use.tea}}/pot.py": "LEAVES = 3\n",
        "macros/resolve.jinja": "{# nothing #}\n",
        "cdp_scaffold/resolver.py": "",
        "tests/test_pot.py": (
            "from pathlib import Path\n\n\ndef test_leaves():\n"
            "    assert '3' in Path('blueprints/{{use.tea}}/pot.py').read_text()\n"
        ),
        "tests/test_sour.py": "def test_sour():\n    assert False\n",
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    return tmp_path


def test_a_mutant_is_noticed_by_the_first_check_that_fails_because_of_it(template: Path) -> None:
    """A check that fails anyway notices nothing, however broken the template is."""
    sour = Check("sour", ["tests/test_sour.py"])
    leaves = Check("leaves", ["tests/test_pot.py"])
    [number] = [each for each in mutants(template) if each.kind == "change a number"]

    assert [o.noticed_by for o in tried(template, [number], [sour, leaves])] == [leaves]
    assert [o.noticed_by for o in tried(template, [number], [sour])] == [None]
    assert (template / number.path).read_text() == "LEAVES = 3\n"


def test_what_is_told_at_once_of_the_sound_template_too_tells_nothing(template: Path) -> None:
    [number] = [each for each in mutants(template) if each.kind == "change a number"]

    def broken(root: Path, path: str) -> bool:
        return "4" in (root / path).read_text()

    def always(root: Path, path: str) -> bool:
        return True

    eager = Check("eager", ["tests/test_pot.py"], at_once=broken)
    wrong = Check("wrong", ["tests/test_sour.py"], at_once=always)

    assert [o.noticed_by for o in tried(template, [number], [wrong, eager])] == [eager]


def test_a_sample_is_the_same_for_the_same_seed() -> None:
    one, other = chosen(EVERY, 200, seed=1), chosen(EVERY, 200, seed=1)

    assert [m.fingerprint for m in one] == [m.fingerprint for m in other]
    assert one != chosen(EVERY, 200, seed=2)
    counts = Counter(mutant.kind for mutant in one)
    assert counts[DELETE] == 100
    assert set(counts) == set(KINDS)


def test_each_mutant_has_a_fingerprint_of_its_own() -> None:
    counts = Counter(mutant.fingerprint for mutant in EVERY)

    assert [name for name, count in counts.items() if count > 1] == []


def test_each_harmless_mutant_is_one() -> None:
    """An entry whose line has changed must go, or be looked at again."""
    known = harmless(ROOT)

    assert known.keys() - {mutant.fingerprint for mutant in EVERY} == set()
    assert all(reason.strip() for reason in known.values())


def test_a_fingerprint_outlives_what_is_added_above(template: Path) -> None:
    file = template / "blueprints/{{use.tea}}/pot.py"
    before = {mutant.fingerprint for mutant in mutants(template)}

    file.write_text("WATER = 1\n" + file.read_text())

    assert before < {mutant.fingerprint for mutant in mutants(template)}


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("pot.py", '"""A pot."""\n\n# Why.\nLEAVES = 3\n', [3]),
        ("pot.tf", "# Why.\nlocals {\n\n  leaves = 3\n}\n", [1, 3, 4]),
        ("pot.md.jinja", "# Tea\n{% if use.tea %}\nHot.\n{% endif %}\n", [1, 3]),
        ("pot.tf.jinja", "{# Why,\n   at length. -#}\nlocals {}\n", [2]),
        ("pot", "#!/usr/bin/env bash\n# Why.\nboil\n", [0, 2]),
    ],
)
def test_comments_and_prose_do_not_matter(path: str, text: str, expected: list[int]) -> None:
    assert lines_that_matter(path, text) == expected


def changed(tmp_path: Path, path: str, text: str) -> set[tuple[str, str]]:
    """Kind and new text for each mutant of a file, deleted lines aside."""
    for name in ("macros", "cdp_scaffold", str(Path("blueprints") / path)):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / "cdp_scaffold").mkdir(exist_ok=True)
    (tmp_path / "cdp_scaffold/resolver.py").touch()
    (tmp_path / "blueprints" / path).write_text(text)
    found: list[Mutant] = list(mutants(tmp_path))
    return {(m.kind, m.text or "") for m in found if m.kind not in (DELETE, "drop a file")}


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        (
            "a.py",
            "if a == 3:\n",
            {
                ("flip a condition", "if not (a == 3):\n"),
                ("flip a condition", "if a != 3:\n"),
                ("change a number", "if a == 4:\n"),
            },
        ),
        (
            "a.tf",
            'output "leaves" {\n  value = "green"\n}\n',
            {
                ("rename a definition", 'output "leaves_x" {\n  value = "green"\n}\n'),
                ("change a string", 'output "leaves" {\n  value = "greenx"\n}\n'),
                (
                    "duplicate a definition",
                    "\n".join(2 * ['output "leaves" {\n  value = "green"\n}\n']),
                ),
            },
        ),
        (
            "a.yml",
            "milk: warm and sweet, or not at all\nsugar: true\n",
            {("flip a condition", "milk: warm and sweet, or not at all\nsugar: false\n")},
        ),
        ("b.tf", '  description = "3 leaves == tea."\n', set()),
        (
            "a.txt.jinja",
            "{% if use.tea %}1 cup{% endif %}\n",
            {("flip a condition", "{% if not (use.tea) %}1 cup{% endif %}\n")},
        ),
        (
            "{{use.tea}}/.cdp/contributes.yml",
            "milk:\n  - cow\n",
            {
                ("drop a contribution", "milk:\n"),
                ("duplicate a definition", "milk:\n  - cow\n  - cow\n"),
            },
        ),
    ],
)
def test_what_is_changed(
    tmp_path: Path, path: str, text: str, expected: set[tuple[str, str]]
) -> None:
    assert changed(tmp_path, path, text) == expected


def test_needs_and_fillers_of_the_catalogue_are_changed(tmp_path: Path) -> None:
    text = (
        "slots:\n  cup:\n    options:\n      mug:\n        fills: [mug]\n"
        "      glass:\n        fills: [glass]\nentries:\n  tea:\n    needs:\n      pot: it is hot\n"
    )

    found = changed(tmp_path, "catalog.yml", text)

    assert ("remove a need", text.replace("      pot: it is hot\n", "")) in found
    swapped = text.replace("[mug]", "[x]").replace("[glass]", "[mug]").replace("[x]", "[glass]")
    assert ("swap two slot fillers", swapped) in found


def test_nothing_of_a_run_stays_in_the_environment(tmp_path: Path) -> None:
    """What it sets up is gone after it, so nobody must be led there."""
    before = dict(os.environ)

    with _shared(tmp_path, []):
        assert os.environ["CDP_APP_ENVIRONMENT"].startswith(str(tmp_path))

    assert dict(os.environ) == before
