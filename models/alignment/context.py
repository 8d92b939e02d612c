"""Contexts: the past of both modalities, summed up at given steps."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class MeanContext(nn.Module):
    """The mean of the past."""

    def forward(self, z: Tensor, starts: list[int]) -> Tensor:
        """Return ``(2, B, len(starts), D)`` for sequences ``(2, B, T, D)``."""
        return torch.stack([z[:, :, : t + 1].mean(2) for t in starts], dim=2)


class _LSTM(torch.autograd.Function):
    """All states of two LSTMs side by side, ``(2, T, B, D) -> (2, T, B, D)``, gradient written out.

    The reason is the one of :mod:`models.layers`. The candidate is 2 sigmoid(x) - 1 = tanh(x / 2),
    so that one sigmoid serves all four gates; the factor lives in the weights.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, w_input: Tensor, w_state: Tensor, bias: Tensor) -> Tensor:
        two, length, batch, width = x.shape
        driven = torch.baddbmm(bias, x.reshape(two, length * batch, width), w_input).view(
            two, length, batch, -1
        )
        states = x.new_empty(two, length, batch, width)
        cells, bounded = torch.empty_like(states), torch.empty_like(states)
        for t in range(length):
            gates = driven[:, t]
            if t:
                torch.baddbmm(gates, states[:, t - 1], w_state, out=gates)
            enter, forget, leave, new = gates.sigmoid_().chunk(4, dim=-1)
            cell = torch.addcmul(-enter, enter, new, value=2.0)
            if t:
                cell.addcmul_(forget, cells[:, t - 1])
            cells[:, t] = cell
            bounded[:, t] = cell.mul_(2.0).sigmoid_().mul_(2.0).sub_(1.0)
            torch.mul(leave, bounded[:, t], out=states[:, t])
        ctx.save_for_backward(x, w_input, w_state, driven, states, cells, bounded)
        return states

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        x, w_input, w_state, gates, states, cells, bounded = ctx.saved_tensors
        two, length, batch, width = x.shape
        g_gates = torch.empty_like(gates)
        g_state, g_cell = gradients[0][:, -1], None
        for t in reversed(range(length)):
            enter, forget, leave, new = gates[:, t].chunk(4, dim=-1)
            g_enter, g_forget, g_leave, g_new = g_gates[:, t].chunk(4, dim=-1)
            b = bounded[:, t]
            torch.mul(g_state, b, out=g_leave)
            through = g_state * leave
            through.addcmul_(through * b, b, value=-1.0)
            g_cell = through if g_cell is None else through.add_(g_cell)
            torch.addcmul(-g_cell, g_cell, new, value=2.0, out=g_enter)
            torch.mul(g_cell, enter, out=g_new).mul_(2.0)
            if t:
                torch.mul(g_cell, cells[:, t - 1], out=g_forget)
            else:
                g_forget.zero_()
            torch.ops.aten.sigmoid_backward.grad_input(g_gates[:, t], gates[:, t], grad_input=g_gates[:, t])
            if t:
                g_cell = g_cell * forget
                g_state = torch.baddbmm(gradients[0][:, t - 1], g_gates[:, t], w_state.transpose(1, 2))
        flat = g_gates.view(two, length * batch, -1)
        rows = x.reshape(two, length * batch, width)
        g_x = torch.bmm(flat, w_input.transpose(1, 2)).view_as(x)
        later, earlier = flat[:, batch:], states.view(two, length * batch, width)[:, :-batch]
        g_state_weights = torch.bmm(earlier.transpose(1, 2), later)
        return g_x, torch.bmm(rows.transpose(1, 2), flat), g_state_weights, flat.sum(1, keepdim=True)


class LSTMContext(nn.Module):
    """The state of an LSTM, one for each modality (Hochreiter & Schmidhuber 1997).

    Both run side by side as batched products and only as far as the last start.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        bound = width**-0.5
        self.of_input = nn.Parameter(torch.empty(2, width, 4 * width).uniform_(-bound, bound))
        self.of_state = nn.Parameter(torch.empty(2, width, 4 * width).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(2, 1, 4 * width).uniform_(-bound, bound))

    def forward(self, z: Tensor, starts: list[int]) -> Tensor:
        """Return ``(2, B, len(starts), D)`` for sequences ``(2, B, T, D)``."""
        past = z[:, :, : max(starts) + 1].transpose(1, 2)
        states: Tensor = _LSTM.apply(past, self.of_input, self.of_state, self.bias)  # type: ignore[no-untyped-call]
        return torch.stack([states[:, t] for t in starts], dim=2)
