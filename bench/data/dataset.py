"""A prepared data set: frames of every recording in flat arrays on disk, shared by all workers.

Preparing renders each recording once and stores per-step features by content: a study simulates
once, and every worker maps the same pages.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.data.asking import fingerprint_of
from bench.data.rendering import Arrays, Progress, Workbench, render, render_raw, save_atomically
from bench.data.source import Source
from bench.data.windows import Track, Windows, WindowSpec, cut
from bench.identity import key
from models.errors import InvalidRequest

FORMAT = 2


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
        part: ``(video frames,)`` int8 published part of all samples of a frame: 0 = train, 1 = test,
            -1 = neither or mixed; None if the source has no published split.
    """

    path: Path
    tracks: tuple[Track, ...]
    current: NDArray[np.float32]
    video: NDArray[np.float32]
    label: NDArray[np.float32]
    metadata: NDArray[np.float32] | None = None
    part: NDArray[np.int8] | None = None

    @classmethod
    def open(cls, path: Path) -> Dataset:
        """Map a prepared data set."""
        tracks = tuple(Track(**row) for row in json.loads((path / "tracks.json").read_text()))
        current, video, label = (_map(path / f"{name}.npy") for name in ("current", "video", "label"))
        beside = (path / f"{name}.npy" for name in ("metadata", "part"))
        metadata, part = (_map(file) if file.exists() else None for file in beside)
        return cls(path, tracks, current, video, label, metadata, part)

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
        return cut(self.tracks, self.label, spec, lead, self.part)

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

    What is rendered is kept chunk by chunk in a hidden folder beside it, so that after a crash or an
    interruption the same call goes on where it stopped.

    Args:
        source: where the recordings come from.
        spec: the step lengths decide the frames; the windows decide the ceilings.
        leads: the leads whose ceilings are wanted, s.
        cache: folder that holds prepared data sets, one sub-folder each, named by content.
        progress: told the number of recordings rendered so far, and the share of the one under way.
        raw: the modalities whose raw samples or pictures are wanted beside the features.
    """
    identity = {
        "format": FORMAT,
        "source": fingerprint_of(source),
        "steps": [spec.current_step, spec.video_step],
    }
    folder = cache / key(identity)
    workbench = Workbench(cache / f".rendering-{folder.name}")
    cache.mkdir(parents=True, exist_ok=True)
    if not (folder / "tracks.json").exists():
        with _clearing(workbench):
            tracks, arrays = render(source, spec, workbench, progress)
            _publish(tracks, arrays, folder)
    dataset = Dataset.open(folder)
    for modality in sorted(raw):
        target = folder / f"{modality}_raw.npy"
        if not target.exists():
            with _clearing(workbench):
                render_raw(source, spec, modality, dataset.tracks, workbench, target, progress)
    for lead in leads:
        if not (folder / _ceiling_name(spec, lead)).exists():
            ceilings = source.ceiling(dataset.tracks, dataset.windows(spec, lead), spec)
            if ceilings:
                save_atomically(folder / _ceiling_name(spec, lead), ceilings)
    return folder


@contextmanager
def _clearing(workbench: Workbench) -> Iterator[None]:
    """Clear finished chunks away once they have served, or if their source must be repaired first."""
    try:
        yield
    except InvalidRequest as error:
        if not isinstance(error.__cause__, OSError):  # a disk that was away is no fault of what was read
            shutil.rmtree(workbench.folder, ignore_errors=True)
        raise
    shutil.rmtree(workbench.folder, ignore_errors=True)


def _map(path: Path) -> NDArray[Any]:
    mapped: NDArray[Any] = np.load(path, mmap_mode="r")
    return mapped


def _ceiling_name(spec: WindowSpec, lead: float) -> str:
    return f"ceiling-{key([asdict(spec), lead])}.npz"


def _publish(tracks: tuple[Track, ...], arrays: Arrays, folder: Path) -> None:
    """Write a data set that is there as a whole or not at all."""
    scratch = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".preparing-"))
    try:
        scratch.chmod(0o755)  # mkdtemp allows nobody else; a cache may be shared
        for name, values in arrays.items():
            np.save(scratch / f"{name}.npy", values)
        (scratch / "tracks.json").write_text(json.dumps([asdict(track) for track in tracks]))
        os.replace(scratch, folder)
    except OSError:
        # Another process prepared the same content first: theirs is as good as ours.
        if not (folder / "tracks.json").exists():
            raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
