"""Whole seconds on an even grid: by hand, and by brute force."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.data.fmf.clock import Stretch, lay, pieces


def stamps(counts, first=100):
    return first + np.repeat(np.arange(len(counts)), counts)


def test_a_regular_clock_shows_every_row_once():
    clock = lay(stamps([25] * 4))
    assert clock.rate == 25 and clock.stretches == [Stretch(100, 104)]
    np.testing.assert_array_equal(clock.rows(Stretch(100, 104)), np.arange(100))
    np.testing.assert_array_equal(clock.rows(Stretch(102, 103)), np.arange(50, 75))


def test_seconds_of_24_and_26_frames_keep_their_place():
    clock = lay(stamps([25, 24, 26, 25]))
    rows = clock.rows(Stretch(100, 104)).reshape(4, 25)
    # 24 frames: one is shown twice. 26: one is left out. What follows is not moved.
    assert len(set(rows[1])) == 24 and rows[1].min() == 25 and rows[1].max() == 48
    assert len(set(rows[2])) == 25 and rows[2].min() == 49 and rows[2].max() == 73
    np.testing.assert_array_equal(rows[3], np.arange(75, 100))


def test_a_slot_never_shows_a_row_that_begins_after_it():
    for count in range(20, 31):
        clock = lay(stamps([25, count, 25]), 25)
        row = clock.rows(Stretch(101, 102)) - 25
        assert (row / count <= np.arange(25) / 25 + 1e-12).all()


def test_what_cannot_be_placed_breaks_the_clock():
    for bad in (0, 3, 19, 31, 50):
        clock = lay(stamps([25, 25, bad, 25, 25]), 25)
        assert clock.stretches == [Stretch(100, 102), Stretch(103, 105)], bad
    assert lay(stamps([7, 25, 25, 3])).stretches == [Stretch(101, 103)]


def test_rows_of_current():
    # One or three rows are held or thinned out; four are a second stamped twice.
    clock = lay(stamps([2, 1, 3, 2, 4, 2, 0, 2]), 2)
    assert clock.stretches == [Stretch(100, 104), Stretch(105, 106), Stretch(107, 108)]
    assert clock.rows(Stretch(100, 104)).tolist() == [0, 1, 2, 2, 3, 4, 6, 7]
    assert clock.rows(Stretch(105, 106)).tolist() == [12, 13]
    assert clock.rows(Stretch(107, 108)).tolist() == [14, 15]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 12), min_size=1, max_size=30), st.integers(1, 8))
def test_rows_are_those_of_the_second_itself(counts, rate):
    counts = [1, *counts, 1]
    seconds = stamps(counts)
    clock = lay(seconds, rate)
    covered = 0
    for stretch in clock.stretches:
        rows = clock.rows(stretch)
        assert len(rows) == stretch.seconds * rate and (np.diff(rows) >= 0).all()
        np.testing.assert_array_equal(seconds[rows], np.repeat(np.arange(stretch.begin, stretch.end), rate))
        covered += stretch.seconds
    assert covered == clock.usable.sum()


def test_pieces_are_broken_by_either_clock():
    video = lay(stamps([5] * 20, first=100), 5)
    current = lay(stamps([2] * 8 + [0] * 2 + [2] * 15, first=98), 2)
    # The current stops at 106 and begins again at 108: until then the video goes with the first stretch.
    assert pieces(video, current) == [
        (Stretch(100, 108), Stretch(98, 106)),
        (Stretch(108, 120), Stretch(108, 123)),
    ]


def test_a_hole_in_the_video_leaves_the_history_of_the_current():
    video = lay(stamps([5] * 5 + [0] * 3 + [5] * 4), 5)
    current = lay(stamps([2] * 12), 2)
    whole = Stretch(100, 112)
    assert pieces(video, current) == [(Stretch(100, 105), whole), (Stretch(108, 112), whole)]


def test_frames_before_any_current_and_apart_from_it_belong_to_no_piece():
    current = lay(stamps([2] * 5, first=110), 2)
    assert pieces(lay(stamps([5] * 12), 5), current) == [(Stretch(110, 112), Stretch(110, 115))]
    assert pieces(lay(stamps([5] * 5), 5), current) == []


@pytest.mark.parametrize("counts", [[25] * 9 + [24] * 4, [24, 25, 26, 25, 25]])
def test_the_rate_is_what_most_seconds_hold(counts):
    assert lay(stamps(counts)).rate == 25
