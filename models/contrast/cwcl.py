"""Continuously weighted contrastive loss."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from models.beside import Beside
from models.contrast.infonce import cosines
from models.registry import component, param
from models.vectors import unit

KERNELS = ("affine", "centred", "exponential")


@dataclass(frozen=True)
class CWCLParameters:
    """Parameters of :class:`CWCL`."""

    temperature: float = param(
        0.1, low=0.02, high=2.0, log=True, search=(0.03, 1.0), help="divides the cosines"
    )
    kernel: str = param(
        "affine",
        choices=KERNELS,
        search=KERNELS,
        help="how similar windows share the target (affine: as published)",
    )
    bandwidth: float = param(
        0.1, low=0.01, high=10.0, log=True, search=(0.03, 1.0), help="of the exponential kernel, in cosines"
    )


@component("contrast", "cwcl", parameters=CWCLParameters, origin="arXiv 2309.14580")
class CWCL(nn.Module):
    """Soft targets from similarities inside the strong modality (arXiv 2309.14580, eq. 3-5).

    With w_ij = (1 + cos(p_i, p_j)) / 2 of the video features p, the direction anchored on the
    video is the cross-entropy to w_ij / sum_j w_ij; the direction anchored on the current keeps
    the one-hot target, since similarities inside the weak modality are not to be trusted. The two
    are averaged (published: summed), so that the arm differs from InfoNCE in kind, not in weight.

    The affine weight is flat: among N unrelated windows the true pair gets about 2/N of the target,
    and less where all features lie in a cone. Two kernels that are not of the paper:

    * ``centred``: p less its mean over the batch before the cosine; takes away the cone, not the flatness.
    * ``exponential``: w_ij = exp((cos(p_i, p_j) - 1) / bandwidth), a soft-max over the neighbours.

    Notes ``effective``, the mean over the rows of exp(entropy of the target): between 1, one-hot,
    and B, where the direction anchored on the video no longer tells one window from another.
    """

    def __init__(self, parameters: CWCLParameters) -> None:
        super().__init__()
        self.temperature = parameters.temperature
        self.kernel, self.bandwidth = parameters.kernel, parameters.bandwidth
        self.logs: dict[str, Tensor] = {}

    def forward(self, predicted: Tensor, target: Tensor, *, beside: Beside, toward_video: bool) -> Tensor:
        """Return the loss.

        Args:
            predicted: ``(M, B, D)``.
            target: ``(M, B, D)``.
            beside: the means of its video features are used, without gradient.
            toward_video: whether the targets are of the video (else the predictions are).
        """
        logits = cosines(predicted, target, self.temperature)
        if toward_video:
            logits = logits.transpose(-1, -2)
        # Now row = video, column = current.
        weights = self.weights(beside.strong)
        self.logs = {"effective": torch.special.entr(weights).sum(-1).exp().mean()}
        soft = -(weights * logits.log_softmax(-1)).sum((-1, -2))
        hard = -logits.log_softmax(-2).diagonal(dim1=-2, dim2=-1).sum(-1)
        return 0.5 * (soft + hard).mean() / len(beside.strong)

    def weights(self, strong: Tensor) -> Tensor:
        """Return the targets ``(B, B)`` over the windows, a row for each anchor."""
        p = strong.detach().mean(1)
        if self.kernel == "centred":
            p = p - p.mean(0)
        p = unit(p)
        similarity = (p @ p.T).clamp(-1.0, 1.0)
        if self.kernel == "exponential":
            return (similarity / self.bandwidth).softmax(-1)
        similarity = 0.5 + 0.5 * similarity
        return similarity / similarity.sum(-1, keepdim=True)
