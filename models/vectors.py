"""Vectors on the unit sphere."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

TINY = 1e-12


class _Unit(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        length = lengths(x)
        scaled: Tensor = x / length
        ctx.save_for_backward(scaled, length)
        return scaled

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        scaled, length = ctx.saved_tensors
        return unit_backward(gradients[0], scaled, length)


def lengths(x: Tensor) -> Tensor:
    """Return the lengths ``(..., 1)``, kept from 0."""
    length: Tensor = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
    return length.clamp_(min=TINY)


def unit_backward(gradient: Tensor, scaled: Tensor, length: Tensor) -> Tensor:
    """Return the gradient of vectors that were divided by their length."""
    along = (gradient * scaled).sum(-1, keepdim=True)
    return torch.addcmul(gradient, scaled, along, value=-1.0).div_(length)


def unit(x: Tensor) -> Tensor:
    """Return the vectors ``(..., D)`` scaled to length 1, in half the passes of ``F.normalize``."""
    scaled: Tensor = _Unit.apply(x)  # type: ignore[no-untyped-call]
    return scaled
