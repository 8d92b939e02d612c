"""MMD: equal distributions, whoever belongs to whom."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from models.beside import Beside
from models.registry import NoParameters, component

#: Number of kernels, each half as wide as the one before, the middle one as wide as the mean distance.
KERNELS = 5
# Least mean of the squared distances: kernels narrower than their rounding would compare noise.
SMALLEST = 1e-4


@component("contrast", "mmd", origin="DAN, arXiv 1502.02791")
class MMD(nn.Module):
    """A control: equal distributions of the modalities, no pair looked at.

    ``mean k(x, x') + mean k(y, y') - 2 mean k(x, y)`` with k the sum of five Gaussian kernels
    ``exp(-|x - y|^2 / (w s))``, w = 1/4 ... 4 (the multi-kernel MMD of arXiv 1502.02791, eq. 1-2, with
    equal weights). This is the biased estimate, which is never negative and is defined for a batch of one.

    Deviation: s is the mean squared distance of the batch, both modalities pooled, without gradient;
    the paper takes a median, which for unit vectors is much the same and costs more than all the rest.

    Shuffling the pairs changes nothing: what an arm with it reaches, it reaches without knowing which
    current belongs to which video. Values lie far below those of InfoNCE: give the alignment a larger
    weight, or the control is idle. It costs (2 B)^2 kernels a set: with Cross-CPC, whose sets are many,
    a step takes several times as long as with InfoNCE.
    """

    def __init__(self, parameters: NoParameters) -> None:
        super().__init__()

    def forward(self, predicted: Tensor, target: Tensor, *, beside: Beside, toward_video: bool) -> Tensor:
        """Return the loss of ``(M, B, D)`` vectors; the keywords are not looked at."""
        n = predicted.shape[1]
        squared = squared_distances(torch.cat([predicted, target], dim=1))
        mean = (squared.detach().sum((1, 2)) / (2 * n * (2 * n - 1))).clamp(min=SMALLEST)
        widest = mean * 2.0 ** (KERNELS // 2)
        sign = squared.new_ones(2 * n)
        sign[n:] = -1.0
        kernel = torch.exp(squared / -widest[:, None, None])
        rows = kernel @ sign
        for _ in range(KERNELS - 1):
            # Half the width: the square, in a fraction of the time of an exponential.
            kernel = kernel.square()
            rows = rows + kernel @ sign
        # The quadratic form has all three means: own and own less twice that between.
        return (rows @ sign).mean() / n**2


def squared_distances(x: Tensor) -> Tensor:
    """Return squared distances ``(M, N, N)`` between the rows of ``(M, N, D)``."""
    square = x.square().sum(-1)
    return square[:, :, None] + square[:, None, :] - 2.0 * x @ x.mT
