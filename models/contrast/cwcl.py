"""Continuously weighted contrastive loss."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from models.contrast.infonce import cosines
from models.registry import component, param
from models.vectors import unit


@dataclass(frozen=True)
class CWCLParameters:
    """Parameters of :class:`CWCL`."""

    temperature: float = param(
        0.1, low=0.02, high=2.0, log=True, search=(0.03, 1.0), help="divides the cosines"
    )


@component("contrast", "cwcl", parameters=CWCLParameters, origin="arXiv 2309.14580")
class CWCL(nn.Module):
    """Soft targets from similarities inside the strong modality (arXiv 2309.14580, eq. 3-5).

    With w_ij = (1 + cos(p_i, p_j)) / 2 of the video features p, the direction anchored on the
    video is the cross-entropy to w_ij / sum_j w_ij; the direction anchored on the current keeps
    the one-hot target, since similarities inside the weak modality are not to be trusted. The two
    are averaged (published: summed), so that the arm differs from InfoNCE in kind, not in weight.

    The affine weight is flat: among N unrelated windows the true pair gets about 2/N of the target.
    """

    def __init__(self, parameters: CWCLParameters, *, width: int, private_width: int) -> None:
        super().__init__()
        self.temperature = parameters.temperature

    def forward(
        self, predicted: Tensor, target: Tensor, *, strong: Tensor, private: Tensor, toward_video: bool
    ) -> Tensor:
        """Return the loss.

        Args:
            predicted: ``(M, B, D)``.
            target: ``(M, B, D)``.
            strong: ``(B, T, F)`` video features of the windows; their means are used, without gradient.
            private: not looked at.
            toward_video: whether the targets are of the video (else the predictions are).
        """
        logits = cosines(predicted, target, self.temperature)
        if toward_video:
            logits = logits.transpose(-1, -2)
        # Now row = video, column = current.
        soft = -(self.weights(strong) * logits.log_softmax(-1)).sum((-1, -2))
        hard = -logits.log_softmax(-2).diagonal(dim1=-2, dim2=-1).sum(-1)
        return 0.5 * (soft + hard).mean() / len(strong)

    def weights(self, strong: Tensor) -> Tensor:
        """Return the targets ``(B, B)`` over the windows, a row for each anchor."""
        p = unit(strong.detach().mean(1))
        similarity = 0.5 + 0.5 * (p @ p.T).clamp(-1.0, 1.0)
        return similarity / similarity.sum(-1, keepdim=True)
