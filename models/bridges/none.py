"""The encoder's vectors are the semantic vectors."""

from __future__ import annotations

from torch import Tensor, nn

from models.beside import Beside
from models.quantizers.quantised import Quantised
from models.registry import NoParameters, component


@component("bridge", "none")
class NoBridge(nn.Module):
    """The encoder's vectors are the semantic vectors."""

    def __init__(self, parameters: NoParameters, *, current_steps: int, video_steps: int) -> None:
        super().__init__()
        self.current_steps = current_steps
        self.video_steps = video_steps

    def forward(self, z: Tensor, modality: str, codebook: Tensor) -> Tensor:
        """Return ``z``."""
        return z

    def loss(self, q: Quantised, semantic: tuple[Tensor, Tensor], beside: Beside) -> Tensor:
        """Return 0."""
        return q.commitment.new_zeros(())
