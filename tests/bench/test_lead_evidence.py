from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

from bench.lead.estimator import Tabled
from bench.lead.evidence import answer, peak, tails

LEADS = np.arange(-120.0, 740.0, 20.0)


class Told(Tabled):
    """An estimator whose table is given."""

    name, summary = "told", "as told"

    def __init__(self, table, held=None):
        self.table, self.held = table, np.arange(len(table)) if held is None else held


def plants(count=30, lead=None, height=0.0, noise=1.0, width=60.0, seed=0):
    rng = np.random.default_rng(seed)
    table = noise * rng.standard_normal((count, count, len(LEADS)))
    if lead is not None:
        own = np.arange(count)
        table[own, own] += height * np.exp(-((LEADS - lead) ** 2) / (2 * width**2))
    return Told(table)


def around(count=30):
    return SimpleNamespace(leads=LEADS, groups=np.arange(count))


def test_the_peak_of_a_parabola_is_exact():
    tops = np.array([137.0, 240.0, 251.3])
    curves = 5 - ((LEADS - tops[:, None]) / 100) ** 2
    np.testing.assert_allclose(peak(curves, LEADS), tops, atol=1e-9)


def test_a_peak_near_the_border_uses_what_is_there_and_one_at_it_stands():
    curves = -np.abs(LEADS - np.array([[-120.0], [-97.0], [720.0]]))
    found = peak(curves, LEADS)
    assert found[0] == -120 and found[2] == 720 and found[1] == pytest.approx(-97, abs=6)
    # What does not bend down is left at its highest point.
    flat = np.zeros((1, len(LEADS)))
    assert peak(flat, LEADS)[0] == -120


def test_tails_make_the_interval_of_a_mean_as_wide_as_the_t_interval():
    for count in (8, 20, 40):
        low, high = tails(count)
        assert low + high == pytest.approx(1)
        # The bootstrap deviation of a mean is smaller by sqrt((n - 1) / n).
        reach = -stats.norm.ppf(low) * np.sqrt((count - 1) / count)
        assert reach == pytest.approx(stats.t.ppf(0.975, count - 1))


def test_a_clear_bump_is_found_with_an_interval_that_holds_it():
    found = answer(plants(lead=333.0, height=1.5), around(), seed=0)
    assert found.word == "found" and found.p == pytest.approx(0.001)
    assert found.low < 333 < found.high and abs(found.lead - 333) < 20 and found.high - found.low < 80
    assert found.groups == found.recordings == 30
    assert found.curve.max() > found.highest > found.band[1].max()


def test_the_same_seed_gives_the_same_answer():
    one, again = (answer(plants(lead=333.0, height=1.0), around(), seed=4) for _ in range(2))
    assert (one.lead, one.low, one.high, one.p) == (again.lead, again.low, again.high, again.p)


def test_p_is_uniform_where_there_is_nothing_however_few_recordings():
    p = [answer(plants(8, seed=seed), around(8), seed, draws=39, resamples=2).p for seed in range(300)]
    assert stats.kstest(p, "uniform").pvalue > 0.01


def test_what_is_common_to_all_pairs_is_no_evidence_and_moves_no_peak():
    shared = 3 * np.exp(-((LEADS / 100) ** 2))
    nothing = plants(seed=1)
    nothing.table += shared
    assert answer(nothing, around(), seed=0).word == "no evidence"
    there = plants(lead=400.0, height=1.5, seed=2)
    there.table += shared
    assert answer(there, around(), seed=0).lead == pytest.approx(400, abs=25)


def test_a_peak_at_the_border_is_none():
    assert answer(plants(lead=1000.0, height=30.0, width=200.0), around(), seed=0).word == "at the border"


def test_a_relation_without_a_place_is_not_located():
    level = plants(noise=1.0)
    own = np.arange(30)
    level.table[own, own] += 1.0
    assert answer(level, around(), seed=0).word == "not located"


def test_a_curve_that_ignores_the_pairs_is_never_evidence():
    bump = plants(lead=300.0, height=5.0)
    bump.table[:] = bump.table[np.arange(30), np.arange(30)][:, None]
    bump.paired = False
    found = answer(bump, around(), seed=0)
    assert found.word == "no evidence" and found.p == 1 and found.lead == pytest.approx(300, abs=25)


def test_the_interval_covers_what_it_says():
    truths = np.random.default_rng(9).uniform(50, 550, 120)
    hits = []
    for seed, truth in enumerate(truths):
        found = answer(plants(20, truth, 1.0, 1.0, seed=seed), around(20), seed, draws=19, resamples=300)
        hits.append(found.low <= truth <= found.high)
    assert 0.88 <= np.mean(hits) <= 1.0


def test_recordings_of_one_group_are_resampled_together():
    apart = plants(lead=300.0, height=1.0)
    together = SimpleNamespace(leads=LEADS, groups=np.repeat(np.arange(10), 3))
    found = answer(apart, together, seed=0)
    assert found.groups == 10 and found.recordings == 30
