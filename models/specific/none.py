"""No specific encoder."""

from __future__ import annotations

from torch import Tensor, nn

from models.registry import NoParameters, component


@component("specific_encoder", "none", lacks=("private",))
class NoSpecific(nn.Module):
    """Nothing is kept apart: the decoder sees the code alone."""

    def __init__(self, parameters: NoParameters, *, features: int) -> None:
        super().__init__()
        self.width = 0

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor ``(B, T, 0)``."""
        return x[..., :0]
