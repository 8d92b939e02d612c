"""Who may stop early: successive halving over epochs, and a race over seeds."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from scipy import stats


def rungs(grace: int, reduction: int, epochs: int) -> tuple[int, ...]:
    """Return the epochs after which a trial is judged, all before its last.

    >>> rungs(1, 3, 10)
    (1, 3, 9)
    """
    found = []
    while grace < epochs:
        found.append(grace)
        grace *= reduction
    return tuple(found)


def goes_on(value: float, others: Collection[float], reduction: int) -> bool:
    """Return whether a value is among the best ``1 / reduction`` of a rung, itself included.

    Li et al. (2020), MLSys, algorithm 2, for trials that cannot be taken up again: while fewer than
    ``reduction`` have come, the best so far goes on.

    >>> goes_on(0.7, [], 3), goes_on(0.7, [0.8], 3), goes_on(0.7, [0.8, 0.6, 0.5, 0.4, 0.3], 3)
    (True, False, True)
    """
    ranked = sorted((*others, value), reverse=True)
    return value >= ranked[max(len(ranked) // reduction, 1) - 1]


class Halving:
    """Asynchronous successive halving (ASHA) over the epochs of the first seed.

    Values are kept by trial, so that hearing one a second time changes nothing.
    """

    def __init__(self, grace: int, reduction: int, epochs: int) -> None:
        self.reduction = reduction
        self.values: dict[int, dict[int, float]] = {rung: {} for rung in rungs(grace, reduction, epochs)}

    def hear(self, number: int, epoch: int, value: float) -> bool:
        """Note the value of a trial after an epoch; return whether the trial goes on."""
        if epoch not in self.values:
            return True
        rung = self.values[epoch]
        rung[number] = value
        return goes_on(value, [rung[other] for other in rung if other != number], self.reduction)


def p_behind(seeds: Sequence[float], best: Sequence[float]) -> float:
    """Return the p-value of a one-sided paired t test: is a configuration behind another one?

    Maron and Moore (1994), NeurIPS 6, race candidates so; pairs are seeds. Where every difference is
    the same the sign decides.
    """
    gap = np.subtract(seeds, best)
    if len(gap) < 2:
        return 1.0
    if np.ptp(gap) <= 1e-12 * max(1.0, float(np.abs(gap).max())):
        return 0.0 if gap.mean() < -1e-12 else 1.0
    return float(stats.ttest_rel(seeds, best, alternative="less").pvalue)
