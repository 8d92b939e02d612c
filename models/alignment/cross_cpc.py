"""Cross-modal contrastive predictive coding."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

import torch
from torch import Tensor, nn

from models.alignment.context import LSTMContext, MeanContext
from models.contrast.infonce import InfoNCE, InfoNCEParameters
from models.errors import InvalidRequest
from models.registry import component, param
from models.steps import step_map
from models.vectors import unit


@dataclass(frozen=True)
class CrossCPCParameters:
    """Parameters of :class:`CrossCPC`."""

    steps: int = param(5, low=1, high=64, help="how many steps ahead are predicted (K)")
    context: str = param("lstm", choices=("lstm", "mean"), help="how the past is summed up")
    current_to_video: float = param(0.2, low=0.0, high=10.0, help="weight of predicting the video")
    video_to_current: float = param(0.2, low=0.0, high=10.0, help="weight of predicting the current")
    self_weight: float = param(0.0, low=0.0, high=10.0, help="weight of predicting the own modality")
    anchors: int = param(1, low=1, high=64, help="random starts per training step")


@component("alignment", "cross_cpc", parameters=CrossCPCParameters, origin="CMG, NeurIPS 2023")
class CrossCPC(nn.Module):
    """Predict the next K steps of the other modality from the past of one (CMG, eq. 6).

    The past of a modality up to a random step t is summed up by an LSTM (or its mean), a linear
    layer for each k = 1 … K predicts the semantics of t + k in both modalities, and the contrast
    tells right from wrong among the windows of the batch. Predicting the own modality always uses
    InfoNCE, whatever the contrast: there is no cross-modal pair to weigh.

    Where the modalities have different numbers of steps, both are read on the coarser clock, each
    at its last step within a common step.

    Raises:
        InvalidRequest: the common clock has fewer than K + 2 steps.
    """

    current_at: Tensor
    video_at: Tensor

    def __init__(
        self,
        parameters: CrossCPCParameters,
        *,
        width: int,
        current_steps: int,
        video_steps: int,
        contrast: nn.Module,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        common = min(current_steps, video_steps)
        if common < parameters.steps + 2:
            raise InvalidRequest(
                f"alignment.cross_cpc.steps must leave two steps of a window to predict from, got steps "
                f"{parameters.steps} with windows of {current_steps} and {video_steps} steps; use at most "
                f"{max(common - 2, 0)} or cut the windows into more steps"
            )
        self.settings = parameters
        self.random = Random(generator.initial_seed())
        self.starts = range(1, common - parameters.steps)
        self.same_clock = current_steps == video_steps
        self.register_buffer("current_at", step_map(common, current_steps), persistent=False)
        self.register_buffer("video_at", step_map(common, video_steps), persistent=False)
        self.context = LSTMContext(width) if parameters.context == "lstm" else MeanContext()
        bound = width**-0.5
        self.predict = nn.Parameter(torch.empty(2, width, parameters.steps * width).uniform_(-bound, bound))
        self.contrast = contrast
        self.own = InfoNCE(InfoNCEParameters(), width=width, private_width=0)

    def forward(
        self, current: Tensor, video: Tensor, *, strong: Tensor, private: tuple[Tensor, Tensor]
    ) -> Tensor:
        """Return the weighted loss.

        Args:
            current: ``(B, T_c, D)`` semantics of the current.
            video: ``(B, T_v, D)`` semantics of the video.
            strong: ``(B, T_v, F)`` video features, for contrasts that weigh by them.
            private: ``(B, T, P)`` private features of current and video, for contrasts that use them.
        """
        s = self.settings
        if not self.same_clock:
            current, video = current[:, self.current_at], video[:, self.video_at]
        z = torch.stack([current, video])
        starts = self._draw()
        predicted, target = self.predictions(z, starts), self.targets(z, starts)
        loss = current.new_zeros(())
        for source, weight in enumerate((s.current_to_video, s.video_to_current)):
            if weight:
                term = self.contrast(
                    predicted[source],
                    target[1 - source],
                    strong=strong,
                    private=private[source],
                    toward_video=source == 0,
                )
                loss = loss.add(term, alpha=weight)
        if s.self_weight:
            # The mean over both modalities, hence twice.
            own = self.own.loss(predicted.flatten(0, 1), target.flatten(0, 1))
            loss = loss.add(own, alpha=2.0 * s.self_weight)
        return loss

    def predictions(self, z: Tensor, starts: list[int]) -> Tensor:
        """Return unit predictions ``(2, starts * K, B, D)`` by each modality of ``(2, B, T, D)``."""
        _, batch, _, width = z.shape
        contexts = self.context(z, starts).reshape(2, -1, width)
        ahead = torch.bmm(contexts, self.predict).view(2, batch, -1, width)
        return unit(ahead.transpose(1, 2).contiguous())

    def targets(self, z: Tensor, starts: list[int]) -> Tensor:
        """Return unit targets ``(2, starts * K, B, D)`` of each modality, in the order of the predictions."""
        steps = self.settings.steps
        ahead = torch.cat([z[:, :, t + 1 : t + 1 + steps] for t in starts], dim=2)
        return unit(ahead.transpose(1, 2).contiguous())

    def _draw(self) -> list[int]:
        # Python's numbers: slicing by one that lies on a device would wait for the device.
        return self.random.choices(self.starts, k=self.settings.anchors)
