"""No alignment."""

from __future__ import annotations

from torch import Tensor, nn

from models.beside import Beside
from models.registry import NoParameters, component


@component("alignment", "none")
class NoAlignment(nn.Module):
    """The modalities meet in the codebook only; the contrast is not used."""

    def __init__(self, parameters: NoParameters) -> None:
        super().__init__()

    def forward(self, current: Tensor, video: Tensor, *, beside: Beside) -> Tensor:
        """Return 0."""
        return current.new_zeros(())
