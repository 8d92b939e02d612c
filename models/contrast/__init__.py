"""Contrasts: what tells the right partner of a prediction from the other windows of the batch.

Every contrast takes ``M`` sets of predictions and targets, unit vectors ``(M, B, D)`` each, row
``b`` of one belonging to row ``b`` of the other, and returns a scalar averaged over the sets.
"""

from models.contrast.barlow import Barlow, BarlowParameters
from models.contrast.cca import CCA, CCAParameters
from models.contrast.clmlf import CLMLF, CLMLFParameters
from models.contrast.coral import CORAL
from models.contrast.crd import CRD, CRDParameters
from models.contrast.cwcl import CWCL, CWCLParameters
from models.contrast.infonce import InfoNCE, InfoNCEParameters
from models.contrast.jema_style import JEMAStyle, JEMAStyleParameters
from models.contrast.mimic import Mimic, MimicParameters
from models.contrast.mmd import MMD
from models.contrast.relational import Relational, RelationalParameters
from models.contrast.sigmoid import Sigmoid, SigmoidParameters
from models.contrast.supcon import SupCon, SupConParameters
from models.contrast.triplet import Triplet, TripletParameters
from models.contrast.triplet_hard import HardTriplet, HardTripletParameters
from models.contrast.triplet_semi_hard import SemiHardTriplet, SemiHardTripletParameters
from models.contrast.vicreg import VICReg, VICRegParameters

__all__ = [
    "Barlow",
    "BarlowParameters",
    "CCA",
    "CCAParameters",
    "CLMLF",
    "CLMLFParameters",
    "CORAL",
    "CRD",
    "CRDParameters",
    "CWCL",
    "CWCLParameters",
    "HardTriplet",
    "HardTripletParameters",
    "InfoNCE",
    "InfoNCEParameters",
    "JEMAStyle",
    "JEMAStyleParameters",
    "MMD",
    "Mimic",
    "MimicParameters",
    "Relational",
    "RelationalParameters",
    "SemiHardTriplet",
    "SemiHardTripletParameters",
    "Sigmoid",
    "SigmoidParameters",
    "SupCon",
    "SupConParameters",
    "Triplet",
    "TripletParameters",
    "VICReg",
    "VICRegParameters",
]
