"""The modalities meet in a few shared tokens only."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from models.fusion.reader import Classifier, FusionParameters, FusionReader, Tokens
from models.registry import component, param
from models.transformer import Block


@dataclass(frozen=True)
class BottleneckParameters(FusionParameters):
    """Parameters of :class:`BottleneckFusion`."""

    layers: int = param(2, low=2, high=4, search=(2, 3), help="layers; the second is the first to hear")
    tokens: int = param(4, low=1, high=64, search=(1, 8), help="tokens shared by both modalities")


@component("fusion", "bottleneck", parameters=BottleneckParameters, origin="MBT, arXiv 2107.00135")
class BottleneckFusion(FusionReader):
    """Attention bottlenecks: what one modality tells the other passes through a few shared tokens.

    MBT (arXiv 2107.00135): in each layer ``[z_m; f_m] = Transformer_m([z_m; f])`` with weights of
    each modality's own, then ``f = (f_current + f_video) / 2``. One layer only fills the shared
    tokens; from the second on the modalities hear each other. The logits of the two streams are
    averaged, as in the paper; here each stream is pooled by attention (one classifier for both)
    instead of read from a class token, the streams share tokens from the first layer on, and
    modality dropout is ours. With the video absent half of the logit comes from a stream that heard
    of the current only through the shared tokens.
    """

    def __init__(self, parameters: BottleneckParameters, *, width: int, generator: torch.Generator) -> None:
        super().__init__(parameters, width, generator)
        self.shared = parameters.tokens

    def build(self, steps: tuple[int, int]) -> nn.Module:
        """Return a new net for so many steps of current and video."""
        return _Narrow(self.parameters, self.width, steps, self.shared)


class _Narrow(nn.Module):
    def __init__(self, parameters: FusionParameters, width: int, steps: tuple[int, int], shared: int) -> None:
        super().__init__()
        hidden, heads = parameters.hidden, parameters.heads
        self.tokens = Tokens(width, hidden, steps)
        self.shared = nn.Parameter(0.02 * torch.randn(shared, hidden))
        self.layers = nn.ModuleList(
            nn.ModuleList(Block(hidden, heads) for _ in steps) for _ in range(parameters.layers)
        )
        self.classify = Classifier(hidden)

    def forward(self, current: Tensor, video: Tensor, present: Tensor) -> Tensor:
        streams: list[Tensor] = list(self.tokens(current, video, present))
        shared = self.shared.expand(len(current), -1, -1)
        for layer in self.layers:
            through = []
            for i, stream in enumerate(streams):
                out = layer[i](torch.cat((stream, shared), dim=1))  # type: ignore[index]
                streams[i] = out[:, : stream.shape[1]]
                through.append(out[:, stream.shape[1] :])
            shared = torch.stack(through).mean(0)
        logits: Tensor = torch.stack([self.classify(stream) for stream in streams]).mean(0)
        return logits
