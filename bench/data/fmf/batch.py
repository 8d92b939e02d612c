"""One production batch: video, masks and current, joined by the wall clock."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.data.fmf.clock import Clock, Stretch, lay, pieces
from bench.data.fmf.frames import Labels, Pictures
from bench.data.fmf.layout import Layout
from bench.data.fmf.lists import Parts
from bench.data.fmf.mat import Mat
from bench.data.fmf.table import LARGEST, Table, read_currents, read_stamps, require_amperes
from bench.data.recording import Recording, Signal
from bench.data.windows import NEITHER, TEST, TRAIN
from models.errors import InvalidRequest

#: Rows of current a second in release 2; release 1 was made from as many.
CURRENT_RATE = 2
AMPERE = 1000.0  # in a kA
#: Arrays that release 1 has beside the video and the masks.
FIRST_RELEASE = ("current", "train_test_index")
#: What the latter marks frames with that are in neither part.
OUTSIDE = 2


@dataclass(frozen=True)
class View:
    """What of the batches is looked at.

    Attributes:
        side: pixels of a side of a picture.
        pictures: pictures a second; 0 = all.
        by_second: whether a frame is abnormal when any frame of its second is.
    """

    side: int
    pictures: float
    by_second: bool


@dataclass(frozen=True)
class Batch:
    """One production batch.

    Attributes:
        stem: its name.
        mat: video and masks.
        video: clock of the frames.
        current: clock of the rows of current.
        amperes: ``(rows, 3)`` currents, A.
        parts: ``(frames,)`` published part of each frame; None without lists.
    """

    stem: str
    mat: Mat
    video: Clock
    current: Clock
    amperes: NDArray[np.float64]
    parts: Parts | None

    @property
    def origin(self) -> int:
        """Second that is called 0: the first of any signal."""
        return min(self.video.first, self.current.first)

    @property
    def pieces(self) -> list[tuple[Stretch, Stretch]]:
        """Stretches of video and of current that go together."""
        return pieces(self.video, self.current)

    def recordings(self, view: View) -> Iterator[Recording]:
        """Yield an unbroken recording for each piece, all of them one group."""
        found = self.pieces
        for number, (seen, run) in enumerate(found, start=1):
            every, rate = self._every(view.pictures)
            slots = self.video.rows(seen)
            slots = slots[: len(slots) // every * every : every]
            start = float(seen.begin - self.origin)
            kiloamperes = (self.amperes[self.current.rows(run)] / AMPERE).astype(np.float32)
            yield Recording(
                name=self.stem if len(found) == 1 else f"{self.stem}.{number}",
                group=self.stem,
                current=Signal(kiloamperes, self.current.rate, float(run.begin - self.origin)),
                video=Signal(Pictures(self.mat, slots, view.side), rate, start),
                label=Signal(self._labels(slots, view), rate, start),
                part=None if self.parts is None else Signal(self.parts[slots], rate, start),
            )

    def _every(self, pictures: float) -> tuple[int, float]:
        """Every how many-th slot is looked at, and how many a second that are."""
        every = self.video.rate / pictures if pictures else 1.0
        if every < 1 or abs(every - round(every)) > 1e-6:
            raise InvalidRequest(
                f"dataset.fmf.pictures must divide the {self.video.rate} frames a second of {self.stem}, got "
                f"{pictures:g}; choose {self.video.rate}, {self.video.rate / 2:g} or {self.video.rate / 5:g}"
            )
        return round(every), self.video.rate / round(every)

    def _labels(self, slots: NDArray[np.int64], view: View) -> Labels:
        if not view.by_second:
            return Labels(self.mat, slots, slots + 1)
        second = np.searchsorted(self.video.before, slots, side="right") - 1
        first = self.video.before[second]
        return Labels(self.mat, first, first + self.video.counts[second])


def join(stem: str, mat: Mat, currents: Table, stamps: Table, parts: Parts | None) -> Batch:
    """Join the files of a batch of release 2.

    Raises:
        InvalidRequest: frames and stamps that are not as many, or no second in which both signals are there.
    """
    if len(stamps.seconds) != mat.frames:
        raise InvalidRequest(
            f"{mat.path} must have as many frames as timestamps/{stem}.csv has rows, but has {mat.frames:,} "
            f"against {len(stamps.seconds):,}; copy both from the same release"
        )
    batch = Batch(stem, mat, lay(stamps.seconds), lay(currents.seconds), currents.values, parts)
    if not any(seen.begin < run.end for seen, run in batch.pieces):
        raise InvalidRequest(
            f"{mat.path} must overlap in time with currents/{stem}.csv, but no second has both frames and "
            "current; check that the tables belong to this video"
        )
    return batch


def read_second(layout: Layout, stem: str, mat: Mat, parts: Parts | None) -> Batch:
    """Read the tables of a batch of release 2, and join them."""
    return join(stem, mat, read_currents(layout.currents(stem)), read_stamps(layout.stamps(stem)), parts)


def read_first(stem: str, mat: Mat, rate: int) -> Batch:
    """Read a batch of release 1, which has one value of each phase a frame, and no clock.

    A row of current every half second is the value of the first frame that begins with it or later.

    Args:
        stem: its name.
        mat: its file.
        rate: frames a second.

    Raises:
        InvalidRequest: currents that are not finite, marks of no part, or less than a second.
    """
    columns = mat.column("current")
    bad = np.argwhere(~(np.abs(columns) <= LARGEST))
    if len(bad):
        frame, phase = bad[0]
        raise InvalidRequest(
            f"{mat.path} must hold finite currents of at most {LARGEST:g} A, but phase {'ABC'[phase]} at "
            f"frame {frame} is {columns[frame, phase]:g}; repair the value or cut the batch there"
        )
    require_amperes(mat.path, columns)
    begins = np.arange(len(columns)) // rate
    first = np.arange(0, len(columns), rate)
    rows = (first[:, None] + -(-np.arange(CURRENT_RATE) * rate // CURRENT_RATE)).ravel()
    rows = rows[: np.searchsorted(rows, len(columns))]
    batch = Batch(stem, mat, lay(begins, rate), lay(begins[rows], CURRENT_RATE), columns[rows], _marked(mat))
    if not batch.pieces:
        raise InvalidRequest(
            f"{mat.path} must hold a second of video or more, but has {mat.frames} frames at {rate} a "
            "second; leave out the file"
        )
    return batch


def _marked(mat: Mat) -> Parts:
    """Return the published part of each frame, which release 1 keeps beside it."""
    index = mat.column("train_test_index")[:, 0]
    strange = index[~np.isin(index, (TRAIN, TEST, OUTSIDE))]
    if len(strange):
        raise InvalidRequest(
            f"{mat.path} must mark each frame in 'train_test_index' with {TRAIN} (train), {TEST} (test) or "
            f"{OUTSIDE} (neither), but has {strange[0]:g}; repair the marks"
        )
    return np.where(index == OUTSIDE, NEITHER, index).astype(np.int8)
