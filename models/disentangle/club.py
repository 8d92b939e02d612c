"""CLUB: a variational upper bound of mutual information, used as a penalty."""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from models.layers import Perceptron
from models.registry import component, param

# The least variance of the fitted density: a specific vector that has become constant would
# otherwise drive its precision, and with it the penalty, to infinity.
SMALLEST = 1e-2


@dataclass(frozen=True)
class CLUBParameters:
    """Parameters of :class:`CLUB`."""

    weight: float = param(0.1, low=1e-4, high=10.0, log=True, help="weight of the bound in the loss")
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

    def fit_loss(self, semantic: Tensor, private: Tensor) -> Tensor:
        """Return the negative log-likelihood of q at the best v, up to a constant; gradients reach q only.

        Args:
            semantic: ``(B, T, width)``.
            private: ``(B, T, private_width)``.
        """
        return 0.5 * _variance(private.detach(), self.mean(semantic.detach())).log().sum()

    def bound(self, semantic: Tensor, private: Tensor) -> Tensor:
        """Return the bound before clamping and weighing; gradients reach the encoders, not q, not v."""
        self.requires_grad_(False)
        mean = self.mean(semantic)
        self.requires_grad_(True)
        variance = _variance(private.detach(), mean.detach())
        spread = (private - private.mean(0)).flatten(0, 1)
        bound: Tensor = (mean.flatten(0, 1) * spread).mean(0) @ variance.reciprocal()
        return bound

    def forward(self, semantic: Tensor, private: Tensor) -> Tensor:
        """Return the weighted bound, clamped at 0."""
        return self.weight * F.relu(self.bound(semantic, private))


def _variance(private: Tensor, mean: Tensor) -> Tensor:
    return (private - mean).flatten(0, 1).square().mean(0).clamp(min=SMALLEST)
