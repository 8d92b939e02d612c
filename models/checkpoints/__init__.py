"""Checkpoints: which epoch of the pre-training is read."""

from models.checkpoints.at import AtEpoch, AtEpochParameters
from models.checkpoints.best import BestEpoch
from models.checkpoints.last import LastEpoch

__all__ = ["AtEpoch", "AtEpochParameters", "BestEpoch", "LastEpoch"]
