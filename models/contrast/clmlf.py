"""The label-based and the data-based contrast of CLMLF."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from models.beside import Beside
from models.contrast.infonce import cosines
from models.contrast.supcon import labels, same_class, soft_cross_entropy
from models.registry import component, param
from models.vectors import unit


@dataclass(frozen=True)
class CLMLFParameters:
    """Parameters of :class:`CLMLF`."""

    temperature: float = param(
        0.07, low=0.02, high=2.0, log=True, search=(0.03, 1.0), help="divides the similarities"
    )
    lbcl_weight: float = param(
        1.0, low=0.0, high=100.0, log=True, search=(0.1, 10.0), help="weight of the label-based term"
    )
    dbcl_weight: float = param(
        1.0, low=0.0, high=100.0, log=True, search=(0.1, 10.0), help="weight of the data-based term"
    )
    faithful: bool = param(False, help="as released, with its defects")


@component("contrast", "clmlf", parameters=CLMLFParameters, origin="arXiv 2204.05515", needs=("label",))
class CLMLF(nn.Module):
    """Same label near same label, and an original near its augmented view (CLMLF, arXiv 2204.05515).

    Two perceptrons of two layers map originals to P and augmented views to A.

    * DBCL: cross-entropy of P A^T / T to the own view, in one direction.
    * LBCL: the mean of -log softmax_j(P_i P_j / T) over the pairs (i, j) of the same label.

    ``faithful`` keeps what the released code does: the temperature divides LBCL *after* the
    log-soft-max, so that it scales the term instead of sharpening it; an original is its own
    positive; P and A have any length. Else T comes first, the diagonal is out, P and A have unit length.

    Reconstruction: the paper augments a sample (text translated back, images distorted); here the
    original is the video, which the labels are of, and the current is its augmented view. What
    comes in is of unit length in either mode, where the paper's fused vectors are not. Both
    perceptrons start from the same weights, so that a pair is near from the first step; they learn
    apart. The classifier's loss beside the two is left out, as the head is fitted later.

    LBCL sees the video alone: the label reaches the current through DBCL only, as its partner moves.

    When not to use it: DBCL goes one way only; nothing asks that a current find its video among the others.
    """

    def __init__(self, parameters: CLMLFParameters, *, width: int) -> None:
        super().__init__()
        self.settings = parameters
        self.of_original, self.of_augmented = (
            nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, width)) for _ in range(2)
        )
        self.of_augmented.load_state_dict(self.of_original.state_dict())

    def forward(self, predicted: Tensor, target: Tensor, *, beside: Beside, toward_video: bool) -> Tensor:
        """Return the loss.

        Args:
            predicted: ``(M, B, D)``.
            target: ``(M, B, D)``.
            beside: its labels are used.
            toward_video: whether the targets are of the video (else the predictions are).
        """
        s = self.settings
        video, current = (target, predicted) if toward_video else (predicted, target)
        original, augmented = self.of_original(video), self.of_augmented(current)
        if not s.faithful:
            original, augmented = unit(original), unit(augmented)
        alike = same_class(labels(beside, "clmlf"), predicted.dtype)
        by_label = self._released if s.faithful else self._corrected
        by_data = cosines(original, augmented, s.temperature).log_softmax(-1).diagonal(dim1=-2, dim2=-1)
        return s.lbcl_weight * by_label(original, alike) - s.dbcl_weight * by_data.mean()

    def _released(self, original: Tensor, alike: Tensor) -> Tensor:
        """LBCL with the temperature after the log-soft-max and each original its own positive."""
        likelihood = cosines(original, original).log_softmax(-1)
        return -(alike * likelihood).sum() / (alike.sum() * len(original) * self.settings.temperature)

    def _corrected(self, original: Tensor, alike: Tensor) -> Tensor:
        """LBCL with the temperature before the log-soft-max, over the others; 0 where none is alike."""
        alike = alike.clone().fill_diagonal_(0.0)
        # The mean is over pairs; the helper's is over anchors.
        weights = alike * (len(alike) / alike.sum().clamp(min=1.0))
        return soft_cross_entropy(original, weights, self.settings.temperature)
