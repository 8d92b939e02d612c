"""Quantisers: one codebook that both modalities share."""

from models.quantizers.fsq import FSQ, FSQParameters
from models.quantizers.lfq import LFQ, LFQParameters
from models.quantizers.mm_ema import MMEMAParameters, MMEMAQuantizer
from models.quantizers.none import NoQuantizer
from models.quantizers.quantised import Quantised, squared_distances
from models.quantizers.residual import ResidualParameters, ResidualQuantizer

__all__ = [
    "FSQ",
    "FSQParameters",
    "LFQ",
    "LFQParameters",
    "MMEMAParameters",
    "MMEMAQuantizer",
    "NoQuantizer",
    "Quantised",
    "ResidualParameters",
    "ResidualQuantizer",
    "squared_distances",
]
