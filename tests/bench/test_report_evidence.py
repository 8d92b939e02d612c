"""The evidence of a report, and the synthetic evidence the tests of the report share."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bench.report.evidence import ArmInfo, Evidence
from models.errors import InvalidRequest

METRIC = "current.balanced_accuracy"


def run(arm: str, seed: int, score: float, **more: Any) -> dict[str, Any]:
    """Return one row of runs: a done run of one arm on one seed, and whatever is said otherwise."""
    fold, permutation = more.get("fold", -1), more.get("permutation", 0)
    unit = f"fold{fold}/seed{seed}" if fold >= 0 else f"seed{seed}"
    row = {
        "arm": arm,
        "unit": unit,
        "fold": fold,
        "seed": seed,
        "permutation": permutation,
        "key": f"{arm}-{fold}-{seed}-{permutation}".replace(" ", ""),
        "outcome": "done",
        "message": "",
        METRIC: score,
        "current.auroc": min(1.0, score + 0.05),
        "video.balanced_accuracy": 0.93,
        "ceiling.balanced_accuracy": 0.8 + 0.01 * (seed % 2),
        f"validation.{METRIC}": score,
        "cost.cpu_seconds": 10.0 + seed,
        "cost.wall_seconds": 12.0 + seed,
    }
    row.update(more)
    if row["outcome"] != "done":
        row.update({name: math.nan for name in row if "." in name and not name.startswith("cost")})
    return row


def evidence(rows: list[dict[str, Any]], arms: tuple[ArmInfo, ...], **more: Any) -> Evidence:
    """Return evidence of a made-up study from rows and arms; unless said otherwise, every cell has run."""
    empty = run("x", 0, 0.5)
    frame = pd.DataFrame(rows, columns=list(rows[0] if rows else empty))
    known: dict[str, Any] = {
        "study": "contrast",
        "question": "Which contrastive loss lets the current borrow most from the video?",
        "data": "simulated furnace (hard, seed 0)",
        "simulated": True,
        "metric": METRIC,
        "rope": 0.01,
        "baseline": next(arm.name for arm in arms if arm.kind == "baseline"),
        "arms": arms,
        "units": tuple(dict.fromkeys(frame.sort_values(["fold", "seed"])["unit"])),
        "cells": {arm.name: int((frame["arm"] == arm.name).sum()) for arm in arms},
        "runs": frame,
        "command": "precursor report ablations/contrast.yaml",
        "provenance": {"torch": ("2.13.0",), "commit": ("0123abc",)},
    }
    return Evidence(**{**known, **more})


def synthetic(seeds: int = 8) -> Evidence:
    """Six learned arms, one of them bimodal, a control with permutations and two references."""
    generator = np.random.default_rng(5)
    shared = generator.normal(0, 0.02, seeds)
    arms = (
        ArmInfo("infonce", "baseline", "", {"contrast": "infonce", "codes": 100}),
        ArmInfo("cwcl", "change", "contrast: cwcl", {"contrast": "cwcl"}),
        ArmInfo(
            "triplet", "change", "contrast: triplet", {"contrast": "triplet"}, "Labels used in pre-training."
        ),
        ArmInfo("codes 32", "change", "quantizer.codes: 32", {"codes": 32}),
        ArmInfo("codes 400", "change", "quantizer.codes: 400", {"codes": 400}),
        ArmInfo(
            "a long name: no specific encoder, no disentanglement & 50 % less_data",
            "change",
            "specific: none",
        ),
        ArmInfo("shuffled_pairs", "control", "pairs shuffled"),
        ArmInfo("supervised_current", "reference", "current labels"),
        ArmInfo("supervised_video", "reference", "video labels, video at test"),
    )
    gain = [0.0, 0.035, -0.01, -0.002, 0.001, -0.04]
    rows = []
    predictions: dict[str, dict[str, np.ndarray]] = {}
    for seed in range(seeds):
        label = np.tile([0, 0, 1], 40)
        group = np.repeat([f"batch {g}" for g in range(6)], 20)

        def keep(key: str, skill: float, label: np.ndarray = label, group: np.ndarray = group) -> None:
            score = generator.normal(size=label.size) + skill * label
            predictions[key] = {"score": score, "label": label, "group": group}

        for arm, by in zip(arms[:6], gain, strict=True):
            score = 0.74 + shared[seed] + by + generator.normal(0, 0.006 if abs(by) > 0.005 else 0.002)
            if arm.name == "triplet" and seed in (2, 5):
                score = 0.51 + generator.normal(0, 0.01)
            if arm.name == "codes 400" and seed == 7:
                rows.append(
                    run(
                        arm.name,
                        seed,
                        math.nan,
                        outcome="diverged",
                        message="loss is NaN at epoch 3 | step 12",
                    )
                )
                continue
            rows.append(run(arm.name, seed, score))
            keep(rows[-1]["key"], 1.2)
        for permutation in range(3):
            score = 0.5 + generator.normal(0, 0.03)
            rows.append(run("shuffled_pairs", seed, score, permutation=permutation))
            keep(rows[-1]["key"], 0.0)
        rows.append(run("supervised_current", seed, 0.77 + shared[seed]))
        rows.append(run("supervised_video", seed, math.nan))
    return evidence(rows, arms, factors=("contrast", "codes"), predictions=lambda key: predictions.get(key))


BASE, CHANGE = ArmInfo("base", "baseline"), ArmInfo("b", "change")


def test_order_of_rows_is_no_information() -> None:
    found = synthetic()
    shuffled = dataclasses.replace(found, runs=found.runs.sample(frac=1, random_state=3))
    pd.testing.assert_frame_equal(found.runs, shuffled.runs)
    assert found.units == tuple(f"seed{seed}" for seed in range(8))


def test_scores_average_permutations_and_leave_out_what_failed() -> None:
    rows = [
        run("base", 0, 0.5, permutation=0),
        run("base", 0, 0.6, permutation=1),
        run("base", 1, 0.9, outcome="oom"),
        run("b", 1, 0.7),
    ]
    scores = evidence(rows, (BASE, CHANGE)).scores(METRIC)
    assert scores.loc["seed0", "base"] == pytest.approx(0.55)
    assert math.isnan(scores.loc["seed1", "base"])
    assert math.isnan(scores.loc["seed0", "b"])
    assert evidence(rows, (BASE, CHANGE)).scores("no.such").isna().all(axis=None)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"arms": (BASE, BASE)}, "unique"),
        ({"baseline": "b"}, "exactly one arm of kind baseline"),
        ({"metric": "current.mystery"}, "current.mystery"),
        ({"arms": (BASE,)}, "must belong to an arm"),
        ({"units": ()}, "must be of a planned unit"),
        ({"units": ("seed0", "seed0")}, "planned units must be unique"),
        ({"cells": {"base": 1}}, "planned runs of every arm"),
        ({"cells": {"base": 1, "b": 0}}, "no more runs than planned cells"),
        ({"rope": math.nan}, "rope"),
        ({"rope": -0.1}, "rope"),
    ],
)
def test_what_does_not_fit_is_refused(more: dict[str, Any], message: str) -> None:
    rows = [run("base", 0, 0.7), run("b", 0, 0.7)]
    with pytest.raises(InvalidRequest, match=message):
        dataclasses.replace(evidence(rows, (BASE, CHANGE)), **more)
