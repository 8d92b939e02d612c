"""Disentangling by an adversary whose gradient is reversed."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.layers import Perceptron, flat, perceptron, perceptron_backward
from models.registry import component, param

# The least standard deviation a column is scaled by: in one that is constant there is nothing to read.
SMALLEST = 0.01


@dataclass(frozen=True)
class ReversalParameters:
    """Parameters of :class:`Reversal`."""

    weight: float = param(
        0.5, low=1e-4, high=10.0, log=True, search=(0.05, 5.0), help="weight of the reversed gradient"
    )
    inner_steps: int = param(
        5,
        low=0,
        high=10,
        help="updates of the adversary per training step; 0 = with the encoder, as published",
    )
    learning_rate: float = param(1e-2, low=1e-5, high=1e-1, log=True, help="of the adversary")
    hidden: int = param(32, low=1, high=512, log=True, help="hidden width of the adversary")
    hide_in: str = param(
        "semantic",
        choices=("semantic", "specific"),
        help="which vectors are to hide the others (specific: AHA)",
    )


@component(
    "disentangle",
    "reversal",
    parameters=ReversalParameters,
    origin="DANN, arXiv 1505.07818; AHA, arXiv 2602.03570",
    needs=("private",),
)
class Reversal(nn.Module):
    """An adversary reads the specific vector off the code vector; the encoder makes that hard.

    An MLP f lowers e_d = mean (f(x)_d - s_d)^2, s being the specific vector, standardised over the batch;
    the encoder of x gets the gradient of it reversed (DANN, arXiv 1505.07818, eq. 13-18), as that of
    weight mean_d max(0, 1 - e_d). At e_d = 1 f reads as well as a guess of the mean: DANN reverses beyond
    it too, where there is nothing left to hide and the loss has no bound.

    As published, one optimiser trains encoder and adversary at once (``inner_steps: 0``; the error is then
    part of the loss). In trials of this game on two Gaussians that hid nothing, and often put more in: the
    encoder wins by moving about faster than the adversary follows. Hence a few updates of the adversary's
    own before each step.

    AHA (arXiv 2602.03570) puts such an adversary in place of CLUB, but on the other side: its specific
    branch must hide the semantic vectors. That is ``hide_in: specific``, with x and s exchanged.

    What is read carries no gradient: it would flee into noise. The weight is constant, where DANN raises
    it over the training. The squared error is a choice for targets that are continuous, and so is
    standardising them, without which their scale would be a weight.

    When not to use it: where a closed form such as CLUB's will do. It is a game, with two more values to
    tune, and what it hides, it hides from this MLP only.
    """

    def __init__(self, parameters: ReversalParameters, *, width: int, private_width: int) -> None:
        super().__init__()
        self.weight = parameters.weight
        self.inner_steps = parameters.inner_steps
        self.learning_rate = parameters.learning_rate
        self.in_semantic = parameters.hide_in == "semantic"
        sizes = (width, private_width) if self.in_semantic else (private_width, width)
        self.adversary = Perceptron(sizes[0], parameters.hidden, sizes[1])

    @torch.no_grad()
    def fit_gradients(self, semantic: Tensor, private: Tensor) -> tuple[Tensor, ...]:
        """Return the gradients of the mean error, in the order of the parameters; none without inner steps.

        Args:
            semantic: ``(B, T, width)``.
            private: ``(B, T, private_width)``.
        """
        if not self.inner_steps:
            return ()
        rows, target = self._sides(semantic, private)
        weights = self.adversary.weights()
        hidden, read = perceptron(rows, *weights)
        g_read = (read - target).mul_(2.0 / read.numel())
        gradients = perceptron_backward(g_read, rows, hidden, weights[0], weights[2], (False, True))
        return tuple(g for g in gradients if g is not None)

    def forward(self, semantic: Tensor, private: Tensor) -> Tensor:
        """Return the weighted share that the adversary reads; without inner steps plus its error.

        Args:
            semantic: ``(B, T, width)``.
            private: ``(B, T, private_width)``.
        """
        rows, target = self._sides(semantic, private)
        _, read = perceptron(rows, *(w.detach() for w in self.adversary.weights()))
        penalty = F.relu(1.0 - (read - target).square().mean(0)).mean()
        if not self.inner_steps:
            penalty = penalty + (self.adversary(rows.detach()) - target).square().mean()
        return self.weight * penalty

    def _sides(self, semantic: Tensor, private: Tensor) -> tuple[Tensor, Tensor]:
        """Return rows that are to hide something and, standardised and detached, what."""
        hiding, hidden = (semantic, private) if self.in_semantic else (private, semantic)
        target = flat(hidden.detach())
        spread = target.std(0, correction=0).clamp(min=SMALLEST)
        return flat(hiding), (target - target.mean(0)) / spread
