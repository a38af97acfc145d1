"""Tests of Terraform in fewer runs: it plans everything anew for each `run`, whatever that asks.

The text is that of our own files: a `run` begins and ends at the margin, its blocks two further in.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping

RUN = re.compile(rb'^run "(?P<name>[^"]*)" \{\n(?P<body>.*?)^\}\n', re.MULTILINE | re.DOTALL)
ASSERTS = re.compile(rb"^  assert \{\n.*?^  \}\n", re.MULTILINE | re.DOTALL)
LOOKS_BACK = re.compile(rb"\brun\.\w")
REMARK = re.compile(rb"^ *#.*\n", re.MULTILINE)


def without_refusals(tree: Mapping[str, bytes], path: str) -> bytes:
    """The tests of a file but for those in which a variable refuses a value.

    It is the same in all company, unless the rule looks beyond variables: then all are kept.
    """
    variables = path.replace("/tests/", "/").replace(".tftest.hcl", ".variables.tf")
    if b"local." in tree.get(variables, b""):
        return tree[path]
    return RUN.sub(lambda run: b"" if b"expect_failures = [var." in run[0] else run[0], tree[path])


def gathered(texts: Mapping[str, bytes]) -> dict[str, bytes]:
    """The same tests: those that set nothing look at the same state, so they share one run.

    There is one for all files that begin alike, in a file of its own beside them. What looks at
    another run, or is looked at, stays as it is: a run that goes on from what an earlier one built
    has to name it.
    """
    heads = {path: _head(text) for path, text in texts.items()}
    often = Counter(heads.values())
    found = {}
    asserted: dict[bytes, list[bytes]] = {}
    for path, text in texts.items():
        plain = {run["name"]: run["body"] for run in RUN.finditer(text) if _sets_nothing(run, text)}
        if len(plain) > 1 or (plain and often[heads[path]] > 1):
            asserts = asserted.setdefault(heads[path], [])
            asserts += (one for body in plain.values() for one in ASSERTS.findall(body))
            text = _without(text, plain)
        if RUN.search(text):
            found[path] = text
    for number, (head, asserts) in enumerate(asserted.items()):
        text = b'%s\n\nrun "as_it_is" {\n%s}\n' % (head, b"\n".join(asserts))
        found[f"infra/tests/as_it_is_{number}.tftest.hcl"] = text
    return found


def _without(text: bytes, names: Collection[bytes]) -> bytes:
    return RUN.sub(lambda run: b"" if run["name"] in names else run[0], text)


def _head(text: bytes) -> bytes:
    """What a file says of all its runs, and nothing that makes no difference."""
    return re.sub(rb"\n\s*\n", b"\n", REMARK.sub(b"", RUN.sub(b"", text))).strip()


def _sets_nothing(run: re.Match[bytes], text: bytes) -> bool:
    left = REMARK.sub(b"", ASSERTS.sub(b"", run["body"])).strip()
    alone = b"run.%s." % run["name"] not in text and not LOOKS_BACK.search(run["body"])
    return alone and left in (b"", b"command = plan")
