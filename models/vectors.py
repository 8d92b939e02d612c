"""Vectors on the unit sphere."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

TINY = 1e-12


class _Unit(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        length = torch.linalg.vector_norm(x, dim=-1, keepdim=True).clamp_(min=TINY)
        scaled: Tensor = x / length
        ctx.save_for_backward(scaled, length)
        return scaled

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        scaled, length = ctx.saved_tensors
        along = (gradients[0] * scaled).sum(-1, keepdim=True)
        return torch.addcmul(gradients[0], scaled, along, value=-1.0).div_(length)


def unit(x: Tensor) -> Tensor:
    """Return the vectors ``(..., D)`` scaled to length 1, in half the passes of ``F.normalize``."""
    scaled: Tensor = _Unit.apply(x)  # type: ignore[no-untyped-call]
    return scaled
