"""A current whose clock is wrong."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from bench.data.recording import Recording
from bench.disturb.disturbance import Disturbance
from models.registry import component, param


@dataclass(frozen=True)
class ClockOffsetParameters:
    """By how much."""

    strength: float = param(0.5, low=0.0, high=1.0, help="share of the largest offset")
    seconds: float = param(120.0, low=0.0, high=3600.0, help="offset at strength 1, s")
    seed: int = param(0, low=0, help="of which recordings run ahead")


@component("disturbance", "clock_offset", parameters=ClockOffsetParameters, origin="unsynchronised loggers")
class ClockOffset(Disturbance):
    """The current's clock is ahead of the video's in some recordings and behind it in others.

    Windows then pair a video with a current that is ``strength * seconds`` too early or too late (a whole
    number of samples). What lies beyond the ends of the recording is the first or the last sample; windows
    keep ``windows.margin`` of history free, so that no window sees it unless the offset exceeds what is left
    of it before the lead.
    """

    acts_on = ("current",)

    def __init__(self, parameters: ClockOffsetParameters) -> None:
        self.parameters = parameters
        self.worst = f"{parameters.seconds:g} s"

    def apply(self, recording: Recording, generator: np.random.Generator) -> Recording:
        """Return the recording with its current moved against its video."""
        current = recording.current
        sign = 1 if generator.random() < 0.5 else -1
        samples = sign * round(self.parameters.strength * self.parameters.seconds * current.rate)
        values = np.asarray(current.values[:])
        seen = np.clip(np.arange(len(values)) + samples, 0, len(values) - 1)
        return replace(recording, current=replace(current, values=values[seen]))
