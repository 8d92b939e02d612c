"""The triplet of semantics against the private feature of the same sample."""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from models.beside import Beside
from models.registry import component, param
from models.vectors import unit


@dataclass(frozen=True)
class TripletParameters:
    """Parameters of :class:`Triplet`."""

    margin: float = param(0.2, low=0.0, high=2.0, search=(0.05, 1.0), help="of the cosines")


@component("contrast", "triplet", parameters=TripletParameters, needs=("private",))
class Triplet(nn.Module):
    """Anchor and positive are semantics of the two modalities, the negative is private.

    max(0, margin + cos(anchor, negative) - cos(anchor, positive)), the negative being the private
    feature of the anchor's own sample, projected to the semantic width. Vectors here are of unit
    length, where half the squared distance is 1 - cos; the raw form, of distances between vectors of
    any length, cannot be had on the sphere (it is solved by the scale of the negative alone).

    It is here because it has been tried, not because it works: no term compares two samples, so one
    constant for all semantics and its opposite for the private feature solve it. It notes
    ``active``, the share of triplets that still have a loss (of the last direction seen): 0 says that
    nothing is learnt from it any more, be it for a collapse or because the rest of the loss has done its
    work. The length of the mean unit vector (the cone) tells these apart: near 1 it is a collapse.
    """

    def __init__(self, parameters: TripletParameters, *, width: int, private_width: int) -> None:
        super().__init__()
        self.margin = parameters.margin
        self.of_current = nn.Linear(private_width, width)
        self.of_video = nn.Linear(private_width, width)
        self.logs: dict[str, Tensor] = {}

    def forward(self, predicted: Tensor, target: Tensor, *, beside: Beside, toward_video: bool) -> Tensor:
        """Return the loss.

        Args:
            predicted: ``(M, B, D)`` anchors.
            target: ``(M, B, D)`` positives.
            beside: the means of the specific vectors of the anchor's modality are used.
            toward_video: whether the anchor is of the current.
        """
        of_anchor, private = (
            (self.of_current, beside.private[0]) if toward_video else (self.of_video, beside.private[1])
        )
        negative = of_anchor(private.mean(1))
        near = (predicted * target).sum(-1)
        far = (predicted * unit(negative)).sum(-1)
        loss = F.relu(self.margin + far - near)
        self.logs = {"active": active(loss)}
        return loss.mean()


def active(losses: Tensor) -> Tensor:
    """Return the share of triplets that have a loss, detached."""
    return (losses.detach() > 0).to(losses.dtype).mean()
