"""How often each code was abnormal."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from models.heads.classes import balanced_weights
from models.registry import component, param


@dataclass(frozen=True)
class CodeTableParameters:
    """Parameters of :class:`CodeTable`."""

    smoothing: float = param(
        1.0,
        low=1e-3,
        high=1e3,
        log=True,
        search=(0.1, 10.0),
        help="windows of each class added to every code",
    )
    pool: str = param("mean", choices=("mean", "log_odds"), help="how the steps of a window are summed up")


@component("head", "code_table", parameters=CodeTableParameters, needs=("codes",))
class CodeTable:
    """P(abnormal | code) of the video's codes with Laplace smoothing, averaged over the steps.

    Classes are balanced; a code never seen says 1/2. It sees which codes were chosen and nothing
    else, so it transfers only as far as both modalities really share codes: read it beside the
    linear head, whose vectors transfer even where codes differ.
    """

    def __init__(self, parameters: CodeTableParameters, *, codes: int) -> None:
        self.smoothing = parameters.smoothing
        self.pool = parameters.pool
        self.codes = codes
        self.table = torch.empty(0)

    def fit(
        self, vectors: Tensor, indices: Tensor, labels: Tensor, *, unlabelled: Tensor | None = None
    ) -> CodeTable:
        """Fit on indices ``(N, T)`` and labels ``(N,)`` of 0 and 1; no vectors are looked at.

        Raises:
            InvalidRequest: one class is missing.
        """
        weights = balanced_weights(labels)[:, None].expand(indices.shape).flatten() / indices.shape[1]
        chosen = indices.flatten()
        positive = (labels == 1)[:, None].expand(indices.shape).flatten()
        total = torch.bincount(chosen, weights, minlength=self.codes)
        abnormal = torch.bincount(chosen, weights * positive, minlength=self.codes)
        self.table = (abnormal + self.smoothing) / (total + 2.0 * self.smoothing)
        return self

    def score(self, vectors: Tensor, indices: Tensor) -> Tensor:
        """Return the probability ``(N,)`` that each window is abnormal."""
        steps = self.table[indices]
        return steps.mean(1) if self.pool == "mean" else torch.sigmoid(torch.logit(steps).mean(1))
