"""Run git the same way whoever calls it, and whatever they have set for themselves.

No hook runs, nothing is asked, messages come in English. Where git shapes what is written, as in
an update, `STEADY` takes the place of settings that would shape it otherwise.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from cdp_scaffold.errors import ScaffoldError

# Set inside a git hook or by a wrapper; they would lead git elsewhere, or change what `diff` says.
MISLEADING = frozenset(
    {
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_COMMON_DIR",
        "GIT_DIFF_OPTS",
        "GIT_DIR",
        "GIT_EXTERNAL_DIFF",
        "GIT_INDEX_FILE",
        "GIT_NAMESPACE",
        "GIT_OBJECT_DIRECTORY",
        "GIT_PREFIX",
        "GIT_QUARANTINE_PATH",
        "GIT_WORK_TREE",
    }
)

QUIET: Mapping[str, str] = {
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
}
"""For every call: what would start programs of the user's."""

STEADY: Mapping[str, str] = {
    "apply.ignoreWhitespace": "no",
    "apply.whitespace": "nowarn",  # `error` would drop the user's edits without a word
    "core.autocrlf": "false",
    "core.eol": "lf",
    "core.safecrlf": "false",
    "status.showUntrackedFiles": "all",  # copier looks for rejected edits among them
}
"""For merging and cloning: a file is what was committed, and an edit is applied or rejected."""

TRACKING: Mapping[str, str] = {"core.excludesFile": os.devnull}
"""For merging: copier must see every generated file, or it takes edits of it for nothing."""

PLAIN: Mapping[str, str] = {"GIT_TEMPLATE_DIR": "", "GIT_TERMINAL_PROMPT": "0"}
"""The environment of every call: new repositories get no sample files and no hooks."""


def settings(*groups: Mapping[str, str]) -> dict[str, str]:
    """Settings for every git that is started in this environment, on top of those it has."""
    number = int(os.environ.get("GIT_CONFIG_COUNT") or 0)
    environment = {}
    for group in groups:
        for key, value in group.items():
            environment[f"GIT_CONFIG_KEY_{number}"] = key
            environment[f"GIT_CONFIG_VALUE_{number}"] = value
            number += 1
    return {"GIT_CONFIG_COUNT": str(number), **environment}


def run(
    folder: Path,
    *arguments: str | Path,
    error: type[ScaffoldError],
    feed: bytes = b"",
    config: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
) -> bytes:
    """Run git in a folder and hand back what it prints.

    Args:
        folder: Where; it need not be a repository.
        arguments: The command and its options.
        error: What to raise.
        feed: What it reads.
        config: Settings for this call.
        environment: Added to that of this process.

    Raises:
        error: Git is missing, or fails; the message is git's.
    """
    kept = {key: value for key, value in os.environ.items() if key not in MISLEADING}
    try:
        done = subprocess.run(
            ["git", "-C", folder, *arguments],
            env={
                **kept,
                **settings(QUIET, config or {}),
                "GIT_OPTIONAL_LOCKS": "0",  # looking at a repository must not write its index
                **PLAIN,
                "LC_ALL": "C.UTF-8",
                "LANGUAGE": "en",
                **(environment or {}),
            },
            input=feed,
            capture_output=True,
            check=False,
        )
    except FileNotFoundError as missing:
        raise error(
            "git is not installed", "install it; templates are read and updates are made by it"
        ) from missing
    if done.returncode:
        raise error(f"git {arguments[0]} failed: {_reason(done.stderr)}")
    return done.stdout


def _reason(said: bytes) -> str:
    """The line that tells why; hints may follow it."""
    lines = said.decode("utf-8", "replace").strip().splitlines() or ["no reason given"]
    for mark in ("fatal: ", "error: "):
        for line in lines:
            if line.startswith(mark):
                return line.removeprefix(mark)
    return lines[-1]
