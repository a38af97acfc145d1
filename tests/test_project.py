"""Generating: the destination appears whole or not at all; copier's errors become ours."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cdp_scaffold import project, staging, standin
from cdp_scaffold.errors import (
    BadAnswerError,
    DestinationError,
    GenerationError,
    ScaffoldError,
)
from cdp_scaffold.template import Source
from tests.repositories import (
    ENVIRONMENT,
    TEA_QUESTIONS,
    commit,
    release,
    small_template,
    surroundings,
    tree,
    write,
)

ANSWERS: Mapping[str, Any] = {"project": "kitchen", "patterns": ["tea"], "heat": "gas"}
QUESTIONS = "blueprints/{{use.tea}}/.cdp/questions.yml"
CDP_NEW = [sys.executable, "-m", "cdp_scaffold.cli", "new"]
FILES = [
    ".copier-answers.yml",
    "README.md",
    "bin/boil",
    "docs/leaves.txt",
    "docs/tea.txt",
    "kitchen.txt",
    "stove/gas.txt",
]


@dataclass(frozen=True)
class Middle:
    """A template, and a search path for programs, with which generating never ends."""

    template: Path
    path: str


def left_to_copier(template: Path) -> None:
    """Give a template a setting that changes nothing, but that only copier knows."""
    text = (template / "copier.yml").read_text()
    release(template, "v0.1.1", {"copier.yml": f"_skip_if_exists: []\n{text}"})


@pytest.fixture(autouse=True)
def nobody_in_particular() -> Iterator[None]:
    with surroundings():
        yield


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_template(tmp_path_factory.mktemp("small") / "template")


@pytest.fixture
def source(small: Path) -> Source:
    return Source(str(small))


def told(error: pytest.ExceptionInfo[ScaffoldError]) -> str:
    return error.value.render()


class TestDestination:
    """Where a repository may be generated."""

    def test_it_appears_with_the_folders_above_it(self, source: Source, tmp_path: Path) -> None:
        project.new(source, ANSWERS, tmp_path / "a" / "b" / "kitchen")

        assert sorted(tree(tmp_path / "a" / "b" / "kitchen")) == FILES
        assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == ["kitchen"]
        assert (tmp_path / "a" / "b" / "kitchen" / "bin" / "boil").stat().st_mode & 0o111

    def test_it_may_be_read_by_others_like_any_new_folder(
        self, source: Source, tmp_path: Path
    ) -> None:
        project.new(source, ANSWERS, tmp_path / "kitchen")
        (tmp_path / "other").mkdir()

        modes = [(tmp_path / name).stat().st_mode for name in ("kitchen", "other")]
        assert modes[0] == modes[1]

    def test_an_empty_folder_will_do(self, source: Source, tmp_path: Path) -> None:
        (tmp_path / "kitchen").mkdir()

        project.new(source, ANSWERS, tmp_path / "kitchen")

        assert sorted(tree(tmp_path / "kitchen")) == FILES

    @pytest.mark.parametrize("name", [".", "../kitchen", "$PWD"])
    def test_the_folder_a_shell_stands_in_stays_the_same(
        self, source: Source, tmp_path: Path, name: str
    ) -> None:
        """Were it replaced, the shell would stand in one that is gone."""
        folder = tmp_path / "kitchen"
        folder.mkdir(mode=0o750)
        before = folder.stat()
        os.chdir(folder)

        project.new(source, ANSWERS, Path(name.replace("$PWD", str(folder))))

        assert sorted(tree(Path())) == FILES
        after = folder.stat()
        assert (after.st_ino, after.st_mode) == (before.st_ino, before.st_mode)
        assert sorted(path.name for path in folder.iterdir()) == sorted(
            {name.partition("/")[0] for name in FILES}
        )

    def test_a_folder_beside_which_nothing_may_be_written_will_do(
        self, small: Path, tmp_path: Path
    ) -> None:
        """Such as one that is mounted into a container."""
        (tmp_path / "closed" / "kitchen").mkdir(parents=True)
        (tmp_path / "closed").chmod(0o555)

        done = in_a_process(small, tmp_path / "closed" / "kitchen")

        assert done.returncode == 0, done.stderr
        assert sorted(tree(tmp_path / "closed" / "kitchen")) == FILES

    def test_a_folder_that_may_not_be_written_is_told_so(self, small: Path, tmp_path: Path) -> None:
        (tmp_path / "closed").mkdir(mode=0o555)

        done = in_a_process(small, tmp_path / "closed" / "deep" / "kitchen")

        assert done.stderr.splitlines()[-1] == (
            "cdp_scaffold.errors.DestinationError: "
            f"{tmp_path}/closed/deep/kitchen: permission denied"
        )
        assert list((tmp_path / "closed").iterdir()) == []

    @pytest.mark.parametrize(
        ("make", "why"),
        [
            ("file", "exists and is no folder"),
            ("link", "exists and is no folder"),
            ("dangling", "exists and is no folder"),
            ("full", "exists and is not empty"),
            ("hidden", "exists and is not empty"),
        ],
    )
    def test_what_exists_is_refused(
        self, source: Source, tmp_path: Path, make: str, why: str
    ) -> None:
        folder = tmp_path / "kitchen"
        if make == "file":
            folder.write_text("mine\n")
        elif make == "link":
            folder.symlink_to(tmp_path)
        elif make == "dangling":
            folder.symlink_to(tmp_path / "nowhere")
        else:
            write(folder, {"mine.txt" if make == "full" else ".git/HEAD": "mine\n"})
        before = tree(tmp_path)

        with pytest.raises(DestinationError) as error:
            project.new(source, ANSWERS, folder)

        assert told(error) == f"error: {folder}: {why}\n\nhint: name a folder that is not there yet"
        assert tree(tmp_path) == before

    def test_a_folder_below_a_file_is_refused(self, source: Source, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("mine\n")

        with pytest.raises(DestinationError) as error:
            project.new(source, ANSWERS, tmp_path / "file" / "kitchen")

        assert told(error).startswith(f"error: {tmp_path}/file/kitchen: ")
        assert tree(tmp_path) == {"file": b"mine\n"}

    def test_a_folder_that_is_filled_meanwhile_is_not_run_over(
        self, source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write_all = standin.write

        def slow(*arguments: Any) -> None:
            write_all(*arguments)
            write(tmp_path / "kitchen", {"mine.txt": "mine\n"})

        monkeypatch.setattr(standin, "write", slow)

        with pytest.raises(DestinationError, match="exists and is not empty"):
            project.new(source, ANSWERS, tmp_path / "kitchen")

        assert tree(tmp_path) == {"kitchen/mine.txt": b"mine\n"}


def in_a_process(small: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Generate where modes hold for root too."""
    code = (
        "import ctypes, sys; from pathlib import Path\n"
        "from tests.test_project import ANSWERS; from cdp_scaffold import project\n"
        "from cdp_scaffold.template import Source\n"
        "drop, override = 24, 1  # PR_CAPBSET_DROP, CAP_DAC_OVERRIDE\n"
        "if len(sys.argv) == 3:\n"
        "    import os\n"
        "    ctypes.CDLL(None).prctl(drop, override, 0, 0, 0)\n"
        "    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:], 'again'])\n"
        "project.new(Source(sys.argv[1]), ANSWERS, Path(sys.argv[2]))"
    )
    return subprocess.run(
        [sys.executable, "-c", code, small, folder],
        env={**os.environ, **ENVIRONMENT},
        capture_output=True,
        text=True,
        check=False,
    )


class TestFailures:
    """Nothing is left behind, not even the folders above."""

    @pytest.mark.parametrize(
        ("files", "kind", "message"),
        [
            (
                {"blueprints/{{use.tea}}/docs/leaves.txt.jinja": "\n\n{{ sugar }}\n"},
                GenerationError,
                (
                    "error: the template's blueprints/{{use.tea}}/docs/leaves.txt.jinja, line 3: "
                    "'sugar' is undefined"
                ),
            ),
            (
                {"blueprints/{{use.tea}}/docs/leaves.txt.jinja": "{% for %}\n"},
                GenerationError,
                (
                    "error: the template's blueprints/{{use.tea}}/docs/leaves.txt.jinja, line 1: "
                    "Expected an expression, got 'end of statement block'"
                ),
            ),
            (
                {"blueprints/{{use.tea}}/{{ sugar }}.txt": "x\n"},
                GenerationError,
                (
                    "error: Error rendering template path {{use.tea}}/{{ sugar }}.txt: "
                    "'sugar' is undefined"
                ),
            ),
            (
                {"copier.yml": "_tasks: [rm -rf /nonexistent]\n"},
                GenerationError,
                "error: Template uses potentially unsafe feature: tasks.",
            ),
            (
                {QUESTIONS: TEA_QUESTIONS.replace("  default: 3\n", "")},
                BadAnswerError,
                "error: `tea_minutes`: needs an answer",
            ),
            (
                {"copier.yml": "tea: [\n"},
                GenerationError,
                (
                    "error: the template's questions cannot be read: while parsing a flow node "
                    "expected the node content, but found '<stream end>' "
                    'in "copier.yml", line 2, column 1'
                ),
            ),
        ],
        ids=["undefined", "syntax", "path", "tasks", "no default", "questions"],
    )
    def test_a_template_that_cannot_be_rendered(
        self,
        small: Path,
        tmp_path: Path,
        files: dict[str, str | None],
        kind: type[ScaffoldError],
        message: str,
    ) -> None:
        shutil.copytree(small, tmp_path / "template")
        write(tmp_path / "template", files)
        commit(tmp_path / "template")
        (tmp_path / "out").mkdir()

        with pytest.raises(kind) as error:
            project.new(
                Source(str(tmp_path / "template"), "HEAD"), ANSWERS, tmp_path / "out/a/kitchen"
            )

        assert told(error).splitlines()[0] == message
        assert list((tmp_path / "out").iterdir()) == []

    def test_an_answer_that_copier_refuses(self, source: Source, tmp_path: Path) -> None:
        with pytest.raises(BadAnswerError) as error:
            project.new(source, {**ANSWERS, "tea_minutes": 12}, tmp_path / "kitchen")

        assert told(error) == "error: `tea_minutes` must be at most 9"
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("way", ["copier", "standin"])
    def test_a_full_disk(
        self, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
    ) -> None:
        source = Source(str(shutil.copytree(small, tmp_path / "template")))
        if way == "copier":
            left_to_copier(tmp_path / "template")
        named = str(tmp_path / "x")

        def full(*_: Any) -> None:
            raise OSError(28, "No space left on device", named)

        monkeypatch.setattr(Path, "write_bytes", full)
        monkeypatch.setattr(standin, "put", full)
        (tmp_path / "out").mkdir()

        with pytest.raises(GenerationError) as error:
            project.new(source, ANSWERS, tmp_path / "out" / "kitchen")

        assert told(error) == f"error: {tmp_path}/x: No space left on device"
        assert list((tmp_path / "out").iterdir()) == []

    def test_a_full_disk_is_told_with_the_file_that_found_it(
        self, source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The system names none where it was only given a handle."""

        def full(*_: Any) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(standin, "put", full)

        with pytest.raises(GenerationError, match=r"/kitchen/\S+: No space left on device"):
            project.new(source, ANSWERS, tmp_path / "kitchen")

        assert list(tmp_path.iterdir()) == []

    def test_an_entry_that_cannot_be_moved_takes_the_others_back(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Where the destination is filled entry by entry, it is empty again."""
        folder = tmp_path / "kitchen"
        folder.mkdir()
        os.chdir(folder)
        rename = Path.rename

        def failing(self: Path, target: Path) -> Path:
            if self.name == "c":
                raise PermissionError(1, "Operation not permitted", str(self))
            return rename(self, target)

        with staging.beside(folder) as place:
            write(place / "kitchen", {"a": "a", "b": "b", "c": "c"})
            monkeypatch.setattr(Path, "rename", failing)
            with pytest.raises(PermissionError):
                staging.move(place / "kitchen", folder)

        assert list(folder.iterdir()) == []

    def test_the_environment_is_as_it_was(self, source: Source, tmp_path: Path) -> None:
        """Copier is led by variables, which must not lead whoever called us."""
        before = dict(os.environ)

        project.new(source, ANSWERS, tmp_path / "kitchen")
        with pytest.raises(BadAnswerError):
            project.new(source, {**ANSWERS, "project": "x"}, tmp_path / "other")

        assert dict(os.environ) == before


class TestKills:
    """A program that is killed leaves no destination."""

    @pytest.fixture(params=["copier", "standin"])
    def middle(self, request: pytest.FixtureRequest, small: Path, tmp_path: Path) -> Middle:
        """A program that stops in the middle of writing, by each of the ways to write."""
        template = shutil.copytree(small, tmp_path / "template")
        if request.param == "standin":
            # Who reads a pipe that nobody writes to waits for ever.
            shutil.rmtree(template / ".git")
            (template / "blueprints/{{use.water}}").mkdir()
            os.mkfifo(template / "blueprints/{{use.water}}/pipe")
            return Middle(template, os.environ["PATH"])
        # A git that sleeps where copier asks it for the mode of the first file it wrote.
        left_to_copier(template)
        real = shutil.which("git")
        wait = f'case "$*" in *fileMode*) echo $$ >"{tmp_path}/pid"; exec sleep 60;; esac'
        write(tmp_path / "bin", {"git": f'#!/bin/sh\n{wait}\nexec {real} "$@"\n'})
        (tmp_path / "bin" / "git").chmod(0o755)
        return Middle(template, f"{tmp_path}/bin:{os.environ['PATH']}")

    def start(self, middle: Middle, folder: Path) -> subprocess.Popen[str]:
        """A program in the middle of generating."""
        process = subprocess.Popen(
            [*CDP_NEW, str(folder), "tea", "--no-input", "--template", str(middle.template)],
            env={
                **os.environ,
                **ENVIRONMENT,
                "PATH": middle.path,
                "TMPDIR": str(middle.template.parent),
            },
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(600):
            found = [*folder.parent.glob(f"{staging.PREFIX}*/kitchen/*")]
            if found or [*folder.glob(f"{staging.PREFIX}*/kitchen/*")]:
                return process
            assert process.poll() is None, process.communicate()
            time.sleep(0.05)
        process.kill()
        raise AssertionError("it never began to write")

    def end(self, middle: Middle) -> None:
        """Wake no git that nobody waits for any more."""
        with contextlib.suppress(FileNotFoundError, ProcessLookupError, ValueError):
            os.kill(int((middle.template.parent / "pid").read_text()), signal.SIGKILL)

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
    def test_one_that_may_tidy_up_leaves_nothing(
        self, middle: Middle, tmp_path: Path, number: signal.Signals
    ) -> None:
        (tmp_path / "out").mkdir()
        process = self.start(middle, tmp_path / "out" / "a" / "kitchen")

        process.send_signal(number)
        _, said = process.communicate(timeout=60)
        self.end(middle)

        assert process.returncode == 128 + number
        assert "Traceback" not in said
        assert list((tmp_path / "out").iterdir()) == []
        assert list(tmp_path.glob("cdp-*")) == []

    @pytest.mark.parametrize("inside", [False, True])
    def test_one_that_may_not_is_swept_up_after_by_the_next(
        self, small: Path, middle: Middle, tmp_path: Path, inside: bool
    ) -> None:
        """Whether the hidden folder is beside the destination or in it."""
        out = tmp_path / "out"
        folder = out / "kitchen"
        folder.mkdir(parents=True)
        if inside:
            os.chdir(folder)
        process = self.start(middle, folder)

        process.kill()
        process.communicate(timeout=60)
        self.end(middle)

        (left,) = out.rglob(f"{staging.PREFIX}*")
        assert left.parent == (folder if inside else out)
        assert [path for path in folder.iterdir() if path != left] == []
        project.new(Source(str(small)), ANSWERS, folder)
        assert sorted(tree(folder)) == FILES
        assert [path.name for path in out.iterdir()] == ["kitchen"]

    def test_one_that_is_at_work_is_left_alone(self, source: Source, tmp_path: Path) -> None:
        """Its hidden folder is locked; something else of such a name is no business of ours."""
        (tmp_path / f"{staging.PREFIX}link").symlink_to(tmp_path)
        write(tmp_path, {f"{staging.PREFIX}file": "mine\n"})
        with staging.beside(tmp_path / "other") as at_work:
            project.new(source, ANSWERS, tmp_path / "kitchen")

            assert at_work.is_dir()
            with pytest.raises(DestinationError):
                project.check_destination(tmp_path)

    def test_locks_that_do_not_work_hinder_nobody(
        self, source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As on some network file systems; then nothing is swept up."""

        def fails(*_: Any) -> None:
            raise OSError(95, "Operation not supported")

        monkeypatch.setattr(fcntl, "flock", fails)
        (tmp_path / f"{staging.PREFIX}left").mkdir()

        project.new(source, ANSWERS, tmp_path / "kitchen")

        assert sorted(tree(tmp_path / "kitchen")) == FILES
        assert (tmp_path / f"{staging.PREFIX}left").is_dir()

    def test_two_at_once_do_not_hinder_each_other(self, small: Path, tmp_path: Path) -> None:
        """One of them wins where both want the same place, and it is whole."""
        command = [*CDP_NEW, str(tmp_path / "kitchen"), "tea", "--no-input"]
        environment = {**os.environ, **ENVIRONMENT}
        processes = [
            subprocess.Popen(
                [*command, "--template", str(small)],
                env=environment,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
            for _ in range(2)
        ]
        ends = [(process.communicate()[1], process.returncode) for process in processes]

        assert sorted(code for _, code in ends) == [0, 2]
        assert sorted(tree(tmp_path / "kitchen")) == FILES
        assert [path.name for path in tmp_path.iterdir()] == ["kitchen"]


def test_a_record_is_what_a_repository_tells_about_itself(source: Source, tmp_path: Path) -> None:
    project.new(source, ANSWERS, tmp_path / "kitchen")

    record = project.read_record(tmp_path / "kitchen")

    assert (record.address, record.commit, record.patterns) == (source.address, "v0.1.0", ("tea",))
    assert (
        record.answers
        == project.read_answers(tmp_path / "kitchen")
        == {
            "heat": "gas",
            "patterns": ["tea"],
            "project": "kitchen",
            "region": "us-east-1",
            "tea_minutes": 3,
        }
    )


def test_a_question_that_is_gone_is_noted(small: Path, tmp_path: Path) -> None:
    """Its answer has no place any more, which nobody would see in the files."""
    template = tmp_path / "template"
    shutil.copytree(small, template)
    source = Source(str(template))
    kitchen = tmp_path / "kitchen"
    project.new(source, {**ANSWERS, "tea_minutes": 5}, kitchen)
    commit(kitchen)
    asked = TEA_QUESTIONS.replace("tea_minutes", "tea_seconds").replace("> 9", "> 900")
    folder = "blueprints/{{use.tea}}"
    release(
        template,
        "v0.2.0",
        {
            f"{folder}/.cdp/questions.yml": asked,
            f"{folder}/docs/leaves.txt.jinja": "{{ tea_seconds }}\n",
        },
    )

    change = project.update(
        kitchen, project.read_record(kitchen), source, {}, may_lose=lambda _: False
    )

    assert change.notes == ("the template no longer asks for tea_minutes; your answer was 5",)
    assert change.changed == (".copier-answers.yml", "docs/leaves.txt")
