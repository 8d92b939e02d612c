"""The indicator ``equal_num``: how often both modalities use the same code."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from bench.lead import workshop
from bench.lead.codes import shared_codes
from bench.lead.estimator import Tabled
from bench.lead.moments import Moments
from bench.report.lang import template


class EqualNum(Tabled):
    """Share of held-out moments whose two codes are equal: what is watched while a codebook is trained.

    It counts agreement on anything, so that a nuisance that both modalities share raises it at lead 0.
    """

    name: ClassVar[str] = "equal_num"
    summary: ClassVar[str] = template("share of moments with equal codes")

    def __init__(self, moments: Moments, seed: int) -> None:
        codes = shared_codes(moments, seed)
        self.held = codes.half.which

        def score(current: Tensor, video: Tensor) -> Tensor:
            return (current.argmax(dim=-1) == video.argmax(dim=-1)).double().mean(dim=-1)

        self.table = workshop.table(codes.half, score, codes.held.__getitem__)
