"""Predict the code the video chose."""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from models.quantizers.quantised import Quantised
from models.registry import component, param
from models.steps import step_map

# Below this a squared distance counts as this: the square root has no gradient at 0, and the
# expanded square can come out slightly negative.
TINY = 1e-8


@dataclass(frozen=True)
class IndexPredictionParameters:
    """Parameters of :class:`IndexPrediction`."""

    weight: float = param(1.0, low=0.0, high=100.0, log=True, search=(0.1, 10.0), help="weight of the loss")
    toward_current: float = param(
        0.0, low=0.0, high=10.0, help="weight of the video predicting the current, relative to the reverse"
    )
    temperature: float = param(
        0.2, low=0.02, high=10.0, log=True, search=(0.05, 2.0), help="of the soft assignment"
    )


@component(
    "code_matching",
    "index_prediction",
    parameters=IndexPredictionParameters,
    origin="after HuBERT, arXiv 2106.07447",
    needs=("codes",),
)
class IndexPrediction(nn.Module):
    """The current is to choose, step by step, the code that the video chose.

    The mean over all steps of -ln P_c(k_v | z_c), P(k|z) = softmax_k(-|z - e_k| / temperature) being
    the soft assignment of arXiv 2106.05438 (eq. 5) and k_v the index the video chose at the end of
    the same stretch of time. An index has no gradient: the video teaches and does not listen, which
    gives an implicit codebook the asymmetry that a moving-average one has by its shares. With
    ``toward_current`` the video predicts the current's index as well; 1 is symmetric.

    Discrete targets in place of vectors are those of HuBERT (arXiv 2106.07447) with the video as the
    tokenizer and no prediction layer: a reconstruction, not published in this form.

    When not to use it: with a lead that the windows do not take out, since it compares step with
    step; code matching averaged over a window (``cmcm``) then asks for less. And where the current
    foretells the code but weakly: measured on the simulated furnace, it ends at few codes; that it stays
    between them because nothing is more likely is a guess. The perplexity of the current far below that
    of the video says so. Projections that a quantiser shares between the modalities are still moved by both.
    """

    video_of: Tensor
    current_of: Tensor

    def __init__(
        self, parameters: IndexPredictionParameters, *, current_steps: int, video_steps: int
    ) -> None:
        super().__init__()
        self.settings = parameters
        self.register_buffer("video_of", step_map(current_steps, video_steps), persistent=False)
        self.register_buffer("current_of", step_map(video_steps, current_steps), persistent=False)

    def forward(self, q: Quantised) -> Tensor:
        """Return the weighted loss; of what was quantised, distances and indices are looked at."""
        s = self.settings
        loss = self._cross_entropy(q.current_distances, q.video_codes.index_select(1, self.video_of))
        if s.toward_current:
            mirrored = self._cross_entropy(
                q.video_distances, q.current_codes.index_select(1, self.current_of)
            )
            loss = loss + s.toward_current * mirrored
        return s.weight * loss

    def _cross_entropy(self, squared: Tensor, codes: Tensor) -> Tensor:
        """Return that of the assignment by distances ``(B, T, K)`` to indices ``(B, T)``."""
        logits = squared.clamp(min=TINY).sqrt() / -self.settings.temperature
        return F.cross_entropy(logits.flatten(0, 1), codes.flatten())
