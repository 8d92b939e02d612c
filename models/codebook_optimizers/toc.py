"""TOC: training-free selection of the channels in which codes differ."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from models.errors import InvalidRequest
from models.registry import component, param

SIMILARITY, VARIANCE = 0.7, 0.3


@dataclass(frozen=True)
class TOCParameters:
    """Parameters of :class:`TOC`."""

    widths: str = param(
        "0.25,0.5,0.75,1", help="shares of the channels to try, between commas; all of them always is one"
    )
    ratio: str = param(
        "1:0",
        choices=("1:0", "1:1", "3:1"),
        search=("1:0", "1:1", "3:1"),
        help="channels of the highest to those of the lowest score",
    )


def channel_scores(codebook: Tensor) -> Tensor:
    """Return C ``(D,)`` of a codebook ``(K, D)``, K > 1; high where codes differ about a mean near 0."""
    codes = codebook.double()
    variance = codes.var(0)
    similarity = codes.mean(0).square() - variance / len(codes)
    return VARIANCE * variance - SIMILARITY * similarity


@component(
    "codebook_optimizer",
    "toc",
    parameters=TOCParameters,
    origin="arXiv 2403.05168",
    needs=("codes",),
)
class TOC:
    """Keep the channels in which the frozen codes differ most and share least (arXiv 2403.05168).

    The score of channel d is C_d = 0.3 var_d - 0.7 sim_d with the unbiased variance of the codes and
    sim_d = sum_(i != j) e_id e_jd / (K (K - 1)), weights as in APE (arXiv 2304.01195). The double sum
    has a closed form, mean_d^2 - var_d / K, so that C_d = (0.3 + 0.7 / K) var_d - 0.7 mean_d^2: O(K D).
    The head reads the channels of highest score or, by ``ratio``, some of the lowest beside them.
    Nothing is trained and quantisation keeps all channels. With several levels the same share is kept
    of each.

    The published widths differ by task and direction and were tuned on the evaluation. Here they are
    candidates, among which the validation score chooses; the widest comes first, so that it is kept
    where none does better. A width that the ratio does not divide is filled from the top, where the
    paper rounds down.

    When not to use it: to learn what it is worth from its best width alone; the choice costs a little
    of what it gains.

    Raises:
        InvalidRequest: widths that are no shares.
    """

    def __init__(self, parameters: TOCParameters) -> None:
        self.shares = sorted({1.0, *map(_share, parameters.widths.split(","))}, reverse=True)
        self.highest, self.lowest = (int(part) for part in parameters.ratio.split(":"))

    def candidates(self, codebooks: list[Tensor]) -> list[Tensor]:
        """Return selections of the channels of all levels side by side, in ascending order.

        Args:
            codebooks: ``(K_l, D_l)`` of each level.
        """
        orders = [channel_scores(c).argsort(descending=True, stable=True) for c in codebooks]
        widths = [tuple(max(1, round(share * len(o))) for o in orders) for share in self.shares]
        return [self._select(orders, each) for each in dict.fromkeys(widths)]

    def _select(self, orders: list[Tensor], widths: tuple[int, ...]) -> Tensor:
        chosen, offset = [], 0
        for order, width in zip(orders, widths, strict=True):
            bottom = width * self.lowest // (self.highest + self.lowest)
            kept = torch.cat([order[: width - bottom], order[len(order) - bottom :]])
            chosen.append(kept.sort().values + offset)
            offset += len(order)
        return torch.cat(chosen)


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = 0.0
    if not 0.0 < share <= 1.0:
        raise InvalidRequest(
            f"codebook_optimizer.toc.widths must be shares above 0 and up to 1 between commas, got "
            f"{text.strip()!r}; write for example 0.25,0.5"
        )
    return share
