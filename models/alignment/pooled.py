"""Alignment of whole windows, without time."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from models.beside import Beside
from models.registry import component, param
from models.steps import step_map
from models.vectors import unit


@dataclass(frozen=True)
class PooledParameters:
    """Parameters of :class:`Pooled`."""

    projection: str = param(
        "none", choices=("none", "linear", "mlp"), help="between the shared space and the contrast"
    )
    current_to_video: float = param(
        0.2, low=0.0, high=10.0, log=True, search=(0.02, 2.0), help="weight with the current as prediction"
    )
    video_to_current: float = param(
        0.2, low=0.0, high=10.0, log=True, search=(0.02, 2.0), help="weight with the video as prediction"
    )
    detach_video: bool = param(False, help="the alignment does not train the video's encoder")
    normalise: bool = param(True, help="compare vectors of unit length, not as they are")
    per_step: bool = param(False, help="steps are compared one by one instead of their mean")


@component("alignment", "pooled", parameters=PooledParameters, origin="CLIP, arXiv 2103.00020")
class Pooled(nn.Module):
    """The mean over the steps of a window is what is compared (CLIP, arXiv 2103.00020, figure 3).

    Each modality's semantics are averaged over the steps, projected by a layer of its own or not at
    all, scaled to unit length, and given to the contrast both ways round; for a contrast that treats
    both alike, such as InfoNCE, that is the same term twice. CLIP has a linear projection and a learned
    temperature; here the temperature is the contrast's and constant.

    Without a projection the loss anchors the shared space itself: current and video of a window have to
    lie in the same place. With one, they agree only up to the two maps, and code matching has to do
    the rest. ``detach_video`` stops the gradient before the video's projection, which still learns.

    Without ``normalise`` the vectors keep their lengths, which contrasts of statistics (CCA, VICReg) take and
    contrasts of cosines do not: linear encoders then stay linear.

    With ``per_step`` every step is a set of its own, told apart among the same step of the other
    windows; where the clocks differ, both are read on the coarser one, each at the step in which a common
    step ends. When not to use the mean: where the order within a window is what tells.
    """

    current_at: Tensor
    video_at: Tensor

    def __init__(
        self,
        parameters: PooledParameters,
        *,
        width: int,
        current_steps: int,
        video_steps: int,
        contrast: nn.Module,
    ) -> None:
        super().__init__()
        self.settings = parameters
        self.contrast = contrast
        self.of_current, self.of_video = (projection(parameters.projection, width) for _ in range(2))
        common = min(current_steps, video_steps)
        self.register_buffer("current_at", step_map(common, current_steps), persistent=False)
        self.register_buffer("video_at", step_map(common, video_steps), persistent=False)

    def forward(self, current: Tensor, video: Tensor, *, beside: Beside) -> Tensor:
        """Return the weighted loss.

        Args:
            current: ``(B, T_c, D)`` semantics of the current.
            video: ``(B, T_v, D)`` semantics of the video.
            beside: for contrasts that look at more than the vectors.
        """
        s = self.settings
        of_current, of_video = self.embed(current, video)
        loss = current.new_zeros(())
        for weight, pair, toward_video in (
            (s.current_to_video, (of_current, of_video), True),
            (s.video_to_current, (of_video, of_current), False),
        ):
            if weight:
                loss = loss + weight * self.contrast(*pair, beside=beside, toward_video=toward_video)
        return loss

    def embed(self, current: Tensor, video: Tensor) -> tuple[Tensor, Tensor]:
        """Return what is compared: vectors ``(M, B, D)`` of each modality, of unit length if so asked."""
        if self.settings.detach_video:
            video = video.detach()
        if self.settings.per_step:
            current, video = (
                z[:, at].transpose(0, 1) for z, at in ((current, self.current_at), (video, self.video_at))
            )
        else:
            current, video = (z.mean(1)[None] for z in (current, video))
        current, video = self.of_current(current), self.of_video(video)
        return (unit(current), unit(video)) if self.settings.normalise else (current, video)


def projection(kind: str, width: int) -> nn.Module:
    """Return a map from the shared space to that of the contrast, of the same width."""
    if kind == "none":
        return nn.Identity()
    if kind == "linear":
        return nn.Linear(width, width, bias=False)
    return nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width))
