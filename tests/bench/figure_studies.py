"""Made-up studies that have every figure of a report, for the tests of the figures."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from test_report_evidence import METRIC, evidence, run

from bench.cell.traces import code_counts
from bench.report.evidence import ArmInfo, Evidence

WINDOWS, CODES, SAMPLE = 400, 48, 40
DATA = "real arcs of a plant with a very long name, two campaigns, five folds by recording (version 12)"


def stream(key: str) -> np.random.Generator:
    return np.random.default_rng(sum(map(ord, key)))


def recorded(key: str, skill: float, first: bool) -> dict[str, Any]:
    """The arrays that a run leaves."""
    generator = stream(key)
    label = (generator.random(WINDOWS) < 0.3).astype(np.int8)
    score = 1 / (1 + np.exp(-generator.normal(skill * (label - 0.5), 1)))
    used = generator.dirichlet(np.full(CODES, 0.3))
    video = generator.choice(CODES, size=(WINDOWS, 6), p=used)
    other = generator.choice(CODES, size=(WINDOWS, 6), p=used[::-1])
    current = np.where(generator.random((WINDOWS, 6)) < 0.4, video, other)
    found: dict[str, Any] = {
        "score": score.astype(np.float32),
        "label": label,
        "group": np.repeat(np.arange(8), WINDOWS // 8),
        **code_counts(current, video, CODES),
        **in_time(label, score, generator),
    }
    if first:
        rows = np.arange(0, WINDOWS, WINDOWS // SAMPLE)[:SAMPLE]
        space = generator.normal(size=(4, 2, SAMPLE, 8)) + 2 * label[rows][:, None]
        found |= {"space": space.astype(np.float16), "space_rows": rows.astype(np.int32)}
        found["space_epochs"] = np.array([0, 1, 2, 4])
        found["code_course"] = generator.multinomial(3000, used, size=(5, 2))
        found["code_epochs"] = np.arange(5)
    return found


def in_time(label: np.ndarray, score: np.ndarray, generator: np.random.Generator) -> dict[str, Any]:
    """Eight recordings of 50 minutes whose windows end every minute, with episodes and alarms."""
    end = np.tile(np.arange(1, WINDOWS // 8 + 1) * 60.0, 8)
    begin = np.array([[i, *each] for i in range(8) for each in ((900, 1300), (1400, 1440), (2000, 2500))])
    return {
        "recording": np.repeat(np.arange(8), WINDOWS // 8),
        "recording_name": np.array([f"batch-{i:03}" for i in range(8)]),
        "end": end,
        "moment": np.stack([end - 240, end]),
        "video_score": np.clip(label + generator.normal(0, 0.1, WINDOWS), 0, 1).astype(np.float32),
        "alarm": np.where(generator.random((2, WINDOWS)) < 0.1, 2, 0).astype(np.int8),
        "episode": np.column_stack([begin, np.ones(len(begin))]),
        "watched": np.array([[i, 60.0, 2700.0] for i in range(8)]),
        "horizon": np.array([300.0]),
        "lead": np.array([240.0]),
        "alarm_level": np.array([0.7, 0.6]),
    }


def told(key: str) -> list[dict[str, Any]]:
    """What a run tells after each epoch."""
    generator = stream(key)
    return [
        {
            "epoch": e,
            f"validation.{METRIC}": 0.7 - 0.2 * math.exp(-e) + 0.01 * generator.normal(),
            "retrieval": 0.1 * e,
            "kappa": 0.1 * e + 0.01 * generator.normal(),
            "equal_codes": 0.1 * e + 0.05,
            "perplexity.current": 20.0 - e,
            "perplexity.video": 24.0 - e + generator.normal(),
        }
        for e in range(1, 5)
    ]


def of_arms(infos: tuple[ArmInfo, ...], gain: dict[str, float], seeds: int, **more: Any) -> Evidence:
    """Evidence whose runs have predictions and curves."""
    generator = np.random.default_rng(len(infos))
    shared = generator.normal(0, 0.02, seeds)
    rows, known = [], {}
    for arm in infos:
        for seed in range(seeds):
            score = 0.74 + gain.get(arm.name, 0.0) + shared[seed] + generator.normal(0, 0.006)
            rows.append(run(arm.name, seed, score))
            known[rows[-1]["key"]] = (4 * (score - 0.5), seed == 0)

    def predictions(key: str) -> dict[str, Any]:
        return recorded(key, *known[key])

    return evidence(rows, infos, **{"predictions": predictions, "curve": told, "data": DATA} | more)


def changes(arms: int, seeds: int = 8) -> Evidence:
    """A baseline and named changes with long names, a factor with long levels, a control, a reference."""
    factor = "a factor with a long name"
    names = [f"arm {i}: {'no specific encoder, ' * (i % 3)}steps {i}" for i in range(arms)]
    infos = (
        ArmInfo("base", "baseline", levels={factor: "level 0 of the factor"}),
        *(ArmInfo(n, "change", levels={factor: f"level {i + 1} of the factor"}) for i, n in enumerate(names)),
        ArmInfo("shuffled_pairs", "control"),
        ArmInfo("supervised_current", "reference"),
    )
    gain = {name: 0.03 * math.sin(i + 1) for i, name in enumerate(names)} | {"shuffled_pairs": -0.24}
    return of_arms(infos, gain, seeds, factors=(factor,))


def factorial(seeds: int = 6) -> Evidence:
    """A grid of leads and contrasts in which the lead helps one contrast only."""
    kinds, leads = ("infonce", "cwcl", "triplet"), (0, 120, 240)
    infos = tuple(
        ArmInfo(
            f"contrast={kind}, lead={lead}", "grid" if (kind, lead) != ("infonce", 0) else "baseline",
            levels={"contrast": kind, "lead": lead},
        )
        for kind in kinds
        for lead in leads
    )  # fmt: skip
    gain = {arm.name: 0.0002 * arm.levels["lead"] * (arm.levels["contrast"] == "cwcl") for arm in infos}  # type: ignore[operator]
    return of_arms(infos, gain, seeds, factors=("contrast", "lead"))
