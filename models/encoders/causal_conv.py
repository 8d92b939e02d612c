"""A small residual causal convolution over the steps of a window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.registry import component, param
from models.vectors import unit

KERNEL = 3


class _Taps(torch.autograd.Function):
    """Put every step beside its two predecessors: ``(B, T, H) -> (B, T, 3H)``, zeros before step 0.

    The convolution then is one matrix product. Autograd would build the gradient from padded
    copies; the sum of three shifted slices is all it takes.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        batch, steps, width = x.shape
        padded = F.pad(x, (0, 0, KERNEL - 1, 0))
        strides = (padded.stride(0), width, 1)
        return padded.as_strided((batch, steps, KERNEL * width), strides).contiguous()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (gradient,) = gradients
        oldest, older, own = gradient.chunk(KERNEL, dim=-1)
        total = own.clone()
        total[:, :-1] += older[:, 1:]
        total[:, :-2] += oldest[:, 2:]
        return total


@dataclass(frozen=True)
class CausalConvParameters:
    """Parameters of :class:`CausalConvEncoder`."""

    width: int = param(32, low=2, high=512, log=True, help="width of the semantic vectors")
    hidden: int = param(48, low=2, high=1024, log=True, help="width of the hidden layer")
    unit_norm: bool = param(True, help="put the semantic vectors on the unit sphere")


@component("current_encoder", "causal_conv", parameters=CausalConvParameters)
@component("video_encoder", "causal_conv", parameters=CausalConvParameters)
class CausalConvEncoder(nn.Module):
    """Linear-ReLU, a residual causal convolution over three steps, Linear.

    Step ``t`` of the output sees steps ``t-2 … t`` of the input and nothing later, so that a
    prediction of step ``t+1`` predicts.
    """

    def __init__(self, parameters: CausalConvParameters, *, features: int, steps: int) -> None:
        super().__init__()
        self.width = parameters.width
        self.unit_norm = parameters.unit_norm
        self.enter = nn.Linear(features, parameters.hidden)
        self.mix = nn.Linear(KERNEL * parameters.hidden, parameters.hidden)
        self.leave = nn.Linear(parameters.hidden, parameters.width)

    def forward(self, x: Tensor) -> Tensor:
        """Encode ``(B, T, features)`` as ``(B, T, width)``."""
        hidden = F.relu(self.enter(x))
        taps: Tensor = _Taps.apply(hidden)  # type: ignore[no-untyped-call]
        z: Tensor = self.leave(hidden + F.relu(self.mix(taps)))
        return unit(z) if self.unit_norm else z
