"""Windows as index pairs: a current window and a video window, ``lead`` seconds apart."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.errors import InvalidRequest
from models.registry import param

Ints = NDArray[np.int64]
#: Published parts of frames and windows; the last two: in neither list, and reaching across a border.
TRAIN, TEST, NEITHER, ACROSS = 0, 1, -1, -2


@dataclass(frozen=True)
class WindowSpec:
    """How recordings are cut into samples. All lengths in seconds."""

    current_seconds: float = param(60.0, low=1e-3, help="length of the current window, s")
    current_steps: int = param(10, low=1, help="steps of the current window")
    video_seconds: float = param(60.0, low=1e-3, help="length of the video window, s")
    video_steps: int = param(10, low=1, help="steps of the video window")
    stride: float = param(30.0, low=1e-3, help="seconds between the ends of two windows")
    margin: float = param(
        600.0,
        low=0.0,
        help="history kept free before the first window, so that every lead up to it sees equal windows, s",
    )
    label: str = param(
        "majority", choices=("majority", "last"), help="which part of the video window names it"
    )

    @property
    def current_step(self) -> float:
        """Seconds of one current step."""
        return self.current_seconds / self.current_steps

    @property
    def video_step(self) -> float:
        """Seconds of one video step."""
        return self.video_seconds / self.video_steps


@dataclass(frozen=True)
class Track:
    """Where the frames of one recording lie in the arrays of a data set.

    ``*_first`` is the index of its first frame, ``*_count`` how many, ``*_start`` the second at
    which the first one begins.
    """

    name: str
    group: str
    fold: int
    clock: float
    scored_from: float
    current_first: int
    current_count: int
    current_start: float
    video_first: int
    video_count: int
    video_start: float


@dataclass(frozen=True)
class Windows:
    """All windows of a data set, one row each.

    Attributes:
        recording: index of the recording.
        current: index of the first current frame; ``current_steps`` frames follow.
        video: index of the first video frame; ``video_steps`` frames follow.
        begin: second at which the earlier of the two windows begins.
        end: second at which the later of the two windows ends.
        label: 0 or 1.
        scored: whether the window counts in a score.
        part: the published part that all video frames of the window belong to, 0 = train or 1 = test;
            -1 if there is none, -2 if anything the window sees lies in the other part. None without
            a published split.
    """

    recording: Ints
    current: Ints
    video: Ints
    begin: NDArray[np.float64]
    end: NDArray[np.float64]
    label: Ints
    scored: NDArray[np.bool_]
    part: NDArray[np.int8] | None = None

    def __len__(self) -> int:
        return len(self.label)


def cut(
    tracks: tuple[Track, ...],
    label: NDArray[Any],
    spec: WindowSpec,
    lead: float,
    part: NDArray[np.int8] | None = None,
) -> Windows:
    """Pair every video window with the current window that ends ``lead`` seconds before it.

    The current window ends at the last whole current step not later than ``lead`` seconds before
    the end of the video window: causal by construction. Windows that would need frames from
    outside the recording are dropped, never wrapped or filled.

    Args:
        tracks: where the frames of each recording lie.
        label: ``(video frames, 2)``: mean label of the frame, label of its last sample.
        spec: window lengths.
        lead: seconds by which the current precedes the video; positive = the current is earlier.
        part: ``(video frames,)`` published part of each frame, where the source has a published split.

    Raises:
        InvalidRequest: stride is no multiple of a video step, the lead is larger than the margin,
            or no window of any recording fits.
    """
    hop = spec.stride / spec.video_step
    if abs(hop - round(hop)) > 1e-6 or round(hop) < 1:
        raise InvalidRequest(
            f"windows.stride must be a multiple of the video step ({spec.video_step:g} s), got "
            f"{spec.stride:g}; change stride, video_seconds or video_steps"
        )
    longest = max(min(t.current_count * spec.current_step, t.video_count * spec.video_step) for t in tracks)
    if abs(lead) >= longest:
        raise InvalidRequest(
            f"lead must be shorter than a recording, got {lead:g} s with recordings of at most {longest:g} "
            "s; choose a smaller lead"
        )
    if lead > spec.margin:
        raise InvalidRequest(
            f"lead must not exceed windows.margin ({spec.margin:g} s), got {lead:g}; raise windows.margin"
        )
    pieces = [_track(i, track, label, spec, lead, round(hop)) for i, track in enumerate(tracks)]
    joined = Windows(*(np.concatenate(column) for column in zip(*pieces, strict=True)))
    if not len(joined):
        raise InvalidRequest(
            f"no window fits any recording: {spec.margin + spec.current_seconds:g} s of history and "
            f"{spec.video_seconds:g} s of video are needed but recordings last at most {longest:g} s; "
            "lower windows.margin, the lead or the window lengths"
        )
    return joined if part is None else replace(joined, part=_published(tracks, joined, part, spec))


def _published(
    tracks: tuple[Track, ...], windows: Windows, part: NDArray[np.int8], spec: WindowSpec
) -> NDArray[np.int8]:
    """Published part of each window; what it sees is compared with all frames of its group."""
    inside = part[windows.video[:, None] + np.arange(spec.video_steps)]
    found = np.where((inside == inside[:, :1]).all(axis=1), inside[:, 0], NEITHER).astype(np.int8)
    group = np.array([track.group for track in tracks])
    clock = np.array([track.clock for track in tracks])[windows.recording]
    for name in np.unique(group):
        own = np.flatnonzero(group[windows.recording] == name)
        for mine, other in ((TRAIN, TEST), (TEST, TRAIN)):
            begins = np.sort(
                np.concatenate([_begins(t, part, other, spec) for t in tracks if t.group == name])
            )
            # Frames of the other part that begin before the window ends and end after it begins.
            until = np.searchsorted(begins, (clock + windows.end)[own] - 1e-9)
            since = np.searchsorted(begins, (clock + windows.begin)[own] - spec.video_step + 1e-9, "right")
            found[own[(found[own] == mine) & (until > since)]] = ACROSS
    return found


def _begins(track: Track, part: NDArray[np.int8], which: int, spec: WindowSpec) -> NDArray[np.float64]:
    """Second at which each frame of one part begins, on the clock that its group shares."""
    frames = np.flatnonzero(part[track.video_first : track.video_first + track.video_count] == which)
    return np.asarray(track.clock + track.video_start + frames * spec.video_step)


def _track(
    index: int, track: Track, label: NDArray[Any], spec: WindowSpec, lead: float, hop: int
) -> tuple[NDArray[Any], ...]:
    """Columns of :class:`Windows` for one recording."""
    last = np.arange(spec.video_steps, track.video_count + 1, hop)
    end = track.video_start + last * spec.video_step
    stop = np.floor((end - lead - track.current_start) / spec.current_step + 1e-9).astype(np.int64)
    earliest = track.current_start + spec.margin + spec.current_seconds
    fits = (end >= earliest - 1e-9) & (stop >= spec.current_steps) & (stop <= track.current_count)
    last, end, stop = last[fits], end[fits], stop[fits]
    first = last - spec.video_steps
    inside = label[track.video_first + first[:, None] + np.arange(spec.video_steps)]
    positive = inside[:, :, 0].mean(axis=1) > 0.5 if spec.label == "majority" else inside[:, -1, 1] > 0.5
    current_begin = track.current_start + (stop - spec.current_steps) * spec.current_step
    return (
        np.full(len(last), index, dtype=np.int64),
        track.current_first + stop - spec.current_steps,
        track.video_first + first,
        np.minimum(current_begin, end - spec.video_seconds),
        np.maximum(current_begin + spec.current_seconds, end),
        positive.astype(np.int64),
        end >= track.scored_from,
    )
