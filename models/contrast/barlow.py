"""Barlow Twins: the cross-correlation of the modalities as the identity."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from models.beside import Beside
from models.contrast.vicreg import rescaled, undefined
from models.registry import component, param

# Added to the variances, as batch normalisation does.
EPSILON = 1e-5


@dataclass(frozen=True)
class BarlowParameters:
    """Parameters of :class:`Barlow`."""

    redundancy: float = param(
        0.0051,
        low=0.0,
        high=1.0,
        log=True,
        search=(1e-3, 0.1),
        help="weight of the correlation of different coordinates (lambda)",
    )


@component("contrast", "barlow", parameters=BarlowParameters, origin="Barlow Twins, arXiv 2103.03230")
class Barlow(nn.Module):
    """Each coordinate agrees with its own of the other modality and with no other.

    With C the correlations ``(D, D)`` over the batch between coordinates of predictions and of targets,
    each standardised over the batch, ``sum_d (1 - C_dd)^2 + lambda sum_{d != e} C_de^2`` (Barlow Twins,
    arXiv 2103.03230, eq. 1-2). It is blind to shift and scale of a coordinate, so that alone it does not
    put the modalities into one space; the codebook has to.

    The loss is of the order of D. When not to use it: batches not well above D windows.
    """

    def __init__(self, parameters: BarlowParameters) -> None:
        super().__init__()
        self.redundancy = parameters.redundancy

    def forward(self, predicted: Tensor, target: Tensor, *, beside: Beside, toward_video: bool) -> Tensor:
        """Return the loss of ``(M, B, D)`` vectors, 0 for a batch of one; the keywords are not looked at."""
        count = predicted.shape[1]
        if count == 1:
            return undefined(predicted, target)
        c = standardised(predicted).mT @ standardised(target) / count
        diagonal = c.diagonal(dim1=-2, dim2=-1)
        off = c.square().sum((-1, -2)) - diagonal.square().sum(-1)
        return ((1.0 - diagonal).square().sum(-1) + self.redundancy * off).mean()


def standardised(vectors: Tensor) -> Tensor:
    """Return unit vectors ``(M, B, D)`` with mean 0 and variance 1 of every coordinate of a set."""
    x = rescaled(vectors)
    x = x - x.mean(1, keepdim=True)
    return x / (x.square().mean(1, keepdim=True) + EPSILON).sqrt()
