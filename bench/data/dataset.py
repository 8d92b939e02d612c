"""A prepared data set: frames of every recording in flat arrays on disk, shared by all workers.

Preparing renders each recording once and stores per-step features by content: a study simulates
once, and every worker maps the same pages.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.data.recording import Recording, frames_of
from bench.data.source import Source
from bench.data.windows import Track, Windows, WindowSpec, cut
from bench.identity import key
from models.errors import InvalidRequest

FORMAT = 1
Progress = Callable[[int], None]


@dataclass(frozen=True)
class Dataset:
    """Frames and labels of all recordings, memory-mapped.

    Attributes:
        path: folder of the arrays.
        tracks: where each recording lies in them.
        current: ``(frames, features)`` float32 of the weak signal, one row a current step.
        video: ``(frames, features)`` float32 of the strong signal, one row a video step.
        label: ``(video frames, 2)`` float32: mean label of a frame, label of its last sample.
    """

    path: Path
    tracks: tuple[Track, ...]
    current: NDArray[np.float32]
    video: NDArray[np.float32]
    label: NDArray[np.float32]

    @classmethod
    def open(cls, path: Path) -> Dataset:
        """Map a prepared data set."""
        tracks = tuple(Track(**row) for row in json.loads((path / "tracks.json").read_text()))
        arrays = [np.load(path / f"{name}.npy", mmap_mode="r") for name in ("current", "video", "label")]
        return cls(path, tracks, *arrays)

    def windows(self, spec: WindowSpec, lead: float) -> Windows:
        """Cut the recordings into windows; see :func:`bench.data.windows.cut`."""
        return cut(self.tracks, self.label, spec, lead)

    def ceiling(self, spec: WindowSpec, lead: float) -> dict[str, NDArray[Any]]:
        """Return the stored ceilings of these windows, by observer; empty if there are none."""
        found = self.path / _ceiling_name(spec, lead)
        return dict(np.load(found)) if found.exists() else {}


def prepare(
    source: Source, spec: WindowSpec, leads: list[float], cache: Path, progress: Progress = lambda done: None
) -> Path:
    """Return the folder of the prepared data set, rendering only what is not there yet.

    Args:
        source: where the recordings come from.
        spec: the step lengths decide the frames; the windows decide the ceilings.
        leads: the leads whose ceilings are wanted, s.
        cache: folder that holds prepared data sets, one sub-folder each, named by content.
        progress: told the number of recordings rendered so far.
    """
    identity = {
        "format": FORMAT,
        "source": source.fingerprint(),
        "steps": [spec.current_step, spec.video_step],
    }
    folder = cache / key(identity)
    if not (folder / "tracks.json").exists():
        cache.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(dir=cache, prefix=".preparing-"))
        try:
            scratch.chmod(0o755)  # mkdtemp allows nobody else; a cache may be shared
            _render(source, spec, scratch, progress)
            _publish(scratch, folder)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    dataset = Dataset.open(folder)
    for lead in leads:
        if not (folder / _ceiling_name(spec, lead)).exists():
            ceilings = source.ceiling(dataset.tracks, dataset.windows(spec, lead), spec)
            if ceilings:
                _save_atomically(folder / _ceiling_name(spec, lead), ceilings)
    return folder


def _render(source: Source, spec: WindowSpec, folder: Path, progress: Progress) -> None:
    current, video, label, tracks = [], [], [], []
    c_first = v_first = 0
    for done, recording in enumerate(source.recordings(), start=1):
        c = np.asarray(source.current_features(recording.current, spec.current_step), dtype=np.float32)
        v = np.asarray(source.video_features(recording.video, spec.video_step), dtype=np.float32)
        y = _labels(recording, spec.video_step)[: len(v)]
        v = v[: len(y)]
        if not (np.isfinite(c).all() and np.isfinite(v).all()):
            raise InvalidRequest(
                f"features must be finite, but recording {recording.name!r} has gaps or broken samples; "
                "repair or leave out the recording"
            )
        tracks.append(
            Track(
                recording.name,
                recording.group,
                recording.fold,
                recording.clock,
                recording.scored_from,
                c_first,
                len(c),
                recording.current.start,
                v_first,
                len(v),
                recording.video.start,
            )  # fmt: skip
        )
        c_first, v_first = c_first + len(c), v_first + len(v)
        current.append(c)
        video.append(v)
        label.append(y)
        progress(done)
    if not tracks:
        raise InvalidRequest("a data set needs at least one recording, got none; check the path")
    for name, parts in (("current", current), ("video", video), ("label", label)):
        np.save(folder / f"{name}.npy", np.concatenate(parts))
    (folder / "tracks.json").write_text(json.dumps([asdict(track) for track in tracks]))


def _labels(recording: Recording, seconds: float) -> NDArray[np.float32]:
    frames = frames_of(recording.label, seconds)
    return np.stack([frames.mean(axis=1), frames[:, -1]], axis=1).astype(np.float32)


def _ceiling_name(spec: WindowSpec, lead: float) -> str:
    return f"ceiling-{key([asdict(spec), lead])}.npz"


def _publish(scratch: Path, folder: Path) -> None:
    try:
        os.replace(scratch, folder)
    except OSError:
        # Another process prepared the same content first: theirs is as good as ours.
        if not (folder / "tracks.json").exists():
            raise


def _save_atomically(path: Path, arrays: dict[str, NDArray[Any]]) -> None:
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".tmp", delete=False) as handle:
        np.savez(handle, allow_pickle=False, **arrays)
    os.replace(handle.name, path)
