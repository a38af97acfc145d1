"""Mutants that change nothing anyone depends on, each with the reason."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import yaml


def harmless(root: Path) -> Mapping[str, str]:
    """Fingerprint → reason."""
    text = (root / "tests" / "harmless_mutations.yml").read_text(encoding="utf-8")
    found: Mapping[str, str] = yaml.safe_load(text) or {}
    return found
