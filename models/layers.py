"""A two-layer perceptron whose gradient is written out.

The networks here are small: a training step is a thousand operations of ten microseconds each, and
autograd's bookkeeping of views, transposes and copies would cost as much as the arithmetic.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def relu_backward_(gradient: Tensor, activated: Tensor) -> Tensor:
    """Zero a gradient, in place, wherever the activation was zero."""
    return torch.ops.aten.threshold_backward.grad_input(gradient, activated, 0, grad_input=gradient)  # type: ignore[no-any-return]


def perceptron(x: Tensor, w_in: Tensor, b_in: Tensor, w_out: Tensor, b_out: Tensor) -> tuple[Tensor, Tensor]:
    """Return the activated hidden layer and the output."""
    hidden = F.linear(x, w_in, b_in).relu_()
    return hidden, F.linear(hidden, w_out, b_out)


def perceptron_backward(
    g_out: Tensor, x: Tensor, hidden: Tensor, w_in: Tensor, w_out: Tensor, wants: tuple[bool, bool]
) -> tuple[Tensor | None, ...]:
    """Return the gradients of what :func:`perceptron` takes, of input and weights only where wanted."""
    g_rows, hidden = g_out.reshape(-1, len(w_out)), hidden.view(-1, len(w_in))
    g_hidden = relu_backward_(g_rows @ w_out, hidden)
    g_x = (g_hidden @ w_in).view(x.shape) if wants[0] else None
    if not wants[1]:
        return g_x, None, None, None, None
    rows = x.reshape(-1, x.shape[-1])
    return g_x, g_hidden.T @ rows, g_hidden.sum(0), g_rows.T @ hidden, g_rows.sum(0)


class _Perceptron(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, w_in: Tensor, b_in: Tensor, w_out: Tensor, b_out: Tensor) -> Tensor:
        hidden, out = perceptron(x, w_in, b_in, w_out, b_out)
        ctx.save_for_backward(x, hidden, w_in, w_out)
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, hidden, w_in, w_out = ctx.saved_tensors
        return perceptron_backward(gradients[0], x, hidden, w_in, w_out, ctx.needs_input_grad[:2])


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
        out: Tensor = _Perceptron.apply(x, *self.weights())  # type: ignore[no-untyped-call]
        return out

    def weights(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return weight and bias of the hidden layer, then of the output."""
        return self.enter.weight, self.enter.bias, self.leave.weight, self.leave.bias
