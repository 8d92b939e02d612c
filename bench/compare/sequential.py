"""When to stop adding seeds: a group-sequential sign-flip test."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from bench.compare.paired import EXACT_PAIRS, ROUNDING
from models.errors import InvalidRequest

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Look:
    """What a plan says about the pairs there are.

    Attributes:
        n: pairs at the look that speaks: the first that stops, else the last one reached.
        boundary: the largest ``p`` that rejects at this look; 0 where none can.
        p: two-sided sign-flip p of these pairs, not adjusted for the looks; NaN before the first look.
        stop: whether to add no more seeds: the difference is found, or the plan is at its end.
        reject: whether the difference is found, which is ``p <= boundary``.
    """

    n: int
    boundary: float
    p: float
    stop: bool
    reject: bool


@dataclass(frozen=True)
class Expected:
    """What a plan costs and finds on average: pairs spent and share of studies that reject."""

    seeds: float
    power: float


@dataclass(frozen=True)
class Sequential:
    """A plan to look at paired differences more than once and still err at most ``alpha`` of the time.

    At every look the level spent so far follows the spending function of Lan & DeMets (1983) that resembles
    O'Brien & Fleming's boundaries, ``alpha / 2`` in each tail: little early, most at the end. It is spent on
    sign patterns, not on a normal approximation. Given the sizes of the differences, all 2^n patterns of
    their signs are equally likely if nothing has changed, and each has a path through the looks. At a look,
    the patterns with the largest absolute mean reject, as many as the level spent so far allows after those
    that have rejected before. So the two-sided level is never exceeded, for 4 pairs as for 20, whatever the
    distribution of the differences, as long as it is symmetric under the null: collapsed runs do no harm.
    Boundaries for a t statistic stop earlier on normal differences and have no such warrant on others; and
    they stop with so few pairs that the sign-flip test of the report cannot decide.

    The price is the coarseness of few pairs: a look at which the level spent is below 2^(1 - n) cannot stop.
    Of 12 pairs at a level of .05 the first look that can is at 8, among five comparisons at 10: ask
    :meth:`earliest`. Not for looks whose times depend on the differences seen, nor for more than 20 pairs,
    nor for stopping because arms are equivalent: it never accepts a null.

    Attributes:
        looks: numbers of pairs to look at, ascending, 2 to 20; the last is the end.
        alpha: two-sided level over all looks.

    Raises:
        InvalidRequest: the looks or the level are out of range.
    """

    looks: tuple[int, ...]
    alpha: float = 0.05

    def __post_init__(self) -> None:
        ascending = all(a < b for a, b in zip(self.looks, self.looks[1:], strict=False))
        if not (self.looks and ascending and self.looks[0] >= 2 and self.looks[-1] <= EXACT_PAIRS):
            raise InvalidRequest(
                f"looks must be ascending numbers of pairs from 2 to {EXACT_PAIRS}, got {self.looks}; "
                "name each look once, in order"
            )
        if not 0 < self.alpha < 1:
            raise InvalidRequest(f"alpha must be between 0 and 1, got {self.alpha}; .05 is usual")

    def spent(self, n: int, alpha: float | None = None) -> float:
        """Return the two-sided level spent up to ``n`` pairs.

        It is 4 (1 - Phi(z / sqrt(t))) at the share t of all pairs, z being the upper ``alpha / 4`` quantile.

        Args:
            n: number of pairs.
            alpha: another level than that of the plan.
        """
        level = self.alpha if alpha is None else alpha
        z = -float(special.ndtri(level / 4)) / math.sqrt(min(1.0, n / self.looks[-1]))
        return 4 * float(special.ndtr(-z))

    def earliest(self, family: int = 1) -> int | None:
        """Return the first look that can find one of ``family`` arms at all; None if no look can."""
        allowed = self._allowed(self.alpha / family)
        return next((n for n, most in zip(self.looks, allowed, strict=True) if most), None)

    def decide(self, differences: ArrayLike) -> Look:
        """Return the decision on the pairs there are, as they came in.

        Pairs beyond the last look reached wait for the next.

        Args:
            differences: paired differences in the order of the plan, NaN left out, shape (pairs,).
        """
        return _walk(_finite(differences), self.looks, self._allowed(self.alpha))

    def family(self, differences: Sequence[ArrayLike]) -> tuple[Look, ...]:
        """Return the decision on each of several arms, the family-wise error being ``alpha``.

        Holm (1979) as a closed test: a set of j null hypotheses falls if one of its arms rejects at
        ``alpha / j``, and an arm is found if every set that contains it falls. For levels at which a larger
        one never rejects less this is the step-down procedure (Maurer & Bretz 2013); written out, it needs
        no such property. A found arm may stop while the others go on; boundaries of the others then rise.
        """
        sizes = range(1, len(differences) + 1)  # of the sets of null hypotheses
        allowed = [self._allowed(self.alpha / size) for size in sizes]
        looks: list[list[Look]] = []  # by arm and size
        for each in differences:
            values = _finite(each)
            found = {levels: _walk(values, self.looks, levels) for levels in dict.fromkeys(allowed)}
            looks.append([found[levels] for levels in allowed])
        standing = [sum(not look.reject for look in column) for column in zip(*looks, strict=True)]
        falls = [
            all(look.reject or left < size for look, left, size in zip(arm, standing, sizes, strict=True))
            for arm in looks
        ]
        step = falls.count(False)
        return tuple(
            # A found arm: at the hardest level it passes. Another: at the level of Holm's next step.
            next(look for look in reversed(arm) if look.reject) if fell else self._open(arm[step - 1])
            for arm, fell in zip(looks, falls, strict=True)
        )

    def expected(
        self, effect: float, generator: np.random.Generator, studies: int = 2000, family: int = 1
    ) -> Expected:
        """Return average pairs and power under normal differences, by simulation.

        Args:
            effect: true mean over standard deviation of the differences.
            generator: of the simulated studies.
            studies: their number; the standard error of the power is at most .5 / sqrt(studies).
            family: comparisons that share the level; the arm is held to Holm's first step.
        """
        allowed = self._allowed(self.alpha / family)
        shape = (studies, self.looks[-1])
        looks = [_walk(row, self.looks, allowed) for row in generator.normal(effect, 1.0, shape)]
        seeds, power = np.mean([(look.n, look.reject) for look in looks], axis=0)
        return Expected(float(seeds), float(power))

    def _open(self, look: Look) -> Look:
        return replace(look, reject=False, stop=look.n == self.looks[-1])

    def _allowed(self, alpha: float) -> tuple[int, ...]:
        """Return how many of the 2^(n - 1) mirrored pairs of patterns may have rejected by each look."""
        return tuple(math.floor(self.spent(n, alpha) * 2 ** (n - 1) * (1 + 1e-12)) for n in self.looks)


def _finite(differences: ArrayLike) -> Floats:
    values = np.asarray(differences, dtype=np.float64)
    finite: Floats = values[np.isfinite(values)]
    return finite


def _walk(values: Floats, looks: tuple[int, ...], allowed: tuple[int, ...]) -> Look:
    """Follow all sign patterns through the looks; the first pattern is what was seen."""
    last = Look(values.size, 0.0, math.nan, False, False)
    sums, rejected = values[:1], np.zeros(1, dtype=bool)
    for n, most in zip(looks, allowed, strict=True):
        if n > values.size:
            break
        for value in values[sums.size.bit_length() : n]:
            sums = np.concatenate([sums + value, sums - value])
            rejected = np.concatenate([rejected, rejected])
        sizes = np.abs(sums)
        rounding = ROUNDING * float(np.abs(values[:n]).sum())
        bar = _bar(sizes[~rejected], most - int(np.count_nonzero(rejected)), rounding)
        boundary = float(np.mean(sizes >= bar))
        p = float(np.mean(sizes >= sizes[0] - rounding))
        found = bool(sizes[0] >= bar)
        last = Look(n, boundary, p, found or n == looks[-1], found)
        if found:
            return last
        rejected |= sizes >= bar
    return last


def _bar(sizes: Floats, most: int, rounding: float) -> float:
    """Return the size from which on patterns reject: at most ``most`` of them, equal sizes together."""
    if most <= 0:
        return math.inf
    largest = np.append(sizes, -math.inf)  # a size below all: the end of the smallest ones
    largest = np.sort(np.partition(largest, -most - 1)[-most - 1 :])[::-1]
    ends = np.flatnonzero(largest[:-1] - largest[1:] > rounding)
    return float(largest[ends[-1]] - rounding / 2) if ends.size else math.inf
