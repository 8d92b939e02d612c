"""A current sensor whose range is too small."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from bench.data.recording import Recording
from bench.disturb.disturbance import Disturbance, as_recorded, phases
from models.registry import component, param


@dataclass(frozen=True)
class ClippedPhaseParameters:
    """How much is cut off."""

    strength: float = param(0.5, low=0.0, high=1.0, help="share of the worst clipping")
    share: float = param(0.5, low=0.0, high=1.0, help="share of the samples that are clipped at strength 1")
    seed: int = param(0, low=0, help="of which phase it is")


@component("disturbance", "clipped_phase", parameters=ClippedPhaseParameters, origin="saturated transducer")
class ClippedPhase(Disturbance):
    """One phase of each recording has flat tops: its sensor saturates below what flows.

    The limit is the quantile ``1 - strength * share`` of the phase in that recording.
    """

    acts_on = ("current",)

    def __init__(self, parameters: ClippedPhaseParameters) -> None:
        self.parameters = parameters
        self.worst = f"{parameters.share:.0%} of the samples of a phase"

    def apply(self, recording: Recording, generator: np.random.Generator) -> Recording:
        """Return the recording with one phase cut off."""
        values = phases(recording, "clipped_phase")
        phase = int(generator.integers(values.shape[1]))
        limit = np.quantile(values[:, phase], 1 - self.parameters.strength * self.parameters.share)
        values[:, phase] = np.minimum(values[:, phase], limit)
        current = recording.current
        return replace(recording, current=replace(current, values=as_recorded(values, current.values)))
