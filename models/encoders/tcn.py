"""Dilated causal convolutions over the steps of a window."""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from models.registry import component, param
from models.vectors import unit


@dataclass(frozen=True)
class TCNParameters:
    """Parameters of :class:`TCNEncoder`."""

    width: int = param(32, low=2, high=512, log=True, help="width of the semantic vectors")
    hidden: int = param(32, low=2, high=512, log=True, search=(16, 64), help="channels of the convolutions")
    levels: int = param(2, low=1, high=8, search=(1, 3), help="residual blocks; block i has dilation 2^i")
    kernel: int = param(3, low=2, high=9, search=(2, 4), help="taps of a convolution")
    unit_norm: bool = param(True, help="put the semantic vectors on the unit sphere")


@component("current_encoder", "tcn", parameters=TCNParameters, origin="Bai 2018, arXiv 1803.01271")
@component("video_encoder", "tcn", parameters=TCNParameters, origin="Bai 2018, arXiv 1803.01271")
class TCNEncoder(nn.Module):
    """A temporal convolutional network: residual blocks of two dilated causal convolutions, then Linear.

    arXiv 1803.01271, section 3: ``F(s) = sum_i f(i) x_{s - d i}`` with dilation ``d = 2^level``; a
    block is ``ReLU(x + ReLU(conv(ReLU(conv(x)))))``, with a 1x1 convolution of ``x`` where the
    channels change. Step ``t`` sees the ``1 + 2 (kernel - 1) (2^levels - 1)`` steps up to ``t``: 13 as
    set, and nothing later. Unlike the paper's, its weights are not normalised and nothing is
    dropped: windows are short, and what is trained must be what is read.
    """

    def __init__(self, parameters: TCNParameters, *, features: int) -> None:
        super().__init__()
        self.width = parameters.width
        self.unit_norm = parameters.unit_norm
        channels = [features] + parameters.levels * [parameters.hidden]
        self.blocks = nn.Sequential(
            *(
                _Block(inputs, outputs, parameters.kernel, 2**level)
                for level, (inputs, outputs) in enumerate(zip(channels, channels[1:], strict=False))
            )
        )
        self.leave = nn.Linear(parameters.hidden, parameters.width)

    def forward(self, x: Tensor) -> Tensor:
        """Encode ``(B, T, features)`` as ``(B, T, width)``."""
        z: Tensor = self.leave(self.blocks(x.transpose(1, 2)).transpose(1, 2))
        return unit(z) if self.unit_norm else z


class _Block(nn.Module):
    def __init__(self, inputs: int, outputs: int, kernel: int, dilation: int) -> None:
        super().__init__()
        self.past = (kernel - 1) * dilation
        self.first = nn.Conv1d(inputs, outputs, kernel, dilation=dilation)
        self.second = nn.Conv1d(outputs, outputs, kernel, dilation=dilation)
        self.skip = nn.Conv1d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        hidden = F.relu(self.first(F.pad(x, (self.past, 0))))
        hidden = F.relu(self.second(F.pad(hidden, (self.past, 0))))
        return F.relu(self.skip(x) + hidden)
