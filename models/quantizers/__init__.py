"""Quantisers: one codebook that both modalities share."""

from models.quantizers.mm_ema import MMEMAParameters, MMEMAQuantizer
from models.quantizers.quantised import Quantised, squared_distances

__all__ = ["MMEMAParameters", "MMEMAQuantizer", "Quantised", "squared_distances"]
