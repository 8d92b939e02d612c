"""The label of the video, for the current through the pair."""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from models.beside import Beside
from models.errors import InvalidRequest
from models.quantizers.quantised import Quantised
from models.registry import component, param


def labels_of(beside: Beside, name: str) -> Tensor:
    """Return the labels ``(B,)``.

    Raises:
        InvalidRequest: there are none.
    """
    if beside.label is None:
        raise InvalidRequest(
            f"guidance.{name} needs labels of the video in pre-training, got none; "
            f"give labels or choose guidance none"
        )
    return beside.label


def balanced_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the cross-entropy of logits ``(B,)`` with labels 0/1, the mean over the classes present."""
    y = labels.to(logits.dtype)
    each = F.binary_cross_entropy_with_logits(logits, y, reduction="none")
    classes = [(share, share.sum()) for share in (y, 1.0 - y)]
    total = sum(((share * each).sum() / count.clamp(min=1.0) for share, count in classes), each.new_zeros(()))
    return total / sum((count > 0 for _, count in classes), each.new_zeros(()))


@dataclass(frozen=True)
class PairLabelsParameters:
    """Parameters of :class:`PairLabels`."""

    weight: float = param(
        1.0, low=1e-3, high=100.0, log=True, search=(0.1, 10.0), help="weight of each cross-entropy"
    )
    through_pair: bool = param(True, help="the current is trained on the label of its video, too")


@component("guidance", "pair_labels", parameters=PairLabelsParameters, needs=("label",))
class PairLabels(nn.Module):
    """One linear classifier on the mean code vector of the video and, through the pair, of the current.

    ``weight (CE(y, g(video)) + CE(y, g(current)))`` with g shared and each class weighing the same in a
    batch. What an arm with it gains over the arms without labels is what the *label* gives, without
    any transfer of features; without ``through_pair`` the label reaches the video alone, and the
    current only by what the other losses make it share. A reviewer's baseline, of no paper.

    The classifier is dropped after the pre-training: the head is fitted on the video's codes, as for
    all arms. When not to use it: the question is what the current learns without anyone's labels.
    """

    def __init__(self, parameters: PairLabelsParameters, *, width: int) -> None:
        super().__init__()
        self.settings = parameters
        self.classify = nn.Linear(width, 1)

    def forward(self, q: Quantised, beside: Beside) -> Tensor:
        """Return the weighted loss.

        Args:
            q: its code vectors ``(B, T, D)`` are used.
            beside: its labels ``(B,)`` are used.

        Raises:
            InvalidRequest: there are no labels.
        """
        y = labels_of(beside, "pair_labels")
        read = (q.video, q.current) if self.settings.through_pair else (q.video,)
        losses = [balanced_cross_entropy(self.classify(z.mean(1)).squeeze(-1), y) for z in read]
        return self.settings.weight * sum(losses, q.video.new_zeros(()))
