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

FORMAT = 2
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
        metadata: ``(current frames, values)`` float32 process metadata; None if the source has none.
    """

    path: Path
    tracks: tuple[Track, ...]
    current: NDArray[np.float32]
    video: NDArray[np.float32]
    label: NDArray[np.float32]
    metadata: NDArray[np.float32] | None = None

    @classmethod
    def open(cls, path: Path) -> Dataset:
        """Map a prepared data set."""
        tracks = tuple(Track(**row) for row in json.loads((path / "tracks.json").read_text()))
        current, video, label = (_map(path / f"{name}.npy") for name in ("current", "video", "label"))
        metadata = path / "metadata.npy"
        return cls(path, tracks, current, video, label, _map(metadata) if metadata.exists() else None)

    def frames(self, modality: str, kind: str) -> NDArray[np.float32]:
        """Return ``(frames, values)`` of a modality: its ``features``, or ``raw`` what was recorded."""
        if kind == "features":
            found: NDArray[np.float32] = getattr(self, modality)
            return found
        return _map(self.path / f"{modality}_raw.npy").reshape(len(getattr(self, modality)), -1)

    def shape(self, modality: str, kind: str) -> tuple[int, ...] | None:
        """Return the layout of one step of raw input; None for features."""
        return None if kind == "features" else _map(self.path / f"{modality}_raw.npy").shape[1:]

    def leak(self, modality: str, spec: WindowSpec, lead: float) -> NDArray[np.float32]:
        """Return ``(frames,)`` the label that belongs to each frame of a modality, ``lead`` seconds later."""
        if modality == "video":
            return np.asarray(self.label[:, 0])
        found = np.zeros(len(self.current), dtype=np.float32)
        for t in self.tracks:
            time = t.current_start + (np.arange(t.current_count) + 0.5) * spec.current_step + lead
            row = ((time - t.video_start) / spec.video_step).astype(np.int64).clip(0, t.video_count - 1)
            found[t.current_first : t.current_first + t.current_count] = self.label[t.video_first + row, 0]
        return found

    def windows(self, spec: WindowSpec, lead: float) -> Windows:
        """Cut the recordings into windows; see :func:`bench.data.windows.cut`."""
        return cut(self.tracks, self.label, spec, lead)

    def ceiling(self, spec: WindowSpec, lead: float) -> dict[str, NDArray[Any]]:
        """Return the stored ceilings of these windows, by observer; empty if there are none."""
        found = self.path / _ceiling_name(spec, lead)
        return dict(np.load(found)) if found.exists() else {}


def prepare(
    source: Source,
    spec: WindowSpec,
    leads: list[float],
    cache: Path,
    progress: Progress = lambda done: None,
    *,
    raw: frozenset[str] = frozenset(),
) -> Path:
    """Return the folder of the prepared data set, rendering only what is not there yet.

    Args:
        source: where the recordings come from.
        spec: the step lengths decide the frames; the windows decide the ceilings.
        leads: the leads whose ceilings are wanted, s.
        cache: folder that holds prepared data sets, one sub-folder each, named by content.
        progress: told the number of recordings rendered so far.
        raw: the modalities whose raw samples or pictures are wanted beside the features.
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
    for modality in sorted(raw):
        if not (folder / f"{modality}_raw.npy").exists():
            _store_raw(source, spec, modality, folder, progress)
    dataset = Dataset.open(folder)
    for lead in leads:
        if not (folder / _ceiling_name(spec, lead)).exists():
            ceilings = source.ceiling(dataset.tracks, dataset.windows(spec, lead), spec)
            if ceilings:
                _save_atomically(folder / _ceiling_name(spec, lead), ceilings)
    return folder


def _store_raw(source: Source, spec: WindowSpec, modality: str, folder: Path, progress: Progress) -> None:
    """Store ``(frames, ...)``: all samples of a step of the current, the mean picture of one of the video."""
    parts = []
    seconds = spec.current_step if modality == "current" else spec.video_step
    for done, recording in enumerate(source.recordings(), start=1):
        frames = frames_of(getattr(recording, modality), seconds)
        parts.append((frames if modality == "current" else frames.mean(axis=1)).astype(np.float32))
        progress(done)
    counts = [getattr(t, f"{modality}_count") for t in Dataset.open(folder).tracks]
    cut_to = [part[:count] for part, count in zip(parts, counts, strict=True)]
    with tempfile.NamedTemporaryFile(dir=folder, suffix=".tmp", delete=False) as handle:
        np.save(handle, np.concatenate(cut_to))
    os.replace(handle.name, folder / f"{modality}_raw.npy")


def _map(path: Path) -> NDArray[np.float32]:
    mapped: NDArray[np.float32] = np.load(path, mmap_mode="r")
    return mapped


def _render(source: Source, spec: WindowSpec, folder: Path, progress: Progress) -> None:
    current, video, label, metadata, tracks = [], [], [], [], []
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
        if recording.metadata is not None:
            values = frames_of(recording.metadata, spec.current_step).mean(axis=1)[: len(c)]
            metadata.append(values.astype(np.float32))
        progress(done)
    if not tracks:
        raise InvalidRequest("a data set needs at least one recording, got none; check the path")
    for name, parts in (("current", current), ("video", video), ("label", label)):
        np.save(folder / f"{name}.npy", np.concatenate(parts))
    if metadata:
        np.save(folder / "metadata.npy", np.concatenate(metadata))
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
