"""Which rule: tried on validation, within a budget of false alarms."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from bench.warning.alarms import Rules
from bench.warning.clock import Floats
from bench.warning.judging import Judged
from bench.warning.measures import median

#: Validation episodes below which a choice of rule is luck: then there is none.
FEWEST = 10
#: Shares of validation scores below a threshold.
LEVELS = tuple(np.linspace(0.40, 0.98, 12))
#: How far below the threshold an alarm is held, in shares of the scores.
HYSTERESIS = (0.0, 0.2)
#: How many scores of how many must reach the threshold.
OF = ((1, 1), (2, 2), (2, 3), (3, 3), (3, 4), (3, 5), (4, 6), (5, 8))
#: Refractory times, s.
REFRACTORY = (0.0, 150.0)


def family(score: NDArray[np.float64]) -> Rules:
    """Return every rule that is tried on a score; the first never rings.

    Thresholds are quantiles of the score, so that no calibration of it is needed.

    Args:
        score: of the validation part, any shape; NaN is left out.
    """
    known = np.sort(score[np.isfinite(score)], axis=None)
    lows = np.quantile(known, np.array(LEVELS) - np.array(HYSTERESIS)[:, None])
    highs = np.quantile(known, LEVELS)
    pairs = zip(np.tile(highs, len(HYSTERESIS)).tolist(), lows.ravel().tolist(), strict=True)
    rows = [(np.inf, np.inf, 1, 1, 0.0)]
    rows += [
        (high, low, k, n, rest) for (high, low), (k, n), rest in itertools.product(pairs, OF, REFRACTORY)
    ]
    # Coarse scores have equal quantiles: a rule is tried once.
    threshold, clear, k, n, refractory = np.array(list(dict.fromkeys(rows))).T
    return Rules(threshold, clear, k.astype(np.int64), n.astype(np.int64), refractory)


def choose(judged: Judged, hours: Floats, budget: float, horizon: float, *, early: bool) -> int:
    """Return the rule that gives the most seconds of warning at no more than ``budget`` false alarms an hour.

    Seconds of warning are summed over episodes, missed and late ones counting nothing, so that one criterion
    weighs how many are warned of and how early. A source that cannot be early (``early=False``, the video)
    gains by how soon after the onset it catches them, counted from a horizon after it; what it warned of
    would be luck. Where several rules are as good, that with fewer false alarms decides, then that with the
    longer median warning, then the first.

    The best of many rules has been lucky, in its false alarms as well: it must keep within the budget with
    one more of them than it had.

    Args:
        judged: all rules on validation; the first must never ring, so that one is always within budget.
        hours: hours watched of each stretch.
        budget: false alarms per hour.
        horizon: that of the watch, s.
        early: whether the source may know of an episode before it shows.
    """
    false = judged.false.sum(axis=1)
    able = np.flatnonzero((judged.alarms.sum(axis=1) == 0) | ((false + 1) / hours.sum() <= budget))
    seconds = judged.seconds if early else np.where(judged.seconds <= 0, judged.seconds + horizon, np.nan)
    for quality in (np.where(seconds > 0, seconds, 0.0).sum(axis=1), -false):
        able = able[quality[able] == quality[able].max()]
    ahead = np.nan_to_num([median(judged.seconds[rule]) for rule in able], nan=-np.inf)
    return int(able[np.argmax(ahead)])


def ranked(values: Floats, among: Floats) -> Floats:
    """Return the share of validation scores that each value reaches, NaN staying NaN.

    It puts the scores of two modalities on one scale before the larger of them is taken.
    """
    known = np.sort(among[np.isfinite(among)], axis=None)
    share = np.searchsorted(known, values, side="right") / max(len(known), 1)
    return np.where(np.isnan(values), np.nan, share)
