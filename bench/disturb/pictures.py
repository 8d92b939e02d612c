"""Changing pictures of a video block by block, so that a long one is never in memory at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.data.recording import Recording, Signal
from models.errors import InvalidRequest

Pixels = NDArray[np.float32]
#: Given pictures ``(n, height, width, channels)`` in shares of full scale and the indices of their samples.
Change = Callable[[Pixels, NDArray[np.int64]], Pixels]
DIMENSIONS = 4


@dataclass(frozen=True)
class ChangedPictures:
    """Pictures that are changed as they are read: an array to whoever slices it.

    Attributes:
        values: the pictures as recorded.
        change: what becomes of them.
        scale: full scale.
    """

    values: Any
    change: Change
    scale: float

    @property
    def shape(self) -> tuple[int, ...]:
        """Layout of all pictures."""
        return tuple(self.values.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of a sample, as recorded."""
        recorded: np.dtype[Any] = np.dtype(self.values.dtype)
        return recorded

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, part: slice) -> NDArray[Any]:
        first, last, step = part.indices(len(self))
        block = np.asarray(self.values[part], dtype=np.float32) / np.float32(self.scale)
        seen = self.change(block, np.arange(first, last, step)).clip(0, 1) * np.float32(self.scale)
        whole = np.issubdtype(self.dtype, np.integer)
        return (np.rint(seen) if whole else seen).astype(self.dtype)


def changed(recording: Recording, change: Change, what: str) -> Recording:
    """Return a recording whose pictures are changed; one that lies in memory is changed at once.

    Raises:
        InvalidRequest: its video is not made of pictures.
    """
    signal: Signal = recording.video
    values = signal.values
    if len(values.shape) != DIMENSIONS:
        raise InvalidRequest(
            f"{what} acts on pictures, but the video of {recording.name!r} has samples of shape "
            f"{tuple(values.shape[1:])}; leave the disturbance out"
        )
    dtype = np.dtype(values.dtype)
    scale = float(np.iinfo(dtype).max) if np.issubdtype(dtype, np.integer) else 1.0
    pictures: Any = ChangedPictures(values, change, scale)
    if isinstance(values, np.ndarray):
        pictures = pictures[:]
    return replace(recording, video=replace(signal, values=pictures))


def bells(centre: NDArray[Any], radius: float, height: int, width: int) -> Pixels:
    """Return Gaussian spots ``(n, height, width)`` at centres ``(n, 2)``, both from 0 to 1, largest 1."""
    down, across = ((np.arange(side) + 0.5) / side for side in (height, width))
    rows = np.exp(-((down - centre[:, :1]) ** 2) / (2 * radius**2))
    columns = np.exp(-((across - centre[:, 1:]) ** 2) / (2 * radius**2))
    spots: Pixels = (rows[:, :, None] * columns[:, None, :]).astype(np.float32)
    return spots


def course(generator: np.random.Generator, seconds: float, time: float, kinds: int) -> NDArray[np.float64]:
    """Return ``(ceil(seconds) + 1, kinds)``: stationary paths of unit variance, one value a second.

    Ornstein-Uhlenbeck with correlation time ``time``; a video of any rate reads them between the seconds.
    """
    steps = int(np.ceil(seconds)) + 1
    decay = float(np.exp(-1.0 / time))
    drive = generator.standard_normal((steps, kinds))
    drive[1:] *= np.sqrt(1 - decay**2)
    from scipy.signal import lfilter  # slow to import

    path: NDArray[np.float64] = lfilter([1.0], [1.0, -decay], drive, axis=0)
    return path


def at(path: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the rows of a course at times, read between whole seconds."""
    low = np.floor(second).astype(np.int64).clip(0, len(path) - 2)
    share = (second - low)[:, None]
    between: NDArray[np.float64] = path[low] * (1 - share) + path[low + 1] * share
    return between
