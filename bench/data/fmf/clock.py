"""Rows stamped with whole seconds, laid on an even grid, and where two such grids overlap.

Camera and logger write the second, not its fraction. A second that holds one row more or fewer than it
should is stretched over its slots: each slot shows the row that was current when the slot began. A second
without rows, or with far too few or many, cannot be placed and breaks the recording.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

#: Largest share by which the rows of a second may miss the rate and still be stretched over it.
TOLERANCE = 0.2
#: Seconds that video is of use after the current has stopped: no lead is longer.
REACH = 1200


@dataclass(frozen=True)
class Stretch:
    """Whole seconds ``begin`` to ``end``, the latter outside."""

    begin: int
    end: int

    @property
    def seconds(self) -> int:
        """How long it is."""
        return self.end - self.begin


@dataclass(frozen=True)
class Clock:
    """Rows of one file on whole seconds.

    Attributes:
        rate: slots a second, Hz.
        first: second of the first row.
        counts: ``(seconds,)`` rows stamped with each second, from the first to the last.
        before: ``(seconds,)`` rows stamped with an earlier second.
    """

    rate: int
    first: int
    counts: Ints
    before: Ints

    @property
    def usable(self) -> NDArray[np.bool_]:
        """Which seconds can be laid on their slots."""
        miss = max(1.0, TOLERANCE * self.rate)
        return (self.counts > 0) & (np.abs(self.counts - self.rate) <= miss)

    @property
    def stretches(self) -> list[Stretch]:
        """Runs of usable seconds, as long as they go."""
        edges = np.flatnonzero(np.diff(self.usable.astype(np.int8), prepend=0, append=0)) + self.first
        return [Stretch(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]

    def rows(self, stretch: Stretch) -> Ints:
        """Return the row that each slot of a stretch shows: ``(seconds * rate,)``, never decreasing.

        >>> clock = lay(np.array([7, 7, 8, 9, 9, 9]), 2)
        >>> clock.rows(Stretch(7, 10)).tolist()
        [0, 1, 2, 2, 3, 4]
        """
        own = slice(stretch.begin - self.first, stretch.end - self.first)
        into = np.arange(self.rate) * self.counts[own, None] // self.rate
        return np.asarray(self.before[own, None] + into).ravel()


def lay(seconds: Ints, rate: int | None = None) -> Clock:
    """Return the clock of rows that are stamped with these seconds, which never decrease.

    Args:
        seconds: ``(rows,)`` at least one.
        rate: rows a second; by default what most seconds hold.
    """
    first = int(seconds[0])
    counts = np.bincount(seconds - first)
    if rate is None:
        rate = int(np.bincount(counts[counts > 0]).argmax())
    return Clock(rate, first, counts, np.cumsum(counts) - counts)


def pieces(video: Clock, current: Clock) -> list[tuple[Stretch, Stretch]]:
    """Return stretches of video, each with the stretch of current that it is to be read with.

    A stretch of current serves the video from its beginning to the beginning of the next one: where the
    current stops, the video goes on for as long as a lead may reach.
    """
    runs = current.stretches
    ends = [min(run.end + REACH, after.begin) for run, after in pairwise(runs)]
    ends += [run.end + REACH for run in runs[-1:]]
    cuts = [
        (Stretch(max(seen.begin, run.begin), min(seen.end, end)), run)
        for seen in video.stretches
        for run, end in zip(runs, ends, strict=True)
    ]
    return [(seen, run) for seen, run in cuts if seen.seconds > 0]
