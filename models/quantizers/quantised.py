"""What a quantiser returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

# Lifts the smallest difference of two distances above any number of codes.
BEYOND = 1e30


@dataclass(frozen=True)
class Quantised:
    """Both modalities in terms of one codebook of K codes.

    Attributes:
        current: ``(B, T_c, D)`` code vectors; the gradient passes straight through to the encoder.
        video: ``(B, T_v, D)``.
        current_codes: ``(B, T_c)`` indices of the codes.
        video_codes: ``(B, T_v)``.
        current_distances: ``(B, T_c, K)`` squared distances to all codes, with gradient to the encoder.
        video_distances: ``(B, T_v, K)``.
        commitment: scalar loss that keeps the encoders near their codes.
    """

    current: Tensor
    video: Tensor
    current_codes: Tensor
    video_codes: Tensor
    current_distances: Tensor
    video_distances: Tensor
    commitment: Tensor


class _SquaredDistances(torch.autograd.Function):
    """Gradient to the vectors only, written out for the reason given in :mod:`models.layers`."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, codebook: Tensor) -> Tensor:
        ctx.save_for_backward(rows, codebook)
        products = torch.addmm(codebook.square().sum(1), rows, codebook.T, alpha=-2.0)
        return products.add_(rows.square().sum(1, keepdim=True))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        rows, codebook = ctx.saved_tensors
        own = rows * gradients[0].sum(1, keepdim=True)
        return torch.addmm(own, gradients[0], codebook, beta=2.0, alpha=-2.0), None


def squared_distances(vectors: Tensor, codebook: Tensor) -> Tensor:
    """Return squared distances ``(..., K)`` of ``(..., D)`` vectors to a codebook ``(K, D)``.

    Expanded, so that it is one matrix product; the result can be slightly negative. The codebook
    is a constant: no gradient reaches it.
    """
    rows = vectors.reshape(-1, vectors.shape[-1])
    squared: Tensor = _SquaredDistances.apply(rows, codebook)  # type: ignore[no-untyped-call]
    return squared.view(*vectors.shape[:-1], len(codebook))


def nearest(squared: Tensor) -> Tensor:
    """Return the indices ``(...)`` of the least of distances ``(..., K)``, the first of equals.

    ``argmin`` in a third of its time: unlike a minimum, it is not vectorised on a CPU. Where
    distances are not finite, the index is a valid one.
    """
    codes = squared.shape[-1]
    above = squared.detach() - squared.detach().amin(-1, keepdim=True)
    # 0 … K-1 at the least distances, out of reach elsewhere.
    numbered = above.mul_(BEYOND).add_(torch.arange(codes, device=squared.device))
    return numbered.amin(-1).long().clamp_(0, codes - 1)
