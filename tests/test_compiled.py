"""Compiled templates are kept; whatever happens to them, the text is right."""

from __future__ import annotations

import marshal
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import jinja2
import pytest
from jinja2 import Environment
from jinja2.sandbox import SandboxedEnvironment

from cdp_scaffold import compiled, project
from cdp_scaffold.compiled import CompiledTemplates, user_folder
from cdp_scaffold.render import Source, Template
from cdp_scaffold.template import Source as Origin
from tests.repositories import ENVIRONMENT, small_template, surroundings, tree

TEXT = "{% for n in range(3) %}{{ n }} {{ word }}\n{% endfor %}"
EXPECTED = b"0 tea\n1 tea\n2 tea\n"
FILE = "blueprints/{{use.tea}}/a.txt.jinja"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with one template."""
    (tmp_path / "template" / FILE).parent.mkdir(parents=True)
    (tmp_path / "template" / FILE).write_text(TEXT)
    return tmp_path / "template"


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def rendered(root: Path, cache: Path, name: str = FILE) -> bytes:
    """What the template renders to, in an environment of its own."""
    return Template(root, cache).render(Source("tea", Path(name), "a.txt"), {"word": "tea"})


@pytest.fixture
def compilations(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is compiled, and not taken from the cache."""
    done: list[str] = []
    compile = Environment.compile

    def noting(self: Environment, source: str, name: str, *rest: object) -> object:
        done.append(name)
        return compile(self, source, name, *rest)  # type: ignore[call-overload]

    monkeypatch.setattr(Environment, "compile", noting)
    return done


def entry(cache: Path) -> Path:
    (found,) = cache.iterdir()
    return found


def test_what_was_compiled_once_is_not_compiled_again(
    root: Path, cache: Path, compilations: list[str]
) -> None:
    first, again = rendered(root, cache), rendered(root, cache)

    assert first == again == EXPECTED
    assert compilations == [FILE]
    assert entry(cache).stat().st_mode & 0o777 == 0o600
    assert cache.stat().st_mode & 0o777 == 0o700


def test_the_same_template_elsewhere_is_the_same(
    root: Path, cache: Path, compilations: list[str], tmp_path: Path
) -> None:
    """As each clone of a version is."""
    rendered(root, cache)
    root.rename(tmp_path / "moved")

    assert rendered(tmp_path / "moved", cache) == EXPECTED
    assert compilations == [FILE]


def test_a_template_that_was_edited_is_compiled_anew(root: Path, cache: Path) -> None:
    """Even one that keeps its length and its time."""
    rendered(root, cache)
    before = (root / FILE).stat()
    (root / FILE).write_text(TEXT.replace("range(3)", "range(2)"))
    os.utime(root / FILE, ns=(before.st_atime_ns, before.st_mtime_ns))

    assert rendered(root, cache) == b"0 tea\n1 tea\n"
    (root / FILE).write_text(TEXT)
    assert rendered(root, cache) == EXPECTED
    assert len(list(cache.iterdir())) == 2


DAMAGE: Mapping[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "garbage": lambda _: bytes(range(256)) * 20,
    "truncated": lambda whole: whole[:-20],
    "cut in its head": lambda whole: whole[:10],
    "one bit": lambda whole: whole[:200] + bytes([whole[200] ^ 1]) + whole[201:],
    "longer": lambda whole: whole + b"\0",
    "other code": lambda whole: whole[:32] + marshal.dumps(compile("print('no')", "x", "exec")),
    "no code": lambda whole: whole[:32] + marshal.dumps([1, 2]),
    "jinja's own form": lambda _: b"j2\x05\0\0\0" + marshal.dumps(compile("1", "x", "exec")),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_entry_is_compiled_anew_and_mended(
    root: Path, cache: Path, compilations: list[str], name: str
) -> None:
    """Were its code run or even looked at, the interpreter might crash."""
    rendered(root, cache)
    whole = entry(cache).read_bytes()
    entry(cache).write_bytes(DAMAGE[name](whole))

    assert rendered(root, cache) == EXPECTED
    assert compilations == [FILE, FILE]
    assert entry(cache).read_bytes() == whole


def test_an_entry_under_the_name_of_another_is_not_taken(root: Path, cache: Path) -> None:
    rendered(root, cache)
    first = entry(cache)
    (root / FILE).write_text("other {{ word }}")
    rendered(root, cache)
    (second,) = set(cache.iterdir()) - {first}
    second.write_bytes(first.read_bytes())

    assert rendered(root, cache) == b"other tea"


def test_an_entry_of_somebody_else_is_not_taken(
    root: Path, cache: Path, compilations: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """They could have written any code there."""
    rendered(root, cache)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)

    assert rendered(root, cache) == EXPECTED
    assert compilations == [FILE, FILE]


@pytest.mark.parametrize("mode", [0o777, 0o770])
def test_a_folder_that_others_may_write_is_not_used(
    root: Path, cache: Path, compilations: list[str], mode: int
) -> None:
    rendered(root, cache)
    cache.chmod(mode)

    assert rendered(root, cache) == EXPECTED
    assert compilations == [FILE, FILE]


def test_a_link_in_the_place_of_an_entry_is_not_followed(
    root: Path, cache: Path, compilations: list[str], tmp_path: Path
) -> None:
    rendered(root, cache)
    entry(cache).rename(tmp_path / "elsewhere")
    (cache / "x").symlink_to(tmp_path / "elsewhere")
    (cache / "x").rename(cache / (tmp_path / "elsewhere").name)
    name = CompiledTemplates(cache).get_bucket(Template(root).environment, FILE, None, TEXT).key
    (cache / "elsewhere").rename(cache / name)

    assert rendered(root, cache) == EXPECTED
    assert compilations == [FILE, FILE]


@pytest.mark.parametrize("kind", ["file", "below a file", "dangling link", "nowhere"])
def test_a_cache_that_cannot_be_is_done_without(root: Path, tmp_path: Path, kind: str) -> None:
    place = tmp_path / "place"
    if kind == "dangling link":
        place.symlink_to(tmp_path / "missing")
    elif kind != "nowhere":
        place.write_text("mine\n")
    cache = {"below a file": place / "cache", "nowhere": Path("/proc/nothing/here")}.get(
        kind, place
    )

    assert rendered(root, cache) == rendered(root, cache) == EXPECTED
    assert not place.is_file() or place.read_text() == "mine\n"


def test_a_folder_that_is_read_only_is_read(root: Path, cache: Path) -> None:
    """And what is missing in it is compiled; tried where modes hold for root too."""
    rendered(root, cache)
    (root / "b.jinja").write_text("b {{ word }}")
    cache.chmod(0o500)
    code = (
        "import ctypes, os, sys; from pathlib import Path\n"
        "from tests.test_compiled import rendered\n"
        "if len(sys.argv) == 3:\n"
        "    ctypes.CDLL(None).prctl(24, 1, 0, 0, 0)  # PR_CAPBSET_DROP, CAP_DAC_OVERRIDE\n"
        "    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:], 'again'])\n"
        "place, cache = map(Path, sys.argv[1:3])\n"
        "print(rendered(place, cache), rendered(place, cache, 'b.jinja'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, root, cache],
        env={**os.environ, **ENVIRONMENT},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.stdout, done.stderr) == (f"{EXPECTED!r} {b'b tea'!r}\n", "")
    assert len(list(cache.iterdir())) == 1


def test_processes_at_once_do_not_hinder_each_other(root: Path, cache: Path) -> None:
    names = [f"t{n}.jinja" for n in range(60)]
    for name in names:
        (root / name).write_text(f"{name} {TEXT}")
    code = (
        "import sys; from pathlib import Path; from tests.test_compiled import rendered\n"
        f"names = {names}\n"
        "for turn in range(2):\n"
        "    for name in names:\n"
        "        text = rendered(Path(sys.argv[1]), Path(sys.argv[2]), name).decode()\n"
        "        assert text == name + ' 0 tea\\n1 tea\\n2 tea\\n', text\n"
    )
    running = [
        subprocess.Popen(
            [sys.executable, "-c", code, root, cache],
            env={**os.environ, **ENVIRONMENT},
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    ends = [(process.communicate()[1], process.returncode) for process in running]

    assert ends == [("", 0)] * 3
    assert len(list(cache.iterdir())) == len(names)


@pytest.mark.parametrize(
    "what",
    [
        lambda patch: patch.setattr(jinja2, "__version__", "3.999"),
        lambda patch: patch.setattr(sys, "version", "4.0"),
        lambda patch: patch.setattr("importlib.util.MAGIC_NUMBER", b"4"),
        lambda patch: patch.setattr(compiled, "FORMAT", "other"),
    ],
    ids=["jinja", "python", "bytecode", "format"],
)
def test_another_version_of_what_compiles_has_entries_of_its_own(
    root: Path,
    cache: Path,
    compilations: list[str],
    monkeypatch: pytest.MonkeyPatch,
    what: Callable[[pytest.MonkeyPatch], None],
) -> None:
    rendered(root, cache)
    compiled._builder.cache_clear()
    what(monkeypatch)
    try:
        rendered(root, cache)
    finally:
        monkeypatch.undo()
        compiled._builder.cache_clear()

    assert len(list(cache.iterdir())) == 2


def test_environments_that_compile_differently_share_nothing(cache: Path) -> None:
    """In a sandbox every call is looked at, so its code is another."""
    environments = (
        SandboxedEnvironment(),
        Environment(),  # noqa: S701 - no HTML
        Environment(trim_blocks=True),  # noqa: S701
        Environment(keep_trailing_newline=True),  # noqa: S701
    )
    for environment in environments:
        environment.loader = jinja2.DictLoader({"a": "{{ x() }}\n"})
        environment.bytecode_cache = CompiledTemplates(cache)
        environment.get_template("a")

    assert len(list(cache.iterdir())) == 4


def test_the_older_half_goes_where_there_are_many(
    root: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiled, "MOST", 10)
    cache.mkdir(mode=0o700)
    for age in range(11):
        (cache / f"old{age}").write_bytes(b"")
        os.utime(cache / f"old{age}", (1000 - age, 1000 - age))

    rendered(root, cache)

    left = {path.name for path in cache.iterdir()}
    assert left & {f"old{n}" for n in range(11)} == {f"old{n}" for n in range(5)}
    assert len(left) == 6


@pytest.mark.parametrize(
    ("environment", "place"),
    [
        ({"XDG_CACHE_HOME": "/a/b", "HOME": "/home/kim"}, "/a/b/cdp-scaffold/templates"),
        ({"XDG_CACHE_HOME": "", "HOME": "/home/kim"}, "/home/kim/.cache/cdp-scaffold/templates"),
        ({"XDG_CACHE_HOME": "a/b", "HOME": "/home/kim"}, "/home/kim/.cache/cdp-scaffold/templates"),
        ({"XDG_CACHE_HOME": "", "HOME": "kim"}, None),
    ],
)
def test_it_lies_where_users_keep_caches(
    monkeypatch: pytest.MonkeyPatch, environment: Mapping[str, str], place: str | None
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert user_folder() == (Path(place) if place else None)


@pytest.mark.parametrize("damage", ["garbage", "file", "none"])
def test_generating_with_a_broken_cache_is_generating(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    """Without copier's help, and to the same bytes."""

    def fail(*_: object) -> None:
        raise AssertionError("copier was called")

    monkeypatch.setattr(project, "_render", fail)
    small = small_template(tmp_path / "template")
    answers = {"project": "kitchen", "patterns": ["tea"], "heat": "gas"}
    place = tmp_path / "home" / "cdp-scaffold" / "templates"

    with surroundings(XDG_CACHE_HOME=str(tmp_path / "home")):
        project.new(Origin(str(small)), answers, tmp_path / "one" / "kitchen")
        entries = list(place.iterdir())
        if damage == "garbage":
            for each in entries:
                each.write_bytes(os.urandom(each.stat().st_size))
        elif damage == "file":
            place.rename(tmp_path / "away")
            place.write_text("mine\n")
        project.new(Origin(str(small)), answers, tmp_path / "two" / "kitchen")

    assert len(entries) == 3
    assert tree(tmp_path / "one") == tree(tmp_path / "two")
    assert "_commit: v0.1.0" in (tmp_path / "two/kitchen/.copier-answers.yml").read_text()
