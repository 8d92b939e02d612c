"""The current mimics the video."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from models.beside import Beside
from models.registry import component, param


def by_modality(predicted: Tensor, target: Tensor, toward_video: bool) -> tuple[Tensor, Tensor]:
    """Return the current's vectors, and the video's without gradient."""
    return (predicted, target.detach()) if toward_video else (target, predicted.detach())


@dataclass(frozen=True)
class MimicParameters:
    """Parameters of :class:`Mimic`."""

    regressor: bool = param(False, help="a linear layer between the current's vector and the video's")


@component("contrast", "mimic", parameters=MimicParameters, origin="FitNets, arXiv 1412.6550")
class Mimic(nn.Module):
    """``|W q - sg(p)|^2`` between the vector q of the current and p of the video.

    Feature mimicry (FitNets, arXiv 1412.6550, eq. 3; across modalities arXiv 1507.00448, eq. 1): no
    window is compared with another, and the video side has no gradient, whether it is predicted or
    target. Without the regressor W is the identity and the loss is 2 - 2 cos.

    The video is then trained by the other terms alone, which must keep it from collapsing
    (reconstruction does). Layers of an alignment on the video's side stay as drawn: use pooled
    alignment without projection, where the two directions are the same term twice.
    """

    def __init__(self, parameters: MimicParameters, *, width: int) -> None:
        super().__init__()
        self.regress = nn.Linear(width, width) if parameters.regressor else nn.Identity()

    def forward(self, predicted: Tensor, target: Tensor, *, beside: Beside, toward_video: bool) -> Tensor:
        """Return the loss.

        Args:
            predicted: ``(M, B, D)``.
            target: ``(M, B, D)``.
            beside: not looked at.
            toward_video: whether the targets are of the video (else the predictions are).
        """
        current, video = by_modality(predicted, target, toward_video)
        distance: Tensor = (self.regress(current) - video).square().sum(-1)
        return distance.mean()
