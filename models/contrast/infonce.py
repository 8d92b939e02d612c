"""InfoNCE over cosine similarities, normalised both ways."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from models.beside import Beside
from models.registry import component, param

LOG2E = math.log2(math.e)


def both_ways(
    predicted: Tensor, target: Tensor, temperature: float, wants: bool
) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """Return the loss of :func:`cross_entropy_both_ways` and, where wanted, its gradients.

    One exponential serves both directions and the gradient, where two log-soft-maxes and their
    gradients take six. It is a power of 2, which costs a third of one of e; the factor goes into
    the matrix product.
    """
    likelihood = torch.baddbmm(
        predicted.new_empty(()), predicted, target.mT, beta=0.0, alpha=LOG2E / temperature
    )
    pair = likelihood.diagonal(dim1=1, dim2=2)
    pairs = pair.sum()
    likelihood.exp2_()
    totals = likelihood.new_empty(2, *likelihood.shape[:2])
    by_row, by_column = totals.unbind()
    torch.sum(likelihood, 2, out=by_row)
    torch.sum(likelihood, 1, out=by_column)
    loss = totals.log().mean().sub_(pairs, alpha=1.0 / (LOG2E * by_row.numel()))
    if not wants:
        return loss, None, None
    half = 1.0 / (totals.numel() * temperature)
    totals.reciprocal_().mul_(half)
    weight = likelihood.mul_(by_row[:, :, None] + by_column[:, None, :])
    pair.sub_(2.0 * half)
    return loss, torch.bmm(weight, target), torch.bmm(weight.mT, predicted)


class _BothWays(torch.autograd.Function):
    """The gradient is taken at once, while all is in the cache, and only scaled on the way back."""

    @staticmethod
    def forward(ctx: Any, predicted: Tensor, target: Tensor, temperature: float) -> Tensor:
        loss, *g_both = both_ways(predicted, target, temperature, any(ctx.needs_input_grad))
        ctx.save_for_backward(*g_both)
        return loss

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None]:
        g_predicted, g_target = ctx.saved_tensors
        return g_predicted * gradients[0], g_target * gradients[0], None


def cross_entropy_both_ways(predicted: Tensor, target: Tensor, temperature: float = 1.0) -> Tensor:
    """Return the symmetric InfoNCE loss of ``(M, B, D)`` vectors.

    The logits are their scalar products over the temperature; row ``b`` of one belongs to row ``b``
    of the other. The logits must lie within ±80 of 0, as scaled cosines and logarithms of
    probabilities do: the exponential is taken without a shift.
    """
    loss: Tensor = _BothWays.apply(predicted, target, temperature)  # type: ignore[no-untyped-call]
    return loss


def cosines(predicted: Tensor, target: Tensor, temperature: float = 1.0) -> Tensor:
    """Return ``(M, B, B)`` cosines of unit vectors over the temperature, a row for each prediction."""
    return (predicted / temperature) @ target.transpose(-1, -2)


@dataclass(frozen=True)
class InfoNCEParameters:
    """Parameters of :class:`InfoNCE`."""

    temperature: float = param(
        0.1, low=0.02, high=2.0, log=True, search=(0.03, 1.0), help="divides the cosines"
    )


@component("contrast", "infonce", parameters=InfoNCEParameters, origin="arXiv 1807.03748")
class InfoNCE(nn.Module):
    """Pick the partner among the windows of the batch, from both sides (arXiv 1807.03748, eq. 4).

    Similarities are cosines over a temperature, so that the scale of a prediction is no way to
    lower the loss; the soft-max is taken over the targets of a prediction and over the predictions
    of a target, and the two are averaged. Without structure the loss is ln B.

    When not to use it alone: through a prediction layer it fixes the shared space only up to a
    linear map, so without an anchor (code matching, shared codes) the sign of what transfers is
    left to chance.
    """

    def __init__(self, parameters: InfoNCEParameters) -> None:
        super().__init__()
        self.temperature = parameters.temperature

    def forward(self, predicted: Tensor, target: Tensor, *, beside: Beside, toward_video: bool) -> Tensor:
        """Return the loss of ``(M, B, D)`` predictions; the keywords are not looked at."""
        return self.loss(predicted, target)

    def loss(self, predicted: Tensor, target: Tensor) -> Tensor:
        """Return the loss of ``(M, B, D)`` unit predictions and targets."""
        return cross_entropy_both_ways(predicted, target, self.temperature)
