"""A causal transformer over the steps of a window."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.errors import InvalidRequest
from models.registry import component, param
from models.vectors import unit


@dataclass(frozen=True)
class CausalTransformerParameters:
    """Parameters of :class:`CausalTransformerEncoder`."""

    width: int = param(32, low=2, high=512, log=True, help="width of the semantic vectors")
    layers: int = param(2, low=1, high=8, search=(1, 3), help="number of layers")
    heads: int = param(4, low=1, high=16, help="attention heads; must divide the width")
    unit_norm: bool = param(True, help="put the semantic vectors on the unit sphere")


@component(
    "current_encoder", "causal_transformer", parameters=CausalTransformerParameters, origin="Vaswani 2017"
)
@component(
    "video_encoder", "causal_transformer", parameters=CausalTransformerParameters, origin="Vaswani 2017"
)
class CausalTransformerEncoder(nn.Module):
    """Linear with learned positions, then pre-norm transformer layers with a causal mask.

    Attention Is All You Need (arXiv 1706.03762), section 3, with the norm before each block
    (arXiv 2002.04745), feed-forward width 4 x width and no dropout: windows are short and the
    representation that is trained must be the one that is read.

    Raises:
        InvalidRequest: ``heads`` does not divide ``width``.
    """

    def __init__(self, parameters: CausalTransformerParameters, *, features: int, steps: int) -> None:
        super().__init__()
        width, heads = parameters.width, parameters.heads
        if width % heads:
            raise InvalidRequest(
                f"the heads of causal_transformer must divide its width, got heads {heads} and "
                f"width {width}; change one of them"
            )
        self.width = width
        self.unit_norm = parameters.unit_norm
        self.enter = nn.Linear(features, width)
        self.positions = nn.Parameter(0.02 * torch.randn(steps, width))
        self.blocks = nn.ModuleList(_Block(width, heads) for _ in range(parameters.layers))
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        """Encode ``(B, T, features)`` as ``(B, T, width)``, T at most the steps it was built for."""
        hidden = self.enter(x) + self.positions[: x.shape[1]]
        for block in self.blocks:
            hidden = block(hidden)
        z: Tensor = self.norm(hidden)
        return unit(z) if self.unit_norm else z


class _Block(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.before_attention = nn.LayerNorm(width)
        # No bias: a bias of the keys shifts all scores of a row alike and would never be trained.
        self.project = nn.Linear(width, 3 * width, bias=False)
        self.merge = nn.Linear(width, width)
        self.before_feed = nn.LayerNorm(width)
        self.feed = nn.Sequential(nn.Linear(width, 4 * width), nn.ReLU(), nn.Linear(4 * width, width))

    def forward(self, x: Tensor) -> Tensor:
        batch, steps, width = x.shape
        split = self.project(self.before_attention(x)).view(batch, steps, 3, self.heads, -1)
        query, key, value = split.permute(2, 0, 3, 1, 4)
        seen = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        x = x + self.merge(seen.transpose(1, 2).reshape(batch, steps, width))
        out: Tensor = x + self.feed(self.before_feed(x))
        return out
