"""Lookup-free quantisation: the signs of a few coordinates."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from models.quantizers.grid import GridQuantizer
from models.registry import component, param

# Keeps the logarithm of a code that is never assigned finite.
FLOOR = 1e-10


@dataclass(frozen=True)
class LFQParameters:
    """Parameters of :class:`LFQ`."""

    bits: int = param(7, low=1, high=12, search=(5, 9), help="signs; 2 to this power is the number of codes")
    entropy: float = param(
        0.1, low=0.0, high=10.0, log=True, search=(0.01, 1.0), help="weight of the entropy loss"
    )
    diversity: float = param(
        1.0, low=0.0, high=10.0, help="weight of the use of all codes in the entropy loss (gamma)"
    )
    temperature: float = param(
        0.1, low=1e-3, high=10.0, log=True, search=(0.02, 0.5), help="of the soft assignment to the codes"
    )
    commitment: float = param(
        0.25, low=0.0, high=10.0, log=True, search=(0.05, 1.0), help="weight of the commitment loss"
    )


@component("quantizer", "lfq", parameters=LFQParameters, origin="MAGVIT-v2, arXiv 2310.05737")
class LFQ(GridQuantizer):
    """The code of a vector is the signs of its coordinates (MAGVIT-v2, arXiv 2310.05737, section 3.1).

    The entropy loss there (eq. 5), E[H(p(k|z))] - gamma H(E[p(k|z)]), makes each assignment certain
    and the codes equally used, p(k|z) being the soft-max of -|x - c_k|^2 / temperature. Here it is
    taken for each modality and averaged, so that a code used by one modality alone counts as unused
    by the other, and the constant gamma ln K is added, so that the least value is 0. A commitment
    loss |x - c|^2 keeps the unbounded coordinates near their signs.

    Codes are divided by sqrt(bits) to lie on the unit sphere, as in binary spherical quantisation
    (arXiv 2406.07548).

    When not to use it: with small batches, from which the use of all codes cannot be estimated.
    """

    def __init__(self, parameters: LFQParameters, *, width: int) -> None:
        super().__init__((2,) * parameters.bits, width)
        self.settings = parameters
        self.logs: dict[str, Tensor] = {}

    def bound(self, projected: Tensor) -> Tensor:
        """Return ``(..., d)`` as it is: a sign needs no bound."""
        return projected

    def commitment(self, coordinates: tuple[Tensor, Tensor], squared: tuple[Tensor, Tensor]) -> Tensor:
        """Return entropy and commitment losses, weighted, each the mean over the modalities."""
        s = self.settings
        to_code = torch.stack([_nearest_sign(x, self.radius) for x in coordinates]).mean()
        each = torch.stack([torch.stack(self._entropies(d)) for d in squared]).mean(0)
        unsure, spread = each.unbind()
        self.logs = {"assignment_entropy": unsure.detach(), "code_entropy": spread.detach()}
        unused = math.log(len(self.digits)) - spread
        return s.entropy * (unsure + s.diversity * unused) + s.commitment * to_code

    def _entropies(self, squared: Tensor) -> tuple[Tensor, Tensor]:
        """Return the mean entropy of the assignments and the entropy of their mean, in nats."""
        log_p = torch.log_softmax(squared.flatten(0, 1) / -self.settings.temperature, dim=-1)
        p = log_p.exp()
        mean = p.mean(0)
        return -(p * log_p).sum(-1).mean(), -(mean * (mean + FLOOR).log()).sum()


def _nearest_sign(coordinates: Tensor, radius: float) -> Tensor:
    """Return the mean squared distance of coordinates ``(B, T, d)`` to the nearest of ± radius."""
    return (coordinates.abs() - radius).square().sum(-1).mean()
