"""What stands beside a batch of paired windows, for losses that look at more than the vectors."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Beside:
    """Everything a loss may look at beside the vectors it compares.

    Attributes:
        strong: ``(B, T_v, F_v)`` video features, which are not trained.
        private: ``(B, T_c, P)`` and ``(B, T_v, P)`` specific vectors of current and video.
        label: ``(B,)`` 0/1 labels of the video; None where they are not to be used.
        metadata: ``(B, M)`` process metadata, scaled; None where there is none.
        progress: share of the pre-training that is done, 0 … 1.
    """

    strong: Tensor
    private: tuple[Tensor, Tensor]
    label: Tensor | None = None
    metadata: Tensor | None = None
    progress: float = 0.0
