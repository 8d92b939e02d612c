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

from bench.data.recording import Recording, Signal, chunk_count, chunk_of, frames_of, steps_within
from bench.data.source import Source
from bench.data.windows import NEITHER, Track, WindowSpec
from models.errors import InvalidRequest

#: Most bytes of samples that are looked at together; what is computed of them needs a few times as much.
CHUNK_BYTES = 32 * 2**20
#: What reading a chunk raises if a crash tore it.
TORN = (zipfile.BadZipFile, OSError, EOFError, KeyError, ValueError)

Arrays = dict[str, NDArray[Any]]
#: Told how many recordings are done; between two whole numbers, how much of one is.
Progress = Callable[[float], None]


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
        InvalidRequest: no recordings, recordings that do not all have the same signals, features
            that are not finite, or a step that does not hold a whole number of samples.
    """
    tracks: list[Track] = []
    parts: list[Arrays] = []
    c_first = v_first = 0
    for done, recording in enumerate(source.recordings()):
        arrays = workbench.kept(f"{done:05d}-current", partial(_current, source, recording, spec))
        steps = steps_within(recording.video, spec.video_step, CHUNK_BYTES)
        chunks = []
        for number in range(count := chunk_count(recording.video, spec.video_step, steps)):
            make = partial(_video, source, recording, spec.video_step, steps, number)
            chunks.append(workbench.kept(f"{done:05d}-video-{number:05d}", make))
            progress(done + (number + 1) / count)
        arrays |= {name: np.concatenate([chunk[name] for chunk in chunks]) for name in chunks[0]}
        tracks.append(
            Track(
                recording.name,
                recording.group,
                recording.fold,
                recording.clock,
                recording.scored_from,
                c_first,
                len(arrays["current"]),
                recording.current.start,
                v_first,
                len(arrays["video"]),
                recording.video.start,
            )  # fmt: skip
        )
        c_first, v_first = c_first + len(arrays["current"]), v_first + len(arrays["video"])
        parts.append(arrays)
    if not tracks:
        raise InvalidRequest("a data set needs at least one recording, got none; check the path")
    for track, part in zip(tracks, parts, strict=True):
        if part.keys() != parts[0].keys():
            raise InvalidRequest(
                "recordings of one source must all have metadata and a published part, or none of them, but "
                f"{track.name!r} and {tracks[0].name!r} differ; mend the source"
            )
    return tuple(tracks), {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _current(source: Source, recording: Recording, spec: WindowSpec) -> Arrays:
    found = {"current": _finite(source.current_features(recording.current, spec.current_step), recording)}
    if recording.metadata is not None:
        values = frames_of(recording.metadata, spec.current_step).mean(axis=1)
        found["metadata"] = values[: len(found["current"])].astype(np.float32)
    return found


def _video(source: Source, recording: Recording, seconds: float, steps: int, number: int) -> Arrays:
    """Return features, labels and published part of one chunk of steps of the video."""
    features = source.video_features(chunk_of(recording.video, seconds, steps, number), seconds)
    label = frames_of(chunk_of(recording.label, seconds, steps, number), seconds)
    rows = slice(min(len(features), len(label)))
    found = {
        "video": _finite(features[rows], recording),
        "label": np.stack([label.mean(axis=1), label[:, -1]], axis=1)[rows].astype(np.float32),
    }
    if recording.part is not None:
        part = frames_of(chunk_of(recording.part, seconds, steps, number), seconds)[rows]
        whole = (part == part[:, :1]).all(axis=1)
        found["part"] = np.where(whole, part[:, 0], NEITHER).astype(np.int8)
    return found


def _finite(features: NDArray[Any], recording: Recording) -> NDArray[np.float32]:
    values = np.asarray(features, dtype=np.float32)
    if not np.isfinite(values).all():
        raise InvalidRequest(
            f"features must be finite, but recording {recording.name!r} has gaps or broken samples; "
            "repair or leave out the recording"
        )
    return values


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
    with _whole(target) as handle:
        for done, (recording, track) in enumerate(zip(source.recordings(), tracks, strict=True)):
            signal, left = getattr(recording, modality), getattr(track, f"{modality}_count")
            steps = steps_within(signal, seconds, CHUNK_BYTES)
            for number in range(count := chunk_count(signal, seconds, steps)):
                make = partial(_raw, signal, modality, seconds, steps, number)
                rows = workbench.kept(f"{done:05d}-{modality}_raw-{number:05d}", make)["raw"][:left]
                if not done and not number:
                    layout = {"descr": "<f4", "fortran_order": False, "shape": (total, *rows.shape[1:])}
                    np.lib.format.write_array_header_1_0(handle, layout)
                handle.write(rows.tobytes())
                left -= len(rows)
                progress(done + (number + 1) / count)


def _raw(signal: Signal, modality: str, seconds: float, steps: int, number: int) -> Arrays:
    frames = frames_of(chunk_of(signal, seconds, steps, number), seconds)
    return {"raw": (frames if modality == "current" else frames.mean(axis=1)).astype(np.float32)}
