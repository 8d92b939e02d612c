"""AUROC, and the interval of a difference of AUROCs when whole recordings are resampled."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse, stats

from models.errors import InvalidRequest

Floats = NDArray[np.float64]
_ROUNDS = 50  # attempts at resamples that hold both classes
_SMALL = 2**15  # samples whose pairs, counted twice, fit 32 bits


@dataclass(frozen=True, eq=False)
class PairCounts:
    """All a score has to say about the AUROC of any resample of groups.

    The AUROC counts pairs, so with w_g copies of group g it is w' A w / ((w' P) (w' N)).

    Attributes:
        names: the groups, sorted, shape (groups,).
        ordered: A[g, h], the pairs (abnormal of g, normal of h) in the right order, ties half.
        positives: P, abnormal samples of each group.
        negatives: N, normal samples of each group.
    """

    names: NDArray[Any]
    ordered: Floats
    positives: Floats
    negatives: Floats

    @classmethod
    def count(cls, group: ArrayLike, label: ArrayLike, score: ArrayLike) -> PairCounts:
        """Count the pairs of test predictions.

        Args:
            group: recording or case of each sample, shape (samples,).
            label: 1 = abnormal, 0 = normal, shape (samples,).
            score: higher = more abnormal, shape (samples,).

        Raises:
            InvalidRequest: the three differ in length.
        """
        names, member = np.unique(np.asarray(group), return_inverse=True)
        positive, values = np.asarray(label) == 1, np.asarray(score, dtype=np.float64)
        if not member.shape == positive.shape == values.shape:
            raise InvalidRequest(
                f"group, label and score must have one entry a sample, got lengths {member.size}, "
                f"{positive.size} and {values.size}; store them together"
            )
        order = np.argsort(values)  # in whatever order ties come
        values, positive, member = values[order], positive[order], member[order]
        below, to = _normal_below(values, positive)
        normal = int(np.count_nonzero(~positive))
        within = np.zeros((normal + 1, names.size), dtype=np.int64 if values.size > _SMALL else np.int32)
        within[np.arange(1, normal + 1), member[~positive]] = 1
        np.cumsum(within, axis=0, out=within)  # normal samples of each group among the k lowest
        place = np.argsort(member[positive], kind="stable")  # abnormal samples, group by group
        of = np.bincount(member[positive], minlength=names.size)
        ends, shape = np.append(0, np.cumsum(of)), (names.size, normal + 1)
        ones = np.ones(place.size, dtype=within.dtype)
        sides = [below] if np.array_equal(below, to) else [below, to]  # half of what ties counts
        sums = [sparse.csr_array((ones, side[place], ends), shape=shape) @ within for side in sides]
        ordered: Floats = np.mean(sums, axis=0)
        return cls(names, ordered, of.astype(float), within[-1].astype(float))

    def same_samples(self, other: PairCounts) -> bool:
        """Return whether both saw the same number of samples of each class in the same groups."""
        mine = (self.names, self.positives, self.negatives)
        return all(map(np.array_equal, mine, (other.names, other.positives, other.negatives)))


@dataclass(frozen=True, eq=False)
class GroupUnit:
    """One unit: an arm and one or more control runs (permutations) on the same test samples.

    Units of one ``fold`` share their test groups and are resampled together.
    """

    fold: int
    arm: PairCounts
    controls: tuple[PairCounts, ...]


@dataclass(frozen=True)
class GroupInterval:
    """A mean difference of AUROCs with its by-group interval (NaN where it does not exist).

    Attributes:
        mean: mean over units of AUROC(arm) - mean AUROC(controls).
        low: lower end of the percentile interval.
        high: upper end of the percentile interval.
        units: units that entered.
        groups: distinct (fold, group) that were resampled.
    """

    mean: float
    low: float
    high: float
    units: int
    groups: int


def auroc(label: ArrayLike, score: ArrayLike) -> float:
    """Return the area under the ROC curve, ties counted half; NaN where a class is missing.

    It is P(score of an abnormal sample > score of a normal one), the Mann-Whitney statistic over the
    number of pairs (Hanley & McNeil 1982). It knows no threshold: not a measure of a warning that
    has to be given at one.
    """
    positive = np.asarray(label) == 1
    n_positive = int(positive.sum())
    n_negative = positive.size - n_positive
    if n_positive == 0 or n_negative == 0:
        return math.nan
    ranks = stats.rankdata(np.asarray(score, dtype=np.float64))
    above = ranks[positive].sum() - n_positive * (n_positive + 1) / 2
    return float(above / (n_positive * n_negative))


def _normal_below(values: Floats, positive: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return how many normal samples lie below each abnormal one, and how many do or tie; values ascend."""
    first = np.append(True, values[1:] != values[:-1])[: values.size]  # of the samples that tie
    tie, starts = np.cumsum(first) - 1, np.flatnonzero(first)
    lower = np.append(0, np.cumsum(~positive))  # among the k lowest
    ends = np.append(starts[1:], values.size)
    return lower[starts][tie][positive], lower[ends][tie][positive]


def paired_auroc_by_group(
    units: Iterable[GroupUnit],
    generator: np.random.Generator,
    draws: int = 2000,
    level: float = 0.95,
) -> GroupInterval:
    """Return the mean AUROC difference arm - control with a paired bootstrap over groups.

    Samples of one recording depend on each other, so recordings are resampled whole. In one draw
    the recordings of a fold are resampled once and the same resample is read by all units of the
    fold, by the arm and by all controls: what they share cancels. Resamples of a fold that lack a
    class for one of its units are drawn again. The interval speaks of new recordings with the
    models as trained; it does not contain the spread of training beyond these units. Not to be used
    with fewer than about ten groups (percentile intervals are then too narrow); a fold with a
    single group has nothing to resample and gives no interval.

    Units whose test samples hold one class only are left out.
    """
    folds: dict[int, list[GroupUnit]] = {}
    for unit in units:
        if unit.controls and unit.arm.positives.any() and unit.arm.negatives.any():
            folds.setdefault(unit.fold, []).append(unit)
    n = sum(map(len, folds.values()))
    if n == 0:
        return GroupInterval(math.nan, math.nan, math.nan, 0, 0)
    total, resampled, groups = 0.0, np.zeros(draws), 0
    for _, members in sorted(folds.items()):
        names = np.unique(np.concatenate([unit.arm.names for unit in members]))
        margins = _margins(members, names)
        total += float(sum(margin.of(np.ones((1, names.size)))[0] for margin in margins))
        weights = _resamples(margins, names.size, draws, generator)
        resampled += math.nan if weights is None else sum(margin.of(weights) for margin in margins)
        groups += names.size
    tail = (1 - level) / 2
    low, high = np.quantile(resampled / n, [tail, 1 - tail])
    return GroupInterval(total / n, float(low), float(high), n, groups)


@dataclass(frozen=True, eq=False)
class _Margin:
    """Sum over units with the same samples of A(arm) - mean A(controls), on all groups of a fold."""

    ordered: Floats
    positives: Floats
    negatives: Floats

    def of(self, weights: Floats) -> Floats:
        above: Floats = np.sum((weights @ self.ordered) * weights, axis=1)
        return above / ((weights @ self.positives) * (weights @ self.negatives))

    def defined(self, weights: Floats) -> NDArray[np.bool_]:
        return (weights @ self.positives > 0) & (weights @ self.negatives > 0)


def _margins(units: Sequence[GroupUnit], names: NDArray[Any]) -> list[_Margin]:
    margins: list[_Margin] = []
    first: list[PairCounts] = []
    for unit in units:
        place = np.searchsorted(names, unit.arm.names)
        at = next((i for i, arm in enumerate(first) if arm.same_samples(unit.arm)), None)
        if at is None:
            at = len(first)
            first.append(unit.arm)
            margin = _Margin(np.zeros((names.size,) * 2), np.zeros(names.size), np.zeros(names.size))
            margin.positives[place], margin.negatives[place] = unit.arm.positives, unit.arm.negatives
            margins.append(margin)
        control = np.mean([c.ordered for c in unit.controls], axis=0)
        margins[at].ordered[np.ix_(place, place)] += unit.arm.ordered - control
    return margins


def _resamples(
    margins: Sequence[_Margin], groups: int, draws: int, generator: np.random.Generator
) -> Floats | None:
    """Return (draws, groups) multinomial weights under which every unit has both classes, or None."""
    if groups < 2:
        return None
    kept: list[Floats] = []
    missing = draws
    for _ in range(_ROUNDS):
        weights = generator.multinomial(groups, np.full(groups, 1 / groups), size=draws).astype(float)
        valid = np.logical_and.reduce([margin.defined(weights) for margin in margins])
        kept.append(weights[valid][:missing])
        missing -= len(kept[-1])
        if missing == 0:
            return np.concatenate(kept)
    return None
