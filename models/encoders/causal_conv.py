"""A small residual causal convolution over the steps of a window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.layers import relu_backward_
from models.registry import component, param
from models.vectors import lengths, unit_backward

KERNEL = 3


class _ResidualConvolution(torch.autograd.Function):
    """The whole encoder, its gradient written out for the reason given in :mod:`models.layers`.

    Every step is put beside its two predecessors (zeros before step 0), so that the convolution is
    one matrix product; the gradient of that is the sum of three shifted slices. With ``unit_norm``
    the output is scaled to length 1 in place.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        unit_norm: bool,
        w_in: Tensor,
        b_in: Tensor,
        w_mix: Tensor,
        b_mix: Tensor,
        w_out: Tensor,
        b_out: Tensor,
    ) -> Tensor:
        batch, steps, _ = x.shape
        rows, width = x.reshape(batch * steps, -1), len(b_in)
        hidden = torch.addmm(b_in, rows, w_in.T).relu_()
        padded = F.pad(hidden.view(batch, steps, width), (0, 0, KERNEL - 1, 0))
        windows = padded.as_strided((batch, steps, KERNEL * width), (padded.stride(0), width, 1))
        taps = windows.reshape(batch * steps, -1)
        mixed = torch.addmm(b_mix, taps, w_mix.T).relu_()
        summed = hidden + mixed
        out, length = torch.addmm(b_out, summed, w_out.T), None
        if unit_norm:
            length = lengths(out)
            out.div_(length)
        ctx.save_for_backward(rows, hidden, taps, mixed, summed, w_in, w_mix, w_out, out, length)
        ctx.shape = x.shape
        return out.view(batch, steps, -1)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        rows, hidden, taps, mixed, summed, w_in, w_mix, w_out, out, length = ctx.saved_tensors
        batch, steps, _ = ctx.shape
        g_out = gradients[0].reshape(len(rows), -1)
        if length is not None:
            g_out = unit_backward(g_out, out, length)
        g_hidden = g_out @ w_out
        g_mixed = torch.ops.aten.threshold_backward(g_hidden, mixed, 0)
        oldest, older, own = (g_mixed @ w_mix).view(batch, steps, -1).chunk(KERNEL, dim=-1)
        total = g_hidden.view(batch, steps, -1)
        total += own
        total[:, :-1] += older[:, 1:]
        total[:, :-2] += oldest[:, 2:]
        relu_backward_(g_hidden, hidden)
        g_x = (g_hidden @ w_in).view(ctx.shape) if ctx.needs_input_grad[0] else None
        return (
            g_x, None,
            g_hidden.T @ rows, g_hidden.sum(0),
            g_mixed.T @ taps, g_mixed.sum(0),
            g_out.T @ summed, g_out.sum(0),
        )  # fmt: skip


@dataclass(frozen=True)
class CausalConvParameters:
    """Parameters of :class:`CausalConvEncoder`."""

    width: int = param(32, low=2, high=512, log=True, help="width of the semantic vectors")
    hidden: int = param(32, low=2, high=1024, log=True, help="width of the hidden layer")
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
        layers = (self.enter, self.mix, self.leave)
        weights = (w for layer in layers for w in (layer.weight, layer.bias))
        z: Tensor = _ResidualConvolution.apply(x, self.unit_norm, *weights)  # type: ignore[no-untyped-call]
        return z
