"""Effects of a grid against hand computation, statsmodels and the written-out likelihood."""

from __future__ import annotations

import itertools
import math
import warnings

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from scipy import optimize, stats
from statsmodels.stats.anova import AnovaRM

from bench.compare import Effect, Factorial, Omnibus, factorial, paired_difference
from bench.compare.factorial import (
    ALIASED,
    FEW_UNITS,
    GAPS,
    NO_FACTOR,
    NO_INTERACTIONS,
    NO_REST,
    NO_SPREAD,
)
from bench.compare.mixed import fit_units
from models.errors import InvalidRequest


def grid(seed: int = 0, units: int = 7, **levels: tuple[object, ...]) -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    levels = levels or {"a": ("x", "y", "z"), "b": (5, 1, 2)}
    rows = []
    for unit in range(units):
        own = generator.normal(0, 0.05)
        for cell in itertools.product(*levels.values()):
            effect = 0.03 * (cell[0] == "y") + 0.02 * (cell[0] == "z") * (cell[-1] == 2)
            noise = generator.normal(0, 0.02)
            rows.append(
                dict(zip(levels, cell, strict=True), unit=f"seed {unit}", ba=0.7 + own + effect + noise)
            )
    return pd.DataFrame(rows)


def run(frame: pd.DataFrame, *factors: str) -> Factorial:
    return factorial(frame, factors or ("a", "b"), "ba", "unit")


def test_two_by_two_by_hand() -> None:
    # unit 1: 1 2 3 6, unit 2: 3 4 6 7 for (p q) x (r s)
    cells = list(itertools.product(("u1", "u2"), "pq", "rs"))
    frame = pd.DataFrame(cells, columns=["unit", "a", "b"]).assign(ba=[1.0, 2, 3, 6, 3, 4, 6, 7])
    found = run(frame)
    assert found.mean == 4
    # a: q - p is 4.5 - 1.5 = 3 and 6.5 - 3.5 = 3; b: s - r is 2 and 1
    # a x b at (q, s): (6 - 3 - 2 + 1) / 4 = .5 and (7 - 6 - 4 + 3) / 4 = 0
    contrast = {each.factors[0]: each for each in found.contrasts}
    assert (contrast["a"].estimate, contrast["b"].estimate) == pytest.approx((3, 1.5))
    assert contrast["b"].se == pytest.approx(0.5)
    assert contrast["b"].df == 1
    half = float(stats.t.isf(0.025, 1)) * 0.5
    assert (contrast["b"].low, contrast["b"].high) == pytest.approx((1.5 - half, 1.5 + half))
    assert math.isnan(contrast["a"].se), "both units say 3: nothing tells how surely"
    effect = {(each.factors, each.levels): each.estimate for each in found.effects}
    assert effect[("b",), ("r",)] == pytest.approx(-0.75)
    both = {each.levels: each for each in found.interactions}
    assert both["q", "s"].estimate == pytest.approx(0.25)
    assert both["p", "s"].estimate == pytest.approx(-0.25)
    means = {(each.factors, each.levels): each.estimate for each in found.means}
    assert means[("a", "b"), ("q", "s")] == pytest.approx(6.5)
    assert means[("a",), ("p",)] == pytest.approx(2.5)
    by_name = {test.factors: test for test in found.omnibus}
    assert by_name["b",].f == pytest.approx(9)
    assert by_name["b",].p == pytest.approx(float(2 * stats.t.sf(3, 1)))
    assert found.levels == {"a": ("p", "q"), "b": ("r", "s")}


def test_agrees_with_anova_of_statsmodels() -> None:
    frame = grid(1)
    found = run(frame)
    reference = AnovaRM(frame, "ba", "unit", within=["a", "b"]).fit().anova_table
    for test, row in zip(found.omnibus, reference.itertuples(index=False), strict=True):
        assert (test.f, test.df, test.df_rest) == pytest.approx(tuple(row)[:3], rel=1e-9)
        uncorrected = float(stats.f.sf(test.f, test.df, test.df_rest))
        assert uncorrected == pytest.approx(tuple(row)[3], abs=1e-9)
        assert 1 / test.df <= test.epsilon <= 1
        assert test.p >= uncorrected or test.f < 1


def test_shrunk_degrees_of_freedom_by_the_published_formula() -> None:
    """Greenhouse & Geisser's epsilon from the doubly centred covariance of the levels (Winer 1971)."""
    frame = grid(2)
    table = frame.groupby(["unit", "a"])["ba"].mean().unstack().to_numpy()
    s = np.cov(table, rowvar=False)
    k = len(s)
    above = k**2 * (np.trace(s) / k - s.mean()) ** 2
    below = (k - 1) * (np.sum(s**2) - 2 * k * np.sum(s.mean(axis=1) ** 2) + k**2 * s.mean() ** 2)
    test = run(frame).omnibus[0]
    assert test.epsilon == pytest.approx(above / below, abs=1e-12)
    df = test.epsilon * test.df
    assert test.p == pytest.approx(float(stats.f.sf(test.f, df, df * 6)), abs=1e-12)


def test_two_levels_are_the_paired_difference() -> None:
    frame = grid(3, a=("x", "y"))
    found = run(frame, "a")
    table = frame.pivot(index="unit", columns="a", values="ba")
    paired = paired_difference(table["y"], table["x"], np.random.default_rng(0))
    (contrast,) = found.contrasts
    assert contrast.estimate == pytest.approx(paired.mean, abs=1e-12)
    assert (contrast.low, contrast.high) == pytest.approx(paired.interval(), abs=1e-12)
    assert contrast.p == pytest.approx(paired.t_p, abs=1e-12)
    (test,) = found.omnibus
    assert test.p == pytest.approx(paired.t_p, abs=1e-12)
    assert test.mixed_p == pytest.approx(paired.t_p, abs=1e-12), "one contrast: one spread is enough"


def mixed(frame: pd.DataFrame) -> object:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # statsmodels takes small variances for a boundary
        model = smf.mixedlm("ba ~ C(a, Sum) * C(b, Sum)", frame, groups="unit")
        return model.fit(reml=True, method="bfgs", gtol=1e-10)


def wald(reference: object, name: str) -> float:
    """F of the coefficients of one term."""
    names = list(reference.fe_params.index)  # type: ignore[attr-defined]
    at = [i for i, each in enumerate(names) if each.count("C(") == name.count("C(") and each.startswith(name)]
    covariance = np.asarray(reference.cov_params())[: len(names), : len(names)]  # type: ignore[attr-defined]
    slopes = np.asarray(reference.fe_params)[at]  # type: ignore[attr-defined]
    return float(slopes @ np.linalg.solve(covariance[np.ix_(at, at)], slopes)) / len(at)


def test_mixed_model_of_a_balanced_grid_agrees_with_statsmodels() -> None:
    frame = grid(4)
    found, reference = run(frame), mixed(frame)
    assert found.mean == pytest.approx(reference.fe_params.iloc[0], abs=1e-9)  # type: ignore[attr-defined]
    estimates = [found.effects[i].estimate for i in (0, 1, 3, 4)]
    assert estimates == pytest.approx(list(reference.fe_params.iloc[1:5]), abs=1e-9)  # type: ignore[attr-defined]
    assert found.sd_rest == pytest.approx(reference.scale**0.5, abs=1e-6)  # type: ignore[attr-defined]
    assert found.omnibus[0].mixed_f == pytest.approx(wald(reference, "C(a, Sum)"), rel=1e-4)
    assert found.omnibus[0].mixed_df_rest == 63 - 7 - 8
    # within units, least squares by a column a unit (Searle 1971): the same F to the last digit
    dummies = smf.ols("ba ~ C(a, Sum) * C(b, Sum) + C(unit)", frame).fit()
    names = [name for name in dummies.params.index if name.startswith("C(a") and "C(b" not in name]
    assert found.omnibus[0].mixed_f == pytest.approx(float(dummies.f_test(names).fvalue), abs=1e-9)


def gappy(seed: int = 5) -> pd.DataFrame:
    frame = grid(seed)
    return frame.drop(index=[3, 9, 10, 22, 30, 41])  # five of seven units have a gap


def test_unbalanced_grid_agrees_with_statsmodels() -> None:
    frame = gappy()
    found, reference = run(frame), mixed(frame)
    assert not found.balanced
    assert found.note == GAPS
    assert (found.units, found.left_out, found.cells, found.missing) == (7, 0, 57, 6)
    assert found.sd_rest == pytest.approx(reference.scale**0.5, abs=1e-6)  # type: ignore[attr-defined]
    assert found.sd_unit == pytest.approx(float(reference.cov_re.iloc[0, 0]) ** 0.5, abs=1e-5)  # type: ignore[attr-defined]
    for i, name in ((0, "C(a, Sum)[S.x]"), (1, "C(a, Sum)[S.y]"), (4, "C(b, Sum)[S.2]")):
        assert found.effects[i].estimate == pytest.approx(reference.fe_params[name], abs=1e-7)  # type: ignore[attr-defined]
        # its search stops early: the written-out likelihood below is the sharper reference
        assert found.effects[i].se == pytest.approx(reference.bse_fe[name], rel=1e-4)  # type: ignore[attr-defined]
        assert found.effects[i].df == 57 - 7 - 8
    assert found.omnibus[1].f == pytest.approx(wald(reference, "C(b, Sum)"), rel=1e-3)
    assert found.omnibus[1].p == found.omnibus[1].mixed_p


def test_restricted_likelihood_written_out() -> None:
    frame = gappy(6)
    design = np.column_stack([(frame["a"] == "y"), (frame["b"] == 2), (frame["b"] == 5)]).astype(float)
    names, unit = np.unique(frame["unit"].to_numpy(dtype=str), return_inverse=True)
    score = frame["ba"].to_numpy()
    whole = np.column_stack([np.ones(score.size), design])
    same = (unit[:, None] == unit[None, :]).astype(float)

    def fitted(ratio: float) -> tuple[float, np.ndarray, np.ndarray, float]:
        inverse = np.linalg.inv(np.eye(score.size) + ratio * same)
        covariance = np.linalg.inv(whole.T @ inverse @ whole)
        slopes = covariance @ whole.T @ inverse @ score
        rest = score - whole @ slopes
        variance = float(rest @ inverse @ rest) / (score.size - whole.shape[1])
        value = -np.linalg.slogdet(inverse)[1] - np.linalg.slogdet(covariance)[1]
        return value + (score.size - whole.shape[1]) * math.log(variance), slopes, covariance, variance

    best = optimize.minimize_scalar(
        lambda log: fitted(math.exp(log))[0], bounds=(-3, 6), method="bounded", options={"xatol": 1e-9}
    )
    _, slopes, covariance, variance = fitted(math.exp(best.x))
    found = fit_units(design, score, unit, same_rows=False)
    assert (found.sd_unit / found.sd_rest) ** 2 == pytest.approx(math.exp(best.x), rel=1e-5)
    assert [found.mean, *found.slopes] == pytest.approx(slopes, abs=1e-8)
    assert found.covariance == pytest.approx(variance * covariance[1:, 1:], abs=1e-9)
    # given the ratio there is nothing left to search: equal to the last digits
    exact = fitted((found.sd_unit / found.sd_rest) ** 2)
    assert [found.mean, *found.slopes] == pytest.approx(exact[1], abs=1e-11)
    assert found.sd_rest**2 == pytest.approx(exact[3], rel=1e-9)
    assert names.size == 7


def test_units_without_any_effect_of_their_own() -> None:
    frame = gappy(7)
    frame["ba"] = np.random.default_rng(7).permutation(frame["ba"].to_numpy())
    frame["ba"] -= frame.groupby("unit")["ba"].transform("mean")  # less than chance: the ratio is at its edge
    found = run(frame)
    assert found.sd_unit == 0
    assert found.sd_rest > 0


def test_few_gaps_leave_their_units_out() -> None:
    frame = grid(8)
    holes = frame.copy()
    holes.loc[[4, 40], "ba"] = [np.nan, np.inf]
    found = run(holes)
    whole = run(frame[~frame["unit"].isin(["seed 0", "seed 4"])])
    assert (found.units, found.left_out, found.missing, found.balanced) == (5, 2, 2, True)
    assert found.omnibus == whole.omnibus
    assert found.effects == whole.effects
    assert found.note == ""


def test_order_of_rows_and_doubles_do_not_matter() -> None:
    frame = grid(9)
    shuffled = frame.sample(frac=1, random_state=1)
    one, other = run(shuffled), run(frame)
    assert (one.effects, one.interactions, one.omnibus) == (other.effects, other.interactions, other.omnibus)
    assert (one.means, one.levels, one.mean) == (other.means, other.levels, other.mean)
    doubled = pd.concat([frame.assign(ba=frame["ba"] - 0.01), frame.assign(ba=frame["ba"] + 0.01)])
    found = run(doubled)
    assert found.cells == 63
    assert found.contrasts[0].estimate == pytest.approx(run(frame).contrasts[0].estimate, abs=1e-12)


def test_levels_have_an_order() -> None:
    frame = grid(10)
    assert run(frame).levels == {"a": ("x", "y", "z"), "b": (1, 2, 5)}
    named = frame.assign(a=pd.Categorical(frame["a"], categories=["z", "x", "unused", "y"]))
    found = run(named)
    assert found.levels["a"] == ("z", "x", "y")
    assert [each.levels for each in found.contrasts[:2]] == [("x",), ("y",)]
    flags = frame.assign(a=frame["a"] == "y")
    assert run(flags).levels["a"] == (False, True)


def test_three_factors_and_sums() -> None:
    frame = grid(11, 4, a=("x", "y", "z"), b=(1, 2), c=(True, False))
    found = run(frame, "a", "b", "c")
    assert [test.factors for test in found.omnibus] == [
        ("a",),
        ("b",),
        ("c",),
        ("a", "b"),
        ("a", "c"),
        ("b", "c"),
    ]
    reference = AnovaRM(frame, "ba", "unit", within=["a", "b", "c"]).fit().anova_table["F Value"]
    for test in found.omnibus:
        assert test.f == pytest.approx(reference[":".join(test.factors)], rel=1e-9)
    by_factor: dict[tuple[str, ...], float] = {}
    for each in (*found.effects, *found.interactions):
        by_factor[each.factors] = by_factor.get(each.factors, 0.0) + each.estimate
    assert list(by_factor.values()) == pytest.approx([0] * 6, abs=1e-12)
    mean = frame[(frame["a"] == "z") & ~frame["c"]]["ba"].mean()
    means = {(each.factors, each.levels): each for each in found.means}
    assert means[("a", "c"), ("z", False)].estimate == pytest.approx(mean, abs=1e-12)
    assert all(test.holm >= test.p for test in found.omnibus)


def test_a_combination_that_never_ran() -> None:
    frame = grid(12)
    found = run(frame[~((frame["a"] == "z") & (frame["b"] == 5))])
    assert found.balanced
    assert found.note == NO_INTERACTIONS
    assert found.interactions == ()
    assert [test.factors for test in found.omnibus] == [("a",), ("b",)]
    assert found.missing == 7
    line = frame[(frame["a"] == "x") | (frame["b"] == 1)]  # one factor at a time
    assert run(line).note == NO_INTERACTIONS
    diagonal = frame[(frame["a"] == "x") == (frame["b"] == 1)]
    assert run(diagonal[diagonal["a"] != "z"]).note in (ALIASED, NO_INTERACTIONS)
    twins = frame.assign(b=frame["a"])
    assert run(twins).note == ALIASED
    assert run(twins).omnibus == ()


def test_what_cannot_be_estimated_says_why() -> None:
    frame = grid(13)
    assert run(frame[frame["unit"] == "seed 0"]).note == FEW_UNITS
    assert run(frame[(frame["a"] == "x") & (frame["b"] == 1)]).note == NO_FACTOR
    assert run(frame.assign(ba=np.nan)).note == NO_FACTOR
    assert math.isnan(run(frame.assign(ba=np.nan)).mean)
    assert run(frame.iloc[:0]).note == NO_FACTOR
    flat = run(frame.assign(ba=0.7))
    assert flat.note == NO_SPREAD
    assert all(each.estimate == 0 and math.isnan(each.p) for each in flat.effects)
    assert all(math.isnan(test.p) for test in flat.omnibus)
    one = run(frame[frame["b"] == 1])
    assert list(one.levels) == ["a"]
    assert one.note == ""
    apart = pd.DataFrame({"unit": ["u", "v", "u", "v"], "a": [1, 2, 2, 2], "ba": [0.1, 0.2, 0.2, 0.3]})
    left = run(apart.iloc[:3], "a")
    assert left.note == NO_REST
    assert all(math.isnan(each.se) and math.isnan(each.low) for each in left.effects)
    with pytest.raises(InvalidRequest, match="different columns"):
        factorial(frame, ["a", "a"], "ba", "unit")
    with pytest.raises(InvalidRequest, match="different columns"):
        factorial(frame, ["nothing"], "ba", "unit")
    assert isinstance(one.effects[0], Effect)
    assert isinstance(one.omnibus[0], Omnibus)


@pytest.mark.slow
@pytest.mark.parametrize("noise", ["normal", "slopes", "bimodal"])
def test_level_and_coverage_on_null_grids(noise: str) -> None:
    """Nothing has an effect; with random slopes the mixed model would find one in two grids of five."""
    generator, grids, units = np.random.default_rng(14), 300, 8
    cells = pd.DataFrame(itertools.product(range(units), range(3), range(3)), columns=["unit", "a", "b"])
    false = fooled = covered = 0
    for _ in range(grids):
        scores = generator.normal(0, 0.05, (units, 1, 1)) + generator.normal(0, 0.01, (units, 3, 3))
        if noise == "slopes":
            scores = scores + generator.normal(0, 0.02, (units, 3, 1))
        if noise == "bimodal":
            scores = scores - 0.25 * (generator.random(scores.shape) < 0.05)
        found = run(cells.assign(ba=scores.ravel()))
        false += min(test.holm for test in found.omnibus) <= 0.05
        fooled += found.omnibus[0].mixed_p <= 0.05
        covered += np.mean([each.low <= 0 <= each.high for each in found.contrasts])
    assert false <= 0.05 * grids
    assert covered >= 0.94 * grids
    if noise == "slopes":
        assert fooled > 0.3 * grids
