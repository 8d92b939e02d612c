"""Heads: from the codes of a window to the probability that it is abnormal.

A head is fitted on the codes of the video and read on the codes of the current.
"""

from models.heads.attention import AttentionHead, AttentionHeadParameters
from models.heads.code_table import CodeTable, CodeTableParameters
from models.heads.linear import LinearHead, LinearHeadParameters
from models.heads.prototype import PrototypeHead, PrototypeHeadParameters

__all__ = [
    "AttentionHead",
    "AttentionHeadParameters",
    "CodeTable",
    "CodeTableParameters",
    "LinearHead",
    "LinearHeadParameters",
    "PrototypeHead",
    "PrototypeHeadParameters",
]
