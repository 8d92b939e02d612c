"""Mutual information of the codes of both modalities, corrected by shuffled pairs."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from bench.lead import workshop
from bench.lead.codes import CODES, shared_codes
from bench.lead.estimator import Tabled
from bench.lead.moments import Moments
from bench.report.lang import template

#: Counts added to every pair of codes, so that a pair never learnt costs something finite.
SMOOTHING = 0.5


class CodeInformation(Tabled):
    """What held-out pairs of codes gain over independent codes, by the joint law of the learnt half, nats.

    ``mean_t ln p(a_t, b_t) / p(a_t) p(b_t)``: its expectation is the mutual information minus what the
    law learnt is wrong by, so that it is not biased upwards as a plug-in estimate on few moments is. The
    mean of mismatched pairs, the shuffle correction, is taken away later as from every other curve.
    """

    name: ClassVar[str] = "code_information"
    summary: ClassVar[str] = template("held-out information of the codes on each other, nats")

    def __init__(self, moments: Moments, seed: int) -> None:
        codes = shared_codes(moments, seed)
        self.held = codes.half.which
        leads = codes.half.leads
        joint = torch.full((leads, CODES, CODES), SMOOTHING)
        for current, video in codes.learnt:
            joint += _hard(current).mT @ _hard(video)
        joint /= joint.sum(dim=(1, 2), keepdim=True)
        gain = (joint / (joint.sum(dim=2, keepdim=True) * joint.sum(dim=1, keepdim=True))).log()

        def score(current: Tensor, video: Tensor) -> Tensor:
            return ((current @ gain) * video).sum(dim=-1).mean(dim=-1)

        hard = [(_hard(current), _hard(video)) for current, video in codes.held]
        self.table = workshop.table(codes.half, score, hard.__getitem__)


def _hard(soft: Tensor) -> Tensor:
    """Return which code is used, as 0 and 1."""
    return one_hot(soft.argmax(dim=-1), CODES).to(soft.dtype)
