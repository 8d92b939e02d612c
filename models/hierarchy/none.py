"""One level of codes."""

from __future__ import annotations

from torch import Tensor, nn

from models.beside import Beside
from models.registry import NoParameters, component


@component("hierarchy", "none")
class NoHierarchy(nn.Module):
    """One level of codes."""

    def __init__(self, parameters: NoParameters) -> None:
        super().__init__()

    def forward(self, private: tuple[Tensor, Tensor], beside: Beside) -> Tensor:
        """Return 0."""
        return private[0].new_zeros(())
