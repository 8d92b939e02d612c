"""Hierarchy: a second level of codes, for what the first left to the specific vectors."""

from models.hierarchy.none import NoHierarchy
from models.hierarchy.two_level import TwoLevel, TwoLevelParameters

__all__ = ["NoHierarchy", "TwoLevel", "TwoLevelParameters"]
