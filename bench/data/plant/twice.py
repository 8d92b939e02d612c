"""One recording under two names: what is learnt from as one would be tested on as the other."""

from __future__ import annotations

import filecmp
import hashlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bench.data.plant.batch import Batch
from bench.data.plant.layout import Place
from models.errors import InvalidRequest

Span = tuple[float, float]


@dataclass(frozen=True)
class Trace:
    """By what a recording is known again.

    Attributes:
        place: its files.
        current: hash of its samples; empty where they never change, which tells no two apart.
        pictures: files of its video, and the bytes of all of them.
        both: when there is current and video, s since the first sample.
        shown: the same, s since the first picture.
    """

    place: Place
    current: str
    pictures: tuple[int, int]
    both: Span
    shown: Span


@dataclass
class Known:
    """The recordings that have been read so far."""

    traces: list[Trace] = field(default_factory=list)

    def require_new(self, batch: Batch) -> None:
        """Refuse a recording that shows what an earlier one shows, unless no split divides the two.

        Two recordings may share a long film or a long current, each with its own part of it: the same
        signal counts only where both of them use it.

        Raises:
            InvalidRequest: with the file and the one that it repeats.
        """
        one = _trace(batch)
        others = [other for other in self.traces if other.place.group != one.place.group]
        self.traces.append(one)
        for other in others:
            # Signals first: comparing films reads them.
            if one.current and one.current == other.current and _overlap(one.both, other.both):
                raise _repeated(one.place.current, "samples", other.place.current)
            if _overlap(one.shown, other.shown) and _same_pictures(one, other):
                raise _repeated(one.place.video, "pictures", other.place.video)


def _trace(batch: Batch) -> Trace:
    current, video, place = batch.current, batch.video, batch.place
    changes = bool(np.ptp(current.values, axis=0).any())
    begin = max(current.stretches[0].start, video.stretches[0].start)
    end = min(current.stretches[-1].end, video.stretches[-1].end)
    sizes = [path.stat().st_size for path in place.pictures()]
    return Trace(
        place,
        hashlib.sha256(current.values.tobytes()).hexdigest() if changes else "",
        (len(sizes), sum(sizes)),
        (begin, end),
        (begin - video.start, end - video.start),
    )


def _same_pictures(one: Trace, other: Trace) -> bool:
    """Whether two recordings look at the same part of the same pictures; films are read if equally long."""
    crops = [each.place.settings.video.crop for each in (one, other)]
    if one.pictures != other.pictures or crops[0] != crops[1]:
        return False
    pairs = zip(one.place.pictures(), other.place.pictures(), strict=True)
    return all(a.samefile(b) or filecmp.cmp(a, b, shallow=False) for a, b in pairs)


def _overlap(one: Span, other: Span) -> bool:
    return min(one[1], other[1]) > max(one[0], other[0])


def _repeated(path: Path, what: str, other: Path) -> InvalidRequest:
    return InvalidRequest(
        f"{path} holds the very {what} of {other}, so that the same seconds could be learnt from and tested "
        "on; remove one of the two recordings, or name one group: in the recording.yaml of both"
    )
