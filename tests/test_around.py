"""What stands around Terraform and application: Makefile, workflows, hooks, docs, remote state."""

from __future__ import annotations

import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml

from cdp_scaffold.render import Answers, Template
from cdp_scaffold.resolver import Resolution
from tests.machine import needs_terraform
from tests.repositories import ENVIRONMENT
from tests.test_generated import READY, resolved, stack, write
from tests.test_goldens import STACKS

ROOT = Path(__file__).parent.parent
TEMPLATE = Template(ROOT)

WISHES: Mapping[str, Resolution] = {
    **{pattern: resolved([pattern]) for pattern in READY},
    **{name: stack(name) for name in STACKS},
}
"""Every pattern alone, and the named stacks."""

TREES = {name: TEMPLATE.tree(resolution) for name, resolution in WISHES.items()}
CORE = {s.path: TREES["bootstrap"][s.path] for s in TEMPLATE.sources if s.member == "core"}
WORKFLOWS = {
    Path(path).stem: yaml.safe_load(content)
    for path, content in CORE.items()
    if path.startswith(".github/workflows/")
}

everywhere = pytest.mark.parametrize("name", WISHES)
each_workflow = pytest.mark.parametrize("workflow", WORKFLOWS)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A generated repository."""
    return write(TREES["bootstrap"], tmp_path / "shop")


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder for the search path, with the tools of a plain machine and nothing else."""
    folder = tmp_path / "programs"
    folder.mkdir()
    tools = "bash cat cksum dirname echo env expand find git grep make mkdir rm sed sh sort touch"
    for program in tools.split():
        found = shutil.which(program)
        assert found is not None, program
        (folder / program).symlink_to(found)
    return folder


def pretend(folder: Path, program: str, script: str) -> None:
    """Put a program of our own on the search path."""
    (folder / program).write_text(f"#!/bin/sh\n{script}\n")
    (folder / program).chmod(0o755)


def run(
    command: Sequence[str], folder: Path, variables: Mapping[str, str], text: str = ""
) -> tuple[int, str]:
    done = subprocess.run(
        command,
        cwd=folder,
        env=dict(variables),
        input=text,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


# The Makefile


def targets(repository: Path) -> dict[str, str]:
    """What `make help` lists: target -> what it is said to do."""
    _, told = run(["make", "-s", "help"], repository, {"PATH": os.environ["PATH"]})
    return dict(re.findall(r"^([a-z-]+) +(.+)$", told, re.MULTILINE))


def test_help_lists_what_people_call(repository: Path) -> None:
    """Every target that is told has a sentence, and no parts of others are told."""
    assert list(targets(repository)) == [
        "help",
        "test",
        "scan",
        "fmt",
        "local",
        "local-down",
        "plan",
        "apply",
        "destroy",
        "clean",
    ]


@everywhere
def test_every_make_command_that_is_written_down_exists(name: str, tmp_path: Path) -> None:
    """Whatever README, docs and workflows tell people to make can be made."""
    repository = write(TREES[name], tmp_path)
    known = targets(repository)
    texts = [
        (path, content.decode())
        for path, content in TREES[name].items()
        if path.endswith((".md", ".yml"))
    ]

    told = {
        (path, target)
        for path, text in texts
        for target in re.findall(r"(?:`|run: )make ([a-z-]+)", text)
    }

    assert ("README.md", "local") in told
    assert {(path, target) for path, target in told if target not in known} == set()


@everywhere
def test_pages_name_the_file_of_settings(name: str) -> None:
    """Its folder is closed to all but root, so the shell that calls `sudo` finds no `*` in it."""
    told = {
        each
        for path, content in TREES[name].items()
        if path.endswith(".md")
        for each in re.findall(r"/etc/([^/\s]+)/app\.env", content.decode())
    }

    assert told <= {Answers().project, "<project>"}


def test_without_terraform_its_checks_are_skipped_aloud(repository: Path, programs: Path) -> None:
    """On a person's machine the other checks still run."""
    variables = {"PATH": str(programs)}

    assert run(["make", "-s", "test-infra"], repository, variables) == (
        0,
        "skipped: the Terraform was not checked, for terraform was not found\n",
    )


def test_without_terraform_ci_fails(repository: Path, programs: Path) -> None:
    """Where CI is set, a check that did not run is no check that passed."""
    code, told = run(["make", "-s", "test"], repository, {"PATH": str(programs), "CI": "true"})

    assert code == 2
    assert "error: terraform was not found; where CI is set, nothing is skipped\n" in told


TERRAFORM = """\
echo "$*" >>"$CALLS"
case $* in
*" fmt "*) exit "${FMT:-0}" ;;
*" test"*) exit "${TEST:-0}" ;;
esac"""


def test_terraform_is_tested_again_only_where_something_changed(
    repository: Path, programs: Path, tmp_path: Path
) -> None:
    """A failure is never remembered as passed, and CI always tests."""
    pretend(programs, "terraform", TERRAFORM)
    calls = tmp_path / "calls"
    variables = {"PATH": str(programs), "CALLS": str(calls)}

    def tested(**more: str) -> bool:
        calls.write_text("")
        run(["make", "-s", "test-infra"], repository, {**variables, **more})
        assert "-chdir=infra init -backend=false -input=false" in calls.read_text()
        return "-chdir=infra test" in calls.read_text()

    assert tested(TEST="1")
    assert tested()
    assert not tested()
    assert tested(CI="true")
    for change in (
        lambda: (repository / "servers/setup/lib.sh").write_text("exit 1"),
        lambda: (repository / "app/src/app/main.py").unlink(),
        lambda: (repository / "infra/.terraform.lock.hcl").write_text("# another provider"),
        lambda: (repository / "infra/new.tf").write_text(""),
    ):
        change()
        assert tested()
        assert not tested()
    (repository / "infra/.terraform").mkdir()
    (repository / "infra/.terraform/x").write_text("")
    (repository / "infra/terraform.tfstate").write_text("")
    (repository / "app/.venv").mkdir()
    (repository / "app/.venv/x").write_text("")
    assert not tested()


@pytest.mark.parametrize("folder", [".venv", "app/.venv", "app/.pytest_cache", "app/__pycache__"])
def test_git_does_not_see_what_the_pages_have_people_make(folder: str, repository: Path) -> None:
    """`docs/components/app.md` sets up an environment beside the application."""
    (repository / folder).mkdir()
    (repository / folder / "x").write_text("")
    run(["git", "init", "-q"], repository, os.environ)

    _, told = run(["git", "status", "--short", "--untracked-files=all"], repository, os.environ)

    assert folder not in told and "app/pyproject.toml" in told


def test_a_file_that_is_not_laid_out_fails_with_the_way_out(
    repository: Path, programs: Path, tmp_path: Path
) -> None:
    """The message names the command that mends it."""
    pretend(programs, "terraform", TERRAFORM)
    variables = {"PATH": str(programs), "CALLS": str(tmp_path / "calls"), "FMT": "3"}

    code, told = run(["make", "-s", "test-infra"], repository, variables)

    assert code == 2
    assert "error: these files are not laid out as Terraform does it; run: make fmt\n" in told


@pytest.mark.parametrize(
    ("answer", "setting", "applied"),
    [("yes\n", "", True), ("no\n", "", False), ("", "", False), ("", "YES=1", True)],
)
def test_apply_plans_asks_and_applies_that_very_plan(
    answer: str, setting: str, applied: bool, repository: Path, programs: Path, tmp_path: Path
) -> None:
    """Anything but `yes` changes nothing; a plan that was applied is not kept."""
    pretend(
        programs,
        "terraform",
        'echo "$*" >>"$CALLS"; case $* in *" plan "*) echo plan >infra/apply.tfplan ;; esac',
    )
    calls = tmp_path / "calls"
    variables = {"PATH": str(programs), "CALLS": str(calls)}

    code, told = run(["make", "-s", "apply", *setting.split()], repository, variables, answer)

    made = calls.read_text().splitlines()
    assert made[:2] == [
        "-chdir=infra init -input=false",
        "-chdir=infra plan -input=false -out=apply.tfplan",
    ]
    assert made[2:] == (["-chdir=infra apply -input=false apply.tfplan"] if applied else [])
    assert (code == 0) == applied
    assert ("nothing was changed" in told) != applied
    assert (repository / "infra/apply.tfplan").exists() != applied


def test_an_old_python_is_refused_before_anything_is_set_up(
    repository: Path, programs: Path
) -> None:
    """The application needs 3.11; the message names the way out."""
    script = f"""exec {sys.executable} -c '
import collections, sys
code = sys.argv[2]
sys.version_info = collections.namedtuple("V", "major minor micro")(3, 10, 0)
exec(code)' "$@" """
    pretend(programs, "python3", script)

    code, told = run(["make", "-s", "test-app"], repository, {"PATH": str(programs)})

    assert code == 2
    assert "Python 3.11 or later is needed, this is 3.10; name one: make PYTHON=" in told
    assert not (repository / ".venv").exists()


def test_a_repository_without_an_application_passes_that_part(
    repository: Path, programs: Path
) -> None:
    """Not every wish needs servers, so not every repository has `app/`."""
    shutil.rmtree(repository / "app")

    assert run(["make", "-s", "test"], repository, {"PATH": str(programs)}) == (
        0,
        "skipped: the Terraform was not checked, for terraform was not found\n",
    )


def test_the_makefile_works_from_elsewhere(repository: Path, programs: Path) -> None:
    """`make -C shop test` is what the README of the project says."""
    code, told = run(
        ["make", "-s", "-C", repository.name, "test-infra"],
        repository.parent,
        {"PATH": str(programs)},
    )

    assert (code, told.startswith("skipped: ")) == (0, True)


def test_clean_removes_what_can_be_made_again_and_nothing_else(
    repository: Path, programs: Path
) -> None:
    """State, pinned versions and edits stay."""
    kept = ["infra/terraform.tfstate", "infra/.terraform.lock.hcl", "app/src/app/mine.py"]
    gone = [
        ".local/x",
        ".venv/bin/x",
        "infra/.terraform/x",
        "infra/apply.tfplan",
        "app/.mypy_cache/x",
        "app/src/app/__pycache__/x.pyc",
    ]
    write(dict.fromkeys([*kept, *gone], b""), repository)

    code, told = run(["make", "-s", "clean"], repository, {"PATH": str(programs)})

    assert code == 0, told
    assert [path for path in kept if not (repository / path).exists()] == []
    assert [path for path in gone if (repository / path).exists()] == []
    assert (repository / "README.md").exists()


# What git sees


def test_git_ignores_secrets_and_leavings_and_keeps_what_pins(repository: Path) -> None:
    """State holds secrets; the lock file and every generated file belong into git."""
    git = ["git", "-c", "core.excludesFile=/dev/null"]
    assert run([*git, "init", "-q"], repository, os.environ) == (0, "")
    ignored = [
        ".local/terraform.tfstate",
        ".venv/bin/python",
        "app/src/app/__pycache__/main.pyc",
        "infra/.terraform/providers/x",
        "infra/apply.tfplan",
        "infra/terraform.tfstate",
        "infra/terraform.tfstate.backup",
    ]
    kept = ["infra/.terraform.lock.hcl", "infra/backend.tf", "infra/terraform.tfvars"]

    _, told = run(
        [*git, "check-ignore", "--no-index", "--stdin"],
        repository,
        os.environ,
        "\n".join([*ignored, *kept, *TREES["bootstrap"]]),
    )

    assert told.split() == ignored


@everywhere
def test_no_hook_would_change_a_generated_file(name: str) -> None:
    """No trailing blanks, one end of line at the end; else the first commit would be refused."""
    for path, content in TREES[name].items():
        text = content.decode()
        assert not re.search(r"[ \t]+$", text, re.MULTILINE), path
        assert not text or (text.endswith("\n") and not text.endswith("\n\n")), path
        assert "\r" not in text, path


def test_hooks_are_pinned_and_find_their_files(repository: Path) -> None:
    """Each hook from elsewhere has a released version; each of ours a pattern that matches."""
    config = yaml.safe_load(CORE[".pre-commit-config.yaml"])

    for source in config["repos"]:
        if source["repo"] == "local":
            for hook in source["hooks"]:
                assert any(re.search(hook["files"], path) for path in TREES["bootstrap"]), hook
        else:
            assert re.fullmatch(r"v\d+\.\d+\.\d+", source["rev"])
    names = {hook["id"] for source in config["repos"] for hook in source["hooks"]}
    assert {"gitleaks", "detect-private-key", "terraform-fmt", "terraform-validate"} <= names


# Workflows


def steps(workflow: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for job in workflow["jobs"].values():
        yield from job["steps"]


@each_workflow
def test_every_action_is_pinned_to_a_commit_and_says_which_release(workflow: str) -> None:
    """A tag can be moved by whoever owns the action; a commit cannot."""
    text = CORE[f".github/workflows/{workflow}.yml"].decode()
    uses = re.findall(r"uses: (.+)", text)

    assert uses
    for each in uses:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", each), each


def test_one_action_has_one_version() -> None:
    """Else an update of one workflow would leave the others behind."""
    uses = [s["uses"].split("@") for w in WORKFLOWS.values() for s in steps(w) if "uses" in s]

    assert len({name for name, _ in uses}) == len({(name, commit) for name, commit in uses})


def packages(tree: Mapping[str, bytes]) -> dict[str, list[str]]:
    """What each job that checks a repository installs from Ubuntu, at most in one step."""
    found = {}
    for name, job in yaml.safe_load(tree[".github/workflows/check.yml"])["jobs"].items():
        commands = [step["run"] for step in job["steps"] if "apt-get" in step.get("run", "")]
        assert len(commands) <= 1
        found[name] = [
            word
            for command in commands
            for word in command.rpartition(" install ")[2].split()
            if not word.startswith("--")
        ]
    return found


@everywhere
def test_ci_installs_what_people_are_told_to_install(name: str) -> None:
    """Whatever tests and the local stack name as the package of a program that they need."""
    told = {
        package
        for path, content in TREES[name].items()
        if path == "README.md" or path.startswith(("app/tests/", "local/"))
        for words in re.findall(r"`apt-get install ([^`]+)`", content.decode())
        for package in words.split()
    }

    found = packages(TREES[name])

    assert found == {"test": found["test"], "scan": [], "local": found["test"]}
    assert len(found["test"]) == len(set(found["test"]))
    assert set(found["test"]) == told


HIDDEN = {
    "layered_portal": ("test_valkey_store.py", "valkey_server.PROGRAM"),
    "inner_service": ("test_database.py", "postgres_server.PROGRAMS"),
}


@pytest.mark.parametrize("name", HIDDEN)
def test_what_a_test_needs_may_be_missing_on_a_persons_machine_only(
    name: str, python: Path, tmp_path: Path
) -> None:
    """A job that passes because its tests were skipped would tell nobody."""
    test, program = HIDDEN[name]
    repository = write(TREES[name], tmp_path / "shop")
    module, _, variable = program.partition(".")
    plugin = f"import {module}\n{module}.{variable} = None\n"
    (repository / "app/tests/without.py").write_text(plugin)
    command = [str(python), "-m", "pytest", "-q", "-p", "without", f"tests/{test}"]

    def tested(**more: str) -> tuple[int, str]:
        variables = {"PATH": os.environ["PATH"], "PYTHONPATH": "src:tests", **more}
        code, told = run([*command, "--maxfail=1"], repository / "app", variables)
        return code, told.splitlines()[-1]

    code, told = tested()
    assert (code, "skipped" in told) == (0, True)
    code, told = tested(CI="true")
    assert (code, "1 error" in told) == (1, True)


@each_workflow
def test_a_workflow_gets_no_more_rights_than_its_work_takes(workflow: str) -> None:
    """The list is whole: a right that is added has to be added here, with a reason to think of."""
    needed = {
        "check": ({"contents": "read"}, {}),
        "plan": ({}, {"plan": {"contents": "read", "id-token": "write"}}),
        "update": ({}, {"template": {"contents": "write", "pull-requests": "write"}}),
    }
    jobs = WORKFLOWS[workflow]["jobs"]

    rights = {name: job["permissions"] for name, job in jobs.items() if "permissions" in job}

    assert (WORKFLOWS[workflow]["permissions"], rights) == needed[workflow]


@each_workflow
def test_a_workflow_ends_and_does_not_run_twice_at_once(workflow: str) -> None:
    """Every job has a limit, every workflow a group, and no runner image moves by itself."""
    assert WORKFLOWS[workflow]["concurrency"]["group"]
    for job in WORKFLOWS[workflow]["jobs"].values():
        assert job["timeout-minutes"] <= 30
        assert re.fullmatch(r"ubuntu-\d\d\.04", job["runs-on"])


@each_workflow
def test_nothing_from_outside_becomes_a_command(workflow: str) -> None:
    """A title of a pull request that holds `$(…)` would run; so scripts take variables only."""
    on = WORKFLOWS[workflow][True]  # what YAML makes of the key `on`

    assert "pull_request_target" not in on
    for step in steps(WORKFLOWS[workflow]):
        assert "${{" not in step.get("run", "")


def test_only_the_update_keeps_its_token_on_disk() -> None:
    """It pushes a branch; the others have no business with the repository's token."""
    for name, workflow in WORKFLOWS.items():
        for step in steps(workflow):
            if step.get("uses", "").startswith("actions/checkout@"):
                assert (step["with"].get("persist-credentials") is False) == (name != "update")


def test_plans_rest_until_a_role_is_named_and_never_run_for_strangers() -> None:
    """Code from a fork would run under the role."""
    condition = WORKFLOWS["plan"]["jobs"]["plan"]["if"]

    assert condition.split(" && ") == [
        "vars.PLAN_ROLE != ''",
        "github.event.pull_request.head.repo.full_name == github.repository",
    ]


def script(workflow: str, step: str) -> str:
    """The commands of one step."""
    return str(next(s["run"] for s in steps(WORKFLOWS[workflow]) if s.get("name") == step))


@pytest.mark.parametrize("code", [0, 1])
def test_a_plan_is_told_on_the_page_of_the_run(
    code: int, repository: Path, programs: Path, tmp_path: Path
) -> None:
    """With its exit code, and with a word about the state where that is on somebody's machine."""
    pretend(
        programs,
        "terraform",
        f'case $* in *" plan "*) echo "1 to add"; exit {code} ;; esac',
    )
    tail = shutil.which("tail")
    assert tail is not None
    (programs / "tail").symlink_to(tail)
    summary = tmp_path / "summary"
    variables = {"PATH": str(programs), "GITHUB_STEP_SUMMARY": str(summary)}

    assert run(["bash", "-e", "-c", script("plan", "Plan")], repository, variables)[0] == code

    told = summary.read_text()
    assert "There is no infra/backend.tf" in told
    assert told.endswith("```\n1 to add\n```\n")


# The weekly update, run for real but for the forge


@pytest.fixture
def forge(tmp_path: Path) -> dict[str, str]:
    """A template with two versions, and variables in which `gh` notes what it is told."""
    made = tmp_path / "forge"
    made.mkdir()
    pretend(
        made,
        "gh",
        'echo "$*" >>"$CALLS"; [ "$2" = list ] && echo "$OPEN"\n'
        'while [ $# -gt 0 ]; do [ "$1" = --body-file ] && cat "$2" >"$CALLS.body"; shift; done; :',
    )
    (made / "copier").symlink_to(Path(sys.executable).parent / "copier")
    return {
        **os.environ,
        **ENVIRONMENT,
        "BRANCH": "template-update",
        "CALLS": str(tmp_path / "calls"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
        "OPEN": "",
        "PATH": f"{made}:{os.environ['PATH']}",
        "RUNNER_TEMP": str(tmp_path),
    }


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments],
        env={**os.environ, **ENVIRONMENT},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"git {arguments}: {done.stderr}"
    return done.stdout


def release(template: Path, version: str, text: str) -> None:
    """Bring out a version of a template of one file."""
    write(
        {
            "copier.yml": b"_answers_file: .copier-answers.yml\n",
            "{{_copier_conf.answers_file}}.jinja": b"{{ _copier_answers | to_nice_yaml -}}\n",
            "file.txt": text.encode(),
        },
        template,
    )
    if not (template / ".git").exists():
        git(template, "init", "-q", "-b", "main")
    git(template, "add", "--all")
    git(template, "commit", "-qm", version)
    git(template, "tag", version)


@pytest.fixture
def generated(tmp_path: Path, forge: dict[str, str]) -> Path:
    """A repository generated from the first version, with a remote to push to."""
    template, clone = tmp_path / "template", tmp_path / "clone"
    release(template, "v1.0.0", "one\ntwo\nthree\n")
    code, told = run(["copier", "copy", "--quiet", str(template), str(clone)], tmp_path, forge)
    assert code == 0, told
    (clone / ".gitignore").write_text("/ignored\n")
    git(clone, "init", "-q", "-b", "main")
    git(clone, "add", "--all")
    git(clone, "commit", "-qm", "Generate")
    git(tmp_path, "init", "-q", "--bare", "remote.git")
    git(clone, "remote", "add", "origin", str(tmp_path / "remote.git"))
    git(clone, "push", "-q", "origin", "main")
    return clone


def update(generated: Path, variables: Mapping[str, str]) -> list[str]:
    """Run the workflow's script as a runner does; what the forge was told."""
    calls = Path(variables["CALLS"])
    calls.write_text("")
    code, told = run(["bash", "-e", "-c", script("update", "Update")], generated, variables)
    assert code == 0, told
    return calls.read_text().splitlines()


def test_nothing_new_opens_no_pull_request(generated: Path, forge: dict[str, str]) -> None:
    """The page of the run says that nothing is new."""
    assert update(generated, forge) == []
    assert Path(forge["GITHUB_STEP_SUMMARY"]).read_text() == "Nothing is new since v1.0.0.\n"


def test_a_new_version_comes_as_a_pull_request(
    generated: Path, forge: dict[str, str], tmp_path: Path
) -> None:
    """The branch holds the update and the answers of the new version; the main branch neither."""
    release(tmp_path / "template", "v1.1.0", "one\ntwo\nthree\nfour\n")

    told = update(generated, forge)

    assert told[0].startswith("pr list --head template-update --state open")
    assert told[1].startswith(
        "pr create --head template-update --title Update from the template: v1.1.0"
    )
    assert not told[1].endswith("--draft")
    remote = tmp_path / "remote.git"
    assert git(remote, "show", "template-update:file.txt") == "one\ntwo\nthree\nfour\n"
    assert "_commit: v1.1.0" in git(remote, "show", "template-update:.copier-answers.yml")
    assert git(remote, "show", "main:file.txt") == "one\ntwo\nthree\n"
    body = Path(forge["CALLS"] + ".body").read_text()
    assert body == "What changed in the template between v1.0.0 and v1.1.0.\n"


def test_an_open_pull_request_is_brought_up_to_date(
    generated: Path, forge: dict[str, str], tmp_path: Path
) -> None:
    """The week after there is still one, with the newest version."""
    release(tmp_path / "template", "v1.1.0", "one\ntwo\nthree\nfour\n")
    update(generated, forge)
    git(generated, "switch", "-q", "main")
    release(tmp_path / "template", "v1.2.0", "one\ntwo\nthree\nfive\n")

    told = update(generated, {**forge, "OPEN": "7"})

    assert told[1].startswith("pr edit template-update --title Update from the template: v1.2.0")
    assert git(tmp_path / "remote.git", "show", "template-update:file.txt").endswith("five\n")


def test_conflicts_come_as_a_draft_that_names_the_files(
    generated: Path, forge: dict[str, str], tmp_path: Path
) -> None:
    """A person finishes them; nothing of either side is lost."""
    (generated / "file.txt").write_text("one\nmine\nthree\n")
    git(generated, "commit", "-qam", "Edit")
    release(tmp_path / "template", "v1.1.0", "one\ntheirs\nthree\n")

    told = update(generated, forge)

    assert told[1].endswith("--draft")
    assert Path(forge["CALLS"] + ".body").read_text().endswith("\n- `file.txt`\n")
    merged = git(tmp_path / "remote.git", "show", "template-update:file.txt")
    assert "mine\n" in merged
    assert "theirs\n" in merged
    assert "<<<<<<<" in merged


# Renovate


def test_renovate_keeps_everything_current_that_is_pinned() -> None:
    """The managers that are on by default find each kind of pin; none is switched off."""
    config = json.loads(CORE["renovate.json"])

    assert {
        "config:recommended",
        "helpers:pinGitHubActionDigests",
        ":enablePreCommit",
        "customManagers:githubActionsVersions",
    } == set(config["extends"])
    assert "enabledManagers" not in config
    disabled = [rule for rule in config["packageRules"] if rule.get("enabled") is False]
    assert [rule["matchPackageNames"] for rule in disabled] == [["python"]]
    assert {"copier", "terraform"} == {
        manager for rule in config["packageRules"] for manager in rule.get("matchManagers", [])
    }


def test_renovate_finds_the_version_of_terraform_in_workflows() -> None:
    """By the comment above it; all workflows name the same one."""
    # What the preset looks for, as far as we use it.
    pinned = re.compile(
        r"# renovate: datasource=github-releases depName=hashicorp/terraform"
        r" extractVersion=\^v\(\?<version>\.\+\)\$\s+TERRAFORM_VERSION: (\d+\.\d+\.\d+)\n"
    )
    found = {
        name: pinned.findall(CORE[f".github/workflows/{name}.yml"].decode()) for name in WORKFLOWS
    }

    assert len(found["check"]) == 1
    assert found == {"check": found["check"], "plan": found["check"], "update": []}


@everywhere
def test_requirements_are_pinned_and_one_tool_has_one_version(name: str) -> None:
    """Else `pip` could not install those of the application and of the mock side by side."""
    pins: dict[str, set[str]] = {}
    for path, content in TREES[name].items():
        if re.search(r"(^|/)requirements[\w-]*\.txt$", path):
            for line in content.decode().splitlines():
                if line and not line.startswith(("#", "-r ")):
                    match = re.fullmatch(r"([\w-]+)(?:\[[\w,]+\])?==([\w.]+)", line)
                    assert match, f"{path}: {line}"
                    pins.setdefault(match[1], set()).add(match[2])

    assert {package for package, versions in pins.items() if len(versions) > 1} == set()


# Documents


@everywhere
def test_every_link_leads_somewhere(name: str) -> None:
    """Files that documents link to are there in the same repository."""
    tree = TREES[name]
    broken = []
    for path, content in tree.items():
        if path.endswith(".md"):
            for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", content.decode()):
                if not link.startswith(("http://", "https://")):
                    target = os.path.normpath(Path(path).parent / link)
                    if target not in tree:
                        broken.append((path, link))

    assert broken == []


@everywhere
def test_help_names_every_file_once(name: str) -> None:
    """No file without a reason, no reason without a file."""
    listed = re.findall(r"^\| \[`([^`]+)`\]", TREES[name]["HELP.md"].decode(), re.MULTILINE)

    assert sorted(listed) == sorted(TREES[name])


@everywhere
def test_readme_and_help_have_no_scars(name: str) -> None:
    """No two blank lines, and a blank line around every table, list and heading."""
    for path in ("README.md", "HELP.md"):
        lines = TREES[name][path].decode().splitlines()
        for before, line in itertools.pairwise(lines):
            where = f"{path}: {before!r} / {line!r}"
            assert before or line, where
            assert not line.startswith("#") or not before, where
            assert not before.startswith("#") or not line, where
            assert (before.startswith("| ") == line.startswith("| ")) or not (before and line), (
                where
            )
            assert line.startswith(("- ", "  ")) or not before.startswith("- ") or not line, where


@everywhere
def test_the_mock_gets_each_variable_once_and_only_such_as_are_there(name: str) -> None:
    """A value for a variable nobody has would be a warning at every call."""
    tree = TREES[name]
    given = re.findall(r"^(\w+) = ", tree["local/variables.tfvars"].decode(), re.MULTILINE)
    declared = {
        variable
        for path, content in tree.items()
        if re.fullmatch(r"infra/[\w.]+\.tf", path)
        for variable in re.findall(r'^variable "(\w+)"', content.decode(), re.MULTILINE)
    }

    assert len(given) == len(set(given))
    assert set(given) <= declared


@everywhere
def test_terraform_tests_mock_every_provider(name: str) -> None:
    """One that is not mocked signs in at AWS as soon as a part that uses it comes along."""
    tree = TREES[name]
    aliases = set(re.findall(r'alias  = "(\w+)"', tree["infra/provider.tf"].decode()))

    for path, content in tree.items():
        if path.endswith(".tftest.hcl"):
            mocked = re.findall(
                r'mock_provider "aws" \{\n  alias  = "(\w+)"', content.decode(), re.MULTILINE
            )
            assert aliases <= set(mocked), path


# The Python of the frame


def test_the_python_of_the_frame_is_clean(tmp_path: Path) -> None:
    """Its owners read it; it is held to the rules of this project."""
    python = {path: content for path, content in CORE.items() if path.endswith(".py")}
    folder = write(python, tmp_path / "frame")
    rules = (ROOT / "pyproject.toml").read_text().replace(
        'extend-exclude = ["blueprints", "golden"]', ""
    )  # fmt: skip
    (tmp_path / "pyproject.toml").write_text(rules)
    tools = Path(sys.executable).parent

    for command in (
        [str(tools / "ruff"), "check", "--no-cache", str(folder)],
        [str(tools / "ruff"), "format", "--check", "--no-cache", str(folder)],
    ):
        code, told = run(command, tmp_path, os.environ)
        assert code == 0, told
    mypy = [
        str(tools / "mypy"), "--config-file=", "--strict", "--ignore-missing-imports",
        "--cache-dir", str(tmp_path / "cache"), "--python-version", "3.11",
    ]  # fmt: skip
    code, told = run([*mypy, *(str(f) for f in (folder / "local/runner").glob("*.py"))],
                     folder / "local/runner", os.environ)  # fmt: skip
    assert code == 0, told
    for alone in ("local/patches/core.py", "scripts/state_bucket.py"):
        code, told = run([*mypy, alone], folder, os.environ)
        assert code == 0, told


# Remote state


@pytest.fixture
def aws(repository: Path, tmp_path: Path) -> Iterator[dict[str, str]]:
    """A mock AWS, and variables that lead to it."""
    ready = tmp_path / "mock.json"
    server = subprocess.Popen(
        [sys.executable, "local/runner/server.py", str(ready)], cwd=repository
    )
    try:
        until = time.monotonic() + 120
        while not ready.exists() and time.monotonic() < until:
            assert server.poll() is None
            time.sleep(0.1)
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "TF_"))}
        yield {
            **clean,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{json.loads(ready.read_text())['port']}",
            "AWS_SECRET_ACCESS_KEY": "test",
        }
    finally:
        server.terminate()
        server.wait(10)


@pytest.fixture
def bucket(repository: Path, aws: dict[str, str]) -> Callable[..., tuple[int, str]]:
    """Run the script that makes the bucket for the state."""

    def make(name: str, region: str = "eu-central-1") -> tuple[int, str]:
        command = [sys.executable, "scripts/state_bucket.py", name, "--region", region]
        return run(command, repository, aws)

    return make


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1"])
def test_the_bucket_for_the_state_is_closed_and_keeps_versions(
    region: str, bucket: Callable[..., tuple[int, str]], aws: dict[str, str]
) -> None:
    """The script may be run again, and says what it found and what it did."""
    code, told = bucket("our-state", region)
    assert code == 0, told
    assert told.splitlines()[0] == f"our-state: created in {region}"

    code, told = bucket("our-state", region)

    assert code == 0, told
    assert told.splitlines()[0] == "our-state: was there already"
    s3 = boto3.client(
        "s3",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        endpoint_url=aws["AWS_ENDPOINT_URL"],
        region_name=region,
    )
    where = {"Bucket": "our-state"}
    assert s3.get_bucket_versioning(**where)["Status"] == "Enabled"
    assert set(s3.get_public_access_block(**where)["PublicAccessBlockConfiguration"].values()) == {
        True
    }
    rules = s3.get_bucket_encryption(**where)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    (statement,) = json.loads(s3.get_bucket_policy(**where)["Policy"])["Statement"]
    assert (statement["Effect"], statement["Condition"]) == (
        "Deny",
        {"Bool": {"aws:SecureTransport": "false"}},
    )
    (rule,) = s3.get_bucket_lifecycle_configuration(**where)["Rules"]
    assert rule["NoncurrentVersionExpiration"]["NoncurrentDays"] == 90


def test_a_bucket_that_cannot_be_made_is_one_clear_line(
    bucket: Callable[..., tuple[int, str]],
) -> None:
    """No traceback, and an exit code."""
    code, told = bucket("No Such Name!")
    assert code == 1
    assert told == (
        "error: the name of a bucket must be 3 to 63 lower-case letters, digits and hyphens, "
        "and start and end with a letter or digit; got `No Such Name!`\n"
    )
    assert bucket("our-state")[0] == 0
    code, told = bucket("our-state", "nowhere-1")
    assert code == 1
    assert told == "error: `nowhere-1` is no AWS Region, such as eu-central-1\n"


@needs_terraform
def test_the_state_moves_to_the_bucket_and_back(
    repository: Path, bucket: Callable[..., tuple[int, str]], aws: dict[str, str]
) -> None:
    """By the very file and commands that docs/remote-state.md tells; a lock is taken and let go."""
    infra = repository / "infra"
    for file in infra.glob("*.tf"):
        file.unlink()  # a stack of nothing, so that Terraform needs no provider
    (infra / "main.tf").write_text('resource "terraform_data" "one" {\n  input = 1\n}\n')

    def terraform(*arguments: str) -> str:
        code, told = run(["terraform", "-chdir=infra", *arguments], repository, aws)
        assert code == 0, told
        return told

    terraform("init", "-input=false")
    terraform("apply", "-auto-approve", "-input=false")
    assert bucket("our-state", "us-east-1")[0] == 0
    example = (infra / "backend.tf.example").read_text()
    (infra / "backend.tf").write_text(example.replace("NAME-OF-YOUR-BUCKET", "our-state"))
    # A bucket as part of the host's name is nothing that a mock on one address can serve.
    terraform("init", "-migrate-state", "-force-copy", "-backend-config=use_path_style=true")
    (infra / "terraform.tfstate").unlink()
    s3 = boto3.client(
        "s3",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        endpoint_url=aws["AWS_ENDPOINT_URL"],
        region_name="us-east-1",
    )

    terraform("plan", "-input=false", "-detailed-exitcode")
    (infra / "main.tf").write_text('resource "terraform_data" "one" {\n  input = 2\n}\n')
    terraform("apply", "-auto-approve", "-input=false")

    key = "shop/dev/terraform.tfstate"
    held = s3.list_object_versions(Bucket="our-state")
    assert {each["Key"] for each in held["Versions"]} == {key, f"{key}.tflock"}
    assert {each["Key"] for each in s3.list_objects_v2(Bucket="our-state")["Contents"]} == {key}
    (infra / "backend.tf").unlink()
    terraform("init", "-migrate-state", "-force-copy")
    terraform("plan", "-input=false", "-detailed-exitcode")
    assert json.loads((infra / "terraform.tfstate").read_text())["resources"]


@needs_terraform
def test_the_backend_file_is_laid_out_and_does_nothing_until_it_is_copied(tmp_path: Path) -> None:
    """Its name keeps Terraform from reading it; copied, no update or hook would change it."""
    answers = Answers(project="web-shop", region="eu-central-1")
    text = TEMPLATE.tree(WISHES["bootstrap"], answers)["infra/backend.tf.example"]
    (tmp_path / "backend.tf").write_bytes(text)

    assert b'"web-shop/dev/terraform.tfstate"' in text
    assert b'"eu-central-1"' in text
    assert run(["terraform", "fmt", "-check"], tmp_path, os.environ) == (0, "")


# The demo


def test_the_demo_leaves_what_is_there_alone(tmp_path: Path, programs: Path) -> None:
    """A folder that was generated is kept, with its edits; any other is refused."""
    demo = ["bash", str(ROOT / "tools/demo.sh"), str(tmp_path / "bin"), "demo-shop"]
    variables = {"PATH": str(programs)}
    write({"demo-shop/.copier-answers.yml": b"", "demo-shop/README.md": b"mine"}, tmp_path)

    code, told = run(demo, tmp_path, variables)

    assert code == 0
    assert told.startswith("./demo-shop was generated before and is left as it is")
    assert "Terraform was not found" in told
    assert (tmp_path / "demo-shop/README.md").read_text() == "mine"
    (tmp_path / "demo-shop/.copier-answers.yml").unlink()
    code, told = run(demo, tmp_path, variables)
    assert code == 1
    assert told.startswith("error: ./demo-shop is there already and was not generated")


@pytest.mark.parametrize(
    ("edited", "runs", "told"),
    [
        (False, True, "runs: ok"),
        (False, False, "is gone. The application answered:\nanswered before"),
        (True, True, "built"),
    ],
)
def test_the_demo_builds_only_what_changed(
    edited: bool, runs: bool, told: str, tmp_path: Path, programs: Path
) -> None:
    """What runs is asked; what ran says what it answered; after an edit it is built again."""
    shop = tmp_path / "demo-shop"
    write(
        {
            ".copier-answers.yml": b"",
            "app/main.py": b"",
            "Makefile": b"local:\n\t@echo built\n",
            ".local/answer": b"answered before\n",
            ".venv/bin/python": b"",
        },
        shop,
    )
    (shop / ".venv/bin/python").unlink()
    pretend(shop / ".venv/bin", "python", f"[ {int(runs)} = 1 ] && echo 'runs: ok'")
    pretend(programs, "terraform", ":")
    now = time.time()
    for path in ("Makefile", ".copier-answers.yml"):
        os.utime(shop / path, (now - 60, now - 60))
    os.utime(shop / ".local/answer", (now, now))
    os.utime(shop / "app/main.py", (now + 60 * (1 if edited else -1),) * 2)

    code, output = run(
        ["bash", str(ROOT / "tools/demo.sh"), str(tmp_path / "bin"), "demo-shop"],
        tmp_path,
        {"PATH": str(programs)},
    )

    assert code == 0, output
    assert told in output
    assert ("built\n" in output) == edited
