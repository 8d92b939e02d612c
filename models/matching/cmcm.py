"""Cross-modal code matching."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from models.contrast.infonce import LOG2E, both_ways
from models.quantizers.quantised import Quantised
from models.registry import component, param

# Below this a squared distance counts as this: the square root has no gradient at 0, and the
# expanded square can come out slightly negative.
TINY = 1e-8
# Keeps the logarithm of a code that is never assigned finite.
FLOOR = 1e-10


class _Assigned:
    """p = softmax(-sqrt(x) / temperature) over the codes and its mean over the steps.

    By hand, since autograd's eight passes over the largest array of a training step are five too
    many. Powers of 2 and reciprocal roots cost a third of powers of e and roots.
    """

    def __init__(self, squared: Tensor, temperature: float) -> None:
        clamped = squared.clamp(min=TINY)
        self.inverse = clamped.rsqrt()
        self.temperature = temperature
        scale = LOG2E / temperature
        nearest = clamped.amin(-1, keepdim=True).sqrt_().mul_(scale)
        assigned = torch.addcmul(nearest, clamped, self.inverse, value=-scale, out=clamped).exp2_()
        self.steps = assigned.div_(assigned.sum(-1, keepdim=True))
        self.mean = assigned.mean(1)
        self.floored = self.mean + FLOOR

    def factors(self) -> tuple[Tensor, Tensor]:
        """Return ``(B, K)`` mean and logarithm."""
        return self.mean, self.floored.log()

    def backward(self, by_mean: Tensor, by_log: Tensor) -> Tensor:
        """Return the gradient of the squared distances, given those of mean and logarithm."""
        total = torch.addcdiv(by_mean, by_log, self.floored)
        # d logits / d squared = -1 / (2 temperature distance), the factor applied while it is small.
        total.mul_(-0.5 / (self.steps.shape[1] * self.temperature))
        back = self.steps * total[:, None]
        inner = back.sum(-1, keepdim=True)
        return back.addcmul_(self.steps, inner, value=-1.0).mul_(self.inverse)


class _Match(torch.autograd.Function):
    """The whole loss; its gradient is taken at once, as that of the contrast."""

    @staticmethod
    def forward(ctx: Any, current: Tensor, video: Tensor, temperature: float) -> Tensor:
        of_current, of_video = _Assigned(current, temperature), _Assigned(video, temperature)
        predicted, target = factors(of_current, of_video)
        loss, g_predicted, g_target = both_ways(predicted, target, 1.0, any(ctx.needs_input_grad))
        if g_predicted is not None and g_target is not None:
            by_mean, by_log = g_predicted[0].chunk(2, dim=1)
            g_current = of_current.backward(by_mean, by_log)
            by_log, by_mean = g_target[0].chunk(2, dim=1)
            ctx.save_for_backward(g_current, of_video.backward(by_mean, by_log))
        return loss

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None]:
        g_current, g_video = ctx.saved_tensors
        return g_current * gradients[0], g_video * gradients[0], None


def factors(current: _Assigned, video: _Assigned) -> tuple[Tensor, Tensor]:
    """Return ``(1, B, 2K)`` factors of S: current @ video.T, row = window of the current."""
    (p_c, log_c), (p_v, log_v) = current.factors(), video.factors()
    return torch.cat([p_c, log_c], dim=1)[None], torch.cat([log_v, p_v], dim=1)[None]


@dataclass(frozen=True)
class CMCMParameters:
    """Parameters of :class:`CMCM`."""

    weight: float = param(5.0, low=0.0, high=100.0, log=True, search=(0.5, 20.0), help="weight of the loss")
    temperature: float = param(
        0.2, low=0.02, high=10.0, log=True, search=(0.05, 2.0), help="of the soft assignment"
    )


@component(
    "code_matching",
    "cmcm",
    parameters=CMCMParameters,
    origin="arXiv 2106.05438; CMG, NeurIPS 2023",
    needs=("codes",),
)
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

    def forward(self, q: Quantised) -> Tensor:
        """Return the weighted loss; of what was quantised the squared distances are looked at."""
        loss: Tensor = _Match.apply(q.current_distances, q.video_distances, self.temperature)  # type: ignore[no-untyped-call]
        return self.weight * loss
