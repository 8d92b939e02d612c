"""The indicator ``perplexity``: how many codes are in use."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from torch import Tensor

from bench.lead.codes import CODES, shared_codes
from bench.lead.estimator import Estimator
from bench.lead.moments import Floats, Ints, Moments
from bench.report.lang import template


class Perplexity(Estimator):
    """Perplexity of the codes in each held-out recording, mean of both modalities: more is taken for better.

    Which video goes with which current plays no part in it once the codebook is trained, so that
    mismatched pairs give the same curve and it can never be evidence.
    """

    name: ClassVar[str] = "perplexity"
    summary: ClassVar[str] = template("number of codes in use (exponential of the entropy)")
    paired: ClassVar[bool] = False

    def __init__(self, moments: Moments, seed: int) -> None:
        codes = shared_codes(moments, seed)
        self.held = codes.half.which
        self._curves = np.stack([(_used(current) + _used(video)) / 2 for current, video in codes.held])

    def curves(self, partner: Ints) -> Floats:
        """Return ``(recordings, leads)``, the same for every partner."""
        return self._curves


def _used(soft: Tensor) -> Floats:
    """Return the perplexity of the hard codes at each lead: ``(leads,)``."""
    codes = soft.argmax(dim=-1).numpy()
    share = np.stack([np.bincount(each, minlength=CODES) for each in codes]) / codes.shape[1]
    entropy: Floats = -(share * np.log(np.where(share > 0, share, 1.0))).sum(axis=1)
    return np.exp(entropy)
