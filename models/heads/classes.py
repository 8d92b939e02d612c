"""Class balance, the same for every head."""

from __future__ import annotations

import torch
from torch import Tensor

from models.errors import InvalidRequest


def balanced_weights(labels: Tensor) -> Tensor:
    """Return weights ``(N,)`` float64 with which both classes weigh N / 2.

    Raises:
        InvalidRequest: one of the classes 0 and 1 is missing.
    """
    positive = labels.sum().item()
    if not 0 < positive < len(labels):
        raise InvalidRequest(
            f"a head needs windows of both classes, got {len(labels)} windows of which {positive:g} are "
            "abnormal; use more recordings or another split"
        )
    half = 0.5 * len(labels)
    return torch.where(labels == 1, half / positive, half / (len(labels) - positive)).double()
