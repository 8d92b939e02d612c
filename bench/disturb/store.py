"""Disturbed frames beside the clean ones of a prepared data set, rendered once in one pass."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.data.asking import recordings_of
from bench.data.dataset import Dataset
from bench.data.recording import Array, Recording, Signal, chunks_of, frames_of
from bench.data.source import Source
from bench.data.windows import Track, WindowSpec
from bench.disturb.disturbance import Disturbance, stream
from bench.disturb.request import VERSION, build
from bench.identity import key
from models.errors import InvalidRequest

Frames = NDArray[np.float32]
FOLDER = "disturbed"
STEPS = 256
"""Video steps that are in memory at once."""


@dataclass(frozen=True)
class _Wanted:
    """One array that is not there yet."""

    disturbance: Disturbance
    seed: int
    modality: str
    kind: str
    path: Path


def disturbed_frames(data: Path, spec: Mapping[str, Any], kinds: Mapping[str, str]) -> dict[str, Frames]:
    """Return modality -> ``(frames, values)`` as disturbed, of the modalities that the disturbance acts on.

    Args:
        data: folder of the prepared data set.
        spec: resolved specification of the disturbance.
        kinds: modality -> ``features`` or ``raw``, as of :meth:`bench.data.dataset.Dataset.frames`.

    Raises:
        InvalidRequest: the data were not prepared for it.
    """
    folder = _folder(data, spec)
    found = {m: folder / _name(m, kind) for m, kind in kinds.items()}
    mapped = {m: np.load(path, mmap_mode="r") for m, path in found.items() if path.exists()}
    if not mapped:
        raise InvalidRequest(
            f"a cell that is read under {spec['name']} needs data prepared for it, and {data} holds none; "
            "prepare the study's data again"
        )
    return {m: array.reshape(len(array), -1) for m, array in mapped.items()}


def prepare_disturbed(
    source: Source,
    spec: WindowSpec,
    data: Path,
    specs: Mapping[str, Mapping[str, Any]],
    progress: Callable[[float], None] = lambda done: None,
    *,
    raw: frozenset[str] = frozenset(),
) -> None:
    """Render what of these disturbances is not beside the prepared data set yet.

    All of them are rendered while the recordings pass once, a video in pieces: what simulates or decodes a
    recording does it once, however many disturbances there are.

    Args:
        source: where the recordings come from: the one that ``data`` was prepared from.
        spec: the step lengths.
        data: folder of the prepared data set.
        specs: label -> resolved specification.
        progress: told the number of recordings rendered so far.
        raw: the modalities whose samples or pictures are wanted beside the features.

    Raises:
        InvalidRequest: the signals cannot be disturbed so, or are not finite then.
    """
    wanted = [each for one in specs.values() for each in _wanted(source, data, one, raw)]
    if not wanted:
        return
    dataset = Dataset.open(data)
    with ExitStack() as stack:
        files = [stack.enter_context(_File(each, dataset)) for each in wanted]
        for done, (recording, track) in enumerate(zip(recordings_of(source), dataset.tracks, strict=True), 1):
            for file in files:
                file.begin(track)
            _render(source, recording, spec, files)
            progress(done)
        for file in files:
            file.publish()


def _wanted(source: Source, data: Path, spec: Mapping[str, Any], raw: frozenset[str]) -> Iterator[_Wanted]:
    disturbance = build(spec, simulated=source.simulated)
    for modality in disturbance.acts_on:
        for kind in ("features", "raw") if modality in raw else ("features",):
            path = _folder(data, spec) / _name(modality, kind)
            if not path.exists():
                yield _Wanted(disturbance, spec["seed"], modality, kind, path)


def _render(source: Source, recording: Recording, spec: WindowSpec, files: Sequence[_File]) -> None:
    """Write one recording, disturbed in every way."""
    held = _Held(recording.video.values)
    clean = replace(recording, video=replace(recording.video, values=held))
    seen = [f.wanted.disturbance.apply(clean, stream(recording, f.wanted.seed)) for f in files]
    pairs = list(zip(files, seen, strict=True))
    for file, disturbed in pairs:
        if file.wanted.modality == "current":
            read = source.current_features if file.wanted.kind == "features" else frames_of
            file.write(read(disturbed.current, spec.current_step))
    videos = [pair for pair in pairs if pair[0].wanted.modality == "video"]
    first = 0
    for chunk in chunks_of(recording.video, spec.video_step, STEPS) if videos else ():
        last = first + len(chunk.values)
        held.hold(first, np.asarray(chunk.values))
        for file, disturbed in videos:
            signal = replace(chunk, values=disturbed.video.values[first:last])
            file.write(_video(source, signal, spec.video_step, file.wanted.kind))
        first = last


def _video(source: Source, signal: Signal, seconds: float, kind: str) -> Array:
    """Return features or, raw, the mean picture of every step."""
    if kind == "features":
        return source.video_features(signal, seconds)
    picture: Array = frames_of(signal, seconds).mean(axis=1)
    return picture


class _Held:
    """The part of a long video that is in memory now, in place of the whole."""

    def __init__(self, values: Any) -> None:
        self.shape: tuple[int, ...] = tuple(values.shape)
        self.dtype: np.dtype[Any] = np.dtype(values.dtype)
        self._first, self._block = 0, np.empty((0, *self.shape[1:]), self.dtype)

    def __len__(self) -> int:
        return self.shape[0]

    def hold(self, first: int, block: Array) -> None:
        """Keep samples from the ``first`` on, and none else."""
        self._first, self._block = first, block

    def __getitem__(self, rows: slice) -> Array:
        return self._block[rows.start - self._first : rows.stop - self._first]


class _File:
    """An array on its way to the disk: whole under its name, or not there."""

    def __init__(self, wanted: _Wanted, dataset: Dataset) -> None:
        self.wanted = wanted
        shape = dataset.shape(wanted.modality, wanted.kind)
        clean = dataset.frames(wanted.modality, wanted.kind)
        self._shape = (len(clean), *(shape or clean.shape[1:]))
        self._track, self._place, self._left = dataset.tracks[0], 0, 0

    def __enter__(self) -> _File:
        folder = self.wanted.path.parent
        folder.mkdir(parents=True, exist_ok=True)
        handle, self._scratch = tempfile.mkstemp(dir=folder, suffix=".tmp")
        os.close(handle)
        self._array = np.lib.format.open_memmap(self._scratch, mode="w+", dtype=np.float32, shape=self._shape)
        return self

    def begin(self, track: Track) -> None:
        """Go to where the frames of a recording lie."""
        self._track = track
        self._place = getattr(track, f"{self.wanted.modality}_first")
        self._left = getattr(track, f"{self.wanted.modality}_count")

    def write(self, frames: Array) -> None:
        """Put the next frames of the recording; a rest that the clean data set has cut off is cut off."""
        rows = frames[: self._left]
        if not np.isfinite(rows).all():
            raise InvalidRequest(
                f"features must be finite, but those of {self._track.name!r} are not when disturbed "
                f"({self.wanted.disturbance.worst}); leave that disturbance out"
            )
        self._array[self._place : self._place + len(rows)] = rows
        self._place, self._left = self._place + len(rows), self._left - len(rows)

    def publish(self) -> None:
        """Give the finished array its name."""
        self._array.flush()
        os.chmod(self._scratch, 0o644)
        os.replace(self._scratch, self.wanted.path)

    def __exit__(self, *failed: object) -> None:
        Path(self._scratch).unlink(missing_ok=True)


def _folder(data: Path, spec: Mapping[str, Any]) -> Path:
    return data / FOLDER / key([VERSION, dict(spec)])


def _name(modality: str, kind: str) -> str:
    return f"{modality}.npy" if kind == "features" else f"{modality}_raw.npy"
