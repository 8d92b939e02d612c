"""How surely a difference is too small to matter."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from bench.compare.paired import Paired
from models.errors import InvalidRequest

_CHUNK = 10_000  # draws held in memory at once


@dataclass(frozen=True)
class RopeProbabilities:
    """Posterior probabilities of the three regions; NaN where they do not exist.

    Attributes:
        worse: the arm is worse by more than the rope.
        equivalent: the difference lies within the rope.
        better: the arm is better by more than the rope.
        error: the largest Monte Carlo standard error among the three; 0 in closed form.
    """

    worse: float
    equivalent: float
    better: float
    error: float = 0.0


def tost(paired: Paired, rope: float) -> float:
    """Return p of the two one-sided t tests that the mean difference lies within ±``rope`` (Schuirmann 1987).

    The larger of the two one-sided p-values; at most .05 exactly when the 90 % t interval lies inside, which
    is the rule of :func:`bench.compare.verdict`. Assumes independent, roughly normal differences. NaN where
    there is no t interval. Not to be used with a rope chosen after a look at the differences.

    Raises:
        InvalidRequest: the rope is not a number of at least 0.
    """
    _check(rope)
    if not paired.sd > 0:
        return math.nan
    se = paired.sd / math.sqrt(paired.n)
    df = paired.n - 1
    return float(max(stats.t.sf((paired.mean + rope) / se, df), stats.t.cdf((paired.mean - rope) / se, df)))


def rope_correlated_t(paired: Paired, rope: float, overlap: float = 0.0) -> RopeProbabilities:
    """Return the rope probabilities of the Bayesian correlated t test (Benavoli et al. 2017).

    With the usual uninformative prior the mean difference has a Student posterior with n - 1 degrees of
    freedom, centre ``mean`` and squared scale sd^2 (1 / n + overlap / (1 - overlap)). For one data set;
    assumes roughly normal differences.

    Args:
        paired: the comparison.
        rope: half-width of the region of practical equivalence, in the unit of the score, >= 0.
        overlap: correlation of two differences: test / (train + test) where splits of the same recordings
            overlap, 0 where units are independent; in [0, 1).

    Raises:
        InvalidRequest: rope or overlap out of range.
    """
    _check(rope)
    if not 0 <= overlap < 1:
        raise InvalidRequest(
            f"overlap must be at least 0 and below 1, got {overlap}; give test / (train + test)"
        )
    if not paired.sd > 0:
        return RopeProbabilities(math.nan, math.nan, math.nan)
    scale = paired.sd * math.sqrt(1 / paired.n + overlap / (1 - overlap))
    worse = float(stats.t.cdf((-rope - paired.mean) / scale, paired.n - 1))
    better = float(stats.t.sf((rope - paired.mean) / scale, paired.n - 1))
    return RopeProbabilities(worse, max(0.0, 1 - worse - better), better)


def rope_signed_rank(
    difference: ArrayLike,
    rope: float,
    generator: np.random.Generator,
    draws: int = 50_000,
    prior: float = 0.5,
) -> RopeProbabilities:
    """Return the rope probabilities of the Bayesian signed-rank test (Benavoli et al. 2014, 2017).

    The distribution of the differences has a Dirichlet process prior of strength ``prior`` at 0. In one draw
    the pairs get Dirichlet weights, and all pairwise means of two differences fall below, into or above the
    rope with the product of their weights; on the border, half. The probability of a region is the share of
    draws in which it got most.

    Needs no normality, and one collapsed pair counts as one pair. Assumes independent, exchangeable pairs.
    With fewer than about six pairs the prior still shows: not to be used there.

    Args:
        difference: paired differences, NaN left out, shape (pairs,).
        rope: half-width of the region of practical equivalence, in the unit of the score, >= 0.
        generator: of the draws.
        draws: number of draws.
        prior: strength of the prior, in pairs, > 0.

    Raises:
        InvalidRequest: the rope is not a number of at least 0.
    """
    _check(rope)
    values = np.asarray(difference, dtype=np.float64)
    values = values[np.isfinite(values)]
    if values.size == 0:
        return RopeProbabilities(math.nan, math.nan, math.nan, math.nan)
    values = np.concatenate([[0.0], values])
    sums = values[:, None] + values
    below, above = (np.heaviside(side * sums - 2 * rope, 0.5) for side in (-1, 1))
    strength = np.concatenate([[prior], np.ones(values.size - 1)])
    won = np.zeros(3)
    for start in range(0, draws, _CHUNK):
        weights = generator.dirichlet(strength, min(_CHUNK, draws - start))
        worse, better = (np.sum((weights @ region) * weights, axis=1) for region in (below, above))
        mass = np.stack([worse, 1 - worse - better, better])
        most = mass >= mass.max(axis=0) - 1e-12  # where regions share the lead, they share the draw
        won += (most / most.sum(axis=0)).sum(axis=1)
    share = won / draws
    error = float(np.sqrt(share * (1 - share) / draws).max())
    return RopeProbabilities(float(share[0]), float(share[1]), float(share[2]), error)


def _check(rope: float) -> None:
    if not 0 <= rope < math.inf:
        raise InvalidRequest(f"rope must be a number of at least 0, got {rope!r}; say what does not matter")
