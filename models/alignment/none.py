"""No alignment."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from models.registry import NoParameters, component


@component("alignment", "none")
class NoAlignment(nn.Module):
    """The modalities meet in the codebook only; the contrast is not used."""

    def __init__(
        self,
        parameters: NoParameters,
        *,
        width: int,
        current_steps: int,
        video_steps: int,
        contrast: nn.Module,
        generator: torch.Generator,
    ) -> None:
        super().__init__()

    def forward(
        self, current: Tensor, video: Tensor, *, strong: Tensor, private: tuple[Tensor, Tensor]
    ) -> Tensor:
        """Return 0."""
        return current.new_zeros(())
