"""Equal means and deviations."""

from __future__ import annotations

from torch import Tensor

from models.registry import NoParameters, component

TINY = 1e-6


@component("calibration", "standardise")
class Standardise:
    """Each channel of each modality has mean 0 and deviation 1 over the training windows.

    For methods whose loss normalises each modality by itself (Barlow Twins, arXiv 2103.03230) and so leaves
    open where it lies and how large it is. It looks at no pairs.
    """

    def __init__(self, parameters: NoParameters) -> None:
        self.moments: dict[str, tuple[Tensor, Tensor]] = {}

    def fit(self, current: Tensor, video: Tensor) -> Standardise:
        """Fit on mean vectors ``(N, D)`` of windows."""
        self.moments = {
            name: (x.mean(0), x.std(0, correction=0).clamp(min=TINY))
            for name, x in (("current", current), ("video", video))
        }
        return self

    def apply(self, vectors: Tensor, modality: str) -> Tensor:
        """Map vectors ``(..., D)`` of one modality."""
        mean, deviation = self.moments[modality]
        return (vectors - mean) / deviation
