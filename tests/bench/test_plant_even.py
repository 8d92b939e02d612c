"""Even clocks: nothing looks ahead, nothing is bridged in silence, jitter moves no sample."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.data.plant.current import joined
from bench.data.plant.even import as_recorded, require_order, resampled, spread
from models.errors import InvalidRequest


def even(times, cure="current: {rate: ...}"):
    return as_recorded(np.asarray(times, dtype=float), "current.csv", cure)


@pytest.mark.parametrize("rate", [0.1, 0.5, 1.0, 2.0, 25.0, 30000 / 1001, 1000.0])
def test_evenly_spaced_samples_are_taken_as_they_are(rate):
    # As cameras and loggers write them: rounded to a millisecond.
    (found,) = even(np.round(3.0 + np.arange(500) / rate, 3 if rate < 100 else 6))
    assert found.rate == rate and found.start == 3.0 and len(found) == 500 and not found.held.any()
    assert (found.stop - found.first == 1).all() and found.end == pytest.approx(3 + 500 / rate)


def test_a_missing_sample_breaks_a_clock_that_is_taken_as_it_is():
    times = np.delete(np.arange(100) / 2, [40, 41, 70])
    found = even(times)
    assert [(each.start, len(each)) for each in found] == [(0.0, 40), (21.0, 28), (35.5, 29)]


def test_a_clock_that_runs_slow_keeps_its_own_rate():
    (found,) = even(np.arange(20_000) * 0.50007)
    assert found.rate == pytest.approx(1 / 0.50007, rel=1e-9)


def test_uneven_samples_are_refused_with_their_place_and_the_cure():
    times = np.arange(100, dtype=float)
    times[60] += 0.4
    with pytest.raises(
        InvalidRequest, match=r"sample 60 at 60\.4 s lies 0\.4 s off.*1 Hz; say current: {rate"
    ):
        even(times)


@pytest.mark.parametrize(
    ("times", "words"),
    [
        ([0, 1, 1, 2], "same time in rows 1 and 2.*stamp: 1"),
        ([0, 1, 3, 2], "row 3 lies 1 s before row 2; sort"),
    ],
)
def test_time_must_rise(times, words):
    with pytest.raises(InvalidRequest, match=words):
        require_order(np.array(times, dtype=float), "x")


def test_rows_of_one_stamp_are_spread_over_it():
    assert spread(np.array([0.0, 0, 1, 2, 2, 2]), 1.0) == pytest.approx([0, 0.5, 1, 2, 2 + 1 / 3, 2 + 2 / 3])


def test_bins_hold_the_samples_that_fall_into_them():
    values = np.arange(8.0)[:, None]
    (found,) = resampled(np.arange(8) / 4, 1.0, None)
    assert found.rate == 1 and len(found) == 2
    assert joined(values, found, "mean").ravel().tolist() == [1.5, 5.5]
    assert joined(values, found, "last").ravel().tolist() == [3, 7]
    assert joined(values, found, "rms").ravel() == pytest.approx([np.sqrt(14 / 4), np.sqrt(126 / 4)])


def test_an_empty_bin_repeats_the_one_before_and_says_so():
    values = np.array([[1.0], [2], [9]])
    (found,) = resampled(np.array([0.0, 1, 4]), 1.0, 5.0)
    assert joined(values, found, "mean").ravel().tolist() == [1, 2, 2, 2, 9]
    assert found.held.tolist() == [False, False, True, True, False]


def test_a_hole_longer_than_the_gap_breaks_the_recording():
    times = np.concatenate([np.arange(10), 20.25 + np.arange(5)])
    found = resampled(times, 1.0, 3.0)
    assert [(each.start, len(each)) for each in found] == [(0.0, 10), (20.25, 5)]
    assert len(resampled(times, 1.0, 12.0)) == 1


@given(
    steps=st.lists(st.floats(0.01, 3.0), min_size=2, max_size=60),
    rate=st.sampled_from([0.3, 1.0, 2.0, 7.0]),
    gap=st.floats(0.5, 4.0),
)
@settings(max_examples=150, deadline=None)
def test_no_tick_looks_later_than_its_own_end_or_further_back_than_the_gap(steps, rate, gap):
    times = np.cumsum(steps)
    seen = []
    for each in resampled(times, rate, gap):
        end = each.start + (np.arange(len(each)) + 1) / rate
        assert (times[each.stop - 1] <= end + 1e-6).all()
        assert (end - 1 / rate - times[each.stop - 1] <= gap + 1 / rate + 1e-6).all()
        seen += [row for first, stop in zip(each.first, each.stop, strict=True) for row in range(first, stop)]
    # Every sample lies in a tick, and ticks that are not held share none.
    assert sorted(set(seen)) == list(range(len(times)))


@given(jitter=st.lists(st.floats(-0.2, 0.2), min_size=50, max_size=50))
@settings(max_examples=50, deadline=None)
def test_jitter_throws_no_sample_into_its_neighbours_bin(jitter):
    times = np.arange(50) + np.array(jitter)
    times[0] = 0.0
    (found,) = resampled(times, 1.0, None)
    assert (found.first == np.arange(50)).all() and not found.held.any()


def test_part_of_a_stretch():
    (found,) = even(5 + np.arange(100) / 2)
    part = found.between(10.2, 20.0)
    assert part.start == 10.5 and part.end == 20.0 and part.first[0] == 11
    assert len(found.between(-np.inf, np.inf)) == 100 and len(found.between(70, 80)) == 0
