"""Fusion: reading both modalities together, where the video is there at test too."""

from models.fusion.bottleneck import BottleneckFusion, BottleneckParameters
from models.fusion.cross_attention import CrossAttentionFusion, CrossAttentionParameters
from models.fusion.none import NoFusion
from models.fusion.reader import FusionParameters
from models.fusion.self_attention import SelfAttentionFusion

__all__ = [
    "BottleneckFusion",
    "BottleneckParameters",
    "CrossAttentionFusion",
    "CrossAttentionParameters",
    "FusionParameters",
    "NoFusion",
    "SelfAttentionFusion",
]
