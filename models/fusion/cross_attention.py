"""Each modality asks the other."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from models.fusion.reader import Classifier, FusionParameters, FusionReader, Tokens
from models.registry import component, param
from models.transformer import Block

STREAMS = {"both": (0, 1), "current": (0,), "video": (1,)}


@dataclass(frozen=True)
class CrossAttentionParameters(FusionParameters):
    """Parameters of :class:`CrossAttentionFusion`."""

    asks: str = param("both", choices=tuple(STREAMS), help="whose tokens attend to the other's and are read")


@component(
    "fusion", "cross_attention", parameters=CrossAttentionParameters, origin="ViLBERT, arXiv 1908.02265"
)
class CrossAttentionFusion(FusionReader):
    """Co-attention: the tokens of each modality are updated from those of the other, then read.

    ViLBERT (arXiv 1908.02265): ``c <- c + MHA(Q = LN c, K = V = LN v)``, ``v <- v + MHA(Q = LN v, K = V
    = LN c)`` at once, from the tokens before the layer, each followed by its own feed-forward net.
    The tokens of the streams that ask are pooled by attention. Sizes and modality dropout are ours,
    and the self-attention within a stream that ViLBERT puts between is left out. ``both`` has twice
    the weights in its layers that ``self_attention`` has. Asking one way states who informs whom;
    with the video absent a current that asks hears only the learned token.
    """

    def __init__(
        self, parameters: CrossAttentionParameters, *, width: int, generator: torch.Generator
    ) -> None:
        super().__init__(parameters, width, generator)
        self.streams = STREAMS[parameters.asks]

    def build(self, steps: tuple[int, int]) -> nn.Module:
        """Return a new net for so many steps of current and video."""
        return _Crossed(self.parameters, self.width, steps, self.streams)


class _Crossed(nn.Module):
    def __init__(
        self, parameters: FusionParameters, width: int, steps: tuple[int, int], asks: tuple[int, ...]
    ) -> None:
        super().__init__()
        hidden, heads = parameters.hidden, parameters.heads
        self.asks = asks
        self.tokens = Tokens(width, hidden, steps)
        self.layers = nn.ModuleList(
            nn.ModuleList(Block(hidden, heads, cross=True) for _ in asks) for _ in range(parameters.layers)
        )
        self.classify = Classifier(hidden)

    def forward(self, current: Tensor, video: Tensor, present: Tensor) -> Tensor:
        streams: list[Tensor] = list(self.tokens(current, video, present))
        for layer in self.layers:
            before = tuple(streams)
            for i, block in zip(self.asks, layer, strict=True):  # type: ignore[call-overload]
                streams[i] = block(before[i], before[1 - i])
        logits: Tensor = self.classify(torch.cat([streams[i] for i in self.asks], dim=1))
        return logits
