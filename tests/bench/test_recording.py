"""Signals on clocks of their own, and how they are cut into frames."""

import numpy as np
import pytest

from bench.data.recording import Signal, frames_of
from models.errors import InvalidRequest


def test_end_is_where_the_last_sample_ends():
    assert Signal(np.zeros(10), rate=2.0, start=3.0).end == 8.0
    assert Signal(np.zeros((0, 3)), rate=2.0, start=3.0).end == 3.0


def test_frames_keep_order_and_drop_the_rest():
    frames = frames_of(Signal(np.arange(11), rate=2.0), 2.0)
    np.testing.assert_array_equal(frames, [[0, 1, 2, 3], [4, 5, 6, 7]])


def test_frames_keep_trailing_dimensions():
    pictures = np.arange(6 * 2 * 3).reshape(6, 2, 3)
    frames = frames_of(Signal(pictures, rate=0.5), 4.0)
    assert frames.shape == (3, 2, 2, 3)
    np.testing.assert_array_equal(frames[1, 0], pictures[2])


def test_binary_fractions_of_a_second_are_whole_samples():
    # 0.1 * 3 is not 0.3 in binary; 0.2 s at 250 Hz is 50 samples all the same.
    assert frames_of(Signal(np.zeros(100), rate=250.0), 2.0 / 10).shape == (2, 50)
    assert frames_of(Signal(np.zeros(9), rate=10.0), 0.1 * 3).shape == (3, 3)


def test_a_signal_shorter_than_a_frame_has_none():
    assert frames_of(Signal(np.zeros((3, 2)), rate=1.0), 5.0).shape == (0, 5, 2)


@pytest.mark.parametrize("seconds", [0.75, 0.1, 1.0001])
def test_a_frame_of_a_broken_number_of_samples_is_refused(seconds):
    with pytest.raises(InvalidRequest, match="whole number of samples.*change"):
        frames_of(Signal(np.zeros(20), rate=2.0), seconds)
