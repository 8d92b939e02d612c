"""No calibration."""

from __future__ import annotations

from torch import Tensor

from models.registry import NoParameters, component


@component("calibration", "none")
class NoCalibration:
    """The vectors are read as the method left them."""

    def __init__(self, parameters: NoParameters) -> None:
        pass

    def fit(self, current: Tensor, video: Tensor) -> NoCalibration:
        """Look at nothing."""
        return self

    def apply(self, vectors: Tensor, modality: str) -> Tensor:
        """Return the vectors."""
        return vectors
