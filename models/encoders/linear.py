"""One linear map, the same at every step."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from models.registry import component, param
from models.vectors import unit


@dataclass(frozen=True)
class LinearEncoderParameters:
    """Parameters of :class:`LinearEncoder`."""

    width: int = param(32, low=2, high=512, log=True, help="width of the semantic vectors")
    unit_norm: bool = param(True, help="put the semantic vectors on the unit sphere")


@component("current_encoder", "linear", parameters=LinearEncoderParameters, origin="Hotelling 1936")
@component("video_encoder", "linear", parameters=LinearEncoderParameters, origin="Hotelling 1936")
class LinearEncoder(nn.Module):
    """``z_t = W x_t + b``: no hidden layer, no other step.

    With ``unit_norm`` off and a contrast of canonical correlations on both sides this is linear CCA
    (Hotelling, Relations between two sets of variates, 1936) trained by gradient. It is the floor
    of the encoders: what it reaches needs neither depth nor time. Not for signals whose news lies
    in how they change, since no step sees another.
    """

    def __init__(self, parameters: LinearEncoderParameters, *, features: int) -> None:
        super().__init__()
        self.width = parameters.width
        self.unit_norm = parameters.unit_norm
        self.map = nn.Linear(features, parameters.width)

    def forward(self, x: Tensor) -> Tensor:
        """Encode ``(B, T, features)`` as ``(B, T, width)``."""
        z: Tensor = self.map(x)
        return unit(z) if self.unit_norm else z
