"""Adam with a clipped gradient."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from models.registry import component, param

FLOOR = 0.02


@dataclass(frozen=True)
class AdamParameters:
    """Parameters of :class:`Adam`; ``batch`` is read by whoever draws the batches."""

    learning_rate: float = param(3e-3, low=1e-5, high=1e-1, log=True, help="step size")
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
        self._flat = nn.Parameter(torch.cat([p.detach().flatten() for p in self._trained]))
        parts = torch.split(self._flat.detach(), [p.numel() for p in self._trained])
        for p, part in zip(self._trained, parts, strict=True):
            p.data = part.view_as(p)
        self._adam = torch.optim.Adam([self._flat], lr=parameters.learning_rate, fused=True)

    def step(self, loss: Tensor) -> None:
        """Back-propagate ``loss``, clip, and take one step."""
        gradients = torch.autograd.grad(loss, self._trained, allow_unused=True, materialize_grads=True)
        self.apply(gradients)

    def apply(self, gradients: Sequence[Tensor]) -> None:
        """Clip gradients, given in the order of the parameters, and take one step."""
        self._flat.grad = torch.cat([g.flatten() for g in gradients])
        if self.clip:
            nn.utils.clip_grad_norm_(self._flat, self.clip)
        if self._steps:
            share = min(1.0, self._taken / self._steps)
            self._adam.param_groups[0]["lr"] = self._rate * (
                FLOOR + (1 - FLOOR) * (1 + math.cos(math.pi * share)) / 2
            )
        self._taken += 1
        self._adam.step()
