"""Bridges: what carries the vectors of an encoder onto the shared space, at test too."""

from models.bridges.code_bank import CodeBank, CodeBankParameters
from models.bridges.none import NoBridge
from models.bridges.projection_experts import ProjectionExperts, ProjectionExpertsParameters
from models.bridges.qformer import QFormer, QFormerParameters

__all__ = [
    "CodeBank",
    "CodeBankParameters",
    "NoBridge",
    "ProjectionExperts",
    "ProjectionExpertsParameters",
    "QFormer",
    "QFormerParameters",
]
