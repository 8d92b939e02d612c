"""Variance, invariance, covariance; and the moments that other contrasts share."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.beside import Beside
from models.registry import component, param

# Added to a variance under a root, as published.
EPSILON = 1e-4


def rescaled(vectors: Tensor) -> Tensor:
    """Return unit vectors ``(..., D)`` times sqrt(D), so that the mean square of a coordinate is 1."""
    return vectors * math.sqrt(vectors.shape[-1])


def covariance(x: Tensor, y: Tensor) -> Tensor:
    """Return the covariances ``(..., D, D)`` of ``(..., B, D)`` over the batch; 0 for a batch of one."""
    x, y = x - x.mean(-2, keepdim=True), y - y.mean(-2, keepdim=True)
    return x.mT @ y / max(x.shape[-2] - 1, 1)


def undefined(predicted: Tensor, target: Tensor) -> Tensor:
    """Return a loss of 0 that has a gradient, of 0: for batches too small for a statistic."""
    return 0.0 * (predicted.sum() + target.sum())


@dataclass(frozen=True)
class VICRegParameters:
    """Parameters of :class:`VICReg`."""

    invariance: float = param(
        25.0, low=0.0, high=1e3, log=True, search=(1.0, 50.0), help="weight of the squared distance"
    )
    variance: float = param(
        25.0, low=0.0, high=1e3, log=True, search=(1.0, 50.0), help="weight of the hinge on the spread"
    )
    covariance: float = param(
        1.0, low=0.0, high=1e3, log=True, search=(0.1, 10.0), help="weight of the correlation of coordinates"
    )


@component("contrast", "vicreg", parameters=VICRegParameters, origin="VICReg, arXiv 2105.04906")
class VICReg(nn.Module):
    """Close pairs, spread coordinates that do not repeat each other (VICReg, arXiv 2105.04906, eq. 6).

    With x, y the vectors of the two modalities, C(x) the covariance over the batch,
    ``25 mean (x - y)^2 + 25 (v(x) + v(y)) / 2 + c(x) + c(y)``, where
    ``v(x) = mean_d max(0, 1 - sqrt(C(x)_dd + 1e-4))`` and ``c(x) = sum_{d != e} C(x)_de^2 / D``; the half
    is that of the authors' code. There are no negatives: the spread of each modality on its own keeps
    it from collapsing.

    Deviation: published for free vectors; here unit vectors times sqrt(D), so that a spread of 1 in
    every coordinate is just within reach, by vectors with mean 0. The loss is an order above InfoNCE
    at the same weight: beside a codebook divide the weights of the alignment by 10 (the preset ``vicreg`` has
    none and keeps them). When not to use it: batches not well above D windows, whose covariances are noise.
    """

    def __init__(self, parameters: VICRegParameters) -> None:
        super().__init__()
        self.settings = parameters

    def forward(self, predicted: Tensor, target: Tensor, *, beside: Beside, toward_video: bool) -> Tensor:
        """Return the loss of ``(M, B, D)`` vectors; the keywords are not looked at.

        A batch of one has no spread: only the distance of its pair is left.
        """
        s = self.settings
        both = rescaled(torch.stack([predicted, target]))
        loss = s.invariance * (both[0] - both[1]).square().mean()
        if both.shape[2] > 1:
            c = covariance(both, both)
            variances = c.diagonal(dim1=-2, dim2=-1)
            off = c.square().sum((-1, -2)) - variances.square().sum(-1)
            loss = loss + s.variance * F.relu(1.0 - (variances + EPSILON).sqrt()).mean()
            # The mean over both modalities, hence twice.
            loss = loss + s.covariance * 2.0 * off.mean() / both.shape[-1]
        return loss
