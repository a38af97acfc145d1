"""The copy of this repository that is built on the mock AWS.

Terraform works in `.local/stack/`, with its state beside it. The folder `infra/`, its state and
its backend are never touched, and what leads to a real account is overridden in the copy.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from environment import KEY
from places import LOCAL, REPOSITORY

COPY = LOCAL / "stack"
STATE = LOCAL / "terraform.tfstate"
LOCK_FILE = ".terraform.lock.hcl"

LEFT_OUT = shutil.ignore_patterns(
    ".*", "__pycache__", "node_modules", "venv", "*.tfplan", "*.tfstate", "*.tfstate.*"
)
"""What no server and no plan needs; folders such as `.git` and `.venv` among it."""

BLOCK = re.compile(r'^provider\s+"aws"\s*\{(?:[^\n]*\}$|.*?^\})', re.MULTILINE | re.DOTALL)
ALIAS = re.compile(r'^\s*alias\s*=\s*"([^"]+)"', re.MULTILINE)

LEADS_AWAY = re.compile(
    r"^( *)(?:assume_role|assume_role_with_web_identity|endpoints)\s*\{(?:[^\n]*\}|.*?\n\1\})\n",
    re.MULTILINE | re.DOTALL,
)
"""Blocks of a provider that lead to another account or past the mock; no override undoes them."""

SETTINGS = f"""\
  access_key                  = "{KEY}"
  secret_key                  = "{KEY}"
  token                       = null
  profile                     = null
  allowed_account_ids         = null
  forbidden_account_ids       = null
  http_proxy                  = null
  shared_config_files         = []
  shared_credentials_files    = []
  max_retries                 = 3
  s3_use_path_style           = true
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = false
"""
# With more retries a call that moto does not know would hang for minutes; without the account's
# number, names of resources would lack it and never read back the same.


def make() -> Path:
    """Copy the repository as it stands now; the folder for Terraform is returned."""
    infra = COPY / "infra"
    pinned = _read(infra / LOCK_FILE)
    shutil.rmtree(COPY, ignore_errors=True)
    shutil.copytree(REPOSITORY, COPY, symlinks=True, ignore=LEFT_OUT)
    # The versions you pinned, or else those of the run before.
    pinned = _read(REPOSITORY / "infra" / LOCK_FILE) or pinned
    if pinned:
        (infra / LOCK_FILE).write_text(pinned, encoding="utf-8")
    for file in infra.glob("*.tf"):
        text = _read(file)
        tame = BLOCK.sub(lambda block: LEADS_AWAY.sub("", block[0]), text)
        if tame != text:
            file.write_text(tame, encoding="utf-8")
    texts = [_read(file) for file in infra.glob("*.tf")]
    # Overrides are merged in the order of their names; this one comes last.
    (infra / "zzz_local_override.tf").write_text(override(texts), encoding="utf-8")
    return infra


def override(texts: Iterable[str]) -> str:
    """Terraform that leads every `aws` provider of the given files to the mock, and no backend.

    The address of the mock is not in it but in the environment, for all services at once.
    """
    parts = [f'terraform {{\n  backend "local" {{\n    path = {json.dumps(str(STATE))}\n  }}\n}}\n']
    aliases: dict[str | None, None] = {}
    for text in texts:
        for block in BLOCK.findall(text):
            alias = ALIAS.search(block)
            aliases[alias[1] if alias else None] = None
    for name in aliases:
        own = f'  alias                       = "{name}"\n' if name else ""
        parts.append(f'provider "aws" {{\n{own}{SETTINGS}}}\n')
    return "\n".join(parts)


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8") if file.is_file() else ""
