"""Episodes of the label, and the time during which alarms are judged against them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.data.windows import Track
from bench.warning.clock import Floats, Ints, Layout
from bench.warning.spec import WarningSpec


@dataclass(frozen=True, eq=False)
class Watch:
    """Time that is watched, stretch by stretch, and the episodes in it; seconds on the clock of the wall.

    Alarms count from ``first``, when both modalities have a score, to ``last``, the last moment for which
    both have one and the label is known for a whole horizon to come: an alarm after it might be right or
    wrong. Both modalities are so judged over the same time.

    An episode is *counted* if it begins at least a horizon after ``first`` and not after ``last``: everything
    that could have warned of it was there. Others are not held against anybody, and an alarm that meets one
    is not false.

    Attributes:
        first: ``(stretches,)``.
        last: ``(stretches,)``.
        stretch: ``(episodes,)`` where each episode is.
        onset: ``(episodes,)`` when the video begins to show it.
        end: ``(episodes,)`` when it no longer does, or the stretch ends.
        counted: ``(episodes,)`` whether it enters a share.
        horizon: an alarm from ``onset - horizon`` on belongs to the episode.
    """

    first: Floats
    last: Floats
    stretch: Ints
    onset: Floats
    end: Floats
    counted: NDArray[np.bool_]
    horizon: float

    @property
    def hours(self) -> Floats:
        """Hours watched, ``(stretches,)``."""
        return np.maximum(self.last - self.first, 0.0) / 3600


def stretches(on: NDArray[np.bool_], start: float, step: float, merge: float) -> Floats:
    """Return begin and end of every run of ``True``, ``(runs, 2)``; runs closer than ``merge`` are one.

    >>> stretches(np.array([0, 1, 1, 0, 1, 0, 0, 0, 1], dtype=bool), 100.0, 10.0, 20.0).tolist()
    [[110.0, 150.0], [180.0, 190.0]]
    """
    edge = np.diff(np.concatenate([[False], on, [False]]).astype(np.int8))
    begin, end = start + np.flatnonzero(edge == 1) * step, start + np.flatnonzero(edge == -1) * step
    kept = begin[1:] - end[:-1] >= merge
    return np.stack([begin[np.append(True, kept)[: len(begin)]], end[np.append(kept, True)[: len(end)]]], 1)


def keep_watch(
    layout: Layout, label: NDArray[Any], tracks: tuple[Track, ...], step: float, spec: WarningSpec
) -> Watch:
    """Return what is watched of a part of the data; only labels within its own stretches are looked at.

    An episode is a run of frames whose label is mostly abnormal, so its onset is exact to half a frame.

    Args:
        layout: the windows of the part.
        label: ``(video frames,)`` mean label of each frame of the data set.
        tracks: its recordings.
        step: seconds of a video frame.
        spec: what an episode and a warning are.
    """
    count = (layout.place >= 0).sum(axis=1)
    every = np.arange(len(count))
    seen = layout.video[every, count - 1]
    first = np.maximum(layout.current[:, :1], layout.video[:, :1]).ravel()
    last = np.minimum(layout.current[every, count - 1], seen - spec.horizon)
    found = [np.empty((0, 2))]
    for row, recording in enumerate(layout.recording):
        track = tracks[recording]
        low = max(int(np.ceil((first[row] - track.video_start) / step - 1e-9)), 0)
        high = min(int(np.floor((seen[row] - track.video_start) / step + 1e-9)), track.video_count)
        frames = np.asarray(label[track.video_first + low : track.video_first + high]) > 0.5
        found.append(stretches(frames, track.video_start + low * step, step, spec.merge))
    stretch = np.repeat(every, np.array([len(each) for each in found[1:]], dtype=np.int64))
    onset, end = np.concatenate(found).T
    counted = (onset >= first[stretch] + spec.horizon) & (onset <= last[stretch])
    return Watch(first, last, stretch, onset, end, counted, spec.horizon)
