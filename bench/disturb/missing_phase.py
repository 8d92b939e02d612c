"""A phase of the current that is not there for a while."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from bench.data.recording import Recording
from bench.disturb.disturbance import Disturbance, as_recorded, phases
from bench.disturb.pictures import at, course
from models.registry import component, param

SECONDS = 60.0


@dataclass(frozen=True)
class MissingPhaseParameters:
    """How long."""

    strength: float = param(0.5, low=0.0, high=1.0, help="share of the longest absence")
    share: float = param(1.0, low=0.0, high=1.0, help="share of the time it is missing at strength 1")
    reads: str = param(
        "zero", choices=("zero", "held"), help="what is recorded meanwhile: 0, or the last value"
    )
    seed: int = param(0, low=0, help="of which phase, and when")


@component("disturbance", "missing_phase", parameters=MissingPhaseParameters, origin="lost transducer")
class MissingPhase(Disturbance):
    """One phase of each recording drops out for stretches of about a minute.

    It is missing where a path of correlation time 60 s is below its own quantile ``strength * share``: the
    share of time is met exactly, and what is missing at one strength is missing at every larger one.
    """

    acts_on = ("current",)

    def __init__(self, parameters: MissingPhaseParameters) -> None:
        self.parameters = parameters
        self.worst = f"{parameters.share:.0%} of the time"

    def apply(self, recording: Recording, generator: np.random.Generator) -> Recording:
        """Return the recording with the dropouts of one phase."""
        current = recording.current
        values = phases(recording, "missing_phase")
        phase = int(generator.integers(values.shape[1]))
        path = course(generator, len(values) / current.rate, SECONDS, 1)
        order = np.argsort(np.argsort(at(path, np.arange(len(values)) / current.rate)[:, 0]))
        gone = order < self.parameters.strength * self.parameters.share * len(values)
        if self.parameters.reads == "zero":
            values[gone, phase] = 0.0
        else:
            latest = np.maximum.accumulate(np.where(gone, -1, np.arange(len(values))))
            held = values[latest.clip(0), phase]
            values[:, phase] = np.where(latest < 0, 0.0, held)
        return replace(recording, current=replace(current, values=as_recorded(values, current.values)))
