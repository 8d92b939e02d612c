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


def flat(x: Tensor) -> Tensor:
    """Return the vectors ``(..., D)`` as rows of a matrix."""
    return x.flatten(0, -2)


def perceptron(
    rows: Tensor, w_in: Tensor, b_in: Tensor, w_out: Tensor, b_out: Tensor
) -> tuple[Tensor, Tensor]:
    """Return the activated hidden layer and the output of a matrix of rows."""
    hidden = torch.addmm(b_in, rows, w_in.T).relu_()
    return hidden, torch.addmm(b_out, hidden, w_out.T)


def perceptron_backward(
    g_out: Tensor, rows: Tensor, hidden: Tensor, w_in: Tensor, w_out: Tensor, wants: tuple[bool, bool]
) -> tuple[Tensor | None, ...]:
    """Return the gradients of what :func:`perceptron` takes, of rows and weights only where wanted."""
    g_hidden = relu_backward_(torch.mm(g_out, w_out), hidden)
    g_rows = torch.mm(g_hidden, w_in) if wants[0] else None
    if not wants[1]:
        return g_rows, None, None, None, None
    return g_rows, torch.mm(g_hidden.T, rows), g_hidden.sum(0), torch.mm(g_out.T, hidden), g_out.sum(0)


class _Perceptron(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, w_in: Tensor, b_in: Tensor, w_out: Tensor, b_out: Tensor) -> Tensor:
        rows = flat(x)
        hidden, out = perceptron(rows, w_in, b_in, w_out, b_out)
        ctx.save_for_backward(rows, hidden, w_in, w_out)
        ctx.shape = x.shape
        return out.view(*x.shape[:-1], -1)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        rows, hidden, w_in, w_out = ctx.saved_tensors
        wants = ctx.needs_input_grad[:2]
        g_rows, *g_weights = perceptron_backward(flat(gradients[0]), rows, hidden, w_in, w_out, wants)
        return g_rows.view(ctx.shape) if g_rows is not None else None, *g_weights


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
