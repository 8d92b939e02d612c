"""How often an arm fails: a low score and a run that never finished are two things."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special


@dataclass(frozen=True)
class FailRate:
    """Counts of an arm: units scored below the threshold, units scored, runs failed."""

    low: int
    scored: int
    failed: int

    @property
    def rate(self) -> float:
        """Share of scored units below the threshold; NaN where none was scored. Failed runs are apart."""
        return self.low / self.scored if self.scored else math.nan

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Return the Wilson interval of :attr:`rate`; NaN where none was scored."""
        return wilson(self.low, self.scored, level)


def wilson(k: float, n: int, level: float = 0.95) -> tuple[float, float]:
    """Return the score interval of a share k / n (Wilson 1927; Brown, Cai & DasGupta 2001).

    The shares p that a normal test with variance p (1 - p) / n does not reject: never outside of 0 to 1, and
    of use at k = 0 or n. Its coverage is ``level`` on average over p and may fall some points below it for
    single p and small n. Not for shares of units that depend on each other, such as windows of a recording.

    Args:
        k: successes, 0 to n; halves are allowed.
        n: trials; 0 gives NaN.
        level: coverage, between 0 and 1.
    """
    if n == 0:
        return math.nan, math.nan
    z2 = float(special.ndtri((1 + level) / 2)) ** 2
    centre = (k + z2 / 2) / (n + z2)
    half = math.sqrt(z2 * (k * (n - k) / n + z2 / 4)) / (n + z2)
    return max(0.0, centre - half), min(1.0, centre + half)


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
