"""How often an arm fails: a low score and a run that never finished are two things."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True)
class FailRate:
    """Counts of an arm: units scored below the threshold, units scored, runs failed."""

    low: int
    scored: int
    failed: int

    @property
    def rate(self) -> float:
        """Share of scored units below the threshold; NaN where none was scored. Failed runs are apart."""
        return self.low / self.scored if self.scored else float("nan")


def fail_rate(scores: ArrayLike, outcomes: Iterable[str], threshold: float = 0.6) -> FailRate:
    """Count low scores and failed runs of one arm.

    Seeds of cross-modal training tend to work or to collapse: the share that collapsed says what a
    mean hides. The default threshold is meant for scores whose chance level is 0.5; not for others.

    Args:
        scores: one score a unit, NaN where there is none.
        outcomes: one word a run; everything but ``done`` is a failure.
        threshold: a score strictly below it is low.
    """
    values = np.asarray(scores, dtype=np.float64)
    values = values[np.isfinite(values)]
    failed = sum(outcome != "done" for outcome in outcomes)
    return FailRate(int(np.count_nonzero(values < threshold)), int(values.size), failed)
