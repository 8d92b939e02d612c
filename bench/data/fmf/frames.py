"""Pictures and labels of a batch on an even grid of time, read when they are asked for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike, NDArray

from bench.data.fmf.mat import BLOCK, Mat

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Pictures:
    """Pictures ``(slots, side, side, 3)`` float32 in levels from 0 to 255; see :class:`recording.Lazy`.

    Attributes:
        mat: the file.
        rows: ``(slots,)`` frame that each slot shows, never decreasing.
        side: pixels of a side after averaging square patches.
    """

    mat: Mat
    rows: Ints
    side: int

    @property
    def shape(self) -> tuple[int, ...]:
        """Slots, height, width and colours."""
        return (len(self.rows), self.side, self.side, 3)

    @property
    def dtype(self) -> DTypeLike:
        """Averages are no whole levels."""
        return np.float32

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, rows: slice, /) -> NDArray[np.float32]:
        wanted = self.rows[rows]
        found = np.empty((len(wanted), *self.shape[1:]), dtype=np.float32)
        for first in range(0, len(wanted), BLOCK):
            block = slice(first, first + BLOCK)
            found[block] = averaged(self.mat.chosen(wanted[block]), self.side)
        return found


def averaged(pictures: NDArray[np.uint8], side: int) -> NDArray[np.float32]:
    """Average square patches: ``(n, height, width, 3)`` to ``(n, side, side, 3)``, exact up to float32.

    Whole levels are added as integers, so that a picture made larger by repeating its pixels comes back
    bit by bit.
    """
    count, height, width, colours = pictures.shape
    tall, wide = height // side, width // side
    patches = pictures.reshape(count, side, tall, side, wide, colours)
    total = patches.sum(axis=2, dtype=np.uint32).sum(axis=3, dtype=np.uint32)
    return np.asarray(total / np.float32(tall * wide), dtype=np.float32)


@dataclass(frozen=True)
class Labels:
    """Whether a frame is abnormal, ``(slots,)`` uint8: any marked pixel of it, or of any frame of its second.

    Attributes:
        mat: the file.
        first, last: ``(slots,)`` the frames, the latter outside, that give a slot its label.
    """

    mat: Mat
    first: Ints
    last: Ints

    @property
    def shape(self) -> tuple[int, ...]:
        """Slots."""
        return (len(self.first),)

    @property
    def dtype(self) -> DTypeLike:
        """Zero or one."""
        return np.uint8

    def __len__(self) -> int:
        return len(self.first)

    def __getitem__(self, rows: slice, /) -> NDArray[np.uint8]:
        first, last = self.first[rows], self.last[rows]
        if not len(first):
            return np.empty(0, dtype=np.uint8)
        low, high = int(first[0]), int(last[-1])
        blocks = [self.mat.abnormal(slice(at, min(at + BLOCK, high))) for at in range(low, high, BLOCK)]
        before = np.concatenate([[0], np.cumsum(np.concatenate(blocks), dtype=np.int64)])
        return (before[last - low] > before[first - low]).astype(np.uint8)
