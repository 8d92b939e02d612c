import random

import numpy as np
import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from bench.search.pruning import Halving, goes_on, p_behind, rungs


@pytest.mark.parametrize(
    ("grace", "reduction", "epochs", "expected"),
    [
        (1, 3, 6, (1, 3)),
        (1, 3, 9, (1, 3)),
        (1, 3, 10, (1, 3, 9)),
        (2, 2, 20, (2, 4, 8, 16)),
        (6, 3, 6, ()),
        (1, 3, 1, ()),
    ],
)
def test_rungs_lie_before_the_last_epoch(grace, reduction, epochs, expected):
    assert rungs(grace, reduction, epochs) == expected


def test_by_hand():
    halving = Halving(grace=1, reduction=3, epochs=10)
    values = [0.5, 0.6, 0.55, 0.7, 0.65, 0.62, 0.64]
    #        first best  no    best  2nd of 5 -> best 1 only; 2nd..: best 2 of 6 are .7 .65; of 7 too
    expected = [True, True, False, True, False, False, False]
    assert [halving.hear(n, 1, value) for n, value in enumerate(values)] == expected
    assert halving.hear(7, 1, 0.65)  # the best 2 of 8, a tie goes on
    assert halving.hear(4, 2, 0.0)  # no rung
    assert halving.hear(4, 3, 0.1)  # the first at its rung


@given(
    st.lists(
        st.lists(st.sampled_from([0.1, 0.2, 0.3, 0.4, 0.5]), min_size=12, max_size=12),
        min_size=1,
        max_size=15,
    ),
    st.sampled_from([(1, 2), (1, 3), (2, 2), (3, 4)]),
    st.randoms(use_true_random=False),
)
@settings(max_examples=60, deadline=None)
def test_the_same_trials_go_on_as_with_optunas_pruner_in_any_order(curves, rule, order):
    grace, reduction = rule
    pruner = optuna.pruners.SuccessiveHalvingPruner(min_resource=grace, reduction_factor=reduction)
    study = optuna.create_study(direction="maximize", pruner=pruner)
    halving = Halving(grace, reduction, epochs=13)
    live = [(study.ask(), number, iter(enumerate(curve, 1))) for number, curve in enumerate(curves)]
    while live:
        turn = order.randrange(len(live))
        trial, number, curve = live[turn]
        epoch, value = next(curve, (None, None))
        if epoch is None:
            del live[turn]
            continue
        trial.report(value, epoch)
        theirs, ours = trial.should_prune(), not halving.hear(number, epoch, value)
        assert theirs == ours
        if ours:
            del live[turn]


@given(st.lists(st.tuples(st.integers(0, 9), st.sampled_from([1, 2, 3, 6]), st.floats(0, 1)), max_size=60))
def test_a_rung_holds_one_value_a_trial_and_hearing_it_twice_changes_nothing(told):
    once, twice = Halving(1, 3, 10), Halving(1, 3, 10)
    for number, epoch, value in told:
        first = once.hear(number, epoch, value)
        assert twice.hear(number, epoch, value) == first
        assert twice.hear(number, epoch, value) == first
    assert once.values == twice.values
    assert set(once.values) == {1, 3, 9}
    assert sum(map(len, once.values.values())) == len({(n, e) for n, e, _ in told if e in (1, 3, 9)})


@given(st.lists(st.floats(0, 1), max_size=40), st.floats(0, 1), st.integers(2, 5))
def test_at_most_the_best_share_goes_on(others, value, reduction):
    better = sum(other > value for other in others)
    assert goes_on(value, others, reduction) == (better < max((len(others) + 1) // reduction, 1))


def test_about_one_in_three_reaches_each_rung():
    rng, halving = random.Random(0), Halving(1, 3, 28)
    reached = {rung: 0 for rung in halving.values}
    for number in range(900):
        height = rng.random()
        for rung in reached:
            reached[rung] += 1
            if not halving.hear(number, rung, height):
                break
    assert list(reached) == [1, 3, 9, 27]
    assert reached[1] == 900
    assert 270 < reached[3] < 340
    assert 80 < reached[9] < 130


@given(
    st.integers(2, 8).flatmap(
        lambda n: st.tuples(*[st.lists(st.floats(0, 1, width=32), min_size=n, max_size=n)] * 2)
    )
)
def test_p_is_that_of_a_paired_one_sided_t_test(pairs):
    gap = np.subtract(*pairs)
    if np.ptp(gap) < 1e-6:
        return
    # Independent: the t distribution itself.
    t = gap.mean() / (gap.std(ddof=1) / np.sqrt(len(gap)))
    assert p_behind(*pairs) == pytest.approx(stats.t.cdf(t, len(gap) - 1), rel=1e-6, abs=1e-12)


@pytest.mark.parametrize(
    ("seeds", "best", "expected"),
    [
        ([0.5, 0.6], [0.6, 0.7], 0.0),
        ([0.7, 0.8], [0.6, 0.7], 1.0),
        ([0.5, 0.5, 0.5], [0.5, 0.5, 0.5], 1.0),
        ([0.5], [0.9], 1.0),
        ([], [], 1.0),
        ([0.0, 0.0], [0.5, 0.5], 0.0),
    ],
)
def test_without_spread_the_sign_decides(seeds, best, expected):
    assert p_behind(seeds, best) == expected
