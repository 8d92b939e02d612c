"""Glare of flames into the camera."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.data.recording import Recording
from bench.disturb.disturbance import Disturbance
from bench.disturb.pictures import Pixels, at, changed, course
from models.registry import component, param

WARM = (1.0, 0.75, 0.45)
"""Red, green and blue of the light."""
SECONDS, FLICKER = 15.0, 0.3


@dataclass(frozen=True)
class GlareParameters:
    """How bright."""

    strength: float = param(0.5, low=0.0, high=1.0, help="share of the brightest glare")
    light: float = param(1.0, low=0.0, high=4.0, help="light added at strength 1, in shares of full scale")
    seed: int = param(0, low=0, help="of when and how it flickers")


@component("disturbance", "glare", parameters=GlareParameters, origin="flames at the furnace mouth")
class Glare(Disturbance):
    """Warm light from above that comes, flickers from frame to frame, saturates the picture and goes.

    ``x' = min(1, x + strength * light * g(t) f(t) (1 - y)^2 w)``: half of the time there is some (``g``, the
    positive part of a path of correlation time 15 s), ``f`` flickers by 30 %, ``y`` runs from 0 at the top
    of the picture to 1 below, ``w`` is the colour of flames.
    """

    acts_on = ("video",)

    def __init__(self, parameters: GlareParameters) -> None:
        self.parameters = parameters
        self.worst = f"{parameters.light:.0%} of full scale added"

    def apply(self, recording: Recording, generator: np.random.Generator) -> Recording:
        """Return the recording seen against the light."""
        signal = recording.video
        path = course(generator, len(signal.values) / signal.rate, SECONDS, 1)
        flicker = 1 + FLICKER * generator.standard_normal(len(signal.values))
        light = self.parameters.strength * self.parameters.light

        def against(pictures: Pixels, index: NDArray[np.int64]) -> Pixels:
            _, height, _, channels = pictures.shape
            bright = light * np.clip(at(path, index / signal.rate)[:, 0], 0, 1) * flicker[index].clip(0)
            down = (1 - (np.arange(height) + 0.5) / height) ** 2
            colour = np.array(WARM if channels == len(WARM) else [1.0] * channels)
            added = bright[:, None, None, None] * down[:, None, None] * colour
            seen: Pixels = pictures + added.astype(np.float32)
            return seen

        return changed(recording, against, "glare")
