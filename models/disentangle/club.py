"""CLUB: a variational upper bound of mutual information, used as a penalty."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.layers import Perceptron, flat, perceptron, perceptron_backward
from models.registry import component, param

# The least variance of the fitted density: a specific vector that has become constant would
# otherwise drive its precision, and with it the penalty, to infinity.
SMALLEST = 1e-2


class _Bound(torch.autograd.Function):
    """sum_d Cov(mean_d, private_d) / v_d; the weights of the mean and v are constants.

    The gradient is taken at once, while everything is in the cache, and only scaled on the way back.
    """

    @staticmethod
    def forward(ctx: Any, semantic: Tensor, private: Tensor, *weights: Tensor) -> Tensor:
        rows = flat(semantic)
        hidden, mean = perceptron(rows, *weights)
        precision = _variance(flat(private) - mean).clamp_(min=SMALLEST).reciprocal_()
        spread = private - private.mean(0)
        weighted = mean.mul_(precision)
        bound = torch.dot(weighted.view(-1), spread.view(-1)).div_(len(rows))
        if any(ctx.needs_input_grad):
            g_mean = flat(spread).mul_(precision.div_(len(rows)))
            g_rows = perceptron_backward(g_mean, rows, hidden, weights[0], weights[2], (True, False))[0]
            weighted = weighted.view_as(private)
            g_private = (weighted - weighted.mean(0)).div_(len(rows))
            ctx.save_for_backward(g_rows.view_as(semantic), g_private)  # type: ignore[union-attr]
        return bound

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        g_semantic, g_private = (saved * gradients[0] for saved in ctx.saved_tensors)
        return g_semantic, g_private, None, None, None, None


def _variance(residual: Tensor) -> Tensor:
    """Return the mean square of each column."""
    return residual.square().mean(0)


@dataclass(frozen=True)
class CLUBParameters:
    """Parameters of :class:`CLUB`."""

    weight: float = param(
        0.1, low=1e-4, high=10.0, log=True, search=(0.01, 1.0), help="weight of the bound in the loss"
    )
    inner_steps: int = param(1, low=1, high=10, help="updates of the density per training step")
    learning_rate: float = param(1e-3, low=1e-5, high=1e-1, log=True, help="of the density")
    hidden: int = param(32, low=1, high=512, log=True, help="hidden width of the density's mean")


@component(
    "disentangle",
    "club",
    parameters=CLUBParameters,
    origin="arXiv 2006.12013; CMG, NeurIPS 2023",
    needs=("private",),
)
class CLUB(nn.Module):
    """Contrastive log-ratio upper bound between code vectors and specific vectors (arXiv 2006.12013).

    A density q(s | x) = N(mu(x), diag v) is fitted by likelihood: mu is an MLP, v is what is most
    likely given mu, the mean squared residual. The encoders then lower the bound
    E_p(x,s)[log q(s|x)] - E_p(x)p(s)[log q(s|x)] (theorem 3.1 there). Over all pairs of a batch at
    the same step it has the closed form sum_d Cov(mu_d(x), s_d) / v_d: O(B), no permutation noise.
    It is clamped at 0, since the bound of an ill-fitted q is negative without limit.

    One variance for all x, rather than a second net, is a choice: a net bounded by tanh saturates,
    and its saturation passes for convergence.

    When not to use it: it penalises, it does not measure. On Gaussians with 8 nats of mutual
    information it reads 42.
    """

    def __init__(self, parameters: CLUBParameters, *, width: int, private_width: int) -> None:
        super().__init__()
        self.weight = parameters.weight
        self.inner_steps = parameters.inner_steps
        self.learning_rate = parameters.learning_rate
        self.mean = Perceptron(width, parameters.hidden, private_width)

    @torch.no_grad()
    def fit_gradients(self, semantic: Tensor, private: Tensor) -> tuple[Tensor, ...]:
        """Return the gradients of sum_d ln v_d / 2, in the order of the parameters.

        That is the negative log-likelihood of q at the best v, up to a constant. No graph is built.

        Args:
            semantic: ``(B, T, width)``.
            private: ``(B, T, private_width)``.
        """
        rows, weights = flat(semantic), self.mean.weights()
        hidden, mean = perceptron(rows, *weights)
        residual = mean.sub_(flat(private))
        variance = _variance(residual)
        # No gradient where the variance is clamped.
        residual.mul_((variance * len(rows)).reciprocal_().mul_(variance > SMALLEST))
        gradients = perceptron_backward(residual, rows, hidden, weights[0], weights[2], (False, True))
        return tuple(g for g in gradients if g is not None)

    def bound(self, semantic: Tensor, private: Tensor) -> Tensor:
        """Return the bound before clamping and weighing; gradients reach the encoders, not q, not v."""
        weights = (w.detach() for w in self.mean.weights())
        bound: Tensor = _Bound.apply(semantic, private, *weights)  # type: ignore[no-untyped-call]
        return bound

    def forward(self, semantic: Tensor, private: Tensor) -> Tensor:
        """Return the weighted bound, clamped at 0."""
        return self.weight * F.relu(self.bound(semantic, private))
