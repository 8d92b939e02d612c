"""Arms over several data sets or worlds: probability of improvement, IQM, performance profile."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from bench.compare.paired import minus
from models.errors import InvalidRequest

Floats = NDArray[np.float64]
Picks = list[NDArray[np.int64]]
WORLDS = 3  # with fewer there is nothing to aggregate: show each


@dataclass(frozen=True)
class Estimate:
    """A number with its stratified bootstrap interval; NaN where it does not exist."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Profile:
    """Performance profiles of all arms.

    Attributes:
        thresholds: scores at which the profiles are read, shape (thresholds,).
        share: share of units that score above each, every world counting the same, (arms, thresholds).
        low: lower ends of the intervals, each for one threshold and not for the curve as a whole.
        high: upper ends.
    """

    thresholds: Floats
    share: Floats
    low: Floats
    high: Floats


def improvement(
    worlds: Sequence[ArrayLike],
    arm: int,
    other: int,
    generator: np.random.Generator,
    paired: bool = True,
    draws: int = 2000,
    level: float = 0.95,
) -> Estimate:
    """Return the probability that ``arm`` scores above ``other``, ties half, averaged over worlds.

    Units that two arms share have the same split and seed, so by default an arm meets the other on its own
    unit. With ``paired`` false every unit of one meets every unit of the other, as Agarwal et al. (2021,
    section 4.3, after Mann & Whitney 1947) define it for runs that share nothing.

    It says how often, not by how much: a tiny gain that never fails reaches 1.

    Args:
        worlds: scores of each world, NaN where there is none, shapes (units of the world, arms).
        arm: column of the arm.
        other: column of the arm it is compared with.
        generator: of the resamples. Units are resampled within each world, the same for both arms; the
            worlds themselves are not, so that the interval does not speak of new worlds.
        paired: see above.
        draws: number of resamples.
        level: of the percentile interval. Not to be trusted below about 10 units in all.

    Raises:
        InvalidRequest: a world is not a table of the same arms, or has no such arm.
    """
    tables = _complete(worlds, (arm, other))
    shares = [_wins(table[:, 0], table[:, 1], paired) for table in tables]

    def mean(picks: Picks) -> Floats:
        parts = [share(pick) for share, pick in zip(shares, picks, strict=True)]
        return np.asarray(np.mean(parts, axis=0), dtype=np.float64)

    return _estimate(tables, mean, generator, draws, level)


def iqm(
    worlds: Sequence[ArrayLike], generator: np.random.Generator, draws: int = 2000, level: float = 0.95
) -> tuple[Estimate, ...]:
    """Return the interquartile mean of each arm over all units of all worlds (Agarwal et al. 2021).

    The mean of the middle half: less moved by single units than the mean, less wasteful than the median.
    Scores of different worlds must be comparable (accuracy, skill; not losses). It hides how an arm fails:
    where a quarter of the units collapses it does not move at all, so it belongs beside a fail rate. The
    same units and resamples serve all arms. Arguments as for :func:`improvement`.
    """
    tables = _complete(worlds, None)
    arms = tables[0].shape[1] if tables else _arms(worlds)
    picks = _picks(tables, generator, draws)
    return tuple(_from(_iqm(tables, arm), tables, picks, level) for arm in range(arms))


def iqm_difference(
    worlds: Sequence[ArrayLike],
    arm: int,
    other: int,
    generator: np.random.Generator,
    draws: int = 2000,
    level: float = 0.95,
) -> Estimate:
    """Return the difference of two interquartile means, both read on the same resamples.

    Not the interquartile mean of the differences. Arguments as for :func:`improvement`.
    """
    tables = _complete(worlds, (arm, other))
    first, second = _iqm(tables, 0), _iqm(tables, 1)
    return _estimate(tables, lambda picks: first(picks) - second(picks), generator, draws, level)


def profile(
    worlds: Sequence[ArrayLike],
    thresholds: ArrayLike,
    generator: np.random.Generator,
    draws: int = 2000,
    level: float = 0.95,
) -> Profile:
    """Return for each arm the share of units that score above each threshold (Dolan & Moré 2002).

    The score distributions of Agarwal et al. (2021, section 4.2): of two curves that do not cross, the upper
    one is stochastically better. Arguments as for :func:`improvement`.
    """
    at = np.asarray(thresholds, dtype=np.float64)
    tables = _complete(worlds, None)
    picks = _picks(tables, generator, draws)
    tail = (1 - level) / 2
    rows = []
    for arm in range(tables[0].shape[1] if tables else _arms(worlds)):
        above = [(table[:, arm, None] > at).astype(float) for table in tables]
        drawn = [_counts(pick, len(a)) @ a / len(a) for pick, a in zip(picks, above, strict=True)]
        whole = np.mean([a.mean(axis=0) for a in above], axis=0) if above else np.full(at.shape, math.nan)
        ends = np.quantile(np.mean(drawn, axis=0), [tail, 1 - tail], axis=0) if above else [whole, whole]
        rows.append([whole, *ends])
    share, low, high = np.array(rows).reshape(-1, 3, at.size).transpose(1, 0, 2)
    return Profile(at, share, low, high)


def _complete(worlds: Sequence[ArrayLike], arms: tuple[int, ...] | None) -> list[Floats]:
    """Return the complete units of each world for the arms asked for; nothing below three worlds."""
    count = _arms(worlds)
    if arms is not None and not all(0 <= arm < count for arm in arms):
        raise InvalidRequest(f"an arm must be a column of the {count} in every world, got {arms}")
    kept = [np.asarray(world, dtype=np.float64) for world in worlds]
    kept = [world if arms is None else world[:, list(arms)] for world in kept]
    kept = [world[np.isfinite(world).all(axis=1)] for world in kept]
    kept = [world for world in kept if world.size]
    return kept if len(kept) >= WORLDS else []


def _arms(worlds: Sequence[ArrayLike]) -> int:
    shapes = [np.shape(world) for world in worlds]
    if any(len(shape) != 2 for shape in shapes) or len({shape[1] for shape in shapes}) > 1:
        raise InvalidRequest(
            f"every world must be a table of units and the same arms, got shapes {shapes}; fill gaps with NaN"
        )
    return int(shapes[0][1]) if shapes else 0


def _picks(tables: list[Floats], generator: np.random.Generator, draws: int) -> Picks:
    return [generator.integers(len(table), size=(draws, len(table))) for table in tables]


def _counts(picks: NDArray[np.int64], units: int) -> Floats:
    """Return how often each unit was drawn, (draws, units)."""
    flat = picks + units * np.arange(len(picks))[:, None]
    return np.bincount(flat.ravel(), minlength=units * len(picks)).reshape(-1, units).astype(float)


def _wins(arm: Floats, other: Floats, paired: bool) -> Callable[[NDArray[np.int64]], Floats]:
    if paired:
        won = _ahead(minus(arm, other))
        return lambda picks: np.asarray(won[picks].mean(axis=1), dtype=np.float64)
    every = minus(np.repeat(arm, other.size), np.tile(other, arm.size))
    table = _ahead(every).reshape(arm.size, other.size)

    def share(picks: NDArray[np.int64]) -> Floats:
        counts = _counts(picks, arm.size)
        return np.asarray(np.sum((counts @ table) * counts, axis=1) / arm.size**2, dtype=np.float64)

    return share


def _ahead(difference: Floats) -> Floats:
    won: Floats = (difference > 0) + 0.5 * (difference == 0)
    return won


def _iqm(tables: list[Floats], arm: int) -> Callable[[Picks], Floats]:
    def middle(picks: Picks) -> Floats:
        pooled = [table[:, arm][pick] for table, pick in zip(tables, picks, strict=True)]
        return np.asarray(stats.trim_mean(np.concatenate(pooled, axis=1), 0.25, axis=1))

    return middle


def _estimate(
    tables: list[Floats],
    statistic: Callable[[Picks], Floats],
    generator: np.random.Generator,
    draws: int,
    level: float,
) -> Estimate:
    return _from(statistic, tables, _picks(tables, generator, draws), level)


def _from(statistic: Callable[[Picks], Floats], tables: list[Floats], picks: Picks, level: float) -> Estimate:
    if not tables:
        return Estimate(math.nan, math.nan, math.nan)
    whole: Picks = [np.arange(len(table))[None] for table in tables]
    tail = (1 - level) / 2
    low, high = np.quantile(statistic(picks), [tail, 1 - tail])
    return Estimate(float(statistic(whole)[0]), float(low), float(high))
