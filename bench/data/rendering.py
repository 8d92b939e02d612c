"""Recordings become arrays of steps, chunk by chunk; what is finished outlives a kill."""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from bench.data.asking import features_of, recordings_of, require_finite, samples_of
from bench.data.contract import Contract
from bench.data.recording import Recording, Signal, chunk_count, chunk_of, frames_of, steps_within
from bench.data.source import Source
from bench.data.windows import NEITHER, TEST, TRAIN, Track, WindowSpec

#: Most bytes of samples that are looked at together; what is computed of them needs a few times as much.
CHUNK_BYTES = 32 * 2**20
#: What reading a chunk raises if a crash tore it.
TORN = (zipfile.BadZipFile, OSError, EOFError, KeyError, ValueError)

Arrays = dict[str, NDArray[Any]]
#: Told how many recordings are done; between two whole numbers, how much of one is.
Progress = Callable[[float], None]
#: Reads one chunk of steps of a signal.
Chunk = Callable[[Signal], Signal]


@dataclass(frozen=True)
class Workbench:
    """A folder of finished chunks, each there as a whole or not at all.

    Processes may share one: what they keep under a name is the same.
    """

    folder: Path

    def kept(self, name: str, make: Callable[[], Arrays]) -> Arrays:
        """Return the arrays of a chunk; they are made only if they are not there yet."""
        path = self.folder / f"{name}.npz"
        with suppress(*TORN), path.open("rb") as handle, np.load(handle) as stored:
            return dict(stored)
        arrays = make()
        # Another process may clear the folder away because it has finished; a chunk less is no loss.
        with suppress(FileNotFoundError):
            self.folder.mkdir(exist_ok=True)
            save_atomically(path, arrays)
        return arrays


def save_atomically(path: Path, arrays: Arrays) -> None:
    """Write an ``.npz`` that is there as a whole or not at all."""
    with _whole(path) as handle:
        np.savez(handle, allow_pickle=False, **arrays)


@contextmanager
def _whole(path: Path) -> Iterator[IO[bytes]]:
    """Give a file to write that takes its place only once it is finished."""
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".tmp", delete=False) as handle:
        try:
            yield handle
        except BaseException:
            Path(handle.name).unlink(missing_ok=True)
            raise
    os.chmod(handle.name, 0o644)  # a temporary file is nobody else's; a cache may be shared
    os.replace(handle.name, path)


def render(
    source: Source, spec: WindowSpec, workbench: Workbench, progress: Progress
) -> tuple[tuple[Track, ...], Arrays]:
    """Return where each recording lies, and the arrays of all of them, named as in a ``Dataset``.

    Raises:
        InvalidRequest: no recordings, some that are not what :mod:`bench.data.contract` says, features
            that are not finite, or a step that does not hold a whole number of samples.
    """
    contract = Contract(source)
    tracks: list[Track] = []
    parts: list[Arrays] = []
    first = (0, 0)
    for done, recording in enumerate(recordings_of(source)):
        contract.require(recording)
        arrays = workbench.kept(f"{done:05d}-current", partial(current_arrays, source, recording, spec))
        contract.require_rows(recording, arrays)
        chunks = []
        pieces = video_pieces(source, recording, spec.video_step)
        for number, make in enumerate(pieces):
            chunks.append(workbench.kept(f"{done:05d}-video-{number:05d}", make))
            contract.require_rows(recording, chunks[-1])
            progress(done + (number + 1) / len(pieces))
        arrays |= joined(chunks)
        tracks.append(track_of(recording, first, (len(arrays["current"]), len(arrays["video"]))))
        first = first[0] + tracks[-1].current_count, first[1] + tracks[-1].video_count
        parts.append(arrays)
    return tuple(tracks), joined(parts)


def joined(parts: list[Arrays]) -> Arrays:
    """Return arrays of the same names one after the other."""
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def track_of(recording: Recording, first: tuple[int, int], count: tuple[int, int]) -> Track:
    """Return where a recording lies: its first step and how many, of the current and of the video."""
    return Track(
        recording.name,
        recording.group,
        recording.fold,
        recording.clock,
        recording.scored_from,
        first[0],
        count[0],
        recording.current.start,
        first[1],
        count[1],
        recording.video.start,
    )


def current_arrays(source: Source, recording: Recording, spec: WindowSpec) -> Arrays:
    """Return the features of the current, and the mean metadata of its steps."""
    found = {"current": features_of(source, recording, "current", recording.current, spec.current_step)}
    if recording.metadata is not None:
        values = frames_of(recording.metadata, spec.current_step).mean(axis=1).astype(np.float32)
        require_finite(values, recording, "metadata")
        found["metadata"] = values
    return found


def video_pieces(source: Source, recording: Recording, seconds: float) -> list[Callable[[], Arrays]]:
    """Return what makes each chunk of steps of the video; nothing is read before."""
    return [partial(_video, source, recording, seconds, chunk) for chunk in _chunks(recording.video, seconds)]


def _video(source: Source, recording: Recording, seconds: float, chunk: Chunk) -> Arrays:
    """Return features, labels and published part of one chunk of steps of the video."""
    label = frames_of(samples_of(source, recording, "label", chunk, (0, 1)), seconds)
    signal = samples_of(source, recording, "video", chunk)
    found: Arrays = {
        "video": features_of(source, recording, "video", signal, seconds),
        "label": np.stack([label.mean(axis=1), label[:, -1]], axis=1).astype(np.float32),
    }
    if recording.part is not None:
        part = frames_of(samples_of(source, recording, "part", chunk, (TRAIN, TEST, NEITHER)), seconds)
        whole = (part == part[:, :1]).all(axis=1)
        found["part"] = np.where(whole, part[:, 0], NEITHER).astype(np.int8)
    return found


def render_raw(
    source: Source,
    spec: WindowSpec,
    modality: str,
    tracks: tuple[Track, ...],
    workbench: Workbench,
    target: Path,
    progress: Progress,
) -> None:
    """Write ``(frames, ...)`` float32: all samples of a step of the current, the mean picture of the video's.

    Written row by row behind a header that says how many there will be, so that no more than a chunk is
    in memory; the file is there as a whole or not at all.
    """
    seconds = spec.current_step if modality == "current" else spec.video_step
    total = sum(getattr(track, f"{modality}_count") for track in tracks)
    contract = Contract(source)
    with _whole(target) as handle:
        for done, recording in enumerate(recordings_of(source)):
            chunks = _chunks(getattr(recording, modality), seconds)
            for number, chunk in enumerate(chunks):
                make = partial(_raw, source, recording, modality, seconds, chunk)
                kept = workbench.kept(f"{done:05d}-{modality}_raw-{number:05d}", make)
                contract.require_rows(recording, kept)
                rows = kept["raw"]
                if not done and not number:
                    layout = {"descr": "<f4", "fortran_order": False, "shape": (total, *rows.shape[1:])}
                    np.lib.format.write_array_header_1_0(handle, layout)
                handle.write(rows.tobytes())
                progress(done + (number + 1) / len(chunks))


def _raw(source: Source, recording: Recording, modality: str, seconds: float, chunk: Chunk) -> Arrays:
    frames = frames_of(samples_of(source, recording, modality, chunk), seconds)
    values = (frames if modality == "current" else frames.mean(axis=1)).astype(np.float32)
    require_finite(values, recording, modality)
    return {"raw": values}


def _chunks(signal: Signal, seconds: float) -> list[Chunk]:
    """Return what reads each chunk of steps of a signal that is on its clock; nothing is read before."""
    steps = steps_within(signal, seconds, CHUNK_BYTES)
    return [
        partial(chunk_of, seconds=seconds, steps=steps, number=number)
        for number in range(chunk_count(signal, seconds, steps))
    ]
