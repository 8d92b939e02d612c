"""Both modalities as one sequence of tokens."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from models.fusion.reader import Classifier, FusionParameters, FusionReader, Tokens
from models.registry import component
from models.transformer import Block


@component("fusion", "self_attention", parameters=FusionParameters, origin="MLF of CLMLF, arXiv 2204.05515")
class SelfAttentionFusion(FusionReader):
    """The tokens of both modalities, concatenated, through a transformer, pooled by attention.

    Multi-layer fusion of CLMLF (arXiv 2204.05515): ``X = [current; video]`` with a modality embedding,
    ``X <- X + MHA(LN X)``, ``X <- X + FFN(LN X)``, attention pooling, a perceptron. Relations within
    and between the modalities are learnt by one set of weights. Ours: sizes, pre-norm layers, positions,
    modality dropout. The strong modality can drown the weak one: compare its score without the video.
    """

    def __init__(self, parameters: FusionParameters, *, width: int, generator: torch.Generator) -> None:
        super().__init__(parameters, width, generator)

    def build(self, steps: tuple[int, int]) -> nn.Module:
        """Return a new net for so many steps of current and video."""
        return _Merged(self.parameters, self.width, steps)


class _Merged(nn.Module):
    def __init__(self, parameters: FusionParameters, width: int, steps: tuple[int, int]) -> None:
        super().__init__()
        hidden, heads = parameters.hidden, parameters.heads
        self.tokens = Tokens(width, hidden, steps)
        self.blocks = nn.Sequential(*(Block(hidden, heads) for _ in range(parameters.layers)))
        self.classify = Classifier(hidden)

    def forward(self, current: Tensor, video: Tensor, present: Tensor) -> Tensor:
        merged = torch.cat(self.tokens(current, video, present), dim=1)
        logits: Tensor = self.classify(self.blocks(merged))
        return logits
