"""Disentangling: keep what is shared out of what is specific."""

from models.disentangle.club import CLUB, CLUBParameters
from models.disentangle.club_sampled import CLUBSampled, CLUBSampledParameters
from models.disentangle.l1out import L1Out, L1OutParameters
from models.disentangle.none import NoDisentangling
from models.disentangle.reversal import Reversal, ReversalParameters

__all__ = [
    "CLUB",
    "CLUBParameters",
    "CLUBSampled",
    "CLUBSampledParameters",
    "L1Out",
    "L1OutParameters",
    "NoDisentangling",
    "Reversal",
    "ReversalParameters",
]
