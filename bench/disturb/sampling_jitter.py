"""A logger that does not keep its beat."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from bench.data.recording import Recording
from bench.disturb.disturbance import Disturbance
from models.registry import component, param


@dataclass(frozen=True)
class SamplingJitterParameters:
    """How irregular."""

    strength: float = param(0.5, low=0.0, high=1.0, help="share of the worst jitter")
    periods: float = param(
        4.0, low=0.0, high=100.0, help="largest error of an instant at strength 1, samples"
    )
    seed: int = param(0, low=0, help="of the errors")


@component("disturbance", "sampling_jitter", parameters=SamplingJitterParameters, origin="polled loggers")
class SamplingJitter(Disturbance):
    """Samples of the current are taken a little too early or too late: some twice, some never.

    Sample ``i`` is what was there at ``i + e_i`` (the nearest sample), ``e_i`` uniform on plus or minus
    ``strength * periods``, in order of time: a logger never goes back. Values stay those of the plant, so
    that level and spread are kept and the order of what is fast is lost.
    """

    acts_on = ("current",)

    def __init__(self, parameters: SamplingJitterParameters) -> None:
        self.parameters = parameters
        self.worst = f"± {parameters.periods:g} samples"

    def apply(self, recording: Recording, generator: np.random.Generator) -> Recording:
        """Return the recording with a jittered current."""
        current = recording.current
        values = np.asarray(current.values[:])
        error = generator.uniform(-1, 1, len(values)) * self.parameters.strength * self.parameters.periods
        taken = np.sort(np.rint(np.arange(len(values)) + error).astype(np.int64)).clip(0, len(values) - 1)
        return replace(recording, current=replace(current, values=values[taken]))
