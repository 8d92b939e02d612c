"""What encoders of raw samples and pictures have in common."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.errors import InvalidRequest

KERNEL = 3


def layout(who: str, shape: tuple[int, ...] | None, axes: tuple[str, ...]) -> tuple[int, ...]:
    """Return the layout of one step, checked.

    Raises:
        InvalidRequest: the input is not raw, or laid out otherwise than ``axes``.
    """
    if shape is None or len(shape) != len(axes):
        found = "features" if shape is None else f"a layout {tuple(shape)}"
        raise InvalidRequest(
            f"{who} reads raw steps laid out as ({', '.join(axes)}), got {found}; "
            "give it a raw input or choose another encoder"
        )
    return tuple(shape)


class CausalMix(nn.Module):
    """``h_t + ReLU(W [h_{t-2}, h_{t-1}, h_t] + b)``, zeros before step 0."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.mix = nn.Linear(KERNEL * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Mix the steps of ``(B, T, width)``; step ``t`` sees nothing later than ``t``."""
        padded, steps = F.pad(x, (0, 0, KERNEL - 1, 0)), x.shape[1]
        taps = torch.cat([padded[:, i : i + steps] for i in range(KERNEL)], dim=-1)
        return x + F.relu(self.mix(taps))
