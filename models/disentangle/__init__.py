"""Disentangling: keep what is shared out of what is specific."""

from models.disentangle.club import CLUB, CLUBParameters
from models.disentangle.none import NoDisentangling

__all__ = ["CLUB", "CLUBParameters", "NoDisentangling"]
