"""Cross-modal code matching."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from models.contrast.infonce import cross_entropy_both_ways
from models.registry import component, param

# Below this a squared distance counts as this: the square root has no gradient at 0, and the
# expanded square can come out slightly negative.
TINY = 1e-8


class _MeanAssignment(torch.autograd.Function):
    """softmax(-sqrt(x) / temperature) over the codes, averaged over the steps.

    By hand, since autograd's eight passes over the largest array of a training step are five too
    many.
    """

    @staticmethod
    def forward(ctx: Any, squared: Tensor, temperature: float) -> Tensor:
        logits = squared.clamp(min=TINY).sqrt_().mul_(-1.0 / temperature)
        assigned = torch.softmax(logits, dim=-1)
        ctx.save_for_backward(logits, assigned)
        ctx.temperature = temperature
        return assigned.mean(1)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        logits, assigned = ctx.saved_tensors
        # d logits / d squared = 1 / (2 temperature^2 logits), the factor applied while it is small.
        scaled = gradients[0] * (0.5 / (assigned.shape[1] * ctx.temperature**2))
        back = assigned * scaled[:, None]
        back.addcmul_(assigned, back.sum(-1, keepdim=True), value=-1.0)
        return back.div_(logits), None


@dataclass(frozen=True)
class CMCMParameters:
    """Parameters of :class:`CMCM`."""

    weight: float = param(5.0, low=0.0, high=100.0, help="weight of the loss")
    temperature: float = param(0.2, low=0.02, high=10.0, log=True, help="of the soft assignment")


@component("code_matching", "cmcm", parameters=CMCMParameters, origin="arXiv 2106.05438; CMG, NeurIPS 2023")
class CMCM(nn.Module):
    """Cross-modal code matching (arXiv 2106.05438, eq. 5-7).

    Each step is softly assigned to the codes, P(k) = softmax_k(-distance / temperature); averaged
    over the steps, the assignments of the two modalities of one window must find each other among
    the windows of the batch under S_ij = sum_k P_c(k|i) ln P_v(k|j) + P_v(k|j) ln P_c(k|i). Rows
    and columns are both normalised. Time is averaged away: the loss neither needs equal numbers of
    steps nor sees a lead shorter than a window.

    Published without a temperature, for vectors of length 16; on the unit sphere, where no distance
    exceeds 2, it takes one to tell the codes apart.
    """

    def __init__(self, parameters: CMCMParameters) -> None:
        super().__init__()
        self.weight = parameters.weight
        self.temperature = parameters.temperature

    def forward(self, current: Tensor, video: Tensor) -> Tensor:
        """Return the weighted loss.

        Args:
            current: ``(B, T_c, K)`` squared distances of the current's steps to the codes.
            video: ``(B, T_v, K)`` squared distances of the video's steps.
        """
        return self.weight * cross_entropy_both_ways(*self.factors(current, video))

    def factors(self, current: Tensor, video: Tensor) -> tuple[Tensor, Tensor]:
        """Return ``(1, B, 2K)`` factors of S: current @ video.T, row = window of the current."""
        p_c, p_v = self.assignment(current), self.assignment(video)
        log_c, log_v = (p_c + 1e-10).log(), (p_v + 1e-10).log()
        return torch.cat([p_c, log_c], dim=1)[None], torch.cat([log_v, p_v], dim=1)[None]

    def assignment(self, squared: Tensor) -> Tensor:
        """Return the mean soft assignment ``(B, K)`` for squared distances ``(B, T, K)``."""
        mean: Tensor = _MeanAssignment.apply(squared, self.temperature)  # type: ignore[no-untyped-call]
        return mean
