"""Finite scalar quantisation."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from models.quantizers.grid import GridQuantizer
from models.registry import component, param


@dataclass(frozen=True)
class FSQParameters:
    """Parameters of :class:`FSQ`."""

    levels: str = param(
        "8,6,5",
        choices=("6,5", "5,5,4", "8,6,5", "8,8,8", "8,5,5,5", "7,5,5,5,5"),
        search=("6,5", "5,5,4", "8,6,5", "8,8,8"),
        help="values of each coordinate; their product is the number of codes",
    )


@component("quantizer", "fsq", parameters=FSQParameters, origin="arXiv 2309.15505")
class FSQ(GridQuantizer):
    """Each of a few coordinates, bounded by tanh, is rounded to one of L values (arXiv 2309.15505).

    Section 3.1 there: round((L - 1) / 2 tanh(y)), gradient straight through the rounding, no
    codebook loss. For an even L the values are half-integers, symmetric about 0, where the published
    code shifts by half a step to integers that are not.

    No code can die and no modality can pull the codes of the other; code matching
    ``index_prediction`` can say which modality follows, though both train the one pair of projections.
    The levels 5,5,4 make as many codes (100) as the moving-average codebook has by default.

    When not to use it: where few codes are wanted; below some 30 too few values a coordinate remain.
    And see the perplexity: the paper has reconstruction alone to please, and uses its codes for that,
    but nothing here spreads them against a loss that is content with few. Code matching is such a loss,
    the more so the lower its temperature.
    """

    def __init__(self, parameters: FSQParameters, *, width: int) -> None:
        super().__init__(tuple(int(n) for n in parameters.levels.split(",")), width)

    def bound(self, projected: Tensor) -> Tensor:
        """Squash ``(..., d)`` into (-1, 1)."""
        return projected.tanh()
