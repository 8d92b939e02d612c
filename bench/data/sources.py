"""Imports every source of recordings, so that each is registered under its name."""

from bench.data import milling, skab
from bench.data.fmf import source as fmf
from bench.data.furnace import source as furnace
from bench.data.plant import source as plant

__all__ = ["fmf", "furnace", "milling", "plant", "skab"]
