"""A per-step MLP that rebuilds the input features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from models.layers import Perceptron, flat, perceptron, perceptron_backward
from models.registry import component, param


class _Error(torch.autograd.Function):
    """Weighted mean squared error of a rebuilt target, which is a constant.

    Perceptron and error in one, so that the error can take the place of the output. The gradient is
    taken at once, while everything is in the cache, and only scaled on the way back.
    """

    @staticmethod
    def forward(
        ctx: Any, vectors: Tensor, private: Tensor, features: Tensor, weight: float, *weights: Tensor
    ) -> Tensor:
        rows = torch.cat([flat(vectors), flat(private)], dim=1)
        hidden, rebuilt = perceptron(rows, *weights)
        error = rebuilt.sub_(flat(features))
        scale, every = weight / error.numel(), error.view(-1)
        loss = torch.dot(every, every).mul_(scale)
        if any(ctx.needs_input_grad):
            g_out = error.mul_(2.0 * scale)
            saved = perceptron_backward(g_out, rows, hidden, weights[0], weights[2], (True, True))
            ctx.save_for_backward(*saved)
            ctx.shapes = (vectors.shape, private.shape)
        return loss

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        g_rows, *g_weights = (saved * gradients[0] for saved in ctx.saved_tensors)
        of_vectors, of_private = ctx.shapes
        g_vectors, g_private = g_rows[:, : of_vectors[-1]], g_rows[:, of_vectors[-1] :]
        return g_vectors.view(of_vectors), g_private.view(of_private), None, None, *g_weights


@dataclass(frozen=True)
class MLPDecoderParameters:
    """Parameters of :class:`MLPDecoder`."""

    weight: float = param(
        1.0, low=0.0, high=100.0, log=True, search=(0.1, 3.0), help="weight of the reconstruction in the loss"
    )
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
        loss: Tensor = _Error.apply(vectors, private, features, self.weight, *self.net.weights())  # type: ignore[no-untyped-call]
        return loss
