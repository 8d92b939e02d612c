"""Optimisers of the pre-training."""

from models.optimizers.adam import Adam, AdamParameters

__all__ = ["Adam", "AdamParameters"]
