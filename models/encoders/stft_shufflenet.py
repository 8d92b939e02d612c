"""Spectrograms of the raw current, read by a small ShuffleNetV2."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.encoders.raw import layout
from models.encoders.shufflenet import ShuffleNetV2
from models.errors import InvalidRequest
from models.registry import component, param
from models.vectors import unit

FLOOR = 1e-6


@dataclass(frozen=True)
class STFTShuffleNetParameters:
    """Parameters of :class:`STFTShuffleNetEncoder`."""

    width: int = param(32, low=2, high=512, log=True, help="width of the semantic vectors")
    window: int = param(16, low=4, high=4096, log=True, help="samples of a Fourier window; even")
    hop: int = param(4, low=1, high=1024, log=True, help="samples from one Fourier window to the next")
    channels: int = param(8, low=2, high=64, log=True, search=(4, 8, 16), help="of the stem; even")
    unit_norm: bool = param(True, help="put the semantic vectors on the unit sphere")


@component(
    "current_encoder",
    "stft_shufflenet",
    parameters=STFTShuffleNetParameters,
    origin="arXiv 2501.03746, arXiv 1807.11164",
    needs=("raw",),
    lacks=("causal",),
)
class STFTShuffleNetEncoder(nn.Module):
    """Short-time Fourier transform, log power, small ShuffleNetV2, one token a step.

    After arXiv 2501.03746 (broken rotor bars from spectrograms with ShuffleNetV2, arXiv 1807.11164).
    The whole window is one signal; ``log(|STFT|^2 + 1e-6)`` with a Hann window is a picture of
    frequency x time with the phases of the current as channels. The net halves both axes twice; the mean over
    frequency, pooled (or interpolated) over time to the steps of the window, is mapped to ``width``.

    The paper's settings of the transform are not known and its pictures are of 224 x 224; sizes here
    are ours, stages are two instead of three, norms are over a window's own picture (group norm with
    one group) instead of over the batch, so that what is trained is what is read, and no weights are
    pretrained. The physics does not carry over: rotor bars show as sidebands of the mains frequency
    in a 50 kHz signal; an arc current is broadband, and a few samples a second show no mains at all.
    A token sees the whole window: not for predictions of its later steps. A training step on 256
    windows of 120 samples takes about three times as long as the baseline's.

    Raises:
        InvalidRequest: the input is not raw samples, or the Fourier windows do not fit.
    """

    def __init__(
        self,
        parameters: STFTShuffleNetParameters,
        *,
        features: int,
        steps: int,
        shape: tuple[int, ...] | None = None,
    ) -> None:
        super().__init__()
        self.samples, self.phases = layout("stft_shufflenet", shape, ("samples", "channels"))
        length, window, stem = steps * self.samples, parameters.window, parameters.channels
        if window % 2 or window > length or parameters.hop > window or stem % 2:
            raise InvalidRequest(
                "stft_shufflenet wants an even number of channels, an even Fourier window no longer than the "
                f"current and a hop no longer than it, got channels {stem}, window {window} and hop "
                f"{parameters.hop} for {length} samples; change them"
            )
        self.width = parameters.width
        self.unit_norm = parameters.unit_norm
        self.window, self.hop = window, parameters.hop
        self.net = ShuffleNetV2(
            (2, 2),
            (stem, 2 * stem, 4 * stem, 4 * stem),
            inputs=self.phases,
            classes=0,
            small=True,
            norm=lambda channels: nn.GroupNorm(1, channels),
        )
        self.leave = nn.Linear(4 * stem, parameters.width)

    def picture(self, x: Tensor) -> Tensor:
        """Return log power ``(B, channels, frequencies, frames)`` of ``(B, T, samples x channels)``."""
        batch = len(x)
        signal = x.reshape(batch, -1, self.phases).transpose(1, 2).flatten(0, 1)
        hann = torch.hann_window(self.window, dtype=x.dtype, device=x.device)
        spectrum = torch.stft(signal, self.window, self.hop, window=hann, return_complex=True)
        power = spectrum.real.square() + spectrum.imag.square()
        return (power + FLOOR).log().reshape(batch, self.phases, *power.shape[1:])

    def forward(self, x: Tensor) -> Tensor:
        """Encode ``(B, T, samples x channels)`` as ``(B, T, width)``."""
        seen, steps = self.net.features(self.picture(x)).mean(2), x.shape[1]
        if seen.shape[2] >= steps:
            tokens = F.adaptive_avg_pool1d(seen, steps)
        else:
            tokens = F.interpolate(seen, steps, mode="linear")
        z: Tensor = self.leave(tokens.transpose(1, 2))
        return unit(z) if self.unit_norm else z
