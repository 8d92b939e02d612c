"""Which parameters decided whether a configuration was among the best."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

ENOUGH = 10
"""Complete trials below which no importance is computed."""
_TOP = 5  # trials that the estimate of the best region should stand on at least


@dataclass(frozen=True, eq=False)
class Judged:
    """The complete trials of one search: parameters and value of each."""

    space: Mapping[str, BaseDistribution]
    params: Sequence[Mapping[str, Any]]
    values: ArrayLike
    maximize: bool = True


@dataclass(frozen=True)
class Importance:
    """How much of the divergence between the best trials and all trials lies in one parameter.

    Attributes:
        name: dotted key of the parameter.
        share: 0 to 1, mean over the searches that have the parameter; shares of one search sum to 1.
        low: lower end of the bootstrap bar.
        high: upper end of the bootstrap bar.
        searches: how many searches have the parameter.
    """

    name: str
    share: float
    low: float
    high: float
    searches: int


def importances(
    searches: Sequence[Judged], generator: np.random.Generator, resamples: int = 50, level: float = 0.8
) -> list[Importance]:
    """Return the PED-ANOVA importance of every parameter, the largest first (Watanabe, Bansal & Hutter 2023).

    The share of a parameter in the Pearson divergence between the densities of the best trials and of all
    trials, one parameter at a time, averaged over searches. The best are a tenth, at least five trials and
    at most half. The bar is the range of ``level`` of the same average when the trials of each search are
    resampled: it speaks of how stable the ranking is, and is not a confidence interval. Resampled trials
    are fewer different ones, so bars of small importances lie above the estimate.

    It sees one parameter at a time (no interactions) and only where the sampler went. Not to be used below
    :data:`ENOUGH` complete trials: searches that have fewer are left out.

    Args:
        searches: complete trials of each search.
        generator: of the resamples.
        resamples: number of resamples.
        level: share of the resampled averages inside of the bar.
    """
    used = [each for each in searches if len(each.params) >= ENOUGH]
    if not used:
        return []
    with _quiet():
        trials = [_trials(each) for each in used]
        found = _mean([_shares(each, rows) for each, rows in zip(used, trials, strict=True)])
        drawn: dict[str, list[float]] = {name: [] for name in found}
        for _ in range(resamples):
            picks = [generator.integers(len(rows), size=len(rows)) for rows in trials]
            again = zip(used, trials, picks, strict=True)
            for name, share in _mean(
                [_shares(e, [rows[i] for i in pick]) for e, rows, pick in again]
            ).items():
                drawn[name].append(share)
    tails: NDArray[np.float64] = np.array([(1 - level) / 2, (1 + level) / 2])
    made = []
    for name, share in found.items():
        low, high = np.quantile(drawn[name], tails)
        made.append(Importance(name, share, float(low), float(high), sum(name in e.space for e in used)))
    return sorted(made, key=lambda each: (-each.share, each.name))


def _trials(judged: Judged) -> list[Any]:
    from optuna.trial import create_trial

    space = dict(judged.space)
    values = np.asarray(judged.values, dtype=np.float64)
    return [
        create_trial(params=dict(params), distributions=space, value=float(value))
        for params, value in zip(judged.params, values, strict=True)
    ]


def _shares(judged: Judged, trials: Sequence[Any]) -> dict[str, float]:
    import optuna

    study = optuna.create_study(direction="maximize" if judged.maximize else "minimize")
    study.add_trials(trials)
    quantile = min(0.5, max(0.1, _TOP / len(trials)))
    evaluator = optuna.importance.PedAnovaImportanceEvaluator(target_quantile=quantile)
    return optuna.importance.get_param_importances(study, evaluator=evaluator, params=sorted(judged.space))


def _mean(shares: Sequence[Mapping[str, float]]) -> dict[str, float]:
    names = sorted({name for each in shares for name in each})
    return {name: float(np.mean([each[name] for each in shares if name in each])) for name in names}


@contextmanager
def _quiet() -> Iterator[None]:
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            # A resample in which all values are equal has no best trials: its shares are equal, as it says.
            warnings.simplefilter("ignore")
            yield
    finally:
        optuna.logging.set_verbosity(before)
