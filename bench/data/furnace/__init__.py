"""The embedded furnace: a generative world whose exact ceiling is computable."""

from bench.data.furnace.source import Furnace, FurnaceParameters
from bench.data.furnace.world import WORLDS, World

__all__ = ["WORLDS", "Furnace", "FurnaceParameters", "World"]
