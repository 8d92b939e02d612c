"""The triplet with the hardest negative of the batch."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.beside import Beside
from models.contrast.infonce import cosines
from models.contrast.triplet import active
from models.registry import component, param


@dataclass(frozen=True)
class HardTripletParameters:
    """Parameters of :class:`HardTriplet`."""

    margin: float = param(0.2, low=0.0, high=2.0, search=(0.05, 1.0), help="of the cosines")


@component("contrast", "triplet_hard", parameters=HardTripletParameters, origin="VSE++, arXiv 1707.05612")
class HardTriplet(nn.Module):
    """max(0, margin + hardest cosine of the batch - cosine of the pair), both ways.

    VSE++ (arXiv 1707.05612, eq. 6). Unlike the triplet against a private feature it compares
    samples. That does not keep it from collapsing: where nothing else anchors the space, the hardest
    negative pushes all vectors together, with every triplet active and a loss equal to the margin
    (arXiv 1503.03832, section 3.2). A batch of one window has no negative and no loss. It notes
    ``active``, the share of triplets that still have a loss; look at the cone (mean unit vector) beside it.
    """

    def __init__(self, parameters: HardTripletParameters) -> None:
        super().__init__()
        self.margin = parameters.margin
        self.logs: dict[str, Tensor] = {}

    def forward(self, predicted: Tensor, target: Tensor, *, beside: Beside, toward_video: bool) -> Tensor:
        """Return the loss of ``(M, B, D)`` predictions; the keywords are not looked at."""
        similarity = cosines(predicted, target)
        pair = similarity.diagonal(dim1=-2, dim2=-1)
        losses = F.relu(self.margin + hardest(similarity) - pair)
        self.logs = {"active": active(losses)}
        return losses.mean()


def hardest(similarity: Tensor) -> Tensor:
    """Return ``(2, M, B)``: the largest cosine of a wrong pair in each row, then in each column.

    Args:
        similarity: ``(M, B, B)`` cosines; without a wrong pair the result is below any margin.
    """
    # Further from any cosine than the margin can bridge: the pair is never its own negative.
    aside = 5.0 * torch.eye(similarity.shape[-1], dtype=similarity.dtype, device=similarity.device)
    others = similarity - aside
    return torch.stack([others.amax(-1), others.amax(-2)])
