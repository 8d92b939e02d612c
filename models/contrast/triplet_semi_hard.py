"""The triplet with the hardest negative that is still farther than the positive."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.beside import Beside
from models.contrast.infonce import cosines
from models.contrast.triplet import active
from models.contrast.triplet_hard import hardest
from models.registry import component, param


@dataclass(frozen=True)
class SemiHardTripletParameters:
    """Parameters of :class:`SemiHardTriplet`."""

    margin: float = param(0.2, low=0.0, high=2.0, search=(0.05, 1.0), help="of the cosines")
    anneal: float = param(
        0.0, low=0.0, high=1.0, search=(0.0, 1.0), help="share of training until hard (0: stay semi-hard)"
    )


@component(
    "contrast", "triplet_semi_hard", parameters=SemiHardTripletParameters, origin="FaceNet, arXiv 1503.03832"
)
class SemiHardTriplet(nn.Module):
    """max(0, margin + semi-hard cosine of the batch - cosine of the pair), both ways.

    Semi-hard is the hardest of the negatives with cos(anchor, negative) < cos(anchor, positive)
    (FaceNet, arXiv 1503.03832, section 3.2, eq. 4): from random vectors the very hardest negatives
    can stall at loss = margin with all vectors alike. An anchor without such a negative, whose
    positive is the farthest of the batch, takes its hardest (not settled by the paper).

    With ``anneal`` > 0 the loss moves from semi-hard to hard (:class:`HardTriplet`) as a mixture,
    linearly over that share of the training (a reconstruction). In the batch as in
    :class:`HardTriplet`: in-batch negatives of the other modality. A batch of one has no loss.

    It notes ``active``, the share of triplets that still have a loss; a semi-hard triplet's is
    below the margin.
    """

    def __init__(self, parameters: SemiHardTripletParameters) -> None:
        super().__init__()
        self.margin, self.anneal = parameters.margin, parameters.anneal
        self.logs: dict[str, Tensor] = {}

    def forward(self, predicted: Tensor, target: Tensor, *, beside: Beside, toward_video: bool) -> Tensor:
        """Return the loss of ``(M, B, D)`` predictions; of what stands beside, only the progress counts."""
        similarity = cosines(predicted, target)
        pair = similarity.diagonal(dim1=-2, dim2=-1)
        hard = hardest(similarity)
        losses = F.relu(self.margin + semi_hard(similarity, hard) - pair)
        self.logs = {"active": active(losses)}
        share = min(1.0, beside.progress / self.anneal) if self.anneal else 0.0
        if not share:
            return losses.mean()
        return torch.lerp(losses, F.relu(self.margin + hard - pair), share).mean()


def semi_hard(similarity: Tensor, otherwise: Tensor) -> Tensor:
    """Return ``(2, M, B)``: the largest cosine below the pair's in each row, then in each column.

    Args:
        similarity: ``(M, B, B)`` cosines.
        otherwise: ``(2, M, B)`` what stands where no cosine is below the pair's.
    """
    pair = similarity.detach().diagonal(dim1=-2, dim2=-1)
    found = []
    for dim in (-1, -2):
        nearer = (similarity.detach() >= pair.unsqueeze(dim)).to(similarity.dtype)
        # Further from any cosine than the margin can bridge, as in :func:`hardest`.
        found.append(similarity.sub(nearer, alpha=5.0).amax(dim))
    below = torch.stack(found)
    return torch.where(below < -2.0, otherwise, below)
