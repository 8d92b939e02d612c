"""Every channel is read."""

from __future__ import annotations

import torch
from torch import Tensor

from models.registry import NoParameters, component


@component("codebook_optimizer", "none")
class AllChannels:
    """The head reads every channel of the code vectors."""

    def __init__(self, parameters: NoParameters) -> None:
        pass

    def candidates(self, codebooks: list[Tensor]) -> list[Tensor]:
        """Return the one selection there is: all channels of all levels."""
        return [torch.arange(sum(c.shape[1] for c in codebooks), device=codebooks[0].device)]
