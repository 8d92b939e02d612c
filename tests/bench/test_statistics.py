"""What a step says: hand-computed values, independent references, and no broken number ever."""

import numpy as np
import pytest

from bench.data.statistics import FLOOR, channel_statistics

MEAN, LOG_SD, LOW, HIGH, SLOPE, LOG_JUMP, ECHO = range(7)


def _one(samples):
    """Statistics of one step of one channel."""
    return channel_statistics(np.asarray(samples, dtype=float)[None, :, None])[0]


def test_ramp_by_hand():
    found = _one([0, 1, 2, 3, 4])
    assert found.shape == (7,)
    assert found[MEAN] == 2 and found[LOW] == 0 and found[HIGH] == 4
    assert found[SLOPE] == pytest.approx(4)
    assert found[LOG_SD] == pytest.approx(np.log(np.sqrt(2) + FLOOR))
    assert found[LOG_JUMP] == pytest.approx(np.log(1 + FLOOR))
    # Centred -2 ... 2: products of neighbours 2 + 0 + 0 + 2 over a sum of squares of 10.
    assert found[ECHO] == pytest.approx(0.4, abs=1e-5)


def test_slope_is_the_least_squares_line():
    samples = np.random.default_rng(0).normal(size=13)
    assert _one(samples)[SLOPE] == pytest.approx(np.polyfit(np.arange(13), samples, 1)[0] * 12, abs=1e-5)


def test_echo_tells_smooth_from_alternating():
    assert _one(np.sin(np.linspace(0, 6, 40)))[ECHO] > 0.9
    assert _one([1, -1] * 20)[ECHO] < -0.9


def test_channels_lie_side_by_side_within_a_statistic():
    frames = np.random.default_rng(1).normal(size=(4, 20, 3))
    together = channel_statistics(frames).reshape(4, -1, 3)
    for channel in range(3):
        alone = channel_statistics(frames[:, :, [channel]])
        np.testing.assert_allclose(together[:, :, channel], alone, rtol=1e-5)


@pytest.mark.parametrize(
    ("cycles", "octave"), [(1, 0), (2, 1), (3, 1), (4, 2), (7, 2), (8, 3), (16, 4), (25, 4)]
)
def test_a_sine_shows_in_its_octave(cycles, octave):
    bands = _one(np.sin(2 * np.pi * cycles * (np.arange(51) + 0.3) / 51))[7:]
    assert len(bands) == 5
    assert bands.argmax() == octave
    assert np.exp(bands[octave]) == pytest.approx(0.5, rel=1e-3)


def test_octaves_sum_to_the_variance():
    samples = np.random.default_rng(2).normal(size=51)
    bands = _one(samples)[7:]
    assert np.exp(bands).sum() - 5 * FLOOR**2 == pytest.approx(samples.var(), rel=1e-5)


def test_spectrum_from_sixteen_samples_on():
    assert len(_one(np.arange(15.0))) == 7
    assert len(_one(np.arange(16.0))) == 7 + 4


@pytest.mark.parametrize("samples", [1, 2, 3, 4, 5, 16, 50])
@pytest.mark.parametrize("level", [0.0, 0.1, -32.0, 1e6])
def test_constant_and_short_steps_are_finite(samples, level):
    found = channel_statistics(np.full((3, samples, 2), level))
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found[:, 2 * ECHO : 2 * ECHO + 2], 0, atol=1e-6)
    np.testing.assert_allclose(found[:, 2 * SLOPE : 2 * SLOPE + 2], 0, atol=1e-6)


def test_short_random_steps_are_finite():
    for samples in range(1, 6):
        assert np.isfinite(channel_statistics(np.random.default_rng(3).normal(size=(50, samples, 2)))).all()


def test_no_steps_give_no_rows():
    assert channel_statistics(np.empty((0, 5, 2))).shape == (0, 14)
    assert channel_statistics(np.empty((0, 50, 2))).shape == (0, 24)


def test_a_step_sees_only_itself():
    frames = np.random.default_rng(4).normal(size=(6, 20, 2))
    changed = frames.copy()
    changed[4:] += 5
    before, after = channel_statistics(frames), channel_statistics(changed)
    np.testing.assert_array_equal(before[:4], after[:4])
    assert (before[4:] != after[4:]).any(axis=1).all()


def test_floor_bounds_what_a_dead_sensor_says():
    dead = channel_statistics(np.zeros((1, 5, 1)), floor=0.01)[0]
    assert dead[LOG_SD] == pytest.approx(np.log(0.01))
    assert dead[LOG_JUMP] == pytest.approx(np.log(0.01))
