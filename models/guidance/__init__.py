"""Guidance: labels of the video in pre-training, and what reaches the current of them."""

from models.guidance.distillation import Distillation, DistillationParameters
from models.guidance.none import NoGuidance
from models.guidance.pair_labels import PairLabels, PairLabelsParameters

__all__ = [
    "Distillation",
    "DistillationParameters",
    "NoGuidance",
    "PairLabels",
    "PairLabelsParameters",
]
