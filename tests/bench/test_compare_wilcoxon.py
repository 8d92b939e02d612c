"""Signed ranks against SciPy, enumeration and published numbers."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from bench.compare import hodges_lehmann, wilcoxon
from models.errors import InvalidRequest


def enumerated(difference: list[float], zeros: str) -> tuple[float, float]:
    """All sign patterns of the ranks, one by one."""
    kept = [d for d in difference if d != 0 or zeros == "pratt"]
    ranks = [r for r, d in zip(stats.rankdata(np.abs(kept)), kept, strict=True) if d != 0]
    signs = [d > 0 for d in kept if d != 0]
    positive = sum(r for r, s in zip(ranks, signs, strict=True) if s)
    centre = sum(ranks) / 2
    found = [
        abs(sum(r for r, s in zip(ranks, pattern, strict=True) if s) - centre)
        >= abs(positive - centre) - 1e-9
        for pattern in itertools.product((True, False), repeat=len(ranks))
    ]
    return min(positive, sum(ranks) - positive), float(np.mean(found))


def test_by_hand() -> None:
    # |d| 1 2 3 4, only the smallest negative: W- = 1, reached by 2 of 16 patterns a side
    found = wilcoxon([2.0, -1.0, 3.0, 4.0])
    assert (found.statistic, found.p, found.n, found.exact) == (1, 4 / 16, 4, True)
    # a zero takes rank 1 under Pratt; dropping it first leaves ranks 1 and 2
    pratt, dropped = wilcoxon([0.0, 1.0, -2.0]), wilcoxon([0.0, 1.0, -2.0], zeros="wilcox")
    assert (pratt.statistic, dropped.statistic) == (2, 1)
    assert (pratt.n, dropped.n, pratt.zeros, dropped.zeros) == (2, 2, "pratt", "wilcox")


@pytest.mark.parametrize("n", [2, 5, 8, 20, 45])
def test_exact_without_ties_agrees_with_scipy(n: int) -> None:
    values = np.random.default_rng(n).normal(0.3, 1, n)
    reference = stats.wilcoxon(values, method="exact")
    found = wilcoxon(values)
    assert found.statistic == reference.statistic
    assert found.p == pytest.approx(reference.pvalue, abs=1e-9)


@pytest.mark.parametrize("zeros", ["pratt", "wilcox"])
def test_normal_approximation_with_ties_and_zeros_agrees_with_scipy(zeros: str) -> None:
    values = np.round(np.random.default_rng(1).normal(0.2, 2, 150))
    assert np.count_nonzero(values == 0) > 10
    reference = stats.wilcoxon(values, zero_method=zeros, method="asymptotic", correction=False)
    found = wilcoxon(values, zeros=zeros)
    assert not found.exact
    assert found.statistic == reference.statistic
    assert found.p == pytest.approx(reference.pvalue, abs=1e-9)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(-3, 3), min_size=1, max_size=9), st.sampled_from(["pratt", "wilcox"]))
def test_exact_with_ties_and_zeros_is_the_enumeration(values: list[int], zeros: str) -> None:
    found = wilcoxon(values, zeros=zeros)
    if not any(values):
        assert found.p == 1
        return
    statistic, p = enumerated([float(v) for v in values], zeros)
    assert found.statistic == pytest.approx(statistic)
    assert found.p == pytest.approx(p, abs=1e-12)
    assert wilcoxon([-v for v in values], zeros=zeros).p == found.p


def test_rounding_does_not_break_ties() -> None:
    assert wilcoxon([0.8 - 0.7, 0.9 - 1.0, 0.3 - 0.2]) == wilcoxon([1.0, -1.0, 1.0])


def test_published_example() -> None:
    # Hollander & Wolfe (1973), depression scale of nine patients: T+ = 5, one-sided p .0195,
    # estimate -.46, 96.1 % interval -.786 to -.010
    first = [1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30]
    second = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29]
    difference = np.subtract(second, first)
    found = wilcoxon(difference)
    assert found.statistic == 5
    assert found.p == pytest.approx(2 * 0.0195, abs=1e-4)
    assert hodges_lehmann(difference, 0.95) == pytest.approx((-0.46, -0.786, -0.010), abs=1e-9)


@pytest.mark.parametrize("n", [6, 9, 14, 120])
def test_the_interval_holds_what_the_test_does_not_reject(n: int) -> None:
    values = np.random.default_rng(n).normal(0.2, 1, n)
    estimate, low, high = hodges_lehmann(values)
    assert low < estimate < high
    for end, inward in ((low, 1e-7), (high, -1e-7)):
        assert wilcoxon(values - end - inward).p > 0.05 - 2e-3 * (n > 100)
        assert wilcoxon(values - end + inward).p <= 0.05 + 2e-3 * (n > 100)


def test_the_interval_is_moved_little_by_one_collapse() -> None:
    values = np.random.default_rng(2).normal(0.01, 0.01, 10)
    collapsed = np.append(values[1:], -0.3)
    assert abs(hodges_lehmann(collapsed)[0] - hodges_lehmann(values)[0]) < 0.01
    assert abs(collapsed.mean() - values.mean()) > 0.02


def test_odd_inputs() -> None:
    assert math.isnan(wilcoxon([]).p)
    assert math.isnan(wilcoxon([math.nan]).p)
    assert wilcoxon([0.0, 0.0]).p == 1
    assert wilcoxon([0.0, 0.0], zeros="wilcox").p == 1
    assert wilcoxon([0.5]).p == 1
    assert all(map(math.isnan, hodges_lehmann([])))
    assert hodges_lehmann([1.0, 3.0])[0] == 2
    assert math.isnan(hodges_lehmann([1.0, 2.0, 3.0, 4.0, 5.0])[1])
    with pytest.raises(InvalidRequest, match="'pratt' or 'wilcox'"):
        wilcoxon([1.0], zeros="zsplit")  # type: ignore[arg-type]
