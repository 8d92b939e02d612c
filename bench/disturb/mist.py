"""Mist in front of the camera."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.data.recording import Recording
from bench.disturb.disturbance import Disturbance
from bench.disturb.pictures import Pixels, at, bells, changed, course
from models.registry import component, param

COLOUR = np.float32(0.7)
CLOUDS, RADIUS, SECONDS = 3, 0.3, 20.0


@dataclass(frozen=True)
class MistParameters:
    """How thick."""

    strength: float = param(0.5, low=0.0, high=1.0, help="share of the thickest mist")
    opacity: float = param(0.9, low=0.0, high=1.0, help="opacity of the thickest place at strength 1")
    seed: int = param(0, low=0, help="of where and when")


@component("disturbance", "mist", parameters=MistParameters, origin="water that cools the shell")
class Mist(Disturbance):
    """Bright, half-transparent clouds that drift over the picture and clear within a minute.

    ``x' = x + a (c - x)`` with a light grey ``c`` and the opacity ``a = strength * opacity * (1 - prod(1 -
    cloud_k))``: three Gaussian clouds whose places and densities wander with a correlation time of 20 s.
    """

    acts_on = ("video",)

    def __init__(self, parameters: MistParameters) -> None:
        self.parameters = parameters
        self.worst = f"opacity {parameters.opacity:g}"

    def apply(self, recording: Recording, generator: np.random.Generator) -> Recording:
        """Return the recording seen through mist."""
        signal = recording.video
        paths = course(generator, len(signal.values) / signal.rate, SECONDS, 3 * CLOUDS)
        alpha = np.float32(self.parameters.strength * self.parameters.opacity)

        def through(pictures: Pixels, index: NDArray[np.int64]) -> Pixels:
            now = at(paths, index / signal.rate)
            clear = np.ones(pictures.shape[:3], dtype=np.float32)
            for k in range(CLOUDS):
                centre, density = 0.5 + 0.25 * now[:, 3 * k : 3 * k + 2], now[:, 3 * k + 2]
                thick = np.clip(0.5 + 0.5 * density, 0, 1).astype(np.float32)
                clear *= 1 - thick[:, None, None] * bells(centre, RADIUS, *pictures.shape[1:3])
            hidden = (alpha * (1 - clear))[..., None]
            seen: Pixels = pictures + hidden * (COLOUR - pictures)
            return seen

        return changed(recording, through, "mist")
