"""Made-up searches that look like real ones, for the tests of the report."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
    distribution_to_json,
)
from test_report_evidence import METRIC, evidence, run

from bench.report.comparison import compare
from bench.report.evidence import ArmInfo, Evidence
from bench.report.search import search_tables
from bench.report.searched import ArmSearch, Searched
from bench.report.table import Table

EPOCHS, SEEDS, STARTUP = 6, 2, 10
SPACE: dict[str, BaseDistribution] = {
    "optimizer.rate": FloatDistribution(1e-4, 1e-2, log=True),
    "contrast.temperature": FloatDistribution(0.02, 1.0, log=True),
    "specific_encoder.kind": CategoricalDistribution(("mlp", "convolution", "none")),
    "quantizer.codes": IntDistribution(16, 512, log=True),
    "alignment.steps": IntDistribution(1, 8),
    "quantizer.decay": FloatDistribution(0.9, 0.999),
    "quantizer.video_share": FloatDistribution(0.0, 1.0),
    "disentangle.weight": FloatDistribution(1e-3, 1.0, log=True),
    "code_matching.weight": FloatDistribution(1e-3, 1.0, log=True),
    "optimizer.batch": CategoricalDistribution((64, 128, 256)),
}
OWN: dict[str, Any] = {
    "optimizer.rate": 5e-4,
    "contrast.temperature": 0.1,
    "specific_encoder.kind": "mlp",
    "quantizer.codes": 100,
    "alignment.steps": 5,
    "quantizer.decay": 0.99,
    "quantizer.video_share": 0.5,
    "disentangle.weight": 0.1,
    "code_matching.weight": 0.1,
    "optimizer.batch": 128,
}


def draw(distribution: BaseDistribution, share: float) -> Any:
    if isinstance(distribution, CategoricalDistribution):
        return distribution.choices[
            min(int(share * len(distribution.choices)), len(distribution.choices) - 1)
        ]
    assert isinstance(distribution, (FloatDistribution, IntDistribution))
    low, high = float(distribution.low), float(distribution.high)
    value = low * (high / low) ** share if distribution.log else low + share * (high - low)
    return int(round(value)) if isinstance(distribution, IntDistribution) else value


def quality(params: dict[str, Any]) -> float:
    """A hill with one ridge: the rate and the temperature decide, the encoder a little."""
    found = 0.78 - 0.02 * abs(math.log10(params["optimizer.rate"] / 2e-3))
    if "contrast.temperature" in params:
        found -= 0.012 * math.log10(params["contrast.temperature"] / 0.2) ** 2
    return found - 0.01 * (params.get("specific_encoder.kind") == "none")


def search(
    arm: str,
    sampler: str,
    repeat: int,
    trials: int,
    keys: list[str],
    *,
    deciding: bool = True,
    lift: float = 0.0,
    objectives: tuple[str, ...] = (METRIC,),
) -> ArmSearch:
    """A search whose draws close in on its best so far (``tpe``), or do not (``random``)."""
    generator = np.random.default_rng(sum(map(ord, arm + sampler)) + 97 * repeat)
    space = {key: SPACE[key] for key in keys}
    rows: list[dict[str, Any]] = []
    centre, top = {key: 0.5 for key in keys}, -math.inf
    for number in range(trials):
        wide = number < STARTUP or sampler == "random"
        shares = {
            key: float(generator.random() if wide else np.clip(generator.normal(centre[key], 0.15), 0, 1))
            for key in keys
        }
        params = {key: OWN[key] if number == 0 else draw(space[key], shares[key]) for key in keys}
        value = quality(params) + lift + float(generator.normal(0, 0.004))
        row: dict[str, Any] = {
            "number": number, "state": "complete", "value": value, "epochs": EPOCHS * SEEDS, "reused": 0,
            "same_as": math.nan, "failure": "", "steps": "{}",
        }  # fmt: skip
        if params["optimizer.rate"] > 8e-3 and number % 2:
            row |= {"value": 0.0, "failure": "diverged", "epochs": 2}
        elif sampler != "random" and len(objectives) == 1 and number > 2 and value < top - 0.006:
            spent = 1 if value < top - 0.02 else 3
            row |= {"state": "pruned", "value": math.nan, "epochs": spent}
            row["steps"] = json.dumps({str(e): value - 0.06 / e for e in range(1, spent + 1)})
        elif number == 7:
            row |= {"state": "failed", "value": math.nan, "failure": "killed", "epochs": 4, "reused": 2}
        elif value > top:
            top, centre = value, shares
        known = {objectives[0]: row["value"]}
        if len(objectives) > 1:
            known["parameters"] = 2e4 + 300.0 * params.get("quantizer.codes", 100)
        if len(objectives) > 2:
            known["lead"] = float(120 + 60 * (number % 4))
            row["value"] = known[objectives[0]] = value - 0.0001 * known["lead"]
        rows.append(row | known | {f"param:{key}": value for key, value in params.items()})
    table = pd.DataFrame(rows)
    good = table[(table["state"] == "complete") & (table["failure"] == "")]
    winner = int(good.loc[good["value"].idxmax(), "number"]) if len(good) else None
    said = {key: distribution_to_json(each) for key, each in space.items()}
    own = {key: OWN[key] for key in keys}
    learns = sampler != "random"
    return ArmSearch(
        arm, sampler, repeat, deciding, table, said, winner, own,
        key=f"key of {arm} {sampler} {repeat}", startup=STARTUP * learns, pruning=learns,
    )  # fmt: skip


def searched_evidence(
    names: tuple[str, ...] = ("infonce", "cwcl", "triplet"),
    *,
    trials: int = 14,
    parameters: int = 4,
    repeats: int = 1,
    samplers: tuple[str, ...] = ("tpe",),
    objectives: tuple[str, ...] = (METRIC,),
    seeds: int = 8,
    **more: Any,
) -> Evidence:
    """Evidence of a study whose arms were tuned; the first arm is the baseline."""
    keys = list(SPACE)[:parameters]
    lift = {name: 0.006 * place for place, name in enumerate(names)}
    searches = tuple(
        search(
            name, sampler, repeat, trials, [key for key in keys if name != "none" or "contrast" not in key],
            deciding=sampler == samplers[0], lift=lift[name], objectives=objectives,
        )
        for name in names
        for sampler in samplers
        for repeat in range(repeats)
    )  # fmt: skip
    ways = {"parameters": "minimize", "cpu_seconds": "minimize"}
    searched = Searched(
        searches, objectives, tuple(ways.get(name, "maximize") for name in objectives), trials, SEEDS,
        EPOCHS * SEEDS, repeats, seeds, True, {name: f"{name}, as declared" for name in names},
    )  # fmt: skip
    arms = tuple(
        ArmInfo(name, "change" if place else "baseline", f"contrast: {name}", {"contrast": name})
        for place, name in enumerate(names)
    )
    declared = tuple(ArmInfo(f"{name}, as declared", "declared", "values as declared") for name in names)
    controls = (ArmInfo("shuffled_pairs", "control", "pairs shuffled"),)
    generator = np.random.default_rng(3)
    shared = generator.normal(0, 0.01, max(seeds, repeats))
    rows = []
    for unit in range(repeats if repeats > 1 else seeds):
        where = {"fold": unit, "seed": 0} if repeats > 1 else {"seed": unit}
        for name in names:
            won = [each.best for each in searched.of(name)]
            tuned = won[unit if repeats > 1 else 0] - 0.012 + shared[unit] + generator.normal(0, 0.004)
            plain = 0.755 + shared[unit] + 0.3 * lift[name] + generator.normal(0, 0.004)
            fresh = {f"validation.{METRIC}": tuned + 0.004}
            rows.append(run(name, **where, score=tuned) | fresh)
            rows.append(run(f"{name}, as declared", **where, score=plain))
        rows.append(run("shuffled_pairs", **where, score=0.5 + generator.normal(0, 0.01)))
    said = {"study": "contrastive_loss", "command": "precursor search contrastive_loss"}
    return replace(evidence(rows, (*arms, *declared, *controls)), search=searched, **{**said, **more})


def rows(table: Table) -> list[dict[str, Any]]:
    keys = [column.key for column in table.columns]
    return [dict(zip(keys, [cell.value for cell in row], strict=True)) for row in table.rows]


def named(found: Evidence) -> dict[str, Table]:
    return {table.key: table for table in search_tables(compare(found))}


def changed(found: Evidence, place: int, **parts: Any) -> Evidence:
    """Evidence in which one search is different."""
    assert found.search is not None
    searches = list(found.search.searches)
    searches[place] = replace(searches[place], **parts)
    return replace(found, search=replace(found.search, searches=tuple(searches)))


def each_search(found: Evidence, change: Callable[[ArmSearch], ArmSearch]) -> Evidence:
    assert found.search is not None
    searches = tuple(change(each) for each in found.search.searches)
    return replace(found, search=replace(found.search, searches=searches))


def sound(one: ArmSearch) -> ArmSearch:
    """The search as it is if no trial fails."""
    rows = one.trials
    good = rows["value"].where((rows["failure"] == "") & rows["value"].notna(), 0.7)
    state = rows["state"].where(rows["state"] == "pruned", "complete")
    return replace(one, trials=rows.assign(state=state, failure="", value=good.where(state == "complete")))


def without_search(found: Evidence) -> Evidence:
    """Evidence of the same arms without the search and without the arms as declared."""
    kept = [arm for arm in found.arms if arm.kind != "declared"]
    names = [arm.name for arm in kept]
    return replace(
        found,
        search=None,
        arms=tuple(kept),
        runs=found.runs[found.runs["arm"].isin(names)],
        cells={name: found.cells[name] for name in names},
    )
