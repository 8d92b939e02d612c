"""From curves to an answer: a lead with an interval, or no evidence of one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats

from bench.lead.estimator import Estimator
from bench.lead.moments import Floats, Moments

Word = Literal["found", "no evidence", "at the border", "not located"]

#: A relation is believed below this p.
LEVEL = 0.01
CONFIDENCE = 0.95
DRAWS = 999
RESAMPLES = 2000
#: Seconds to either side of the highest point that the parabola is fitted to.
REACH = 60.0


@dataclass(frozen=True, eq=False)
class Answer:
    """What one estimator says of the lead.

    Attributes:
        name: of the estimator.
        labels: whether it looked at labels of the video.
        paired: whether mismatched pairs differ for it, without which p says nothing.
        recordings: number of held-out recordings.
        groups: number of held-out groups, which the interval rests on.
        word: ``found``; ``no evidence`` that the modalities go together; ``at the border`` of the leads
            tried, where a peak is none; ``not located``: they go together, but the interval spans more
            than half of the leads tried.
        lead: seconds at the peak of the mean curve, whatever the word.
        low: lower end of the interval, s.
        high: upper end.
        p: of the highest point, against mismatched pairs.
        leads: ``(leads,)`` s.
        curve: ``(leads,)`` mean curve minus the mean of mismatched pairs.
        band: ``(2, leads)`` pointwise 2.5 and 97.5 % of mismatched pairs.
        highest: height that mismatched pairs exceed anywhere in 1 % of draws.
        heads: ``(resamples,)`` leads of the resampled curves, s.
    """

    name: str
    labels: bool
    paired: bool
    recordings: int
    groups: int
    word: Word
    lead: float
    low: float
    high: float
    p: float
    leads: Floats
    curve: Floats
    band: Floats
    highest: float
    heads: Floats


def answer(
    estimator: Estimator, moments: Moments, seed: int, draws: int = DRAWS, resamples: int = RESAMPLES
) -> Answer:
    """Judge the curves of an estimator.

    Curves are averaged over recordings and only then searched for their peak: averaging the peaks of
    single recordings is useless where each is noisy. *Evidence*: the height of the peak against those
    of mismatched pairs (current of one recording, video of another); each draw takes its own maximum
    over the leads, which pays for having looked at all of them. A draw is any permutation: one that had
    to leave no pair in place would lie off centre by about one part in the number of recordings, and the
    test would no longer be exact. *Interval*: recordings are resampled,
    each time averaged and searched again; percentiles, widened for few recordings (Hesterberg 2015,
    section 5.3.3: alpha/2 becomes the normal law's below -sqrt(n/(n-1)) t).

    Assumes that recordings are exchangeable and independent. *Do not use* with fewer than about ten,
    on blocks much shorter than what the signals remember, or where each recording's clock is off by
    an offset of its own that is not small against the interval.
    """
    generator = np.random.default_rng([seed, draws, resamples])
    leads, count = moments.leads, len(estimator.held)
    group = np.unique(moments.groups[estimator.held], return_inverse=True)[1]
    groups = int(group.max()) + 1
    curves = estimator.curves(np.arange(count))
    null = np.stack([estimator.curves(generator.permutation(count)).mean(axis=0) for _ in range(draws)])
    base = null.mean(axis=0) if estimator.paired else np.zeros(len(leads))
    curve, heights = curves.mean(axis=0) - base, (null - base).max(axis=1)
    p = (1 + int((heights >= curve.max()).sum())) / (draws + 1) if estimator.paired else 1.0
    shares = generator.multinomial(groups, np.full(groups, 1 / groups), size=resamples)[:, group]
    heads = peak(shares @ curves / shares.sum(axis=1, keepdims=True) - base, leads)
    low, high = np.quantile(heads, tails(groups))
    return Answer(
        estimator.name,
        estimator.labels,
        estimator.paired,
        count,
        groups,
        _word(curve, p, float(low), float(high), leads),
        float(peak(curve[None], leads)[0]),
        float(low),
        float(high),
        p,
        leads,
        curve,
        np.quantile(null - base, [0.025, 0.975], axis=0),
        float(np.quantile(heights, 1 - LEVEL)),
        heads,
    )


def _word(curve: Floats, p: float, low: float, high: float, leads: Floats) -> Word:
    if p > LEVEL:
        return "no evidence"
    if int(curve.argmax()) in (0, len(leads) - 1):
        return "at the border"
    return "not located" if high - low > (leads[-1] - leads[0]) / 2 else "found"


def tails(count: int) -> tuple[float, float]:
    """Return the quantiles of an expanded percentile interval for so many recordings.

    >>> [round(each, 4) for each in tails(1000)]
    [0.0248, 0.9752]
    """
    wide = math.sqrt(count / (count - 1)) * float(stats.t.ppf((1 + CONFIDENCE) / 2, count - 1))
    tail = float(stats.norm.cdf(-wide))
    return tail, 1 - tail


def peak(curves: Floats, leads: Floats) -> Floats:
    """Return the lead of the highest point of each curve, refined by a parabola: ``(curves,)``, s.

    The parabola is fitted by least squares to the points within :data:`REACH` seconds, fewer near the
    border; where it does not bend down, or its top lies outside them, the highest point itself stands.

    Args:
        curves: ``(curves, leads)``.
        leads: ``(leads,)`` equally spaced, s.
    """
    step = leads[1] - leads[0]
    widest = max(1, round(REACH / step))
    top = curves.argmax(axis=1)
    found: Floats = leads[top].astype(np.float64)
    room = np.minimum(np.minimum(top, len(leads) - 1 - top), widest)
    for half in range(1, widest + 1):
        rows = np.flatnonzero(room == half)
        if not len(rows):
            continue
        offsets = np.arange(-half, half + 1)
        near = curves[rows[:, None], top[rows, None] + offsets]
        bend, slope, _ = np.linalg.pinv(np.vander(offsets.astype(np.float64), 3)) @ near.T
        with np.errstate(divide="ignore", invalid="ignore"):
            shift = -slope / (2 * bend)
        good = (bend < 0) & (np.abs(shift) <= half)
        found[rows[good]] += step * shift[good]
    return found
