"""Cross-modal code matching."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from models.contrast.infonce import LOG2E, cross_entropy_both_ways
from models.registry import component, param

# Below this a squared distance counts as this: the square root has no gradient at 0, and the
# expanded square can come out slightly negative.
TINY = 1e-8
# Keeps the logarithm of a code that is never assigned finite.
FLOOR = 1e-10


class _Factor(torch.autograd.Function):
    """p = softmax(-sqrt(x) / temperature) over the codes, averaged over the steps, beside its logarithm.

    By hand, since autograd's eight passes over the largest array of a training step are five too
    many. Powers of 2 and reciprocal roots cost a third of powers of e and roots.
    """

    @staticmethod
    def forward(ctx: Any, squared: Tensor, temperature: float, log_first: bool) -> Tensor:
        clamped = squared.clamp(min=TINY)
        inverse = clamped.rsqrt()
        scale = LOG2E / temperature
        nearest = clamped.amin(-1, keepdim=True).sqrt_().mul_(scale)
        assigned = torch.addcmul(nearest, clamped, inverse, value=-scale, out=clamped).exp2_()
        assigned.div_(assigned.sum(-1, keepdim=True))
        batch, _, codes = squared.shape
        factor = squared.new_empty(batch, 2 * codes)
        ctx.halves = (slice(codes, None), slice(codes)) if log_first else (slice(codes), slice(codes, None))
        mean, log = (factor[:, half] for half in ctx.halves)
        torch.mean(assigned, 1, out=mean)
        floored = mean + FLOOR
        torch.log(floored, out=log)
        ctx.save_for_backward(inverse, assigned, floored)
        ctx.temperature = temperature
        return factor

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        inverse, assigned, floored = ctx.saved_tensors
        by_mean, by_log = (gradients[0][:, half] for half in ctx.halves)
        total = torch.addcdiv(by_mean, by_log, floored)
        # d logits / d squared = -1 / (2 temperature distance), the factor applied while it is small.
        total.mul_(-0.5 / (assigned.shape[1] * ctx.temperature))
        back = assigned * total[:, None]
        back.addcmul_(assigned, back.sum(-1, keepdim=True), value=-1.0)
        return back.mul_(inverse), None, None


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
        of_current: Tensor = _Factor.apply(current, self.temperature, False)  # type: ignore[no-untyped-call]
        of_video: Tensor = _Factor.apply(video, self.temperature, True)  # type: ignore[no-untyped-call]
        return of_current[None], of_video[None]
