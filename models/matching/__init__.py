"""Code matching: both modalities of a window should choose the same codes."""

from models.matching.cmcm import CMCM, CMCMParameters
from models.matching.index_prediction import IndexPrediction, IndexPredictionParameters
from models.matching.none import NoMatching

__all__ = ["CMCM", "CMCMParameters", "IndexPrediction", "IndexPredictionParameters", "NoMatching"]
