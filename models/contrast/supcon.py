"""Supervised contrastive loss over both modalities."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from models.beside import Beside
from models.errors import InvalidRequest
from models.registry import component, param
from models.vectors import TINY


@dataclass(frozen=True)
class SupConParameters:
    """Parameters of :class:`SupCon`."""

    temperature: float = param(
        0.1, low=0.02, high=2.0, log=True, search=(0.03, 1.0), help="divides the cosines"
    )
    anchors: str = param(
        "both", choices=("both", "video"), search=("both", "video"), help="whose vectors are anchors"
    )


@component("contrast", "supcon", parameters=SupConParameters, origin="arXiv 2004.11362", needs=("label",))
class SupCon(nn.Module):
    """Draw together what has the same label, whatever its modality (arXiv 2004.11362, eq. 2).

    Over the 2B stacked unit vectors z of predictions and targets, each with the label of the video:
    L = mean_i -1/|P(i)| sum_{p in P(i)} log [exp(z_i z_p / T) / sum_{a != i} exp(z_i z_a / T)], the
    logarithm inside the average; P(i) is all others with the label of i, the partner among them. An
    anchor without a positive would count 0. The paper sums over the anchors; the mean keeps the
    weight apart from the batch.

    With ``anchors: video`` the vectors of the video alone are anchors; those of the current stay
    among positives and negatives. Either way **the label of the video reaches the current through
    the pair**: such an arm has learned from labels before the head is fitted.

    When not to use it: the floor is not 0 but about log |P(i)|, reached when each class is a point.
    That collapse erases what else windows differ in, which a lead or a third class would need. A
    batch almost all of one class has little to tell apart.
    """

    def __init__(self, parameters: SupConParameters) -> None:
        super().__init__()
        self.temperature, self.anchors = parameters.temperature, parameters.anchors

    def forward(self, predicted: Tensor, target: Tensor, *, beside: Beside, toward_video: bool) -> Tensor:
        """Return the loss.

        Args:
            predicted: ``(M, B, D)``.
            target: ``(M, B, D)``.
            beside: its labels are used.
            toward_video: whether the targets are of the video (else the predictions are).
        """
        count = predicted.shape[1]
        of_video = slice(count, None) if toward_video else slice(count)
        alike = same_class(labels(beside, "supcon"), predicted.dtype)
        return soft_cross_entropy(
            torch.cat([predicted, target], dim=1),
            over_others(alike),
            self.temperature,
            anchors=of_video if self.anchors == "video" else slice(None),
        )


def labels(beside: Beside, name: str) -> Tensor:
    """Return the labels of the video, or raise in the name of the contrast that needs them."""
    if beside.label is None:
        raise InvalidRequest(
            f"contrast.{name} needs a label of each window in pre-training, got none; "
            "give labels or choose a contrast without them"
        )
    return beside.label


def same_class(label: Tensor, dtype: torch.dtype) -> Tensor:
    """Return ``(B, B)``: 1 where two windows have the same label, else 0."""
    return (label[:, None] == label).to(dtype)


def over_others(similarity: Tensor) -> Tensor:
    """Return the targets ``(2B, 2B)`` of stacked vectors from similarities ``(B, B)`` of the windows.

    A row for each anchor sums to 1 over all vectors but itself, or is 0 where it is like no other.
    """
    weights = similarity.repeat(2, 2).fill_diagonal_(0.0)
    return weights / weights.sum(-1, keepdim=True).clamp(min=TINY)


def soft_cross_entropy(
    stacked: Tensor, targets: Tensor, temperature: float, *, anchors: slice = slice(None)
) -> Tensor:
    """Return the cross-entropy of who resembles an anchor, averaged over anchors and sets.

    mean_i sum_{j != i} w_ij (logsumexp_{a != i} z_i z_a / T - z_i z_j / T)

    Args:
        stacked: ``(M, N, D)`` unit vectors z.
        targets: ``(N, N)`` weights w with a diagonal of 0.
        temperature: T.
        anchors: which rows are anchors; all vectors are candidates.
    """
    anchor, weights = stacked[:, anchors], targets[anchors]
    itself = torch.eye(len(targets), dtype=stacked.dtype, device=stacked.device)[anchors]
    limits = torch.finfo(stacked.dtype)
    # Cosines over the temperature need no shift before the exponential; an anchor is far from itself.
    likelihood = torch.baddbmm(itself * limits.min, anchor / temperature, stacked.mT).exp()
    # A vector without others weighs 0, and 0 times the logarithm of 0 is no number.
    total = likelihood.sum(-1).clamp(min=limits.tiny).log()
    # The weights meet the vectors before the anchor does: a mean of positives instead of a matrix of terms.
    near = (anchor * (weights @ stacked)).sum(-1) / temperature
    return (weights.sum(-1) * total - near).mean()
