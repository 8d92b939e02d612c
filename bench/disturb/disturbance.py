"""What every disturbance is: a change of the samples of a recording, of graded strength."""

from __future__ import annotations

import zlib
from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.data.recording import Recording
from models.errors import InvalidRequest

Floats = NDArray[np.float64]
#: Names the random streams of disturbances.
TAG = 0x64737462


class Disturbance(ABC):
    """A way in which what is read in service differs from what was trained on.

    Built as ``Disturbance(parameters)``; every parameter class has ``strength`` from 0, nothing, to 1, the
    worst that the other parameters describe, and ``seed``. The same recording and seed draw the same course
    at every strength, so that more strength is more of the same.

    A disturbance changes samples and never clocks, lengths or labels: the windows stay those of the clean
    recording, and the difference of two scores is what the disturbance did.

    Attributes:
        acts_on: the modalities whose samples it changes.
        worst: what strength 1 is, in words with a unit.
    """

    acts_on: tuple[str, ...]
    worst: str

    @abstractmethod
    def apply(self, recording: Recording, generator: np.random.Generator) -> Recording:
        """Return the recording as it would have been recorded.

        Raises:
            InvalidRequest: its signals are not of the kind that can be disturbed so.
        """


def stream(recording: Recording, seed: int) -> np.random.Generator:
    """Return the random stream of a recording: independent of its place among others and of the strength."""
    return np.random.default_rng([TAG, seed, zlib.crc32(recording.name.encode())])


def phases(recording: Recording, what: str) -> Floats:
    """Return the current as ``(samples, channels)`` floats.

    Raises:
        InvalidRequest: it has another layout.
    """
    values = np.asarray(recording.current.values[:], dtype=np.float64)
    if values.ndim != 2:
        raise InvalidRequest(
            f"{what} acts on channels of the current, but that of {recording.name!r} has the shape "
            f"{values.shape}; leave the disturbance out"
        )
    return values


def as_recorded(values: Floats, like: Any) -> NDArray[Any]:
    """Return changed samples in the type they were recorded in."""
    dtype = np.dtype(like.dtype)
    if np.issubdtype(dtype, np.integer):
        limits = np.iinfo(dtype)
        values = np.rint(values).clip(limits.min, limits.max)
    return values.astype(dtype)
