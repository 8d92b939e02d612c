"""Adam with a clipped gradient."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from models.registry import component, param

FLOOR = 0.02
BETAS = (0.9, 0.999)
EPSILON = 1e-8
# Keeps a gradient of 0 from being scaled by infinity.
TINY = 1e-6


@dataclass(frozen=True)
class AdamParameters:
    """Parameters of :class:`Adam`; ``batch`` is read by whoever draws the batches."""

    learning_rate: float = param(3e-3, low=1e-5, high=1e-1, log=True, search=(3e-4, 3e-2), help="step size")
    batch: int = param(256, low=1, high=8192, log=True, help="windows per step")
    decay: str = param("cosine", choices=("cosine", "none"), help="of the step size over the training")
    clip: float = param(
        0.5, low=0.0, high=100.0, help="bound of the gradient's norm over all parameters; 0 = none"
    )


@component("optimizer", "adam", parameters=AdamParameters, origin="arXiv 1412.6980")
class Adam:
    """Adam (arXiv 1412.6980, algorithm 1) after clipping the norm of the whole gradient.

    The norm is taken over all parameters at once: clipping each sub-network on its own would
    change their relative step sizes.

    With ``decay: cosine`` the step size falls from ``learning_rate`` to a fiftieth of it over the
    ``steps`` of the training (arXiv 1608.03983, eq. 5, without restarts); it is constant where the
    number of steps is not known.

    The parameters become views of one flat vector, so that a step is a handful of kernels however
    many parameters there are. Move the module to its device before, not after.
    """

    def __init__(
        self, parameters: AdamParameters, trained: Iterable[nn.Parameter], *, steps: int | None = None
    ) -> None:
        self.clip = parameters.clip
        self._rate = parameters.learning_rate
        self._steps = steps if parameters.decay == "cosine" else None
        self._taken = 0
        self._trained = list(trained)
        self._flat = torch.cat([p.detach().flatten() for p in self._trained])
        self._mean, self._square = torch.zeros_like(self._flat), torch.zeros_like(self._flat)
        parts = torch.split(self._flat, [p.numel() for p in self._trained])
        for p, part in zip(self._trained, parts, strict=True):
            p.data = part.view_as(p)

    def step(self, loss: Tensor) -> None:
        """Back-propagate ``loss``, clip, and take one step."""
        gradients = torch.autograd.grad(loss, self._trained, allow_unused=True, materialize_grads=True)
        self.apply(gradients)

    @torch.no_grad()
    def apply(self, gradients: Sequence[Tensor]) -> None:
        """Clip gradients, given in the order of the parameters, and take one step."""
        gradient = torch.cat([g.reshape(-1) for g in gradients])
        if self.clip:
            gradient *= (self.clip / (torch.linalg.vector_norm(gradient) + TINY)).clamp_(max=1.0)
        rate = self._rate
        if self._steps:
            share = min(1.0, self._taken / self._steps)
            rate *= FLOOR + (1 - FLOOR) * (1 + math.cos(math.pi * share)) / 2
        self._taken += 1
        unbiased_mean, unbiased_square = (1.0 - beta**self._taken for beta in BETAS)
        self._mean.lerp_(gradient, 1.0 - BETAS[0])
        self._square.mul_(BETAS[1]).addcmul_(gradient, gradient, value=1.0 - BETAS[1])
        # Both sides of the quotient times the root of the correction: one pass fewer.
        correction = unbiased_square**0.5
        root = self._square.sqrt().add_(EPSILON * correction)
        self._flat.addcdiv_(self._mean, root, value=-rate * correction / unbiased_mean)
