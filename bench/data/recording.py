"""A production batch as it was recorded: each modality on its own clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from models.errors import InvalidRequest

Array = NDArray[Any]


@dataclass(frozen=True)
class Signal:
    """Equally spaced samples on a clock of their own.

    Attributes:
        values: samples first, ``(samples, ...)``.
        rate: samples per second, Hz.
        start: second at which the first sample begins, on the clock the modalities share.
            Sample ``i`` covers ``[start + i / rate, start + (i + 1) / rate)``.
    """

    values: Array
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


def frames_of(signal: Signal, seconds: float) -> Array:
    """Cut a signal into frames: ``(frames, samples per frame, ...)``; a rest at the end is dropped.

    Raises:
        InvalidRequest: a frame does not hold a whole number of samples.
    """
    samples = seconds * signal.rate
    size = round(samples)
    if size < 1 or abs(samples - size) > 1e-6:
        raise InvalidRequest(
            f"a step must hold a whole number of samples, got {seconds:g} s at {signal.rate:g} Hz; "
            "change the window length or its number of steps"
        )
    count = len(signal.values) // size
    return signal.values[: count * size].reshape(count, size, *signal.values.shape[1:])
