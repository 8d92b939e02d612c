"""Specific encoders: what a modality keeps to itself and does not share through the codebook."""

from models.specific.mlp import MLPSpecific, MLPSpecificParameters
from models.specific.none import NoSpecific

__all__ = ["MLPSpecific", "MLPSpecificParameters", "NoSpecific"]
