"""The questions for slots stand in the folders that own them, and are all asked in one way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent
FORM = """\
type: str
help: |
  {{ catalog.slots.SLOT.title }}: {{ catalog.slots.SLOT.job }}
  {% for name, option in catalog.slots.SLOT.options.items() %}{{ name }}: {{ option.take }}
  {% endfor %}
when: "{{ 'SLOT' in draft.slots }}"
choices: |
  {% from 'macros/resolve.jinja' import options %}{{ options(catalog, 'SLOT') }}
default: "{{ draft.slots.SLOT | default('', true) or UNSET }}"
validator: |-
  {% from 'macros/resolve.jinja' import refuse %}{{ refuse(catalog, patterns, 'SLOT', SLOT) }}
"""
SLOTS = yaml.safe_load((ROOT / "blueprints" / "catalog.yml").read_text(encoding="utf-8"))["slots"]
QUESTIONS: dict[str, Any] = {
    name: question
    for file in sorted((ROOT / "blueprints").glob("*/.cdp/questions.yml"))
    for name, question in yaml.safe_load(file.read_text(encoding="utf-8")).items()
}


@pytest.mark.parametrize("slot", [name for name in QUESTIONS if name in SLOTS])
def test_a_slot_is_asked_for_like_every_other(slot: str) -> None:
    """By its title, its job and its ways; only where it is open, and with the answer that fits."""
    assert QUESTIONS[slot] == yaml.safe_load(FORM.replace("SLOT", slot))
