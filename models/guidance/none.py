"""No label is looked at in pre-training."""

from __future__ import annotations

from torch import Tensor, nn

from models.beside import Beside
from models.quantizers.quantised import Quantised
from models.registry import NoParameters, component


@component("guidance", "none")
class NoGuidance(nn.Module):
    """No label is looked at in pre-training."""

    def __init__(self, parameters: NoParameters) -> None:
        super().__init__()

    def forward(self, q: Quantised, beside: Beside) -> Tensor:
        """Return 0."""
        return q.commitment.new_zeros(())
