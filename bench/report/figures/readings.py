"""What the runs of a few arms predicted, for the figures that look inside of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.report.comparison import ArmResult, Comparison
from bench.report.figures.marks import compared, widest

Arrays = Mapping[str, NDArray[Any]]
MOST = 3
"""Arms beside the baseline."""
RUNS = 12
"""Runs of an arm that are read."""


def shown(comparison: Comparison) -> list[ArmResult]:
    """Return the baseline and the arms that differ most from it."""
    return [comparison.baseline, *widest(compared(comparison), MOST)]


def read(
    comparison: Comparison, arm: ArmResult, *names: str, most: int = RUNS
) -> Iterator[tuple[str, Arrays]]:
    """Yield unit and arrays of the first runs of an arm that hold all the named arrays."""
    runs = comparison.evidence.finished.set_index("key")["unit"]
    for key in [key for key in arm.runs if key in runs.index][:most]:
        arrays = comparison.evidence.predictions(key)
        if arrays is not None and all(name in arrays for name in names):
            yield str(runs[key]), arrays


def warnings(comparison: Comparison, arm: ArmResult) -> list[tuple[str, NDArray[Any], NDArray[Any]]]:
    """Return unit, label and P(positive) of the test windows of the first runs of an arm.

    Empty where the metric is not read off the current's own head, or where the scores on record are not
    probabilities.
    """
    if comparison.evidence.metric.rpartition(".")[0] != "current":
        return []
    found = []
    for unit, arrays in read(comparison, arm, "label", "score"):
        label, score = np.asarray(arrays["label"]), np.asarray(arrays["score"], dtype=np.float64)
        if not len(score) or not (np.isfinite(score).all() and score.min() >= 0 and score.max() <= 1):
            return []
        found.append((unit, label == 1, score))
    return found
