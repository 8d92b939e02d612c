"""A production batch as it was recorded: each modality on its own clock."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from models.errors import InvalidRequest

Array = NDArray[Any]


class Lazy(Protocol):
    """Samples that are read when they are asked for; the first axis counts them.

    A pass over them asks for slices in order of time that overlap nowhere, each small enough for memory.
    """

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of all axes, samples first."""

    @property
    def dtype(self) -> DTypeLike:
        """Type of what a slice holds."""

    def __len__(self) -> int:
        """Return the number of samples."""

    def __getitem__(self, rows: slice, /) -> Array:
        """Return the samples of a slice, in memory."""


@dataclass(frozen=True)
class Signal:
    """Equally spaced samples on a clock of their own.

    Attributes:
        values: samples first, ``(samples, ...)``; in memory, or read when they are asked for.
        rate: samples per second, Hz.
        start: second at which the first sample begins, on the clock the modalities share.
            Sample ``i`` covers ``[start + i / rate, start + (i + 1) / rate)``.
    """

    values: Array | Lazy
    rate: float
    start: float = 0.0

    @property
    def end(self) -> float:
        """Second at which the last sample ends."""
        return self.start + len(self.values) / self.rate


@dataclass(frozen=True)
class Recording:
    """One recording: a weak early signal, a strong late one and the label of the strong one.

    Attributes:
        name: unique in its source.
        group: what a split must keep whole (production batch, tool, test-bench file).
        current: the weak signal, ``(samples, channels)`` float.
        video: the strong signal, ``(samples, ...)``.
        label: 0/1 on the clock of the strong signal, ``(samples,)``.
        fold: the fold that the source's published protocol puts this group in, or -1.
        clock: what a clock on the wall would read at second 0 of this recording. Never an input;
            the clock baseline uses it to show what a model that knows the time would score.
        scored_from: windows that end before this second serve for training only.
        metadata: process metadata such as a set-point, ``(samples, values)`` on the clock of the current.
        part: which part of the source's published split a sample of the video belongs to, ``(samples,)``
            int8 on the clock of the video: 0 = train, 1 = test, -1 = neither.
    """

    name: str
    group: str
    current: Signal
    video: Signal
    label: Signal
    fold: int = -1
    clock: float = 0.0
    scored_from: float = float("-inf")
    metadata: Signal | None = None
    part: Signal | None = None


def frames_of(signal: Signal, seconds: float) -> Array:
    """Cut a signal into frames: ``(frames, samples per frame, ...)``; a rest at the end is dropped.

    Raises:
        InvalidRequest: a frame does not hold a whole number of samples.
    """
    size, count = _samples(signal, seconds), step_count(signal, seconds)
    return np.asarray(signal.values[: count * size]).reshape(count, size, *signal.values.shape[1:])


def step_count(signal: Signal, seconds: float) -> int:
    """Return how many whole steps of ``seconds`` a signal holds."""
    return len(signal.values) // _samples(signal, seconds)


def chunks_of(signal: Signal, seconds: float, steps: int) -> Iterator[Signal]:
    """Yield a signal in memory, at most ``steps`` whole steps of ``seconds`` at a time; a rest is dropped.

    Each chunk begins at the second of its first sample. A signal without a whole step is one empty chunk.

    Raises:
        InvalidRequest: a step does not hold a whole number of samples.
    """
    for number in range(chunk_count(signal, seconds, steps)):
        yield chunk_of(signal, seconds, steps, number)


def chunk_of(signal: Signal, seconds: float, steps: int, number: int) -> Signal:
    """Return one of the chunks that :func:`chunks_of` yields; nothing else of the signal is read.

    Raises:
        InvalidRequest: a step does not hold a whole number of samples, or fewer come than were asked for.
    """
    size, count = _samples(signal, seconds), step_count(signal, seconds)
    first = min(number * steps, count)
    last = min(first + steps, count)
    values = np.asarray(signal.values[first * size : last * size])
    if len(values) != (last - first) * size:
        raise InvalidRequest(
            f"a slice of a signal must hold the samples asked for, got {len(values)} for {first * size} to "
            f"{last * size}; mend its slices or its length"
        )
    return Signal(values, signal.rate, signal.start + first * seconds)


def chunk_count(signal: Signal, seconds: float, steps: int) -> int:
    """Return how many chunks :func:`chunks_of` yields."""
    return max(-(-step_count(signal, seconds) // steps), 1)


def steps_within(signal: Signal, seconds: float, limit: int) -> int:
    """Return how many whole steps of a signal fit into ``limit`` bytes; at least one."""
    sample = np.dtype(signal.values.dtype).itemsize * math.prod(signal.values.shape[1:])
    return max(limit // (sample * _samples(signal, seconds)), 1)


def _samples(signal: Signal, seconds: float) -> int:
    samples = seconds * signal.rate
    size = round(samples)
    if size < 1 or abs(samples - size) > 1e-6:
        raise InvalidRequest(
            f"a step must hold a whole number of samples, got {seconds:g} s at {signal.rate:g} Hz; "
            "change the window length or its number of steps"
        )
    return size
