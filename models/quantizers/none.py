"""No quantiser."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from models.quantizers.quantised import Quantised
from models.registry import NoParameters, component


@component("quantizer", "none", lacks=("codes",))
class NoQuantizer(nn.Module):
    """The semantic vectors themselves are read, unquantised.

    What a shared codebook adds is measured against this. The one "code" is the origin: every index
    is 0, every distance a length, and neither tells anything.
    """

    straight_through = True
    codebook: Tensor

    def __init__(self, parameters: NoParameters, *, width: int) -> None:
        super().__init__()
        self.register_buffer("codebook", torch.zeros(1, width))

    def forward(self, current: Tensor, video: Tensor) -> Quantised:
        """Pass ``(B, T_c, D)`` and ``(B, T_v, D)`` through."""
        (_, k_c), (_, k_v) = self.lookup(current), self.lookup(video)
        d_c, d_v = (z.square().sum(-1, keepdim=True) for z in (current, video))
        return Quantised(current, video, k_c, k_v, d_c, d_v, current.new_zeros(()))

    def lookup(self, vectors: Tensor) -> tuple[Tensor, Tensor]:
        """Return the vectors ``(..., D)`` and indices ``(...)`` of 0."""
        return vectors, torch.zeros(vectors.shape[:-1], dtype=torch.int64, device=vectors.device)
