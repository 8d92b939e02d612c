"""What else is known of each change: other tests, other intervals, what missing pairs could change."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bench.compare import (
    Paired,
    WorstCase,
    benjamini_hochberg,
    corrected_t,
    differences,
    hodges_lehmann,
    rope_correlated_t,
    sign_flip_interval,
    tost,
    wilcoxon,
    worst_case,
)
from bench.report.reader import Reader
from bench.report.results import ALPHA, Details
from bench.warning import SECONDS

_RANGES = {"mcc": (-1.0, 1.0)}  # of a score; the others lie between 0 and 1, and seconds anywhere


def details(reader: Reader, names: Sequence[str], pairs: Sequence[Paired], seed: int) -> list[Details]:
    """Return the details of arms compared with the baseline, in the order of the names.

    Args:
        reader: of the scores.
        names: the changes.
        pairs: each against the baseline.
        seed: of what is sampled.
    """
    evidence = reader.evidence
    generator = np.random.default_rng([seed, 1])
    exploratory = benjamini_hochberg([pair.sign_flip.p for pair in pairs])
    overlap = evidence.overlap
    share = overlap[1] / sum(overlap) if overlap else 0.0
    control = reader.scores[evidence.baseline].to_numpy()
    made = []
    steps = _steps([pair.sign_flip.p for pair in pairs])
    for name, pair, step, found in zip(names, pairs, steps, exploratory, strict=True):
        arm = reader.scores[name].to_numpy()
        gaps = differences(arm, control)
        made.append(
            Details(
                wilcoxon(gaps),
                hodges_lehmann(gaps),
                sign_flip_interval(gaps, generator),
                pair.effect_interval(),
                pair.win_interval(),
                tost(pair, evidence.rope),
                rope_correlated_t(pair, evidence.rope, share),
                float(found),
                corrected_t(gaps, *overlap) if overlap else None,
                _worst(reader, arm, control, step, generator),
            )
        )
    return made


def _steps(p: Sequence[float]) -> NDArray[np.float64]:
    """Return what :func:`bench.compare.holm` multiplies each p by; a p that is NaN counts, as the last."""
    steps = np.empty(len(p))
    steps[np.argsort(np.asarray(p, dtype=np.float64), kind="stable")] = np.arange(len(p), 0, -1)
    return steps


def _worst(
    reader: Reader,
    arm: NDArray[np.float64],
    control: NDArray[np.float64],
    factor: float,
    generator: np.random.Generator,
) -> WorstCase | None:
    """Return the bounds of what units without a pair could change: each score could be any score."""
    missing = ~(np.isfinite(arm) & np.isfinite(control))
    if not missing.any() or reader.measure in SECONDS:
        return None
    least, most = _RANGES.get(reader.measure, (0.0, 1.0))
    own, other = arm[missing], control[missing]
    low = np.where(np.isfinite(own), own, least) - np.where(np.isfinite(other), other, most)
    high = np.where(np.isfinite(own), own, most) - np.where(np.isfinite(other), other, least)
    return worst_case(
        differences(arm, control),
        int(missing.sum()),
        generator,
        low,
        high,
        rope=reader.evidence.rope,
        factor=factor,
        alpha=ALPHA,
    )
