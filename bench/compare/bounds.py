"""What the pairs that are missing could change."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bench.compare.paired import paired_difference
from bench.compare.verdict import Word, verdict
from models.errors import InvalidRequest

Floats = NDArray[np.float64]
Words = tuple[Word, Word]


@dataclass(frozen=True)
class WorstCase:
    """Bounds of a mean paired difference over all planned pairs, missing ones included.

    Attributes:
        pairs: pairs that have a difference.
        missing: planned pairs that have none.
        low: the mean if every missing pair went as badly as it can.
        high: the mean if every one went as well as it can.
        plausible_low: the mean if every missing pair went as the worst one seen; NaN without a pair.
        plausible_high: the mean if every one went as the best one seen.
        words: the verdicts of the two filled studies of ``low`` and ``high``; None where not asked for.
        plausible_words: those of ``plausible_low`` and ``plausible_high``.
    """

    pairs: int
    missing: int
    low: float
    high: float
    plausible_low: float
    plausible_high: float
    words: Words | None = None
    plausible_words: Words | None = None

    @property
    def firm(self) -> bool:
        """Whether the missing pairs cannot change the sign of the mean."""
        return self.low > 0 or self.high < 0

    def keeps(self, word: Word) -> bool:
        """Return whether a verdict stands at both ends of the worst case."""
        return self.words is not None and set(self.words) == {word}

    def plausibly_keeps(self, word: Word) -> bool:
        """Return whether a verdict stands at both ends of what has been seen."""
        return self.plausible_words is not None and set(self.plausible_words) == {word}


def worst_case(
    difference: ArrayLike,
    missing: int,
    generator: np.random.Generator,
    low: ArrayLike = -1.0,
    high: ArrayLike = 1.0,
    rope: float | None = None,
    factor: float = 1.0,
    alpha: float = 0.05,
) -> WorstCase:
    """Bound the mean difference, and its verdict, over everything the missing pairs could have been.

    Complete pairs speak for all only if pairs are missing by chance; runs that diverge are not. The bounds
    of Manski (1989, 2003) assume nothing: missing differences lie between ``low`` and ``high``, and that is
    all. They say what the gaps leave open and contain no sampling error: they are no interval. The plausible
    bounds assume that no missing pair is more extreme than those seen, which a collapse breaks. Not to be
    used to *choose* a verdict: it stands beside the one from complete pairs.

    A verdict is formed at each end with all missing pairs filled in; where both ends agree it is taken to
    stand. Filled ends add spread, so that even the good end may be undecided.

    Args:
        difference: the differences arm - control that exist; entries that are not finite are left out.
        missing: planned pairs without a difference.
        generator: used only beyond 20 pairs, where the sign-flip test is sampled.
        low: the least a missing difference can be: one number or one a missing pair. Where the control
            scored s on that unit and scores lie in [0, 1], it is -s.
        high: the most it can be; there 1 - s.
        rope: half-width of practical equivalence; without it no verdicts are formed.
        factor: what Holm multiplied the p of this comparison by; 1 for a single comparison.
        alpha: family-wise level of the verdicts.

    Raises:
        InvalidRequest: ``missing`` is negative, or the limits do not fit it or cross.
    """
    seen = np.asarray(difference, dtype=np.float64)
    seen = seen[np.isfinite(seen)]
    limits = [np.asarray(limit, dtype=np.float64) for limit in (low, high)]
    if missing < 0 or any(limit.shape not in ((), (missing,)) for limit in limits):
        raise InvalidRequest(
            "low and high must be one number, or one for each missing pair, got shapes "
            f"{limits[0].shape} and {limits[1].shape} for {missing} missing; count the planned units without "
            "a difference"
        )
    if np.any(limits[0] > limits[1]):
        raise InvalidRequest("low must not exceed high in any missing pair; swap them")
    worst, best = (np.concatenate([seen, np.full(missing, limit)]) for limit in limits)
    ends = (float(seen.min()), float(seen.max())) if seen.size else (math.nan, math.nan)
    poor, good = (np.concatenate([seen, np.full(missing, end)]) for end in ends)

    def words(*filled: Floats) -> Words | None:
        if rope is None:
            return None
        first, second = (_word(each, generator, rope, factor, alpha) for each in filled)
        return first, second

    means = [float(values.mean()) if values.size else math.nan for values in (worst, best, poor, good)]
    lowest, highest, plausible_low, plausible_high = means
    return WorstCase(
        int(seen.size),
        missing,
        lowest,
        highest,
        plausible_low,
        plausible_high,
        words(worst, best),
        words(poor, good),
    )


def _word(
    difference: Floats, generator: np.random.Generator, rope: float, factor: float, alpha: float
) -> Word:
    found = paired_difference(difference, np.zeros(difference.size), generator)
    return verdict(found, min(1.0, found.sign_flip.p * factor), rope, alpha=alpha).word
