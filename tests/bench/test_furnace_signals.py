from dataclasses import replace

import numpy as np
import pytest

from bench.data.furnace import current, features, regime, video
from bench.data.furnace.world import WORLDS
from bench.data.recording import Signal
from models.errors import InvalidRequest

STD, HARD = WORLDS["std"], WORLDS["hard"]


@pytest.fixture(scope="module")
def course():
    return regime.simulate(STD, 60_000, np.random.default_rng(2))


@pytest.fixture(scope="module")
def signal(course):
    return current.simulate(STD, course, np.random.default_rng(3))


@pytest.mark.parametrize("level", [0, 1, 2])
def test_arc_noise_has_the_signature_of_its_level(course, signal, level):
    at = np.repeat(course.level[STD.preroll :], STD.samples) == level
    x, before = signal.noise[1:][at], signal.noise[:-1][at]
    scale = signal.gain * signal.setpoint[at, None] / 10
    slope = ((x * before) / scale**2).sum() / (before**2 / scale**2).sum()
    assert slope == pytest.approx(STD.noise_decay[level], abs=0.02)
    innovation = (x - STD.noise_decay[level] * before) / scale
    # Heavy tails (4 degrees of freedom) make a variance slow to settle: hence 5 %.
    assert innovation.std() == pytest.approx(STD.noise_sd[level], rel=0.05)
    found = np.corrcoef(innovation.T)[np.triu_indices(3, 1)]
    np.testing.assert_allclose(found, STD.noise_correlation[level], atol=0.06)


def test_calm_is_calm_and_wild_is_wild_in_what_a_method_sees(course, signal):
    level = np.repeat(course.level[STD.preroll :], STD.samples)
    jumps = np.abs(np.diff(signal.values, axis=0)).mean(axis=1)
    quiet, wild = (np.median(jumps[level[1:] == i]) for i in (0, 2))
    assert wild > 1.5 * quiet
    assert signal.values.shape == (240_000, 3) and signal.values.dtype == np.float32
    assert signal.values.mean() == pytest.approx(10, abs=0.8)


def test_feeds_only_ever_take_current_away():
    quiet = replace(STD, noise_sd=(0.0, 0.0, 0.0), drift_sd=0.0, imbalance_sd=0.0)
    course = regime.simulate(quiet, 2000, np.random.default_rng(0))
    signal = current.simulate(quiet, course, np.random.default_rng(0))
    gap = signal.setpoint[:, None] - signal.values
    assert gap.min() > -1e-5 and gap.max() > 0.3


def test_severity_rises_and_falls_with_what_is_visible(course):
    world = replace(STD, severity_sd=0.0)
    strength = video.severity(world, course, np.random.default_rng(0))
    visible = course.visible[STD.preroll :]
    onset = np.flatnonzero((np.diff(visible) == 1) & (strength[:-1] < 1e-3))[0] + 1
    assert strength[onset + 19] == pytest.approx(1 - np.exp(-20 * world.step / world.rise), abs=2e-3)
    assert strength.min() >= 0 and strength.max() <= 1
    assert strength[visible == 1].mean() > 0.7 > 0.2 > strength[visible == 0].mean()


def test_pictures_show_the_glow_of_the_episode_and_nothing_before_it():
    course = regime.simulate(STD, 3600, np.random.default_rng(5))
    pictures = video.render(STD, course, np.full(3600, 10.0), np.random.default_rng(6))
    assert pictures.shape == (3600, 16, 16, 3) and pictures.dtype == np.uint8
    strength = video.severity(STD, course, np.random.default_rng(6))
    warm = (pictures[..., 0].astype(float) - pictures[..., 2]).mean(axis=(1, 2))
    # The same generator draws the severities first, so they are those of the pictures.
    assert np.corrcoef(warm, strength)[0, 1] > 0.8


def test_set_point_brightens_the_picture_only_where_the_world_says_so():
    bright = {}
    for world in (STD, HARD):
        course = regime.simulate(world, 600, np.random.default_rng(0))
        low, high = (
            video.render(world, course, np.full(600, s), np.random.default_rng(0)) for s in (9.0, 11.0)
        )
        bright[world.name] = high.mean() / low.mean()
    assert bright["std"] == 1
    assert 1.1 < bright["hard"] < np.exp(0.2) + 0.01


def test_current_features_are_what_they_are_called():
    rng = np.random.default_rng(0)
    values = rng.standard_normal((36, 3)) + 10
    found = features.current_features(Signal(values, 2.0), 6.0)
    assert found.shape == (3, 24) and found.dtype == np.float32
    step = values[12:24]
    mean, slope, sd, diff_sd, diff, lag, phase, span = found[1].reshape(8, 3)
    difference = np.diff(step, axis=0)
    np.testing.assert_allclose(mean, step.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(slope, np.polyfit(np.arange(12) / 2, step, 1)[0], rtol=1e-4)
    np.testing.assert_allclose(np.exp(sd), step.std(axis=0), rtol=5e-3)
    np.testing.assert_allclose(np.exp(diff_sd), difference.std(axis=0), rtol=5e-3)
    np.testing.assert_allclose(np.exp(diff), np.abs(difference).mean(axis=0), rtol=5e-3)
    np.testing.assert_allclose(np.exp(span), step.max(axis=0) - step.min(axis=0), rtol=5e-3)
    centred = step - step.mean(axis=0)
    np.testing.assert_allclose(lag, (centred[1:] * centred[:-1]).mean(axis=0) / step.var(axis=0), rtol=1e-4)
    r = np.corrcoef(step.T)
    np.testing.assert_allclose(phase, [r[0, 1], r[1, 2], r[2, 0]], rtol=1e-4)


def test_current_features_see_their_own_step_only_and_survive_a_flat_line():
    values = np.random.default_rng(0).standard_normal((48, 3))
    changed = values.copy()
    changed[24:36] += 5 * np.random.default_rng(1).standard_normal((12, 3))
    before, after = (features.current_features(Signal(v, 2.0), 6.0) for v in (values, changed))
    np.testing.assert_array_equal(before[[0, 1, 3]], after[[0, 1, 3]])
    assert (before[2] != after[2]).any()
    assert np.isfinite(features.current_features(Signal(np.full((24, 3), 7.0), 2.0), 6.0)).all()


def test_a_current_step_needs_four_samples():
    with pytest.raises(InvalidRequest, match="at least 4 samples, got 2"):
        features.current_features(Signal(np.zeros((24, 3)), 2.0), 1.0)


def test_video_features_are_means_and_warmth_of_a_grid():
    pictures = np.random.default_rng(0).integers(0, 256, (6, 16, 16, 3), dtype=np.uint8)
    found = features.video_features(Signal(pictures, 0.5), 6.0)
    assert found.shape == (2, 64) and found.dtype == np.float32
    share = pictures[3:] / 255
    for row in range(4):
        for column in range(4):
            cell = share[:, 4 * row : 4 * row + 4, 4 * column : 4 * column + 4]
            at = 4 * row + column
            np.testing.assert_allclose(found[1, 3 * at : 3 * at + 3], cell.mean(axis=(0, 1, 2)), rtol=1e-5)
            warmth = (cell[..., 0] - cell[..., 2]).max(axis=(1, 2)).mean()
            assert found[1, 48 + at] == pytest.approx(warmth, rel=1e-5)
