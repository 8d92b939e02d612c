"""A gated recurrent net over the steps of a window."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from models.registry import component, param
from models.vectors import unit


@dataclass(frozen=True)
class GRUParameters:
    """Parameters of :class:`GRUEncoder`."""

    width: int = param(32, low=2, high=512, log=True, help="width of the semantic vectors")
    hidden: int = param(32, low=2, high=512, log=True, search=(16, 64), help="width of the state")
    layers: int = param(1, low=1, high=4, search=(1, 2), help="layers of states")
    unit_norm: bool = param(True, help="put the semantic vectors on the unit sphere")


@component("current_encoder", "gru", parameters=GRUParameters, origin="Cho 2014, arXiv 1406.1078")
@component("video_encoder", "gru", parameters=GRUParameters, origin="Cho 2014, arXiv 1406.1078")
class GRUEncoder(nn.Module):
    """A GRU (arXiv 1406.1078) from the first step to the last, then Linear.

    With gates r, u and state h, in the form in which the reset gate acts after the matrix product:
    ``n_t = tanh(W x_t + b + r_t * (U h_{t-1} + c))``, ``h_t = (1 - u_t) n_t + u_t h_{t-1}``;
    ``z_t = V h_t + d``. The state starts at 0 in every window: step ``t`` sees steps ``0 … t``. Its
    steps are computed one after the other, so long windows are slow.
    """

    def __init__(self, parameters: GRUParameters, *, features: int) -> None:
        super().__init__()
        self.width = parameters.width
        self.unit_norm = parameters.unit_norm
        self.recur = nn.GRU(features, parameters.hidden, parameters.layers, batch_first=True)
        self.leave = nn.Linear(parameters.hidden, parameters.width)

    def forward(self, x: Tensor) -> Tensor:
        """Encode ``(B, T, features)`` as ``(B, T, width)``."""
        z: Tensor = self.leave(self.recur(x)[0])
        return unit(z) if self.unit_norm else z
