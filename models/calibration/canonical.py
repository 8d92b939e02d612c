"""Canonical variates."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from models.registry import component, param


@dataclass(frozen=True)
class CanonicalParameters:
    """Parameters of :class:`Canonical`."""

    ridge: float = param(
        1e-3,
        low=1e-8,
        high=10.0,
        log=True,
        search=(1e-4, 0.3),
        help="added to the variances, relative to their mean",
    )


@component("calibration", "canonical", parameters=CanonicalParameters, origin="Hotelling 1936")
class Canonical:
    """Both modalities in their canonical variates, the current's shrunk by the correlations.

    With ``S_cc^(-1/2) S_cv S_vv^(-1/2) = U diag(r) W'`` over the training windows, the video becomes
    ``W' S_vv^(-1/2) (v - mean)`` and the current ``diag(r) U' S_cc^(-1/2) (c - mean)``: the best linear
    guess of the video's variates (Hotelling 1936). The reading that canonical correlation analysis,
    linear or deep, is made for: its loss is blind to any linear map of either modality. When not to use
    it: few windows for the width; unrelated pairs then correlate, too.
    """

    def __init__(self, parameters: CanonicalParameters) -> None:
        self.ridge = parameters.ridge
        self.means: dict[str, Tensor] = {}
        self.maps: dict[str, Tensor] = {}

    def fit(self, current: Tensor, video: Tensor) -> Canonical:
        """Fit on mean vectors ``(N, D)`` of paired windows."""
        self.means = {"current": current.mean(0), "video": video.mean(0)}
        c, v = current - self.means["current"], video - self.means["video"]
        of_current, of_video = self._whitening(c), self._whitening(v)
        shared = of_current @ (c.T @ v / len(c)) @ of_video
        left, correlations, right = torch.linalg.svd(shared, full_matrices=False)
        self.maps = {"current": of_current @ left * correlations, "video": of_video @ right.T}
        return self

    def apply(self, vectors: Tensor, modality: str) -> Tensor:
        """Map vectors ``(..., D)`` of one modality."""
        return (vectors - self.means[modality]) @ self.maps[modality]

    def _whitening(self, x: Tensor) -> Tensor:
        covariance = x.T @ x / len(x)
        size = covariance.diagonal().mean().clamp(min=1e-12)
        values, axes = torch.linalg.eigh(
            covariance + self.ridge * size * torch.eye(len(covariance), dtype=x.dtype, device=x.device)
        )
        root: Tensor = (axes / values.sqrt()) @ axes.T
        return root
