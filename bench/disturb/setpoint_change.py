"""A step of the set-point that the training part has never seen."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bench.data.recording import Recording
from bench.disturb.disturbance import Disturbance, as_recorded, phases
from bench.disturb.pictures import Pixels, changed
from models.registry import component, param


@dataclass(frozen=True)
class SetpointChangeParameters:
    """How large."""

    strength: float = param(0.5, low=0.0, high=1.0, help="share of the largest step")
    step: float = param(0.3, low=0.0, high=0.9, help="relative step of the current at strength 1")
    lag: float = param(20.0, low=0.0, high=3600.0, help="time constant with which it is followed, s")
    brightness: float = param(
        0.3, low=0.0, high=2.0, help="log brightness of the picture at strength 1; simulated plants only"
    )
    seed: int = param(0, low=0, help="of when, and whether up or down")


@component("disturbance", "setpoint_change", parameters=SetpointChangeParameters, origin="operators")
class SetpointChange(Disturbance):
    """The set-point steps up or down once a recording, at a moment in its first half, and stays there.

    The current is multiplied by ``1 ± strength * step``, followed with a first-order lag: arc noise grows
    with the set-point too. On a simulated plant the picture brightens along, as the simulator has it (a
    nuisance that both modalities share); on recorded data nobody knows how the picture would answer, and
    the current alone is changed.
    """

    def __init__(self, parameters: SetpointChangeParameters, *, simulated: bool = False) -> None:
        self.parameters = parameters
        self.acts_on = ("current", "video") if simulated and parameters.brightness else ("current",)
        self.worst = f"± {parameters.step:.0%}"

    def apply(self, recording: Recording, generator: np.random.Generator) -> Recording:
        """Return the recording with the step."""
        current, video, strength = recording.current, recording.video, self.parameters.strength
        moment = current.start + generator.uniform(0, 0.5) * (current.end - current.start)
        sign = 1.0 if generator.random() < 0.5 else -1.0
        values = phases(recording, "setpoint_change")
        followed = self._followed(current.start + np.arange(len(values)) / current.rate - moment)
        values *= 1 + sign * strength * self.parameters.step * followed[:, None]
        found = replace(recording, current=replace(current, values=as_recorded(values, current.values)))
        if "video" not in self.acts_on:
            return found

        def brighter(pictures: Pixels, index: NDArray[np.int64]) -> Pixels:
            share = self._followed(video.start + index / video.rate - moment)
            factor = np.exp(sign * strength * self.parameters.brightness * share)
            return pictures * factor.astype(np.float32)[:, None, None, None]

        return changed(found, brighter, "setpoint_change")

    def _followed(self, since: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the share of the step that is followed, ``since`` seconds after it."""
        lag = max(self.parameters.lag, 1e-9)
        share: NDArray[np.float64] = np.where(since > 0, -np.expm1(-since.clip(0) / lag), 0.0)
        return share
