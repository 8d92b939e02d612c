"""Imports every source of recordings, so that each is registered under its name."""

from bench.data import milling, skab
from bench.data.furnace import source as furnace

__all__ = ["furnace", "milling", "skab"]
