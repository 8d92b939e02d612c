"""Reports of many methods: ranked, with what happened over the epochs and what cannot be honest."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
from test_report_evidence import BASE, METRIC, evidence, run

from bench.gather import _note
from bench.report.comparison import compare
from bench.report.evidence import ArmInfo
from bench.report.figures import drawings
from bench.report.figures.curves import LEARNING, MOST, courses
from bench.report.tables import results
from bench.report.words import findings
from bench.study import load

ARMS = (BASE, *(ArmInfo(name, "change") for name in ("low", "high", "none", "mid")))
LEVEL = {"base": 0.7, "low": 0.6, "high": 0.78, "mid": 0.72}


def curve(key: str) -> list[dict[str, Any]]:
    arm = key.partition("-")[0]
    seed = int(key.split("-")[-2])
    if arm == "low":
        return []
    told = [
        {"epoch": e, "retrieval": 0.1 * e + 0.01 * seed, f"validation.{METRIC}": 0.5 + 0.1 * e}
        for e in (1, 2, 3)
    ]
    return [{**each, "contrast.active": 1.0 / each["epoch"]} for each in told] if arm == "mid" else told


def made(ranked: bool = True, **more: Any) -> Any:
    rows = [run(arm, s, level + 0.001 * s) for arm, level in LEVEL.items() for s in range(6)]
    rows += [run("none", s, math.nan, outcome="diverged") for s in range(6)]
    return evidence(rows, ARMS, ranked=ranked, curve=curve, **more)


def test_ranked_puts_the_best_first_and_what_failed_last() -> None:
    assert [arm.info.name for arm in compare(made()).changes] == ["high", "mid", "low", "none"]
    assert [arm.info.name for arm in compare(made(False)).changes] == ["low", "high", "none", "mid"]
    words = {arm.info.name: (str(arm.holm), arm.verdict) for arm in compare(made()).changes}
    assert words == {arm.info.name: (str(arm.holm), arm.verdict) for arm in compare(made(False)).changes}


def test_courses_are_the_epochs_of_every_unit() -> None:
    found = courses(compare(made()), LEARNING)
    assert set(found) == {f"validation.{METRIC}", "retrieval", "contrast.active"}
    assert set(found["retrieval"]) == {"base", "high", "mid"} and set(found["contrast.active"]) == {"mid"}
    np.testing.assert_allclose(found["retrieval"]["base"][4], [0.14, 0.24, 0.34])
    assert courses(compare(dataclasses.replace(made(), curve=lambda key: [])), LEARNING) == {}


def test_a_figure_of_the_epochs_stands_in_the_report() -> None:
    names = [drawing.name for drawing in drawings(compare(made()))]
    assert "curves" in names
    assert "curves" not in [
        d.name for d in drawings(compare(dataclasses.replace(made(), curve=lambda key: [])))
    ]
    assert MOST < 8  # more lines than colours cannot be told apart


def test_a_score_above_the_ceiling_is_called_a_leak() -> None:
    honest = findings(compare(made()))
    assert not any("leak" in sentence for sentence in honest)
    rows = [
        run(arm, s, level + 0.001 * s) for arm, level in {**LEVEL, "none": 0.97}.items() for s in range(6)
    ]
    said = [sentence for sentence in findings(compare(evidence(rows, ARMS))) if "leak" in sentence]
    assert said == [
        "none scores above the exact ceiling (0.8050), which nothing honest can: "
        "look for a leak of the label."
    ]


def test_only_the_score_on_the_current_has_a_ceiling() -> None:
    rows = [
        run(arm, s, level, **{"fused.balanced_accuracy": 0.95})
        for arm, level in LEVEL.items()
        for s in range(6)
    ]
    found = compare(
        evidence(rows, tuple(a for a in ARMS if a.name != "none"), metric="fused.balanced_accuracy")
    )
    assert math.isnan(found.ceiling) and math.isnan(found.baseline.skill)
    assert not any("ceiling" in sentence for sentence in findings(found))
    assert results(found).rows


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("{contrast: supcon}", "looks at labels of the video in pre-training (contrast: supcon)"),
        ("{protocol: transductive}", "transductive: sees the test windows"),
        ("{head: {name: prototype, centre: test}}", "its head is centred on the test windows"),
        ("{leak: video}", "the label leaks into its video"),
        ("{pairs: shuffled}", "different windows"),
        ("{quantizer.codes: 40}", ""),
    ],
)
def test_a_report_says_what_an_arm_has_seen(tiny, change: str, said: str) -> None:
    study = load(tiny, settings=(f"changes={{one: {change}}}",))
    note = _note(study.arms[1])
    assert said in note and bool(said) == bool(note)
    assert _note(study.arms[0]) == ""
