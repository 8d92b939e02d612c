"""A per-step MLP that rebuilds the input features."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.layers import Perceptron
from models.registry import component, param


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
        return self.weight * F.mse_loss(self(vectors, private), features)
