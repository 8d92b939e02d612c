"""CORAL: equal covariances, whoever belongs to whom."""

from __future__ import annotations

from torch import Tensor, nn

from models.beside import Beside
from models.contrast.vicreg import covariance, rescaled
from models.registry import NoParameters, component


@component("contrast", "coral", origin="Deep CORAL, arXiv 1607.01719")
class CORAL(nn.Module):
    """A control: equal covariances of the modalities, no pair looked at.

    ``|C(x) - C(y)|_F^2 / (4 D^2)`` with C the covariance over the batch (Deep CORAL, arXiv 1607.01719,
    eq. 1-3), of unit vectors times sqrt(D). Shuffling the pairs changes nothing, and neither does
    shifting a modality: what an arm with it reaches, it reaches without knowing which current belongs
    to which video. A batch of one has no covariance and no loss.

    Values lie far below those of InfoNCE: give the alignment a larger weight, or the control is idle.
    """

    def __init__(self, parameters: NoParameters) -> None:
        super().__init__()

    def forward(self, predicted: Tensor, target: Tensor, *, beside: Beside, toward_video: bool) -> Tensor:
        """Return the loss of ``(M, B, D)`` vectors; the keywords are not looked at."""
        x, y = rescaled(predicted), rescaled(target)
        apart = covariance(x, x) - covariance(y, y)
        return 0.25 * apart.square().mean()
