"""Alignment: what makes the two modalities predict each other."""

from models.alignment.cross_cpc import CrossCPC, CrossCPCParameters
from models.alignment.none import NoAlignment
from models.alignment.pooled import Pooled, PooledParameters

__all__ = [
    "CrossCPC",
    "CrossCPCParameters",
    "NoAlignment",
    "Pooled",
    "PooledParameters",
]
