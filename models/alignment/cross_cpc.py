"""Cross-modal contrastive predictive coding."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

import torch
from torch import Tensor, nn

from models.alignment.context import GRUContext, LSTMContext, MeanContext
from models.beside import Beside
from models.contrast.infonce import InfoNCE, InfoNCEParameters
from models.errors import InvalidRequest
from models.registry import component, param
from models.steps import step_map
from models.vectors import lengths, unit


class _Cut(torch.autograd.Function):
    """What is known and what is to be predicted, of both modalities.

    One copy each, and one array of gradients, where slicing makes an array as long as the windows
    for each slice.
    """

    @staticmethod
    def forward(
        ctx: Any, current: Tensor, video: Tensor, starts: list[int], steps: int
    ) -> tuple[Tensor, Tensor]:
        batch, _, width = current.shape
        length = max(starts) + 1
        past = current.new_empty(2, length, batch, width)
        ahead = current.new_empty(2, len(starts) * steps, batch, width)
        for m, z in enumerate((current, video)):
            past[m] = z[:, :length].transpose(0, 1)
            for i, t in enumerate(starts):
                ahead[m, i * steps : (i + 1) * steps] = z[:, t + 1 : t + 1 + steps].transpose(0, 1)
        ctx.shape, ctx.starts, ctx.steps = current.shape, starts, steps
        return past, ahead

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        past, ahead = gradients
        whole = past.new_zeros(2, *ctx.shape)
        whole[:, :, : past.shape[1]] = past.transpose(1, 2)
        for i, t in enumerate(ctx.starts):
            part = ahead[:, i * ctx.steps : (i + 1) * ctx.steps]
            whole[:, :, t + 1 : t + 1 + ctx.steps] += part.transpose(1, 2)
        return whole[0], whole[1], None, None


def cut(current: Tensor, video: Tensor, starts: list[int], steps: int) -> tuple[Tensor, Tensor]:
    """Return the past up to the last start and the steps after each start.

    Args:
        current: ``(B, T, D)``.
        video: ``(B, T, D)``.
        starts: the steps after which something is predicted.
        steps: how many steps are predicted, K.

    Returns:
        ``(2, max(starts) + 1, B, D)`` and ``(2, len(starts) * K, B, D)``.
    """
    past, ahead = _Cut.apply(current, video, starts, steps)  # type: ignore[no-untyped-call]
    return past, ahead


class _Predicted(torch.autograd.Function):
    """Unit vectors ``(2, S * K, B, D)`` of ``(2, D, S, B)`` contexts and ``(2, D, K * D)`` layers.

    The scaling also moves the windows behind the steps, and back.
    """

    @staticmethod
    def forward(ctx: Any, contexts: Tensor, layers: Tensor) -> Tensor:
        _, width, starts, batch = contexts.shape
        ahead = torch.bmm(contexts.flatten(2).mT, layers).view(2, starts, batch, -1, width)
        length = lengths(ahead)
        scaled = ahead.new_empty(2, starts, ahead.shape[3], batch, width)
        torch.div(ahead.transpose(2, 3), length.transpose(2, 3), out=scaled)
        ctx.save_for_backward(contexts, layers, length, scaled)
        return scaled.view(2, -1, batch, width)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor]:
        contexts, layers, length, scaled = ctx.saved_tensors
        gradient = gradients[0].view_as(scaled)
        along = (gradient * scaled).sum(-1, keepdim=True)
        back = scaled.new_empty(*length.shape[:-1], scaled.shape[-1])
        torch.addcmul(gradient, scaled, along, value=-1.0, out=back.transpose(2, 3))
        g_ahead = back.div_(length).view(2, -1, layers.shape[2])
        g_contexts = torch.bmm(layers, g_ahead.mT).view_as(contexts)
        return g_contexts, torch.bmm(contexts.flatten(2), g_ahead)


@dataclass(frozen=True)
class CrossCPCParameters:
    """Parameters of :class:`CrossCPC`."""

    steps: int = param(5, low=1, high=64, search=(1, 8), help="how many steps ahead are predicted (K)")
    horizon: float = param(
        0.0,
        low=0.0,
        high=100_000.0,
        help="seconds ahead that are predicted, in place of steps; 0 = use steps",
    )
    context: str = param("lstm", choices=("lstm", "gru", "mean"), help="how the past is summed up")
    current_to_video: float = param(
        0.2, low=0.0, high=10.0, log=True, search=(0.02, 2.0), help="weight of predicting the video"
    )
    video_to_current: float = param(
        0.2, low=0.0, high=10.0, log=True, search=(0.02, 2.0), help="weight of predicting the current"
    )
    self_weight: float = param(0.0, low=0.0, high=10.0, help="weight of predicting the own modality")
    anchors: int = param(1, low=1, high=64, help="random starts per training step")


CONTEXTS = {"lstm": LSTMContext, "gru": GRUContext, "mean": MeanContext}


@component(
    "alignment",
    "cross_cpc",
    parameters=CrossCPCParameters,
    origin="CMG, NeurIPS 2023",
    needs=("causal",),
)
class CrossCPC(nn.Module):
    """Predict the next K steps of the other modality from the past of one (CMG, eq. 6).

    The past of a modality up to a random step t is summed up by an LSTM (or a GRU, or its mean), a
    linear layer for each k = 1 … K predicts the semantics of t + k in both modalities, and the contrast
    tells right from wrong among the windows of the batch. Predicting the own modality always uses
    InfoNCE, whatever the contrast: there is no cross-modal pair to weigh.

    Where the modalities have different numbers of steps, both are read on the coarser clock, each
    at its last step within a common step. K may be given as a ``horizon`` in seconds, so that windows
    cut into other steps predict equally far: K = round(horizon / seconds of a common step), at least 1.

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
        step_seconds: tuple[float, float] = (1.0, 1.0),
    ) -> None:
        super().__init__()
        common = min(current_steps, video_steps)
        self.steps = parameters.steps
        given = f"steps {parameters.steps}"
        if parameters.horizon:
            # Between equal numbers of steps the video's clock: it is what the current predicts.
            seconds = step_seconds[0] if current_steps < video_steps else step_seconds[1]
            self.steps = max(1, round(parameters.horizon / seconds))
            given = f"steps {self.steps} (a horizon of {parameters.horizon:g} s in steps of {seconds:g} s)"
        if common < self.steps + 2:
            raise InvalidRequest(
                f"alignment.cross_cpc.steps must leave two steps of a window to predict from, got {given} "
                f"with windows of {current_steps} and {video_steps} steps; use at most {max(common - 2, 0)} "
                f"or cut the windows into more steps"
            )
        self.settings = parameters
        self.random = Random(generator.initial_seed())
        self.starts = range(1, common - self.steps)
        self.same_clock = current_steps == video_steps
        self.register_buffer("current_at", step_map(common, current_steps), persistent=False)
        self.register_buffer("video_at", step_map(common, video_steps), persistent=False)
        self.context = CONTEXTS[parameters.context](width)
        bound = width**-0.5
        self.predict = nn.Parameter(torch.empty(2, width, self.steps * width).uniform_(-bound, bound))
        self.contrast = contrast
        self.own = InfoNCE(InfoNCEParameters())

    def forward(self, current: Tensor, video: Tensor, *, beside: Beside) -> Tensor:
        """Return the weighted loss.

        Args:
            current: ``(B, T_c, D)`` semantics of the current.
            video: ``(B, T_v, D)`` semantics of the video.
            beside: for contrasts that look at more than the vectors.
        """
        s = self.settings
        if not self.same_clock:
            current, video = current[:, self.current_at], video[:, self.video_at]
        starts = self._draw()
        past, ahead = cut(current, video, starts, self.steps)
        predicted, target = self.predictions(past, starts), unit(ahead)
        by_source, by_modality = predicted.unbind(), target.unbind()
        loss = current.new_zeros(())
        for source, weight in enumerate((s.current_to_video, s.video_to_current)):
            if weight:
                term = self.contrast(
                    by_source[source],
                    by_modality[1 - source],
                    beside=beside,
                    toward_video=source == 0,
                )
                loss = loss.add(term, alpha=weight)
        if s.self_weight:
            # The mean over both modalities, hence twice.
            own = self.own.loss(predicted.flatten(0, 1), target.flatten(0, 1))
            loss = loss.add(own, alpha=2.0 * s.self_weight)
        return loss

    def predictions(self, past: Tensor, starts: list[int]) -> Tensor:
        """Return unit predictions ``(2, starts * K, B, D)`` by each modality of ``(2, T, B, D)``."""
        predicted: Tensor = _Predicted.apply(self.context(past, starts), self.predict)  # type: ignore[no-untyped-call]
        return predicted

    def _draw(self) -> list[int]:
        # Python's numbers: slicing by one that lies on a device would wait for the device.
        return self.random.choices(self.starts, k=self.settings.anchors)
