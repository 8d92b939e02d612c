"""What transformers of several slots are made of."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.errors import InvalidRequest


class Block(nn.Module):
    """One pre-norm transformer layer without a mask: attention, then a feed-forward net, both residual.

    ``x + W_o MHA(Q = LN x, K = V = LN c)``, then ``x + W_2 GELU(W_1 LN x)`` with a hidden layer of
    4 x width (arXiv 1706.03762, norms as in arXiv 2002.04745); query, key and value without bias.

    Args:
        width: of the vectors.
        heads: attention heads; must divide the width.
        cross: keys and values come from other tokens, which get a norm of their own.

    Raises:
        InvalidRequest: ``heads`` does not divide ``width``.
    """

    def __init__(self, width: int, heads: int, *, cross: bool = False) -> None:
        super().__init__()
        if width % heads:
            raise InvalidRequest(
                f"attention heads must divide the width of the vectors, got heads {heads} and width {width}; "
                "change one of them"
            )
        self.heads = heads
        self.before_attention = nn.LayerNorm(width)
        self.before_context = nn.LayerNorm(width) if cross else None
        self.query = nn.Linear(width, width, bias=False)
        self.key_value = nn.Linear(width, 2 * width, bias=False)
        self.merge = nn.Linear(width, width)
        self.before_feed = nn.LayerNorm(width)
        self.feed = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x: Tensor, context: Tensor | None = None) -> Tensor:
        """Update tokens ``(B, N, width)`` from themselves or, across, from ``context`` ``(B, M, width)``."""
        asked = self.before_attention(x)
        told = asked
        if self.before_context is not None and context is not None:
            told = self.before_context(context)
        query = self.query(asked).unflatten(-1, (self.heads, -1)).transpose(1, 2)
        key, value = self.key_value(told).unflatten(-1, (2, self.heads, -1)).permute(2, 0, 3, 1, 4)
        seen = F.scaled_dot_product_attention(query, key, value)
        x = x + self.merge(seen.transpose(1, 2).flatten(2))
        out: Tensor = x + self.feed(self.before_feed(x))
        return out


class AttentionPooling(nn.Module):
    """A weighted mean of tokens: ``sum_t alpha_t h_t`` with ``alpha = softmax_t(w_2 GELU(W_1 h_t + b))``.

    CLMLF (arXiv 2204.05515). The last layer has no bias: the softmax would cancel it.
    """

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.enter = nn.Linear(width, hidden)
        self.leave = nn.Linear(hidden, 1, bias=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """Pool ``(..., N, width)`` to ``(..., width)``."""
        share = torch.softmax(self.leave(F.gelu(self.enter(tokens))), dim=-2)
        return (share * tokens).sum(-2)
