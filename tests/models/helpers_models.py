"""What the tests of the models share."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from models.catalog import recipe
from models.method import Method, Sizes

SIZES = Sizes(current_features=5, video_features=7, current_steps=8, video_steps=8)
UNEQUAL = Sizes(current_features=5, video_features=7, current_steps=12, video_steps=8)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def batch(
    sizes: Sizes = SIZES, count: int = 6, seed: int = 0, dtype: torch.dtype = torch.float32
) -> tuple[Tensor, Tensor]:
    g = generator(seed)
    current = torch.randn(count, sizes.current_steps, sizes.current_features, generator=g, dtype=dtype)
    video = torch.randn(count, sizes.video_steps, sizes.video_features, generator=g, dtype=dtype)
    return current, video


def small_method(sizes: Sizes = SIZES, seed: int = 0, **changes: Any) -> Method:
    """A method small enough for a test: 12 codes of width 8."""
    encoder = {"name": "causal_conv", "width": 8, "hidden": 10}
    slots: dict[str, Any] = {
        "current_encoder": encoder,
        "video_encoder": encoder,
        "quantizer": {"name": "mm_ema", "codes": 12},
        "specific_encoder": {"name": "mlp", "width": 4, "hidden": 6},
        "alignment": {"name": "cross_cpc", "steps": 2},
    }
    return Method(recipe(**{**slots, **changes}), sizes, seed=seed)
