"""Disturbances of signals, by what they do to samples."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench.data.recording import Recording, Signal
from bench.disturb.disturbance import stream
from bench.disturb.request import build, read_disturbances
from models import registry
from models.errors import InvalidRequest

RATE, SECONDS = 2.0, 900


def recording(name: str = "one", *, pictures: bool = True) -> Recording:
    rng = np.random.default_rng(3)
    count = int(RATE * SECONDS)
    current = (np.array([20, 25, 29]) + rng.normal(0, 0.1, (count, 3)).cumsum(axis=0)).astype(np.float32)
    shape = (SECONDS, 8, 8, 3) if pictures else (SECONDS, 4)
    video = rng.integers(40, 120, shape, dtype=np.uint8)
    label = np.zeros(SECONDS)
    return Recording(name, name, Signal(current, RATE), Signal(video, 1.0), Signal(label, 1.0))


def disturb(spec: dict[str, object], one: Recording | None = None, *, simulated: bool = True) -> Recording:
    one = one or recording()
    resolved = registry.resolve("disturbance", spec)
    return build(resolved, simulated=simulated).apply(one, stream(one, int(resolved["seed"])))


NAMES = sorted(registry.components("disturbance"))


@pytest.mark.parametrize("name", NAMES)
def test_strength_0_changes_nothing_and_more_is_more(name: str) -> None:
    clean = recording()
    change = []
    for strength in (0.0, 0.25, 0.5, 1.0):
        seen = disturb({"name": name, "strength": strength})
        gap = [
            np.abs(
                np.asarray(getattr(seen, m).values, float) - np.asarray(getattr(clean, m).values, float)
            ).mean()
            for m in ("current", "video")
        ]
        change.append(sum(gap))
    assert change[0] == 0
    assert change == sorted(change) and change[1] > 0


@pytest.mark.parametrize("name", NAMES)
def test_clocks_lengths_types_and_labels_stay_and_what_is_not_acted_on_is_the_same(name: str) -> None:
    clean, resolved = recording(), registry.resolve("disturbance", {"name": name, "strength": 1.0})
    built = build(resolved, simulated=True)
    seen = built.apply(clean, stream(clean, 0))
    assert seen.label is clean.label
    for m in ("current", "video"):
        one, other = getattr(clean, m), getattr(seen, m)
        assert (other.rate, other.start, other.values.shape) == (one.rate, one.start, one.values.shape)
        assert other.values.dtype == one.values.dtype
        assert (m in built.acts_on) == (not np.array_equal(one.values, other.values))


@pytest.mark.parametrize("name", NAMES)
def test_the_same_recording_and_seed_give_the_same_bytes_another_does_not(name: str) -> None:
    spec = {"name": name, "strength": 0.7}
    first, again = disturb(spec), disturb(spec)
    for m in ("current", "video"):
        np.testing.assert_array_equal(getattr(first, m).values, getattr(again, m).values)
    other = [disturb({**spec, "seed": seed}) for seed in range(1, 5)]
    renamed = [disturb(spec, recording(f"name {i}")) for i in range(4)]
    for several in (other, renamed):
        assert any(
            not np.array_equal(getattr(first, m).values, getattr(each, m).values)
            for each in several
            for m in ("current", "video")
        )


@pytest.mark.parametrize("name", ["mist", "glare", "setpoint_change"])
def test_a_long_video_is_disturbed_in_pieces_as_in_one(name: str) -> None:
    class Long:
        """Not an array: it can only be sliced."""

        def __init__(self, values: np.ndarray) -> None:
            self._values, self.shape, self.dtype = values, values.shape, values.dtype

        def __len__(self) -> int:
            return len(self._values)

        def __getitem__(self, rows: slice) -> np.ndarray:
            return self._values[rows]

    clean = recording()
    whole = disturb({"name": name, "strength": 1.0})
    long = replace(clean, video=replace(clean.video, values=Long(np.asarray(clean.video.values))))
    lazy = disturb({"name": name, "strength": 1.0}, long).video.values
    assert not isinstance(lazy, np.ndarray)
    pieces = [lazy[first : first + 77] for first in range(0, SECONDS, 77)]
    np.testing.assert_array_equal(np.concatenate(pieces), whole.video.values)


def test_mist_pulls_pictures_towards_grey() -> None:
    seen = np.asarray(disturb({"name": "mist", "strength": 1.0, "opacity": 1.0}).video.values, float) / 255
    before = np.asarray(recording().video.values, float) / 255
    assert (np.abs(seen - 0.7) <= np.abs(before - 0.7) + 0.5 / 255).all()


def test_glare_only_adds_light_and_most_on_top() -> None:
    before = np.asarray(recording().video.values, float)
    added = np.asarray(disturb({"name": "glare", "strength": 1.0}).video.values, float) - before
    assert added.min() >= 0
    rows = added.mean(axis=(0, 2, 3))
    assert rows[0] > 4 * rows[-1] and (added.mean(axis=(1, 2, 3)) == 0).mean() > 0.2


def test_one_phase_is_clipped_at_its_quantile() -> None:
    before = np.asarray(recording().current.values)
    seen = np.asarray(disturb({"name": "clipped_phase", "strength": 0.5, "share": 0.4}).current.values)
    changed = [phase for phase in range(3) if not np.array_equal(seen[:, phase], before[:, phase])]
    assert len(changed) == 1
    phase = changed[0]
    limit = np.quantile(before[:, phase].astype(float), 0.8)
    np.testing.assert_allclose(seen[:, phase], np.minimum(before[:, phase], limit), rtol=1e-6)


def test_a_phase_is_missing_for_its_share_of_the_time_and_longer_gaps_contain_shorter_ones() -> None:
    before = np.asarray(recording().current.values)
    gone = {}
    for strength in (0.25, 0.5):
        seen = np.asarray(disturb({"name": "missing_phase", "strength": strength}).current.values)
        assert (seen[seen != before] == 0).all()
        gone[strength] = (seen == 0).any(axis=1)
        assert gone[strength].mean() == pytest.approx(strength, abs=1e-3)
    assert (gone[0.5] | ~gone[0.25]).all()
    assert np.abs(np.diff(gone[0.25].astype(int))).sum() < 0.1 * gone[0.25].sum()  # stretches, not samples
    held = np.asarray(disturb({"name": "missing_phase", "strength": 0.5, "reads": "held"}).current.values)
    column = int(np.flatnonzero((held != before).any(axis=0))[0])
    at = next(i for i in range(1, len(held)) if gone[0.5][i] and not gone[0.5][i - 1])
    assert held[at, column] == before[at - 1, column]


def test_a_clock_is_ahead_in_some_recordings_and_behind_in_others() -> None:
    shifts = set()
    for i in range(12):
        one = recording(f"batch {i}")
        before = np.asarray(one.current.values)
        seen = np.asarray(
            disturb({"name": "clock_offset", "strength": 0.5, "seconds": 60}, one).current.values
        )
        for shift in (-60, 60):  # 30 s at 2 Hz
            rows = np.arange(100, len(before) - 100)
            if np.array_equal(seen[rows], before[rows + shift]):
                shifts.add(shift)
                edge = (before[-1], seen[-60:]) if shift > 0 else (before[0], seen[:60])
                assert (edge[1] == edge[0]).all()
    assert shifts == {-60, 60}


def test_jitter_keeps_values_and_order_and_stays_near() -> None:
    one = recording()
    ramp = np.repeat(np.arange(len(one.current.values), dtype=np.float32)[:, None], 3, axis=1)
    one = replace(one, current=replace(one.current, values=ramp))
    seen = np.asarray(disturb({"name": "sampling_jitter", "strength": 0.5, "periods": 4}, one).current.values)
    assert (np.diff(seen[:, 0]) >= 0).all()
    assert np.abs(seen[:, 0] - ramp[:, 0]).max() <= 2 + 1
    assert set(seen[:, 0]) < set(ramp[:, 0])


def test_a_set_point_steps_once_and_brightens_simulated_pictures_alone() -> None:
    one = recording()
    flat = replace(one, current=replace(one.current, values=np.full((1800, 3), 10, np.float32)))
    spec = {"name": "setpoint_change", "strength": 1.0, "step": 0.2, "lag": 1.0}
    seen = disturb(spec, flat)
    level = np.asarray(seen.current.values)[:, 0]
    assert (
        level[0] == 10 and level[-1] == pytest.approx(12, abs=1e-3) or level[-1] == pytest.approx(8, abs=1e-3)
    )
    assert (np.diff(level) >= 0).all() or (np.diff(level) <= 0).all()
    bright = np.asarray(seen.video.values, float).mean(axis=(1, 2, 3))
    assert np.sign(bright[-1] - bright[0]) == np.sign(level[-1] - level[0])
    real = disturb(spec, flat, simulated=False)
    np.testing.assert_array_equal(real.video.values, flat.video.values)


@pytest.mark.parametrize("name", ["mist", "glare"])
def test_what_is_no_picture_has_no_mist(name: str) -> None:
    with pytest.raises(
        InvalidRequest, match=f"{name} acts on pictures, but the video of 'one' has samples of"
    ):
        disturb({"name": name, "strength": 1.0}, recording(pictures=False))


def test_a_study_names_strengths_or_parameters() -> None:
    found = read_disturbances({"mist": [0.5, 1], "clock_offset": {"strength": [0.25], "seconds": 60}})
    assert list(found) == ["mist_0.5", "mist_1", "clock_offset_0.25"]
    assert found["clock_offset_0.25"] == {
        "name": "clock_offset",
        "strength": 0.25,
        "seconds": 60.0,
        "seed": 0,
    }
    assert read_disturbances({"glare": 0.5}) == read_disturbances({"glare": [0.5]})


@pytest.mark.parametrize(
    ("block", "said"),
    [
        ({"fog": [0.5]}, "unknown disturbance"),
        ({"mst": [0.5]}, "did you mean 'mist'"),
        ({"mist": [0]}, "needs strengths above 0 and up to 1, got 0"),
        ({"mist": []}, "needs strengths above 0"),
        ({"mist": {"opacity": 0.5}}, "needs strengths above 0"),
        ({"mist": [0.5, 0.5]}, "each strength once"),
        ({"mist": [2]}, "mist.strength must lie in"),
        ({"mist": ["much"]}, "needs strengths above 0"),
        ({"mist": [True]}, "needs strengths above 0"),
        ({"mist": {"strength": [0.5], "opacty": 1}}, "did you mean 'opacity'"),
    ],
)
def test_wrong_disturbances_are_refused_in_one_sentence(block: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        read_disturbances(block)
