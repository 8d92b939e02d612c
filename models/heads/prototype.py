"""The distance to the prototypes of each class."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from models.heads.classes import balanced_weights
from models.registry import component, param

ITERATIONS = 100


@dataclass(frozen=True)
class PrototypeHeadParameters:
    """Parameters of :class:`PrototypeHead`."""

    prototypes: int = param(1, low=1, high=4, search=(1, 4), help="prototypes of each class")
    scale: float = param(
        3.0, low=1e-3, high=1e3, log=True, search=(1.0, 30.0),
        help="of the squared distances, in units of the mean squared deviation of the windows",
    )  # fmt: skip
    centre: str = param(
        "none", choices=("none", "train", "test"), search=("none", "train"),
        help="mean subtracted: none, of training windows, of the windows scored (transductive)",
    )  # fmt: skip


@component("head", "prototype", parameters=PrototypeHeadParameters, origin="Snell 2017, arXiv 1703.05175")
class PrototypeHead:
    """Prototypical network: softmax over the classes of minus the squared distance to their means.

    arXiv 1703.05175, equations 1 and 2: ``c_k`` is the mean of the pooled video code vectors x of class k,
    ``p(k | x) ∝ exp(-scale |x - c_k|^2 / s^2)``. The paper has no scale; here distances are in units
    of ``s^2 = mean |x - mean x|^2`` of the fit, so that the scale means the same for every
    encoder. With several prototypes (ours: abnormal comes in kinds) ``p(k | x) ∝ mean_j exp(-scale |x -
    c_kj|^2 / s^2)``, the ``c_kj`` by k-means within the class, started from the windows farthest from
    each other: deterministic. Class shares do not enter.

    ``centre`` closes a gap between the modalities that is a shift: ``train`` subtracts the mean of the
    fitted windows from these and the mean of ``unlabelled`` from those read (the fitted mean again
    where there are none: the head is then read on its own modality). ``test`` subtracts the
    mean of the scored windows themselves: transductive, since each score depends on the others, on
    how many of them are abnormal, and says nothing for a window alone.
    """

    def __init__(self, parameters: PrototypeHeadParameters) -> None:
        self.parameters = parameters
        self.centres: tuple[Tensor, Tensor] = (torch.empty(0), torch.empty(0))
        self.mean = torch.zeros(())
        self.size = torch.ones(())

    def fit(
        self, vectors: Tensor, indices: Tensor, labels: Tensor, *, unlabelled: Tensor | None = None
    ) -> PrototypeHead:
        """Fit on code vectors ``(N, T, D)`` and labels ``(N,)`` of 0 and 1; indices are not looked at.

        Args:
            vectors: code vectors.
            indices: codes ``(N, T)``.
            labels: of the windows.
            unlabelled: code vectors ``(N', T', D)`` of the modality it will be read on, of training
                windows.

        Raises:
            InvalidRequest: one class is missing.
        """
        balanced_weights(labels)
        pooled = vectors.detach().double().mean(1)
        own = pooled.mean(0)
        self.size = (pooled - own).square().sum(1).mean().clamp(min=1e-12)
        self.mean = torch.zeros_like(own)
        if self.parameters.centre != "none":
            pooled = pooled - own
            self.mean = own if unlabelled is None else unlabelled.detach().double().mean((0, 1))
        count = self.parameters.prototypes
        self.centres = (k_means(pooled[labels == 0], count), k_means(pooled[labels == 1], count))
        return self

    def score(self, vectors: Tensor, indices: Tensor) -> Tensor:
        """Return the probability ``(N,)`` that each window is abnormal."""
        pooled = vectors.detach().double().mean(1)
        pooled = pooled - (pooled.mean(0) if self.parameters.centre == "test" else self.mean)
        normal, abnormal = (self._log_kernel(pooled, centres) for centres in self.centres)
        return torch.sigmoid(abnormal - normal)

    def _log_kernel(self, pooled: Tensor, centres: Tensor) -> Tensor:
        squared = (pooled[:, None] - centres).square().sum(-1) / self.size
        return (-self.parameters.scale * squared).logsumexp(1) - math.log(len(centres))


def k_means(points: Tensor, count: int) -> Tensor:
    """Return at most ``count`` centres ``(k, D)`` of points ``(N, D)``, always the same ones.

    Lloyd's algorithm from the points farthest from each other, the first being farthest from the
    mean; fewer centres where there are fewer distinct points.
    """
    if count == 1:
        return points.mean(0, keepdim=True)
    chosen = [int((points - points.mean(0)).square().sum(1).argmax())]
    while len(chosen) < count:
        nearest = (points[:, None] - points[chosen]).square().sum(-1).amin(1)
        if nearest.max() == 0:
            break
        chosen.append(int(nearest.argmax()))
    centres = points[chosen]
    for _ in range(ITERATIONS):
        owner = (points[:, None] - centres).square().sum(-1).argmin(1)
        member = torch.nn.functional.one_hot(owner, len(centres)).to(points.dtype)
        size = member.sum(0)[:, None]
        moved = torch.where(size > 0, member.T @ points / size.clamp(min=1.0), centres)
        if torch.equal(moved, centres):
            break
        centres = moved
    return centres
