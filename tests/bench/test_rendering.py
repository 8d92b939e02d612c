"""Long recordings: in chunks, in little memory, and from where a kill left them."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import slow_source
from slow_source import CHUNK, SPEC, STEPS, Pictures, Slow

from bench.data import rendering
from bench.data.dataset import Dataset, prepare
from bench.data.recording import Signal, chunk_count, chunk_of, chunks_of, frames_of, steps_within

FILES = ("current.npy", "video.npy", "label.npy", "part.npy", "tracks.json")


@pytest.fixture
def chunked(monkeypatch):
    monkeypatch.setattr(rendering, "CHUNK_BYTES", CHUNK)


def test_chunks_are_the_signal_cut():
    signal = Signal(np.arange(23.0), 2.0, 7.0)
    chunks = list(chunks_of(signal, 1.0, 4))
    assert [len(chunk.values) for chunk in chunks] == [8, 8, 6] and chunk_count(signal, 1.0, 4) == 3
    assert [chunk.start for chunk in chunks] == [7, 11, 15]
    np.testing.assert_array_equal(
        np.concatenate([frames_of(chunk, 1.0) for chunk in chunks]), frames_of(signal, 1.0)
    )
    assert len(chunk_of(signal, 1.0, 4, 9).values) == 0
    (empty,) = chunks_of(Signal(np.empty((1, 3)), 2.0), 1.0, 4)
    assert empty.values.shape == (0, 3)


def test_a_lazy_signal_is_asked_for_its_chunks_alone():
    video = Pictures()
    signal = Signal(video, 1.0)
    assert steps_within(signal, 2.0, CHUNK) == 10 and steps_within(signal, 2.0, 1) == 1
    for chunk in chunks_of(signal, 2.0, 10):
        assert isinstance(chunk.values, np.ndarray)
    assert video.asked == [(0, 20), (20, 40), (40, 50)]


def test_chunks_change_nothing(tmp_path, chunked, monkeypatch):
    told, source = [], Slow()
    small = prepare(source, SPEC, [], tmp_path / "small", told.append, raw=frozenset({"video", "current"}))
    assert source.described == 6 and told[:6] == pytest.approx([1 / 3, 2 / 3, 1, 4 / 3, 5 / 3, 2])
    monkeypatch.setattr(rendering, "CHUNK_BYTES", 2**20)
    whole = prepare(Slow(), SPEC, [], tmp_path / "whole", raw=frozenset({"video", "current"}))
    for name in (*FILES, "video_raw.npy", "current_raw.npy"):
        assert (small / name).read_bytes() == (whole / name).read_bytes(), name
    raw = np.load(small / "video_raw.npy")
    pictures = Pictures().grid().reshape(STEPS, 2, 8, 8).mean(axis=1)
    np.testing.assert_array_equal(raw, np.tile(pictures, (2, 1, 1)).astype(np.float32))


def test_parts_of_a_step_are_those_of_all_its_samples(tmp_path):
    dataset = Dataset.open(prepare(Slow(), SPEC, [], tmp_path))
    # Samples: 20 train, 5 neither, 25 test; two in a step, so that step 12 is mixed.
    np.testing.assert_array_equal(dataset.part[:STEPS], [0] * 10 + [-1] * 3 + [1] * 12)


@pytest.mark.parametrize("finished", [1, 4])
def test_a_kill_costs_the_chunk_that_was_under_way(tmp_path, chunked, finished):
    _killed(tmp_path / "killed", finished)
    (left,) = (tmp_path / "killed").iterdir()
    assert len(list(left.glob("*-video-*.npz"))) == finished
    again = Slow()
    folder = prepare(again, SPEC, [], tmp_path / "killed")
    assert again.described == 6 - finished
    assert sum((video.asked for video in again.videos), [])[0] == (
        (finished % 3) * 20,
        (finished % 3) * 20 + 20,
    )
    fresh = prepare(Slow(), SPEC, [], tmp_path / "fresh")
    for name in FILES:
        assert (folder / name).read_bytes() == (fresh / name).read_bytes(), name
    assert list((tmp_path / "killed").iterdir()) == [folder], "finished chunks are cleared away"


def test_a_torn_chunk_is_made_again(tmp_path, chunked):
    _killed(tmp_path, 3)
    (left,) = tmp_path.iterdir()
    torn, empty, _ = sorted(left.glob("*-video-*.npz"))
    torn.write_bytes(torn.read_bytes()[:-9])
    empty.write_bytes(b"")
    again = Slow()
    dataset = Dataset.open(prepare(again, SPEC, [], tmp_path))
    assert again.described == 5
    np.testing.assert_array_equal(dataset.video[:STEPS], Pictures().grid().reshape(STEPS, 128))


def _killed(cache: Path, chunks: int) -> None:
    """Prepare in a process that is killed once so many chunks are finished."""
    run = subprocess.run(
        [sys.executable, slow_source.__file__, str(cache), str(chunks)], capture_output=True, check=False
    )
    assert run.returncode == -9, run.stderr
