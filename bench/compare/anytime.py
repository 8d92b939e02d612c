"""How good a search was at any time: the best value so far against what had been spent."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bench.compare.paired import t_interval
from models.errors import InvalidRequest

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Anytime:
    """The best value so far of one search, a right-continuous step function of the epochs spent.

    Attributes:
        epochs: where the best improves, ascending.
        best: the best from there on.
        spent: epochs of the whole search.
        maximize: whether more is better.
    """

    epochs: Floats
    best: Floats
    spent: float
    maximize: bool = True

    def at(self, epochs: ArrayLike) -> Floats:
        """Return the best after so many epochs: NaN before the first value, the last one beyond the end."""
        place = np.searchsorted(self.epochs, np.asarray(epochs, dtype=np.float64), side="right")
        found: Floats = np.concatenate([[math.nan], self.best])[place]
        return found

    def reaches(self, value: float) -> float:
        """Return the epochs after which the best is at least as good as ``value``; infinity if never."""
        good = self.best >= value if self.maximize else self.best <= value
        return float(self.epochs[np.argmax(good)]) if good.any() else math.inf


@dataclass(frozen=True, eq=False)
class Summary:
    """The mean best over repeats on a common grid, with its t interval; NaN where a repeat has no value."""

    epochs: Floats
    mean: Floats
    low: Floats
    high: Floats


def best_so_far(value: ArrayLike, epochs: ArrayLike, maximize: bool = True) -> Anytime:
    """Return the best-so-far curve of one search.

    A trial's value is known once all of its epochs are spent, so the curve steps at the end of a trial.
    Trials without a value (stopped early, failed) cost their epochs and improve nothing. Trials are
    taken to run one after another; where they ran side by side this is the order of their proposals.

    Args:
        value: one value a trial in the order of proposals, NaN where there is none, shape (trials,).
        epochs: epochs each trial took, shape (trials,).
        maximize: whether more is better.

    Raises:
        InvalidRequest: the two differ in shape.
    """
    values, cost = np.asarray(value, dtype=np.float64), np.asarray(epochs, dtype=np.float64)
    if values.shape != cost.shape or values.ndim != 1:
        raise InvalidRequest(
            f"value and epochs must have one entry a trial, got shapes {values.shape} and {cost.shape}; "
            "give both by trial"
        )
    sign = 1.0 if maximize else -1.0
    finite = np.where(np.isfinite(values), sign * values, -math.inf)
    best = np.maximum.accumulate(finite) if finite.size else finite
    improved = best > np.concatenate([[-math.inf], best[:-1]])
    ends, best = np.cumsum(cost)[improved], best[improved]
    last = np.append(ends[1:] != ends[:-1], True)[
        : ends.size
    ]  # a trial that cost nothing: one step, the best
    return Anytime(ends[last], sign * best[last], float(cost.sum()), maximize)


def summary(curves: Sequence[Anytime], epochs: ArrayLike, level: float = 0.95) -> Summary:
    """Return mean and t interval over repeats at every point of a grid of epochs.

    Only where every repeat has a value: a mean over those that were quick to find one would mislead. The
    interval is for one point at a time, not for the curve as a whole. Not to be used with fewer than
    three repeats: show each instead.
    """
    grid = np.asarray(epochs, dtype=np.float64)
    rows = np.stack([curve.at(grid) for curve in curves])
    bounds = np.array(
        [t_interval(column, level) if np.isfinite(column).all() else (math.nan,) * 2 for column in rows.T]
    )
    return Summary(grid, rows.mean(axis=0), *bounds.reshape(-1, 2).T)
