"""Video as a lazy array: pictures are decoded when a slice asks for them, and only those."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Box = tuple[int, ...]

#: Suffixes of the films that FFmpeg is asked to read.
FILMS = (".mp4", ".avi", ".mkv", ".mov", ".mjpeg", ".mjpg", ".m4v", ".mpg", ".ts")


class Reader(Protocol):
    """Pictures of one file or folder, by number.

    Attributes:
        shape: height, width and channels (1 or 3) of every picture.
        count: number of pictures.
        times: ``(count,)`` seconds since the first picture; None where the file does not tell.
    """

    shape: tuple[int, int, int]
    count: int
    times: NDArray[np.float64] | None

    def pictures(self, wanted: Iterable[int]) -> Iterator[Bytes]:
        """Yield ``(height, width, channels)`` of each number wanted; going forward is fast."""


class Pictures:
    """A lazy array ``(ticks, height, width, channels)`` of uint8: the picture that each tick shows.

    Only whole slices of the first axis can be read; one picture at a time is in memory beside what
    is returned.
    """

    dtype = np.dtype(np.uint8)

    def __init__(self, reader: Reader, index: NDArray[np.int64], crop: Box, side: int, grey: bool) -> None:
        """Show ``reader``'s picture ``index[i]`` at tick ``i``, cropped, then averaged down to ``side``."""
        self._reader, self._index, self._crop, self._grey = reader, index, crop, grey
        height, width = (crop[3], crop[2]) if crop else reader.shape[:2]
        self.block = -(-max(height, width) // side)
        channels = 1 if grey else reader.shape[2]
        self.shape = (len(index), height // self.block, width // self.block, channels)

    def __len__(self) -> int:
        return len(self._index)

    def __getitem__(self, ticks: slice) -> Bytes:
        index = self._index[ticks]
        shown = np.empty((len(index), *self.shape[1:]), dtype=np.uint8)
        # A picture that several ticks show is decoded once.
        changes = np.flatnonzero(np.diff(index, prepend=-1) != 0)
        until = np.append(changes, len(index))[1:]
        found = self._reader.pictures(int(each) for each in index[changes])
        for first, stop, picture in zip(changes, until, found, strict=True):
            shown[first:stop] = self._reduced(picture)
        return shown

    def _reduced(self, picture: Bytes) -> Bytes:
        if self._crop:
            left, top, width, height = self._crop
            picture = picture[top : top + height, left : left + width]
        if self._grey and picture.shape[2] > 1:
            picture = _grey(picture)
        return picture if self.block == 1 else _shrunk(picture, self.block)


def _grey(picture: Bytes) -> Bytes:
    """Return the luminance of ITU-R BT.601, ``(height, width, 1)``."""
    weights = np.array([0.299, 0.587, 0.114], dtype=np.float32)
    return np.asarray(np.rint(picture @ weights)[..., None], dtype=np.uint8)


def _shrunk(picture: Bytes, block: int) -> Bytes:
    """Average whole blocks of pixels; a rest at the right and at the bottom is dropped."""
    height, width = (size // block for size in picture.shape[:2])
    whole = picture[: height * block, : width * block].reshape(height, block, -1)
    # Whole rows first: an addition along memory is seven times as fast.
    rows = whole.sum(axis=1, dtype=np.uint32).reshape(height, width, block, -1)
    total = rows.sum(axis=2)
    return np.asarray((total + block * block // 2) // (block * block), dtype=np.uint8)
