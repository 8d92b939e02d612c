"""CLUB with one negative for each window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from models.disentangle.club import CLUB, SMALLEST, CLUBParameters
from models.layers import flat, perceptron
from models.registry import component


@dataclass(frozen=True)
class CLUBSampledParameters(CLUBParameters):
    """Parameters of :class:`CLUBSampled`."""


@component(
    "disentangle",
    "club_sampled",
    parameters=CLUBSampledParameters,
    origin="arXiv 2006.12013, section 3.2; CMG, NeurIPS 2023",
    needs=("private",),
)
class CLUBSampled(CLUB):
    """CLUB as CMG ran it: the negative of a window is one other window (arXiv 2006.12013, section 3.2).

    I <= E_i[ln q(s_i | x_i) - ln q(s_pi(i) | x_i)], pi a random permutation of the windows of a batch,
    at the same step. The density q and its fit are those of :class:`~models.disentangle.club.CLUB`, and
    over the permutations the mean is CLUB's closed form, but for the factor B / (B - 1): here pi is a
    random cycle, so that no window is its own negative. It is clamped at 0.

    When not to use it: for a penalty, the closed form is the same without the noise, and no slower. It
    is here since the published numbers were made with it. The clamp lets through only the positive
    part of the noise, so that with little to separate it pushes a little more than CLUB does.
    """

    def __init__(self, parameters: CLUBSampledParameters, *, width: int, private_width: int) -> None:
        super().__init__(parameters, width=width, private_width=private_width)
        self.generator = torch.Generator().manual_seed(int(torch.randint(2**62, ())))

    def bound(self, semantic: Tensor, private: Tensor) -> Tensor:
        """Return the bound before clamping and weighing; gradients reach the encoders, not q, not v.

        Args:
            semantic: ``(B, T, width)``.
            private: ``(B, T, private_width)``.
        """
        _, mean = perceptron(flat(semantic), *(w.detach() for w in self.mean.weights()))
        mean = mean.view_as(private)
        precision = (private - mean).detach().square().flatten(0, 1).mean(0).clamp(min=SMALLEST).reciprocal()
        other = private.index_select(0, self._partners(len(private)).to(private.device))
        difference = (other - mean).square() - (private - mean).square()
        return 0.5 * (difference * precision).sum(-1).mean()

    def _partners(self, count: int) -> Tensor:
        """Return a random cycle through ``count`` windows: of each the next."""
        order = torch.randperm(count, generator=self.generator)
        return torch.empty_like(order).index_copy_(0, order, order.roll(1))

    def get_extra_state(self) -> dict[str, Any]:
        """Return what a checkpoint needs beside the parameters."""
        return {"generator": self.generator.get_state()}

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Take up where :meth:`get_extra_state` left off."""
        self.generator.set_state(state["generator"])
