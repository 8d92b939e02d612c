"""The catalogue as text, data and page."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.arms import CONDITIONS, resolve
from bench.listing import SLOTS, as_lines, as_page, catalogue
from models import registry
from models.catalog import RECIPE
from models.presets import PRESETS

ROOT = Path(__file__).parents[2]
BASE = resolve({**RECIPE, "lead": 240.0, "protocol": "inductive"}, {})


def test_the_page_of_the_documentation_is_the_registry():
    page = (ROOT / "docs" / "components.md").read_text()
    assert page == as_page(catalogue()) + "\n", "run `make docs`"


def test_every_component_stands_once_under_its_slot():
    rows = catalogue()
    named = [(row["slot"], row["name"]) for row in rows]
    assert len(set(named)) == len(named)
    assert {slot for slot, _ in named} == set(registry.slots()) | {"preset", "condition"}
    assert set(registry.slots()) <= set(SLOTS)
    lines = as_lines(rows, parameters=False)
    headings = [line.split(":")[0] for line in lines if line and not line.startswith(" ")]
    assert headings == list(dict.fromkeys(row["slot"] for row in rows))
    assert len([line for line in lines if line.startswith("  ")]) == len(rows)


def test_a_slot_is_shown_with_its_parameters():
    lines = as_lines(catalogue("quantizer"), parameters=True)
    assert any(line.strip().startswith("codes=100 [2 … 4096 (log); searched 16 … 512]") for line in lines)


def test_a_condition_is_shown_with_its_values_and_its_meaning():
    rows = catalogue("condition")
    assert [row["name"] for row in rows] == list(CONDITIONS)
    assert all(row["summary"].endswith(".") and row["values"] for row in rows)
    said = "[none | current | video; none unless said]"
    assert any(line.startswith("  leak ") and said in line for line in as_lines(rows, parameters=True))
    page = as_page(rows)
    assert "### leak" in page and said.strip("[]") in page and "the study's unless said" in page


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_an_arm_of_its_own(name):
    arm = resolve(BASE, {"preset": name})
    assert arm != BASE
    assert set(PRESETS[name].slots) <= {*RECIPE, *CONDITIONS}
    assert PRESETS[name].summary.endswith(".")
