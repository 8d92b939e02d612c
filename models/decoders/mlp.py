"""A per-step MLP that rebuilds the input features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from models.layers import Perceptron, perceptron, perceptron_backward
from models.registry import component, param


class _Error(torch.autograd.Function):
    """Weighted mean squared error of a rebuilt target, which is a constant.

    Perceptron and error in one, so that the error can take the place of the output.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, features: Tensor, weight: float, *weights: Tensor) -> Tensor:
        hidden, rebuilt = perceptron(x, *weights)
        error = rebuilt.sub_(features)
        ctx.save_for_backward(error, x, hidden, weights[0], weights[2])
        ctx.scale = weight / error.numel()
        return torch.dot(error.view(-1), error.view(-1)).mul_(ctx.scale)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        error, x, hidden, w_in, w_out = ctx.saved_tensors
        wants = (ctx.needs_input_grad[0], ctx.needs_input_grad[3])
        g_out = error * (gradients[0] * (2.0 * ctx.scale))
        g_x, *g_weights = perceptron_backward(g_out, x, hidden, w_in, w_out, wants)
        return g_x, None, None, *g_weights


@dataclass(frozen=True)
class MLPDecoderParameters:
    """Parameters of :class:`MLPDecoder`."""

    weight: float = param(1.0, low=0.0, high=100.0, help="weight of the reconstruction in the loss")
    hidden: int = param(48, low=1, high=1024, log=True, help="width of the hidden layer")


@component("decoder", "mlp", parameters=MLPDecoderParameters, origin="CMG, NeurIPS 2023")
class MLPDecoder(nn.Module):
    """Linear-ReLU-Linear on the code vector and the specific vector, to the input features."""

    def __init__(
        self, parameters: MLPDecoderParameters, *, width: int, private_width: int, features: int
    ) -> None:
        super().__init__()
        self.weight = parameters.weight
        self.net = Perceptron(width + private_width, parameters.hidden, features)

    def forward(self, vectors: Tensor, private: Tensor) -> Tensor:
        """Rebuild ``(B, T, features)`` from ``(B, T, width)`` and ``(B, T, private_width)``."""
        rebuilt: Tensor = self.net(torch.cat([vectors, private], dim=-1))
        return rebuilt

    def loss(self, vectors: Tensor, private: Tensor, features: Tensor) -> Tensor:
        """Return the weighted mean squared error of the rebuilt features."""
        x = torch.cat([vectors, private], dim=-1)
        loss: Tensor = _Error.apply(x, features, self.weight, *self.net.weights())  # type: ignore[no-untyped-call]
        return loss
