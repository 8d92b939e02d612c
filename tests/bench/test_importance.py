"""Importances against Optuna asked directly, and against a planted parameter."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import optuna
import pytest
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from bench.compare.importance import ENOUGH, Importance, Judged, importances

SPACE: dict[str, BaseDistribution] = {
    "rate": FloatDistribution(1e-4, 1e-1, log=True),
    "codes": IntDistribution(8, 64),
    "kind": CategoricalDistribution(("a", "b", "c")),
}


def judged(
    seed: int, trials: int = 30, names: tuple[str, ...] = tuple(SPACE), maximize: bool = True
) -> Judged:
    generator = np.random.default_rng(seed)
    drawn = {
        "rate": 10 ** generator.uniform(-4, -1, trials),
        "codes": generator.integers(8, 65, trials),
        "kind": generator.choice(["a", "b", "c"], trials),
    }
    params = [{name: drawn[name][i].item() for name in names} for i in range(trials)]
    gain = -np.abs(np.log10(drawn["rate"]) + 2.5) + generator.normal(0, 0.02, trials)
    return Judged({name: SPACE[name] for name in names}, params, gain if maximize else -gain, maximize)


def asked(each: Judged, picks: np.ndarray | None = None) -> dict[str, float]:
    """Return what Optuna says of the same trials, or of some of them."""
    values = np.asarray(each.values)
    study = optuna.create_study(direction="maximize" if each.maximize else "minimize")
    for i in range(len(values)) if picks is None else picks:
        study.add_trial(
            optuna.trial.create_trial(params=each.params[i], distributions=dict(each.space), value=values[i])
        )
    quantile = min(0.5, max(0.1, 5 / len(values)))
    evaluator = optuna.importance.PedAnovaImportanceEvaluator(target_quantile=quantile)
    return optuna.importance.get_param_importances(study, evaluator=evaluator)


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    yield
    optuna.logging.set_verbosity(before)


def shares(found: list[Importance]) -> dict[str, float]:
    return {each.name: each.share for each in found}


@pytest.mark.parametrize("maximize", [True, False])
def test_one_search_is_what_optuna_says(maximize: bool) -> None:
    one = judged(0, maximize=maximize)
    found = importances([one], np.random.default_rng(0), resamples=2)
    assert shares(found) == pytest.approx(asked(one))
    assert sum(shares(found).values()) == pytest.approx(1)
    assert found[0].name == "rate", "the planted one comes first"
    assert found[0].share > 0.6
    assert [each.share for each in found] == sorted((each.share for each in found), reverse=True)


def test_searches_are_averaged_over_those_that_have_the_parameter() -> None:
    one, other = judged(1), judged(2, names=("rate", "codes"))
    found = {each.name: each for each in importances([one, other], np.random.default_rng(0), resamples=2)}
    first, second = asked(one), asked(other)
    assert found["rate"].share == pytest.approx((first["rate"] + second["rate"]) / 2)
    assert found["kind"].share == pytest.approx(first["kind"])
    assert (found["rate"].searches, found["kind"].searches) == (2, 1)


def test_bar_is_the_range_over_resampled_trials() -> None:
    searches, resamples = [judged(3, 16), judged(4, 20)], 6
    found = importances(searches, np.random.default_rng(8), resamples, level=0.5)
    generator = np.random.default_rng(8)
    drawn: dict[str, list[float]] = {name: [] for name in SPACE}
    for _ in range(resamples):
        picks = [generator.integers(n, size=n) for n in (16, 20)]
        both = [asked(each, pick) for each, pick in zip(searches, picks, strict=True)]
        for name in SPACE:
            drawn[name].append((both[0][name] + both[1][name]) / 2)
    for each in found:
        assert (each.low, each.high) == pytest.approx(tuple(np.quantile(drawn[each.name], [0.25, 0.75])))


def test_few_trials_say_nothing_and_the_others_still_do() -> None:
    few = judged(5, ENOUGH - 1)
    assert importances([few], np.random.default_rng(0)) == []
    assert importances([], np.random.default_rng(0)) == []
    enough = judged(6, ENOUGH)
    found = importances([few, enough], np.random.default_rng(0), resamples=2)
    assert shares(found) == pytest.approx(asked(enough))


def test_equal_values_have_equal_shares_and_no_warning() -> None:
    one = judged(7)
    flat = Judged(one.space, one.params, np.zeros(30))
    found = importances([flat], np.random.default_rng(0), resamples=2)
    assert list(shares(found).values()) == pytest.approx([1 / 3] * 3)


def test_optuna_is_as_loud_as_before() -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    importances([judged(8, 12)], np.random.default_rng(0), resamples=1)
    assert optuna.logging.get_verbosity() == optuna.logging.WARNING
