"""What `cdp new` renders itself is what copier writes, and what it cannot is left to copier."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from cdp_scaffold import project, standin
from cdp_scaffold.errors import ScaffoldError
from cdp_scaffold.template import Source, checked_out, locate
from tests.covering import Case, choices
from tests.repositories import (
    CATALOG,
    ROOT,
    TEA_QUESTIONS,
    cdp,
    commit,
    copier,
    git,
    lines,
    real_template,
    small_template,
    snapshot,
    surroundings,
    tree,
    write,
)
from tests.test_goldens import STACKS

CHOICES = choices(ROOT)
ARRAY = CHOICES.array
TEA = "blueprints/{{use.tea}}"
ANSWERS: Mapping[str, Any] = {"project": "kitchen", "patterns": ["tea"], "heat": "gas"}


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no copier come to help."""

    def help(*_: Any) -> None:
        raise AssertionError("copier was called")

    monkeypatch.setattr(project, "_render", help)


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template of the working tree, as a repository without tags."""
    return real_template(tmp_path_factory.mktemp("real") / "template")


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return small_template(tmp_path / "template")


def by_copier(source: Path, case: Case, target: Path) -> None:
    answers = {"project": "shop", "patterns": f"[{', '.join(case.wish)}]", **dict(case.choices)}
    data = [part for k, v in answers.items() for part in ("--data", f"{k}={v}")]
    done = copier("copy", "--defaults", "--quiet", *data, source, target)
    assert done.code == 0, done.err


def by_cdp(source: Path, case: Case, target: Path) -> None:
    choices = [part for k, v in case.choices for part in ("--set", f"{k}={v}")]
    done = cdp("new", target, *case.wish, *choices, "--no-input", "--template", source)
    assert (done.code, done.err) == (0, "")


def test_the_array_holds_every_pair_of_choices_that_can_meet() -> None:
    met = {pair for case in CHOICES.small() for pair in CHOICES.pairs(case)}
    covered = {pair for case in ARRAY for pair in CHOICES.pairs(case)}

    assert all(map(CHOICES.is_valid, ARRAY))
    assert met - covered == set()
    # What is not held is not a slip of the array: no larger wish brings it either.
    assert covered - met == set()


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("case", ARRAY, ids=str)
def test_any_two_choices_give_what_copier_writes(real: Path, tmp_path: Path, case: Case) -> None:
    """Byte for byte, mode for mode, folder for folder."""
    one, other = tmp_path / "one" / "shop", tmp_path / "other" / "shop"

    by_cdp(real, case, one)
    by_copier(real, case, other)

    assert snapshot(one) == snapshot(other)


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("name", STACKS)
def test_a_named_stack_is_what_copier_writes(real: Path, tmp_path: Path, name: str) -> None:
    stack = STACKS[name]
    case = Case(tuple(stack["patterns"]), tuple(stack.get("choices", {}).items()))
    one, other = tmp_path / "one" / "shop", tmp_path / "other" / "shop"

    by_cdp(real, case, one)
    by_copier(real, case, other)

    assert snapshot(one) == snapshot(other)


class TestSources:
    """Wherever a template comes from, copier is not needed, and would have done the same."""

    @pytest.fixture(
        params=["folder", "committed", "edited", "tagged", "named", "bundle", "worktree"]
    )
    def source(self, request: pytest.FixtureRequest, small: Path, tmp_path: Path) -> list[object]:
        """What to name on the command line."""
        kind = request.param
        if kind == "folder":
            shutil.rmtree(small / ".git")
            (small / TEA / "docs/tea.txt").chmod(0o600)
            (small / TEA / "docs/leaves.txt.jinja").chmod(0o755)
        elif kind == "committed":
            git(small, "tag", "-d", "v0.1.0")
        elif kind == "edited":
            write(
                small, {f"{TEA}/new.sh": "new\n", ".gitignore": "*.log\n", f"{TEA}/a.log": "no\n"}
            )
            (small / TEA / "new.sh").chmod(0o700)
            (small / TEA / "docs/tea.txt").unlink()
            return [small, "HEAD"]
        elif kind in ("tagged", "named"):
            write(small, {"blueprints/{{use.core}}/kitchen.txt": lines("new")})
            commit(small)
            return [small, *(["v0.1.0"] if kind == "named" else [])]
        elif kind == "bundle":
            git(small, "bundle", "create", "-q", str(tmp_path / "t.bundle"), "--all")
            return [tmp_path / "t.bundle"]
        elif kind == "worktree":
            git(small, "worktree", "add", "-q", str(tmp_path / "beside"), "-b", "beside")
            return [tmp_path / "beside", "HEAD"]
        return [small]

    @pytest.mark.parametrize("mask", [0o022, 0o027], ids=oct)
    @pytest.mark.usefixtures("alone")
    def test_bytes_and_modes_are_those_of_copier(
        self, source: list[Any], tmp_path: Path, mask: int
    ) -> None:
        path, *ref = source
        one, other = tmp_path / "one" / "kitchen", tmp_path / "other" / "kitchen"
        before = os.umask(mask)
        try:
            flags = [part for each in ref for part in ("--ref", each)]
            done = cdp("new", one, "tea", "--no-input", "--template", path, *flags)
            data = ("--data", "project=kitchen", "--data", "patterns=[tea]")
            plain = copier(
                *("copy", "--defaults", "--quiet", *data),
                *(f"--vcs-ref={each}" for each in ref),
                *(path, other),
            )
        finally:
            os.umask(before)

        assert (done.code, done.err, plain.code) == (0, "", 0), plain.err
        assert snapshot(one) == snapshot(other)

    @pytest.mark.usefixtures("alone")
    def test_an_address_is_cloned_once(self, small: Path, tmp_path: Path) -> None:
        done = cdp(
            *("new", tmp_path / "kitchen", "tea", "--no-input"),
            *("--template", "https://git.example.com/tea.git"),
            GIT_CONFIG_COUNT="1",
            GIT_CONFIG_KEY_0=f"url.{small}.insteadOf",
            GIT_CONFIG_VALUE_0="https://git.example.com/tea.git",
        )

        assert (done.code, done.err) == (0, "")
        record = yaml.safe_load((tmp_path / "kitchen" / ".copier-answers.yml").read_text())
        assert record["_src_path"] == "https://git.example.com/tea.git"
        assert record["_commit"] == "v0.1.0"


def config(change: Callable[[str], str]) -> Callable[[Path], None]:
    """Change `copier.yml`."""

    def do(template: Path) -> None:
        file = template / "copier.yml"
        before = file.read_text()
        file.write_text(change(before))
        assert file.read_text() != before

    return do


def files(**changes: str) -> Callable[[Path], None]:
    """Write files of the pattern `tea`; `__` stands for a slash."""
    return lambda template: write(
        template, {f"{TEA}/{name.replace('__', '/')}": text for name, text in changes.items()}
    )


def asking(more: str) -> Callable[[Path], None]:
    """Ask one question more."""
    return lambda template: write(
        template, {f"{TEA}/.cdp/questions.yml": f"{TEA_QUESTIONS}\n{more}"}
    )


def other_macro(template: Path) -> None:
    file = template / "macros" / "gather.jinja"
    file.write_text(file.read_text() + "{# another #}")


def link(template: Path) -> None:
    (template / TEA / "link.txt").symlink_to("docs/tea.txt")


BEYOND: Mapping[str, tuple[Callable[[Path], None], str]] = {
    "a message": (config(lambda t: f"_message_after_copy: Enjoy.\n{t}"), "_message_after_copy"),
    "a setting": (config(lambda t: f"_skip_if_exists: [a]\n{t}"), "_skip_if_exists"),
    "a suffix": (config(lambda t: f"_templates_suffix: .jinja\n{t}"), "_templates_suffix"),
    "more exclusions": (config(lambda t: t.replace("[/.cdp,", "[/.cdp, '*.bak',")), "_exclude"),
    "lenient": (config(lambda t: t.replace("Strict", "")), "_envops"),
    "newer": (config(lambda t: t.replace('"9.17.2"', '"9.17.3"')), "newer copier"),
    "another answer": (
        config(lambda t: t.replace("tojson }}\n\nplugs", "tojson -}}\n\nplugs")),
        "use",
    ),
    "another macro": (other_macro, "gather"),
    "a dynamic default": (asking("pot:\n  type: int\n  default: '{{ 1 + 2 }}'\n"), "pot"),
    "a dynamic choice": (
        asking("pot:\n  type: str\n  default: a\n  choices: '{{ [1, 2] }}'\n"),
        "pot",
    ),
    "a list": (asking("pots:\n  type: yaml\n  default: [1, 2]\n"), "pots"),
    "a simple question": (asking("pot: blue\n"), "pot"),
    "a link": (link, "link"),
    "a name": (files(**{"{{ project }}.txt": "x\n"}), "a name that is a template"),
    "two of a name": (files(**{"a.txt": "x\n", "a.txt.jinja": "y\n"}), "beside a template"),
    "a file of nobody": (lambda t: write(t, {"blueprints/all.txt": "x\n"}), "belongs to nobody"),
    "two owners": (
        lambda t: write(t, {f"{TEA}/a": "x\n", "blueprints/{{use.core}}/a": "x\n"}),
        "two owners",
    ),
    "the folder's name": (
        files(**{"a.jinja": "{{ _copier_conf.dst_path.name }}\n"}),
        "only copier",
    ),
    "the phase": (files(**{"a.jinja": "{{ _copier_phase }}\n"}), "only copier"),
    "outside data": (
        files(**{"a.jinja": "{{ 'x' if _external_data else 'y' }}\n"}),
        "only copier",
    ),
    "a filter": (files(**{"a.jinja": "{% yield a from [1] %}{% endyield %}\n"}), "unknown tag"),
    "a catalogue that is a template": (
        lambda t: write(
            t, {"blueprints/catalog.yml": CATALOG.replace("Sour.", "\"{{ 'Sour.' }}\"")}
        ),
        "catalogue",
    ),
    "an empty folder": (lambda t: (t / TEA / "empty").mkdir(), "empty folder"),
    "compiled Python": (lambda t: write(t, {f"{TEA}/__pycache__/a.pyc": "x"}), "compiled Python"),
    "beside the blueprints": (
        lambda t: write(t, {"docs/tea.txt.jinja": "x\n"}),
        "beside the blueprints",
    ),
}


class TestBeyond:
    """What is not known here is copier's."""

    @pytest.mark.parametrize("name", BEYOND)
    def test_copier_does_what_is_not_known_here(
        self, small: Path, tmp_path: Path, name: str
    ) -> None:
        """In a folder without git, so that nothing is left out."""
        change, why = BEYOND[name]
        shutil.rmtree(small / ".git")
        change(small)
        source = locate(str(small), None)
        one, other = tmp_path / "one" / "kitchen", tmp_path / "other" / "kitchen"

        with (
            surroundings(),
            checked_out(source) as checkout,
            pytest.raises(Exception, match=why),
        ):
            standin.files(checkout, source.address, ANSWERS, "kitchen")
        ours = generated(source, one)
        data = ("--data", "project=kitchen", "--data", "patterns=[tea]")
        plain = copier("copy", "--defaults", "--quiet", *data, small, other)

        assert (ours == "") == (plain.code == 0), ours + plain.err
        if not ours:
            assert snapshot(one) == snapshot(other)

    def test_tasks_are_refused_in_copiers_words(self, small: Path, tmp_path: Path) -> None:
        config(lambda text: f"_tasks: ['touch done']\n{text}")(small)

        told = generated(Source(str(small), "HEAD", files=small), tmp_path / "kitchen")

        assert told.startswith("error: Template uses potentially unsafe feature: tasks.")

    def test_settings_that_a_user_has_for_copier_count(self, small: Path, tmp_path: Path) -> None:
        write(tmp_path, {"config/copier/settings.yml": "defaults: {region: eu-west-1}\n"})

        cdp(
            *("new", tmp_path / "kitchen", "tea", "--no-input", "--template", small),
            XDG_CONFIG_HOME=str(tmp_path / "config"),
        )

        assert project.read_answers(tmp_path / "kitchen")["region"] == "eu-west-1"

    @pytest.mark.parametrize(
        ("answers", "told"),
        [
            ({"patterns": ["tea", "tea"]}, ""),
            ({"patterns": []}, "choose at least one pattern"),
            ({"patterns": ["beer"]}, "'beer' is not in"),
            ({"patterns": ["milk", "lemon"], "heat": None}, "Lemon excludes Milk"),
            ({"heat": "solar"}, "'solar' is not in"),
            ({"region": "mars"}, "the name of an AWS Region"),
            ({"tea_minutes": "4"}, ""),
            ({"tea_minutes": 10}, "must be at most 9"),
            ({"patterns": ["milk"]}, ""),
            ({"sugar": 2}, ""),
        ],
    )
    def test_an_answer_counts_as_it_does_for_copier(
        self, small: Path, tmp_path: Path, answers: Mapping[str, Any], told: str
    ) -> None:
        """Whoever judges it."""
        given = {k: v for k, v in {**ANSWERS, **answers}.items() if v is not None}
        source = Source(str(small))

        said = generated(source, tmp_path / "one" / "kitchen", given)

        assert (told in said) and (bool(told) == bool(said)), said
        if not said:
            with surroundings():
                project._render(source, source.address, given, None, tmp_path / "other" / "kitchen")
            assert tree(tmp_path / "one") == tree(tmp_path / "other")


def generated(source: Source, folder: Path, answers: Mapping[str, Any] = ANSWERS) -> str:
    """Generate; what is told where it fails."""
    try:
        with surroundings():
            project.new(source, answers, folder)
    except ScaffoldError as error:
        return error.render()
    return ""
