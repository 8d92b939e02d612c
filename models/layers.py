"""A two-layer perceptron whose gradient is written out.

The networks here are small: a training step is a thousand operations of ten microseconds each, and
autograd's bookkeeping of views, transposes and copies would cost as much as the arithmetic.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


def relu_backward_(gradient: Tensor, activated: Tensor) -> Tensor:
    """Zero a gradient, in place, wherever the activation was zero."""
    return torch.ops.aten.threshold_backward.grad_input(gradient, activated, 0, grad_input=gradient)  # type: ignore[no-any-return]


class _Perceptron(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, w_in: Tensor, b_in: Tensor, w_out: Tensor, b_out: Tensor) -> Tensor:
        rows = x.reshape(-1, x.shape[-1])
        hidden = torch.addmm(b_in, rows, w_in.T).relu_()
        ctx.save_for_backward(rows, hidden, w_in, w_out)
        ctx.shape = x.shape
        return torch.addmm(b_out, hidden, w_out.T).view(*x.shape[:-1], -1)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        rows, hidden, w_in, w_out = ctx.saved_tensors
        g_out = gradients[0].reshape(len(rows), -1)
        g_hidden = relu_backward_(g_out @ w_out, hidden)
        wants_x, wants_weights, *_ = ctx.needs_input_grad
        g_x = (g_hidden @ w_in).view(ctx.shape) if wants_x else None
        if not wants_weights:
            return g_x, None, None, None, None
        return g_x, g_hidden.T @ rows, g_hidden.sum(0), g_out.T @ hidden, g_out.sum(0)


class Perceptron(nn.Module):
    """Linear-ReLU-Linear on the last axis.

    Its parameters are trained or frozen together.
    """

    def __init__(self, inputs: int, hidden: int, outputs: int) -> None:
        super().__init__()
        self.enter = nn.Linear(inputs, hidden)
        self.leave = nn.Linear(hidden, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(..., inputs)`` to ``(..., outputs)``."""
        out: Tensor = _Perceptron.apply(  # type: ignore[no-untyped-call]
            x, self.enter.weight, self.enter.bias, self.leave.weight, self.leave.bias
        )
        return out
