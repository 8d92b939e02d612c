"""From evidence to results: every number a report prints, before any of it is text."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import Any

import numpy as np

from bench.compare import Paired, detectable_gap, holm, seeds_needed, verdict
from bench.report.besides import besides, worlds
from bench.report.best import best_arms
from bench.report.details import details
from bench.report.evidence import ArmInfo, Evidence
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
from bench.report.spread import LARGE, spread
from bench.report.warned import warned

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
    reader, large = Reader(evidence, np.random.default_rng(seed)), len(evidence.runs) >= LARGE
    baseline = reader.arm(next(arm for arm in evidence.arms if arm.name == evidence.baseline))
    arms = _compared(reader, baseline, seed, large)
    calls: list[Callable[[], Any]] = [
        partial(_recordings, evidence, baseline, arms, seed),
        partial(_decided_all, reader, arms, seed),
        partial(best_arms, reader, (baseline, *arms), seed),
    ]
    recordings, decided, best = spread(calls, worth=large)
    own = _found(reader, baseline, decided, best, seed)
    found = Comparison(evidence, **own, **recordings)
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


def _compared(reader: Reader, baseline: ArmResult, seed: int, large: bool) -> list[ArmResult]:
    """Return the tested family, each against the baseline, in the order of the report."""
    declared = list(enumerate(reader.evidence.of_kind("change", "grid")))

    def part(share: Sequence[tuple[int, ArmInfo]]) -> list[ArmResult]:
        return [reader.arm(info, baseline, np.random.default_rng([seed, 8, place])) for place, info in share]

    half = len(declared) // 2
    arms = [*chain(*spread([partial(part, declared[:half]), partial(part, declared[half:])], worth=large))]
    if reader.evidence.ranked:
        # Ties, and arms without a score at the end, stay as declared.
        arms.sort(key=_difference, reverse=True)
    return arms


def _found(
    reader: Reader, baseline: ArmResult, decided: list[ArmResult], best: frozenset[str], seed: int
) -> dict[str, Any]:
    """Return what the scores of the record say."""
    evidence, chance = reader.evidence, _CHANCE.get(reader.measure)
    changes = [replace(arm, best=arm.info.name in best) for arm in decided]
    baseline = replace(baseline, best=baseline.info.name in best)
    return {
        "chance": chance,
        "baseline": baseline,
        "changes": tuple(changes),
        "controls": tuple(reader.control(arm, chance) for arm in evidence.of_kind("control")),
        "references": tuple(reader.references(baseline)),
        "ranks": ranks(reader, (baseline, *changes), seed),
        "effects": effects(reader),
        "looks": looks(evidence, reader, changes),
    }


def _recordings(evidence: Evidence, baseline: ArmResult, arms: list[ArmResult], seed: int) -> dict[str, Any]:
    """Return what the predictions of the runs say, recording by recording."""
    predicted = Predicted(evidence, (baseline, *arms), np.random.default_rng([seed, 6]))
    by_group, new_batches = tuple(predicted.by_group()), tuple(predicted.new_batches())
    folds = predicted.fold_of_unit if (evidence.runs["fold"] >= 0).any() else None
    return {
        "by_group": by_group,
        "new_batches": new_batches,
        "unread": predicted.unread,
        "left_out": predicted.left_out if by_group or new_batches else (),
        "warnings": warned(evidence, (baseline, *arms), np.random.default_rng([seed, 7]), folds),
    }


def _decided_all(reader: Reader, arms: list[ArmResult], seed: int) -> list[ArmResult]:
    """Return the arms with their verdicts: one family."""
    evidence = reader.evidence
    pairs = [arm.paired for arm in arms if arm.paired is not None]
    adjusted = holm([pair.sign_flip.p for pair in pairs])
    more = details(reader, [arm.info.name for arm in arms], pairs, seed)
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
