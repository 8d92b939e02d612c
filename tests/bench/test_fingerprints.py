"""Can the batch be told from codes: by hand, at chance, and in a cell."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from bench.cell.fingerprints import batch_probe, pair_skill
from bench.data.split import Split
from bench.data.windows import Windows


def test_pair_skill_by_hand() -> None:
    # Recording 0 takes code 0 alone, recording 1 code 1 alone; one of the two windows of 1 looks like 0.
    learnt = [np.array([[4, 0]], np.float32), np.array([[0, 4]], np.float32)]
    named = [np.array([[2, 0]], np.float32), np.array([[0, 2], [2, 0]], np.float32)]
    assert pair_skill(learnt, named) == pytest.approx(2 * (1 + 0.5) / 2 - 1)
    assert pair_skill(learnt, named[::-1]) == pytest.approx(2 * (0.5 + 0) / 2 - 1)
    same = [np.array([[3, 3]], np.float32)] * 2
    assert pair_skill(same, named) == 0, "a tie is half right"


def probe(current: np.ndarray, video: np.ndarray, label: np.ndarray, recordings: int = 4) -> dict[str, float]:
    """Probe made-up codes ``(windows, steps)`` of equally long recordings, all of them on the test part."""
    count = len(label)
    each = count // recordings
    end = np.tile(np.arange(each) * 30.0 + 300, recordings)
    recording = np.repeat(np.arange(recordings), each)
    zeros = np.zeros(count, dtype=np.int64)
    windows = Windows(recording, zeros, zeros, end - 300, end, label, np.ones(count, bool))
    index = {"current": torch.from_numpy(current), "video": torch.from_numpy(video)}
    readout = SimpleNamespace(
        method=SimpleNamespace(codebooks=lambda: [torch.zeros(8, 2)]),
        codes=lambda modality, rows: (None, index[modality][torch.from_numpy(rows)]),
    )
    dataset = SimpleNamespace(tracks=[SimpleNamespace(group=f"b{i}") for i in range(recordings)])
    rows = np.arange(count)
    return batch_probe(readout, dataset, windows, Split(rows[:0], rows[:0], rows))  # type: ignore[arg-type]


def test_codes_of_a_batch_of_their_own_are_named_and_shared_ones_are_not() -> None:
    rng = np.random.default_rng(0)
    recording = np.repeat(np.arange(4), 100)[:, None]
    label = rng.integers(0, 2, 400)
    own = recording * 2 + rng.integers(0, 2, (400, 10))
    shared = rng.integers(0, 8, (400, 10))
    found = probe(own, shared, label)
    assert found["batch_probe.new.current"] == 1
    assert abs(found["batch_probe.new.video"]) < 0.1
    assert abs(found["batch_probe.new.shared"]) < 0.3, "what only the current tells matches no pair"
    assert probe(own, own, label)["batch_probe.new.shared"] == 1
    assert set(found) == {f"batch_probe.new.{name}" for name in ("current", "video", "shared")}


def test_the_condition_of_the_plant_is_no_fingerprint() -> None:
    """Recordings that differ by how long they are abnormal, and codes that say that alone."""
    rng = np.random.default_rng(1)
    share = np.repeat([0.1, 0.3, 0.6, 0.8], 100)
    label = (rng.random(400) < share).astype(np.int64)
    codes = np.where(label[:, None] == 1, 7, rng.integers(0, 4, (400, 10)))
    assert abs(probe(codes, codes, label)["batch_probe.new.current"]) < 0.1


def test_windows_that_overlap_those_learnt_from_are_not_named() -> None:
    """A code of its own about the middle of each recording: only windows that touch both halves tell."""
    label = np.zeros(400, dtype=np.int64)
    place, recording = np.tile(np.arange(100), 4), np.repeat(np.arange(4), 100)
    codes = np.where((place >= 45) & (place < 59), recording, 7)[:, None].repeat(10, axis=1)
    assert probe(codes, codes, label)["batch_probe.new.current"] == pytest.approx(0, abs=1e-9)


def test_one_code_names_nothing() -> None:
    readout = SimpleNamespace(method=SimpleNamespace(codebooks=lambda: [torch.zeros(1, 2)]))
    assert batch_probe(readout, None, None, None) == {}  # type: ignore[arg-type]
