"""Contrasts: what tells the right partner of a prediction from the other windows of the batch.

Every contrast takes ``M`` sets of predictions and targets, unit vectors ``(M, B, D)`` each, row
``b`` of one belonging to row ``b`` of the other, and returns a scalar averaged over the sets.
"""

from models.contrast.cwcl import CWCL, CWCLParameters
from models.contrast.infonce import InfoNCE, InfoNCEParameters
from models.contrast.triplet import Triplet, TripletParameters
from models.contrast.triplet_hard import HardTriplet, HardTripletParameters

__all__ = [
    "CWCL",
    "CWCLParameters",
    "HardTriplet",
    "HardTripletParameters",
    "InfoNCE",
    "InfoNCEParameters",
    "Triplet",
    "TripletParameters",
]
