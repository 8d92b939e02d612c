"""From evidence to results: every number a report prints, before any of it is text."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from bench.compare import Paired, detectable_gap, holm, seeds_needed, verdict
from bench.report.besides import besides, worlds
from bench.report.best import best_arms
from bench.report.details import details
from bench.report.evidence import Evidence
from bench.report.many import effects, looks, ranks
from bench.report.predicted import Predicted
from bench.report.reader import Reader
from bench.report.results import (
    ALPHA,
    CEILED,
    CEILING,
    SHUFFLED,
    ArmResult,
    BatchResult,
    Comparison,
    ControlResult,
    Details,
    Digits,
    GroupResult,
    ReferenceResult,
)

__all__ = [
    "ALPHA",
    "CEILED",
    "CEILING",
    "SHUFFLED",
    "ArmResult",
    "BatchResult",
    "Comparison",
    "ControlResult",
    "Details",
    "Digits",
    "GroupResult",
    "ReferenceResult",
    "compare",
    "reachable",
]

_CHANCE = {"balanced_accuracy": 0.5, "auroc": 0.5}


def compare(evidence: Evidence, seed: int = 0) -> Comparison:
    """Compute every result of a report.

    Each change and grid arm is compared with the baseline on complete pairs (units where both have
    a score; permutations of a unit are averaged first). They form one Holm family on the
    sign-flip p; controls and references are outside of it and get intervals, not verdicts.

    Args:
        evidence: arms and runs.
        seed: of the resampling, so that the same evidence gives the same numbers.
    """
    reader = Reader(evidence, np.random.default_rng(seed))
    baseline = reader.arm(next(arm for arm in evidence.arms if arm.name == evidence.baseline))
    changes = _changes(reader, baseline, seed)
    chance = _CHANCE.get(reader.measure)
    best = best_arms(reader, (baseline, *changes), seed)
    changes = [replace(arm, best=arm.info.name in best) for arm in changes]
    baseline = replace(baseline, best=baseline.info.name in best)
    controls = tuple(reader.control(arm, chance) for arm in evidence.of_kind("control"))
    references = tuple(reader.references(baseline))
    predicted = Predicted(evidence, (baseline, *changes), reader.generator)
    by_group, new_batches = tuple(predicted.by_group()), tuple(predicted.new_batches())
    found = Comparison(
        evidence,
        chance,
        baseline,
        tuple(changes),
        controls,
        references,
        by_group,
        predicted.unread,
        new_batches,
        predicted.left_out if by_group or new_batches else (),
        ranks(reader, (baseline, *changes), seed),
        effects(reader),
        looks(evidence, reader, changes),
    )
    if not evidence.others:
        return found
    return replace(
        found,
        beside=besides(found, lambda other: compare(other, seed), seed),
        worlds=worlds(found, seed),
    )


def reachable(pair: Paired, family: int) -> bool:
    """Return whether this many pairs can give a Holm p of at most 0.05 in the hardest step."""
    return pair.sign_flip.smallest * family <= ALPHA


def _changes(reader: Reader, baseline: ArmResult, seed: int) -> list[ArmResult]:
    """Return the tested family, each against the baseline."""
    evidence = reader.evidence
    arms = [reader.arm(info, baseline) for info in evidence.of_kind("change", "grid")]
    if evidence.ranked:
        # Ties, and arms without a score at the end, stay as declared.
        arms.sort(key=_difference, reverse=True)
    pairs = [arm.paired for arm in arms if arm.paired is not None]
    adjusted = holm([pair.sign_flip.p for pair in pairs])
    more = details(reader, [arm.info.name for arm in arms], pairs, list(map(float, adjusted)), seed)
    return [
        _decided(arm, pair, float(p), evidence, len(arms), each)
        for arm, pair, p, each in zip(arms, pairs, adjusted, more, strict=True)
    ]


def _decided(
    arm: ArmResult, pair: Paired, p: float, evidence: Evidence, family: int, more: Details
) -> ArmResult:
    found = verdict(pair, p, evidence.rope, family, ALPHA)
    gap = detectable_gap(pair.sd, pair.n, ALPHA, family=family) if reachable(pair, family) else math.nan
    seeds = seeds_needed(pair.sd, evidence.rope, ALPHA, family=family) if found.word == "undecided" else None
    return replace(arm, holm=p, gap=gap, verdict=found, seeds_needed=seeds, details=more)


def _difference(arm: ArmResult) -> float:
    found = arm.paired.mean if arm.paired is not None and arm.paired.n else math.nan
    return found if math.isfinite(found) else -math.inf
