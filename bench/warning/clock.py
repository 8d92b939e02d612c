"""When a score is known: at the end of the window it was read from, on the clock of the wall."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.data.windows import Track, Windows, WindowSpec

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
#: Windows further apart than so many strides leave a hole, and an alarm is not carried over it.
HOLE = 1.5


@dataclass(frozen=True, eq=False)
class Layout:
    """Windows as stretches of one recording without a hole, one row each, in time order.

    Attributes:
        place: ``(stretches, steps)`` which of the windows stands there; -1 after the end of a stretch.
        recording: ``(stretches,)`` index of the recording.
        current: ``(stretches, steps)`` second at which the score of the current window is known: when its
            last sample is in. About ``lead`` seconds before that of the paired video window. ``inf`` where
            ``place`` is -1.
        video: the same of the video window.
        stride: seconds between two windows.
    """

    place: Ints
    recording: Ints
    current: Floats
    video: Floats
    stride: float

    def lay(self, values: NDArray[Any]) -> Floats:
        """Return one value a window as ``(stretches, steps)``, NaN after the end of a stretch."""
        if not self.place.size:
            return np.full(self.place.shape, np.nan)
        return np.where(self.place < 0, np.nan, np.asarray(values, dtype=np.float64)[self.place])

    def latest_current(self, values: Floats) -> Floats:
        """Return the newest value of the current when each video window ends; NaN where none is fresh.

        Args:
            values: ``(stretches, steps)`` of the current.
        """
        found = np.full(values.shape, np.nan)
        for own, known, asked, value in zip(found, self.current, self.video, values, strict=True):
            latest = np.searchsorted(known, asked + 1e-6, side="right") - 1
            age = asked - known[latest.clip(0)]
            fresh = (latest >= 0) & np.isfinite(asked) & (age < HOLE * self.stride)
            own[fresh] = value[latest[fresh]]
        return found


def lay_out(rows: Ints, windows: Windows, tracks: tuple[Track, ...], spec: WindowSpec) -> Layout:
    """Order windows in time and say when each one's scores are known.

    Computing takes no time here: a window of one minute is scored the moment the minute is over.

    Args:
        rows: which of the windows.
        windows: of the data set.
        tracks: its recordings.
        spec: how they were cut.
    """
    recording = windows.recording[rows]
    current = _ends(
        windows.current[rows], recording, tracks, "current", spec.current_steps, spec.current_step
    )
    video = _ends(windows.video[rows], recording, tracks, "video", spec.video_steps, spec.video_step)
    order = np.lexsort((video, recording))
    recording, current, video = recording[order], current[order], video[order]
    apart = (np.diff(recording) != 0) | (np.diff(video) > HOLE * spec.stride)
    first = np.flatnonzero(np.concatenate([[len(rows) > 0], apart])[: len(rows)])
    length = np.diff(np.append(first, len(rows)))
    stretch = np.repeat(np.arange(len(first)), length)
    step = np.arange(len(rows)) - np.repeat(first, length)
    shape = (len(first), int(length.max(initial=0)))
    place, known, shown = np.full(shape, -1, dtype=np.int64), np.full(shape, np.inf), np.full(shape, np.inf)
    place[stretch, step], known[stretch, step], shown[stretch, step] = order, current, video
    return Layout(place, recording[first], known, shown, spec.stride)


def known(rows: Ints, windows: Windows, tracks: tuple[Track, ...], spec: WindowSpec) -> tuple[Floats, Floats]:
    """Return the seconds at which the scores of windows are known: of the current, and of the video."""
    recording = windows.recording[rows]
    current = _ends(
        windows.current[rows], recording, tracks, "current", spec.current_steps, spec.current_step
    )
    video = _ends(windows.video[rows], recording, tracks, "video", spec.video_steps, spec.video_step)
    return current, video


def _ends(
    first: Ints, recording: Ints, tracks: tuple[Track, ...], modality: str, steps: int, seconds: float
) -> Floats:
    """Return the second at which the last frame of each window ends."""
    begin = np.array([getattr(track, f"{modality}_first") for track in tracks], dtype=np.int64)
    start = np.array([getattr(track, f"{modality}_start") for track in tracks], dtype=np.float64)
    ends: Floats = start[recording] + (first - begin[recording] + steps) * seconds
    return ends
