"""Ridge logistic regression on pooled code vectors."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from models.heads.classes import balanced_weights
from models.registry import component, param

ITERATIONS = 100
TOLERANCE = 1e-10


@dataclass(frozen=True)
class LinearHeadParameters:
    """Parameters of :class:`LinearHead`."""

    ridge: float = param(
        1e-3, low=1e-8, high=1e3, log=True, help="penalty of the squared weights, per window"
    )


@component("head", "linear", parameters=LinearHeadParameters)
class LinearHead:
    """Class-balanced ridge logistic regression on the mean code vector of a window.

    Minimises mean_i w_i log(1 + exp(-y_i f(x_i))) + ridge / 2 |w|^2 with the intercept free, over
    vectors scaled by one number to unit size (the ridge then means the same for every encoder,
    and directions the video hardly uses are not blown up). Newton steps with halving in float64:
    deterministic, no learning rate. It equals scikit-learn's ``LogisticRegression`` with
    ``class_weight="balanced"`` and ``C = 1 / (ridge N)`` on the scaled vectors.
    """

    def __init__(self, parameters: LinearHeadParameters) -> None:
        self.ridge = parameters.ridge
        self.weights = torch.empty(0)
        self.centre = torch.empty(0)
        self.scale = torch.ones(())

    def fit(
        self, vectors: Tensor, indices: Tensor, labels: Tensor, *, unlabelled: Tensor | None = None
    ) -> LinearHead:
        """Fit on code vectors ``(N, T, D)``, their indices ``(N, T)`` and labels ``(N,)`` of 0 and 1.

        ``unlabelled`` vectors of the modality it will be read on are not looked at.

        Raises:
            InvalidRequest: one class is missing.
        """
        share = balanced_weights(labels) / len(labels)
        pooled = vectors.double().mean(1)
        self.centre = pooled.mean(0)
        self.scale = (pooled - self.centre).square().mean().sqrt().clamp(min=1e-12)
        x, y = self._design(vectors), labels.double()
        penalty = self.ridge * torch.ones(x.shape[1], dtype=x.dtype, device=x.device)
        penalty[-1] = 0.0

        def loss(w: Tensor) -> Tensor:
            fit = F.binary_cross_entropy_with_logits(x @ w, y, weight=share, reduction="sum")
            return fit + 0.5 * (penalty * w.square()).sum()

        w = torch.zeros_like(penalty)
        for _ in range(ITERATIONS):
            p = torch.sigmoid(x @ w)
            gradient = x.T @ (share * (p - y)) + penalty * w
            if gradient.abs().max() < TOLERANCE:
                break
            curvature = (x * (share * p * (1.0 - p))[:, None]).T @ x + torch.diag(penalty + 1e-12)
            step = torch.linalg.solve(curvature, gradient)
            size = 1.0
            while size > 1e-6 and loss(w - size * step) > loss(w):
                size /= 2.0
            w = w - size * step
        self.weights = w
        return self

    def score(self, vectors: Tensor, indices: Tensor) -> Tensor:
        """Return the probability ``(N,)`` that each window is abnormal."""
        return torch.sigmoid(self._design(vectors) @ self.weights)

    def _design(self, vectors: Tensor) -> Tensor:
        scaled = (vectors.double().mean(1) - self.centre) / self.scale
        return F.pad(scaled, (0, 1), value=1.0)
