"""What a report says of disturbances, of the choice of the epoch and of batch fingerprints."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from test_report_evidence import METRIC, evidence, run

from bench.compare import paired_difference
from bench.report.comparison import compare
from bench.report.epochs import COMMON, HONEST, LAST, LUCKY, OPTIMISM, OWN, choices, courses
from bench.report.evidence import ArmInfo, Disturbed, Evidence
from bench.report.figures.draw import drawings
from bench.report.fingerprints import fingerprints, relations
from bench.report.generality import generality_findings
from bench.report.lang import speaking
from bench.report.robust import readings, robustness
from bench.report.tables import tables

BASE, OTHER = ArmInfo("base", "baseline"), ArmInfo("other", "change")
REFERENCE = ArmInfo("supervised_current", "reference", "current labels")
DISTURBED = (
    Disturbed("mist_0.5", "mist", 0.5, "opacity 0.9", ("video",)),
    Disturbed("mist_1", "mist", 1.0, "opacity 0.9", ("video",)),
    Disturbed("clock_offset_0.5", "clock_offset", 0.5, "120 s", ("current",)),
    Disturbed("clock_offset_1", "clock_offset", 1.0, "120 s", ("current",)),
)


def disturbed(seeds: int = 10) -> Evidence:
    """The other arm loses half of what the baseline loses to a wrong clock, and as much to mist."""
    rng = np.random.default_rng(1)
    rows = []
    for seed in range(seeds):
        for arm, share in ((BASE, 1.0), (OTHER, 0.5), (REFERENCE, 0.8)):
            score = 0.75 + rng.normal(0, 0.03)
            more = {}
            for each in DISTURBED:
                loss = 0.1 * each.strength * (share if each.name == "clock_offset" else 1) + rng.normal(
                    0, 0.002
                )
                clean = score if each.name == "clock_offset" else 0.93
                column = METRIC if each.name == "clock_offset" else "video.balanced_accuracy"
                if (arm, each.name) != (REFERENCE, "mist"):
                    more[f"{each.label}.{column}"] = clean - loss
            rows.append(run(arm.name, seed, score, **more))
    names = {name: math.nan for row in rows for name in row}
    rows = [{**names, **row} for row in rows]
    return evidence(rows, (BASE, OTHER, REFERENCE), disturbances=DISTURBED)


def test_a_loss_is_paired_within_the_run() -> None:
    made = disturbed()
    found = {(each.disturbed.label, each.arm): each for each in readings(compare(made))}
    assert len(found) == 2 * 2 + 2 * 3
    one = found["clock_offset_1", "other"]
    rows = made.runs[made.runs["arm"] == "other"]
    change = rows[f"clock_offset_1.{METRIC}"] - rows[METRIC]
    assert one.lost.mean == pytest.approx(change.mean())
    assert one.lost.sd == pytest.approx(change.std(ddof=1)), "the spread of clean scores is not in it"
    assert found["mist_1", "base"].column == "video.balanced_accuracy", "mist does not touch the current"


def test_an_arm_that_loses_less_is_better_and_one_that_loses_alike_is_equivalent() -> None:
    found = {(each.name, each.arm): each for each in robustness(compare(disturbed()))}
    less = found["clock_offset", "other"]
    assert less.verdict is not None and less.verdict.word == "better"
    assert less.against is not None and less.against.mean == pytest.approx(0.75 * 0.05, abs=0.003)
    alike = found["mist", "other"].verdict
    assert alike is not None and alike.word == "equivalent"
    assert found["clock_offset", "supervised_current"].verdict is None
    assert found["clock_offset", "base"].against is None
    p = less.against.sign_flip.p
    assert less.holm == pytest.approx(2 * p), "two comparisons in the family"


def test_a_study_without_disturbances_says_nothing_of_them() -> None:
    rows = [run(arm.name, seed, 0.7 + 0.01 * seed) for arm in (BASE, OTHER) for seed in range(3)]
    comparison = compare(evidence(rows, (BASE, OTHER)))
    assert not list(generality_findings(comparison))
    assert not {"robustness", "epochs", "fingerprints"} & {table.key for table in tables(comparison)}
    assert not {"robustness", "fingerprints"} & {drawing.name for drawing in drawings(comparison)}


VALIDATION = {0: [0.6, 0.8, 0.7], 1: [0.9, 0.7, 0.6]}
TEST = {0: [0.5, 0.6, 0.7], 1: [0.6, 0.65, 0.5]}


def peeked(**more: Any) -> Evidence:
    rows = [run("base", seed, TEST[seed][-1]) for seed in (0, 1)]

    def curve(key: str) -> list[dict[str, float]]:
        return [{"epoch": i + 1, f"validation.{METRIC}": v} for i, v in enumerate(VALIDATION[int(key[-3])])]

    def predictions(key: str) -> dict[str, Any]:
        return {f"peeked.{METRIC}": np.array(TEST[int(key[-3])])}

    return evidence(rows, (BASE,), **{"curve": curve, "predictions": predictions, **more})


def test_every_way_to_choose_an_epoch_by_hand() -> None:
    (course,) = courses(compare(peeked()))
    by = {each.what: each for each in choices(course)}
    assert [list(by[what].scores) for what in (HONEST, LAST, OPTIMISM, COMMON, OWN, LUCKY)] == [
        [0.6, 0.6],  # epochs 2 and 1
        [0.7, 0.5],
        [0.8, 0.9],
        [0.6, 0.65],
        [0.7, 0.65],
        [0.7],
    ]
    assert (
        by[HONEST].epochs == (1, 1.5, 2) and by[OWN].epochs == (2, 2.5, 3) and by[LUCKY].epochs == (3, 3, 3)
    )
    assert by[OWN].excess == pytest.approx(0.075) and by[LUCKY].excess == pytest.approx(0.1)
    expected = paired_difference([0.8, 0.9], [0.6, 0.6], np.random.default_rng(0))
    assert by[OPTIMISM].claims is not None and by[OPTIMISM].claims.interval() == expected.interval()


def test_an_arm_that_has_not_peeked_everywhere_is_left_out() -> None:
    none = peeked(predictions=lambda key: {} if key.endswith("1-0") else {f"peeked.{METRIC}": np.ones(3)})
    assert courses(compare(none)) == []
    assert courses(compare(peeked(curve=lambda key: []))) == []


def fingerprinted(seeds: int = 6) -> Evidence:
    """A grid in which the score falls as the shared fingerprint rises."""
    infos, rows = [], []
    rng = np.random.default_rng(4)
    for i, (count, protocol) in enumerate((c, p) for c in (2, 8, 48) for p in ("inductive", "transductive")):
        levels = {"recordings": count, "protocol": protocol}
        infos.append(ArmInfo(f"r{count}-{protocol[0]}", "baseline" if i == 0 else "grid", levels=levels))
        for seed in range(seeds):
            skill = 0.8 - 0.1 * i + rng.normal(0, 0.02)
            more = {
                f"diagnostics.batch_probe.{part}.{name}": skill + 0.01 * place
                for place, (part, name) in enumerate(
                    (p, n) for p in ("learnt", "new") for n in ("current", "video", "shared")
                )
            }
            rows.append(run(infos[-1].name, seed, 0.8 - 0.1 * skill + 0.02 * (seed % 3), **more))
    return evidence(rows, tuple(infos), factors=("recordings", "protocol"))


def test_fingerprints_go_with_the_score_within_units() -> None:
    comparison = compare(fingerprinted())
    found = fingerprints(comparison)
    assert len(found) == 6 * 6
    first = found[0]
    assert first.mean == pytest.approx(
        comparison.evidence.scores("diagnostics.batch_probe.learnt.current")["r2-i"].mean()
    )
    assert len(first.runs) == 6 and first.interval[0] < first.mean < first.interval[1]
    known = {(each.part, each.probe): each.found for each in relations(comparison)}
    assert known["learnt", "shared"].r == pytest.approx(-1)
    assert known["learnt", "shared"].slope == pytest.approx(-0.1)


MADE = {"disturbed": disturbed, "peeked": peeked, "fingerprinted": fingerprinted}


@pytest.mark.parametrize("name", MADE)
def test_sections_are_there_in_both_languages_and_every_number_names_its_runs(name: str) -> None:
    comparison = compare(MADE[name]())
    expected = {
        "disturbed": {"robustness", "strengths"},
        "peeked": {"epochs"},
        "fingerprinted": {"fingerprints", "fingerprints_and_score"},
    }[name]
    english = {table.key: table for table in tables(comparison)}
    assert expected <= set(english)
    drawn = {drawing.section for drawing in drawings(comparison)}
    assert expected & drawn
    keys = set(comparison.evidence.runs["key"])
    for key in expected:
        for row in english[key].rows:
            numbers = [cell for cell in row if isinstance(cell.value, float | tuple) and cell.runs]
            assert numbers and all(set(cell.runs) <= keys for cell in numbers)
    with speaking("zh"):
        spoken = {table.key: table for table in tables(comparison)}
        assert all("数据：" in spoken[key].caption for key in expected)
        assert expected & {drawing.section for drawing in drawings(comparison)}
    if name == "disturbed":
        said = list(generality_findings(comparison))
        assert "the baseline loses most to clock_offset (balanced accuracy on current −0.07" in said[0]
        assert "other loses less than the baseline to clock_offset." in said
    if name == "peeked":
        (sentence,) = generality_findings(comparison)
        assert "would claim 0.08 more" in sentence and "best run alone, 0.10 more" in sentence, sentence
