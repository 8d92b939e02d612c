"""Relational distillation: the geometry of the batch, not its places."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.beside import Beside
from models.contrast.mimic import by_modality
from models.contrast.vicreg import undefined
from models.registry import component, param

# Squared distances below are rounding: they count as 0 and have no gradient, which would be without bound.
SMALLEST = 1e-6


@dataclass(frozen=True)
class RelationalParameters:
    """Parameters of :class:`Relational`."""

    weight: float = param(1.0, low=1e-3, high=100.0, log=True, search=(0.1, 10.0), help="of both terms")
    distance: float = param(25.0, low=0.0, high=1e3, help="weight of the distances of pairs")
    angle: float = param(50.0, low=0.0, high=1e3, help="weight of the angles of triplets")
    angle_windows: int = param(32, low=3, high=256, help="windows of a batch whose angles are compared")


@component("contrast", "relational", parameters=RelationalParameters, origin="RKD, arXiv 1904.05068")
class Relational(nn.Module):
    """Distances and angles among the currents of a batch as among their videos (RKD, arXiv 1904.05068).

    Section 3.2: ``25 mean h(d_ij / mean d, d'_ij / mean d') + 50 mean h(a_ijk, a'_ijk)`` over distinct pairs
    and triplets, with d the distances of the current's vectors t, d' those of the video's, a_ijk the
    cosine at t_j between t_i - t_j and t_k - t_j, and h the Huber loss. The weights are those of the authors'
    code. The video is the teacher and has no gradient.

    Deviation: angles are taken among the first ``angle_windows`` windows of a batch, since their number
    grows with B^3; batches are drawn at random, so these are a random subset. Only shapes are
    compared: the current may lie anywhere, turned in any way, and the codebook has to bring it to the
    video. A batch of one has no distance, one of two no angle.
    """

    def __init__(self, parameters: RelationalParameters) -> None:
        super().__init__()
        self.settings = parameters

    def forward(self, predicted: Tensor, target: Tensor, *, beside: Beside, toward_video: bool) -> Tensor:
        """Return the loss.

        Args:
            predicted: ``(M, B, D)``.
            target: ``(M, B, D)``.
            beside: not looked at.
            toward_video: whether the targets are of the video (else the predictions are).
        """
        s = self.settings
        student, teacher = by_modality(predicted, target, toward_video)
        sets, count, _ = student.shape
        loss = undefined(student, teacher)
        if count > 1:
            pairs = sets * count * (count - 1)
            loss = loss + s.distance / pairs * huber(distances(student), distances(teacher))
        n = min(count, s.angle_windows)
        if n > 2:
            triplets = sets * n * (n - 1) * (n - 2)
            loss = loss + s.angle / triplets * huber(angles(student[:, :n]), angles(teacher[:, :n]))
        return s.weight * loss


def huber(student: Tensor, teacher: Tensor) -> Tensor:
    """Return the sum of the Huber losses; windows that coincide have angles of 0, without a gradient."""
    return F.huber_loss(student, teacher, reduction="sum")


def distances(x: Tensor) -> Tensor:
    """Return distances ``(M, B, B)`` between the rows of ``(M, B, D)``, over the mean of distinct pairs."""
    square, count = x.square().sum(-1), x.shape[1]
    distance = _length(square[:, :, None] + square[:, None, :] - 2.0 * x @ x.mT)
    mean = distance.sum((1, 2), keepdim=True) / (count * (count - 1))
    return distance / mean.clamp(min=SMALLEST**0.5)


def angles(x: Tensor) -> Tensor:
    """Return the cosines ``(M, n, n, n)`` at each row of ``(M, n, D)`` between the ways to two others."""
    difference = x[:, None] - x[:, :, None]
    direction = difference / _length(difference.square().sum(-1, keepdim=True)).clamp(min=SMALLEST**0.5)
    return direction @ direction.mT


def _length(squared: Tensor) -> Tensor:
    """Return the root, 0 and without gradient where there is nothing but rounding."""
    apart = squared > SMALLEST
    return torch.where(apart, squared, 1.0).sqrt() * apart
