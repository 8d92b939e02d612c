"""No code matching."""

from __future__ import annotations

from torch import Tensor, nn

from models.quantizers.quantised import Quantised
from models.registry import NoParameters, component


@component("code_matching", "none")
class NoMatching(nn.Module):
    """The modalities choose codes without regard to each other."""

    def __init__(self, parameters: NoParameters) -> None:
        super().__init__()

    def forward(self, q: Quantised) -> Tensor:
        """Return 0."""
        return q.commitment.new_zeros(())
