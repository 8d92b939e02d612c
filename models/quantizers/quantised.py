"""What a quantiser returns."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


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


@torch.no_grad()
def squared_distances(vectors: Tensor, codebook: Tensor) -> Tensor:
    """Return squared distances ``(..., K)`` of vectors ``(..., D)`` to a codebook ``(K, D)``: no gradient.

    Expanded, so that it is one matrix product; the result can be slightly negative.
    """
    rows = vectors.flatten(0, -2)
    products = torch.addmm(codebook.square().sum(1), rows, codebook.T, alpha=-2.0)
    return products.add_(rows.square().sum(1, keepdim=True)).view(*vectors.shape[:-1], len(codebook))


def nearest(squared: Tensor) -> Tensor:
    """Return the indices ``(...)`` of the least of distances ``(..., K)``, the first of equals.

    On a CPU by numpy, which vectorises it, in a fifth of the time. Where distances are not finite,
    the index is a valid one.
    """
    if squared.device.type == "cpu":
        return torch.from_numpy(squared.numpy().argmin(-1))
    return squared.argmin(-1)
