"""Preparing: rendered once, named by content, whole or not there at all."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from bench.data.dataset import Dataset, prepare
from bench.data.recording import Recording, Signal, frames_of
from bench.data.source import Source
from bench.data.split import SplitSpec
from bench.data.windows import WindowSpec
from models.errors import InvalidRequest

SPEC = WindowSpec(
    current_seconds=4.0,
    current_steps=2,
    video_seconds=4.0,
    video_steps=4,
    stride=1.0,
    margin=2.0,
    label="last",
)


class Counting(Source):
    """Two recordings of known samples; counts how often it is asked for them."""

    title = "two ramps"
    windows = SPEC
    split = SplitSpec()

    def __init__(self, content="a", recordings=2, spoil=None, fail_at=None, ceilings=False):
        self.content, self.count = content, recordings
        self.spoil, self.fail_at, self.ceilings = spoil, fail_at, ceilings
        self.rendered = self.asked = self.described = 0

    def fingerprint(self):
        return self.content

    def recordings(self):
        self.rendered += 1
        for i in range(self.count):
            if i == self.fail_at:
                raise OSError("disk gone")
            # Current at 2 Hz for 20 s from 0 s; video at 4 Hz for 18 s from 1 s; label on at 10 s.
            current = 100.0 * i + np.arange(40.0)[:, None]
            video = -100.0 * i - np.arange(72.0)[:, None]
            if self.spoil is not None and i == 1:
                current[5] = self.spoil
            label = (np.arange(72) >= 36).astype(float)
            yield Recording(
                f"r{i}", f"g{i}", Signal(current, 2.0, 0.0), Signal(video, 4.0, 1.0), Signal(label, 4.0, 1.0),
                fold=i, clock=7.0 * i, scored_from=6.0,
            )  # fmt: skip

    def current_features(self, signal, seconds):
        return frames_of(signal, seconds).mean(axis=1)

    def video_features(self, signal, seconds):
        self.described += 1
        frames = frames_of(signal, seconds)
        return np.concatenate([frames.min(axis=1), frames.max(axis=1)], axis=1)

    def ceiling(self, tracks, windows, spec):
        self.asked += 1
        return {"window": np.linspace(0, 1, len(windows))} if self.ceilings else {}


def test_frames_labels_and_tracks_by_hand(tmp_path):
    dataset = Dataset.open(prepare(Counting(), SPEC, [], tmp_path))
    assert dataset.current.shape == (20, 1) and dataset.video.shape == (36, 2)
    # A current step is 2 s = 4 samples, a video step 1 s = 4 samples.
    np.testing.assert_allclose(dataset.current[[0, 9, 10], 0], [1.5, 37.5, 101.5])
    np.testing.assert_allclose(dataset.video[[0, 17, 18]], [[-3, 0], [-71, -68], [-103, -100]])
    np.testing.assert_array_equal(dataset.label[:18, 1], [0] * 9 + [1] * 9)
    np.testing.assert_array_equal(dataset.label[:, 0], dataset.label[:, 1])
    second = dataset.tracks[1]
    assert (second.name, second.group, second.fold, second.clock, second.scored_from) == (
        "r1",
        "g1",
        1,
        7.0,
        6.0,
    )
    assert (second.current_first, second.current_count, second.current_start) == (10, 10, 0.0)
    assert (second.video_first, second.video_count, second.video_start) == (18, 18, 1.0)
    assert dataset.current.dtype == dataset.video.dtype == dataset.label.dtype == np.float32


def test_mean_and_last_label_of_a_mixed_frame(tmp_path):
    spec = replace(SPEC, video_seconds=8.0, video_steps=4, stride=2.0)
    label = Dataset.open(prepare(Counting(), spec, [], tmp_path)).label
    # Two-second frames from 1 s on: the one from 9 s to 11 s is half labelled.
    np.testing.assert_allclose(label[3:6], [[0, 0], [0.5, 1], [1, 1]])


def test_windows_of_a_prepared_set_point_at_their_own_seconds(tmp_path):
    dataset = Dataset.open(prepare(Counting(), SPEC, [2.0], tmp_path))
    windows = dataset.windows(SPEC, lead=2.0)
    # From 6 s on (2 s margin + 4 s current); the current ends at 4 s or, a step being 2 s, up to 2 s earlier.
    assert windows.end[0] == 6.0
    assert dataset.current[windows.current[0], 0] == 1.5
    assert dataset.video[windows.video[0], 1] == -4.0
    assert windows.scored.all()
    one = windows.recording == 1
    assert (dataset.current[windows.current[one], 0] > 100).all()
    np.testing.assert_array_equal(windows.label[one], windows.end[one] > 10)


def test_rendered_once_for_the_same_content(tmp_path):
    source, told = Counting(), []
    folder = prepare(source, SPEC, [], tmp_path, told.append)
    assert told == [1, 2]
    again = Counting()
    assert prepare(again, replace(SPEC, stride=2.0, margin=1.0), [0.0, 1.0], tmp_path) == folder
    assert prepare(source, SPEC, [], tmp_path) == folder
    assert (source.rendered, again.rendered) == (1, 0)


def test_other_content_or_other_steps_are_other_folders(tmp_path):
    folders = {
        prepare(Counting("a"), SPEC, [], tmp_path),
        prepare(Counting("b"), SPEC, [], tmp_path),
        prepare(Counting("a"), replace(SPEC, current_steps=4), [], tmp_path),
        prepare(Counting("a"), replace(SPEC, video_steps=2, stride=2.0), [], tmp_path),
    }
    assert len(folders) == 4
    assert {found.name for found in tmp_path.iterdir()} == {folder.name for folder in folders}


def test_the_same_content_is_the_same_bytes(tmp_path):
    one, two = (prepare(Counting(), SPEC, [], tmp_path / name) for name in "ab")
    assert one.name == two.name
    for name in ("current.npy", "video.npy", "label.npy", "tracks.json"):
        assert (one / name).read_bytes() == (two / name).read_bytes()


@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
def test_features_that_are_not_finite_are_refused_by_name(tmp_path, broken):
    with pytest.raises(InvalidRequest, match="features must be finite, but recording 'r1'"):
        prepare(Counting(spoil=broken), SPEC, [], tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_preparation_that_fails_goes_on_from_what_was_finished(tmp_path):
    failing = Counting(fail_at=1)
    with pytest.raises(InvalidRequest, match="OSError: disk gone"):
        prepare(failing, SPEC, [], tmp_path)
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(".rendering-") and failing.described == 1
    again = Counting()
    folder = prepare(again, SPEC, [], tmp_path)
    assert again.described == 1, "what was finished is described a second time"
    assert list(tmp_path.iterdir()) == [folder]
    fresh = prepare(Counting(), SPEC, [], tmp_path / "fresh")
    for name in ("current.npy", "video.npy", "label.npy", "tracks.json"):
        assert (folder / name).read_bytes() == (fresh / name).read_bytes()


def test_no_recordings_are_refused(tmp_path):
    with pytest.raises(InvalidRequest, match="at least one recording"):
        prepare(Counting(recordings=0), SPEC, [], tmp_path)


def test_a_preparation_overtaken_by_another_uses_the_winner(tmp_path):
    slow, fast, overtaken = Counting(), Counting(), []

    def overtake(done):
        if done == 1:
            overtaken.append(prepare(fast, SPEC, [], tmp_path))

    folder = prepare(slow, SPEC, [], tmp_path, overtake)
    assert overtaken == [folder] and (slow.rendered, fast.rendered) == (1, 1)
    assert [found.name for found in tmp_path.iterdir()] == [folder.name]
    assert Dataset.open(folder).current.shape == (20, 1)


def test_preparing_at_once_from_many_threads(tmp_path):
    barrier = threading.Barrier(4)

    def together(_):
        barrier.wait()
        return prepare(Counting(ceilings=True), SPEC, [0.0], tmp_path)

    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(together, range(4)))
    assert len(found) == 1
    folder = found.pop()
    assert [entry.name for entry in tmp_path.iterdir()] == [folder.name]
    assert not list(folder.glob("*.tmp"))
    assert len(json.loads((folder / "tracks.json").read_text())) == 2


def test_ceilings_are_stored_by_windows_and_lead(tmp_path):
    source = Counting(ceilings=True)
    dataset = Dataset.open(prepare(source, SPEC, [0.0, 2.0], tmp_path))
    assert source.asked == 2
    prepare(source, SPEC, [0.0, 2.0], tmp_path)
    assert source.asked == 2
    prepare(source, SPEC, [1.0], tmp_path)
    assert source.asked == 3 and source.rendered == 1
    found = dataset.ceiling(SPEC, 2.0)
    assert set(found) == {"window"} and len(found["window"]) == len(dataset.windows(SPEC, 2.0))
    assert dataset.ceiling(SPEC, 0.5) == {}
    assert dataset.ceiling(replace(SPEC, stride=2.0), 2.0) == {}


def test_a_source_without_a_ceiling_stores_none(tmp_path):
    dataset = Dataset.open(prepare(Counting(), SPEC, [0.0], tmp_path))
    assert dataset.ceiling(SPEC, 0.0) == {}
    assert sorted(p.name for p in dataset.path.iterdir()) == [
        "current.npy",
        "label.npy",
        "tracks.json",
        "video.npy",
    ]


def test_a_lead_without_windows_is_refused(tmp_path):
    with pytest.raises(InvalidRequest, match="lead"):
        prepare(Counting(), SPEC, [3.0], tmp_path)


def test_arrays_are_mapped_and_read_only(tmp_path):
    dataset = Dataset.open(prepare(Counting(), SPEC, [], tmp_path))
    assert isinstance(dataset.current, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        dataset.current[0] = 1
