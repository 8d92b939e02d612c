"""No disentangling."""

from __future__ import annotations

from torch import Tensor, nn

from models.registry import NoParameters, component


@component("disentangle", "none")
class NoDisentangling(nn.Module):
    """Code and specific vectors may share what they like."""

    inner_steps = 0
    learning_rate = 0.0

    def __init__(self, parameters: NoParameters) -> None:
        super().__init__()

    def fit_gradients(self, semantic: Tensor, private: Tensor) -> tuple[Tensor, ...]:
        """Return none: there is nothing to fit."""
        return ()

    def forward(self, semantic: Tensor, private: Tensor) -> Tensor:
        """Return 0."""
        return semantic.new_zeros(())
