"""Contexts: the past of both modalities, summed up at given steps."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class MeanContext(nn.Module):
    """The mean of the past."""

    def __init__(self, width: int) -> None:
        super().__init__()

    def forward(self, past: Tensor, starts: list[int]) -> Tensor:
        """Return ``(2, D, len(starts), B)`` for sequences ``(2, T, B, D)``."""
        return torch.stack([past[:, : t + 1].mean(1) for t in starts], dim=1).permute(0, 3, 1, 2)


class _LSTM(torch.autograd.Function):
    """States of two LSTMs side by side, ``(2, T, B, D) -> (2, D, len(starts), B)``, gradient written out.

    The reason is the one of :mod:`models.layers`. The candidate is 2 sigmoid(x) - 1 = tanh(x / 2),
    so that one sigmoid serves all four gates; the factor lives in the weights. Inside, features come
    before windows: a gate is then one block of memory. ``cells`` are twice the cell.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, w_input: Tensor, w_state: Tensor, bias: Tensor, starts: list[int]
    ) -> Tensor:
        two, length, batch, width = x.shape
        rows = x.reshape(two, length * batch, width)
        gates = torch.baddbmm(bias.mT, w_input.mT, rows.mT)
        states = x.new_empty(two, width, length * batch)
        cells, bounded = torch.empty_like(states), torch.empty_like(states)
        at = [slice(t * batch, (t + 1) * batch) for t in range(length)]
        for t, now in enumerate(at):
            here, cell = gates[..., now], cells[..., now]
            if t:
                torch.baddbmm(here, w_state.mT, states[..., at[t - 1]], out=here)
            enter, forget, leave, new = here.sigmoid_().chunk(4, dim=1)
            torch.mul(enter, new, out=cell).mul_(4.0).sub_(enter, alpha=2.0)
            if t:
                cell.addcmul_(forget, cells[..., at[t - 1]])
            torch.sigmoid(cell, out=bounded[..., now])
            torch.addcmul(-leave, leave, bounded[..., now], value=2.0, out=states[..., now])
        ctx.save_for_backward(rows, w_input, w_state, gates, states, cells, bounded)
        ctx.shape, ctx.at, ctx.starts = x.shape, at, starts
        return torch.stack([states[..., at[t]] for t in starts], dim=2)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        rows, w_input, w_state, gates, states, cells, bounded = ctx.saved_tensors
        two, length, batch, width = ctx.shape
        # What a gradient is multiplied by, for all steps at once: of the state on its way to the
        # cell and the leaving gate, of the cell on its way to the others.
        factors = torch.addcmul(gates, gates, gates, value=-1.0).view(two, 4, width, -1)
        enter, forget, leave, new = gates.view_as(factors).unbind(1)
        factors[:, 0].mul_(new.mul(4.0).sub_(2.0))
        factors[:, 1, :, :batch] = 0.0
        factors[:, 1, :, batch:].mul_(cells[..., :-batch])
        factors[:, 2].mul_(bounded.mul(2.0).sub_(1.0))
        factors[:, 3].mul_(enter.mul(4.0))
        to_cell = torch.addcmul(bounded, bounded, bounded, value=-1.0).mul_(leave).mul_(2.0)
        g_gates = torch.empty_like(factors)
        g_states = gradients[0].contiguous()
        g_state = g_states.new_zeros(two, width, batch)
        g_later = torch.zeros_like(g_state)
        for t in reversed(range(length)):
            now = ctx.at[t]
            for i, start in enumerate(ctx.starts):
                if start == t:
                    g_state = g_state + g_states[:, :, i]
            g_cell = torch.addcmul(g_later, g_state, to_cell[..., now])
            torch.mul(factors[..., now], g_cell[:, None], out=g_gates[..., now])
            torch.mul(factors[:, 2, :, now], g_state, out=g_gates[:, 2, :, now])
            if t:
                g_later = g_cell * forget[..., now]
                g_state = torch.bmm(w_state, g_gates.view_as(gates)[..., now])
        flat = g_gates.view_as(gates)
        return (
            torch.bmm(flat.mT, w_input.mT).view(ctx.shape),
            torch.bmm(rows.mT, flat.mT),
            torch.bmm(states[..., :-batch], flat[..., batch:].mT),
            flat.sum(2)[:, None],
            None,
        )


class LSTMContext(nn.Module):
    """The state of an LSTM, one for each modality (Hochreiter & Schmidhuber 1997).

    Both run side by side as batched products.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        bound = width**-0.5
        self.of_input = nn.Parameter(torch.empty(2, width, 4 * width).uniform_(-bound, bound))
        self.of_state = nn.Parameter(torch.empty(2, width, 4 * width).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(2, 1, 4 * width).uniform_(-bound, bound))

    def forward(self, past: Tensor, starts: list[int]) -> Tensor:
        """Return ``(2, D, len(starts), B)`` for sequences ``(2, T, B, D)`` that end at the last start."""
        states: Tensor = _LSTM.apply(past, self.of_input, self.of_state, self.bias, starts)  # type: ignore[no-untyped-call]
        return states


class GRUContext(nn.Module):
    """The state of a GRU, one for each modality (arXiv 1406.1078, eq. 5-8).

    What CPC sums up the past by (arXiv 1807.03748, section 2.2). That of the library, whose reset gate
    acts after the product with the state.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.nets = nn.ModuleList(nn.GRU(width, width) for _ in range(2))

    def forward(self, past: Tensor, starts: list[int]) -> Tensor:
        """Return ``(2, D, len(starts), B)`` for sequences ``(2, T, B, D)``."""
        states = [net(z)[0] for net, z in zip(self.nets, past.unbind(), strict=True)]
        return torch.stack([torch.stack([of[t] for t in starts]).permute(2, 0, 1) for of in states])
