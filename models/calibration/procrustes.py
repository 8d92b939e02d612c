"""The rotation that lays one modality onto the other."""

from __future__ import annotations

import torch
from torch import Tensor

from models.registry import NoParameters, component


@component("calibration", "procrustes", origin="Schönemann 1966")
class Procrustes:
    """Centre both modalities and turn the current so that it lies nearest to the video.

    The orthogonal R that minimises ``|C R - V|_F`` over the pairs of the training windows: U W' of the
    singular value decomposition ``C' V = U S W'`` (Schönemann 1966). For methods whose loss compares
    distances within each modality (RKD, arXiv 1904.05068) and so leaves a rotation open.
    """

    def __init__(self, parameters: NoParameters) -> None:
        self.means: dict[str, Tensor] = {}
        self.turn = torch.empty(0)

    def fit(self, current: Tensor, video: Tensor) -> Procrustes:
        """Fit on mean vectors ``(N, D)`` of paired windows."""
        self.means = {"current": current.mean(0), "video": video.mean(0)}
        c, v = current - self.means["current"], video - self.means["video"]
        left, _, right = torch.linalg.svd(c.T @ v)
        self.turn = left @ right
        return self

    def apply(self, vectors: Tensor, modality: str) -> Tensor:
        """Map vectors ``(..., D)`` of one modality."""
        centred = vectors - self.means[modality]
        return centred @ self.turn if modality == "current" else centred
