"""CMCM: how surely moments are told apart by how alike both modalities use the codebook."""

from __future__ import annotations

from typing import ClassVar

from bench.lead import workshop
from bench.lead.codes import likeness, shared_codes
from bench.lead.estimator import Tabled
from bench.lead.moments import Moments
from bench.report.lang import template


class CMCM(Tabled):
    """Held-out code matching (Liu et al. 2021, arXiv 2106.05438) of the codebook of each lead."""

    name: ClassVar[str] = "cmcm"
    summary: ClassVar[str] = template("held-out code matching, nats above chance")

    def __init__(self, moments: Moments, seed: int) -> None:
        codes = shared_codes(moments, seed)
        self.held = codes.half.which
        self.table = workshop.table(
            codes.half,
            lambda c, v: workshop.matching(likeness(c, v)).mean(dim=-1),
            codes.held.__getitem__,
        )
