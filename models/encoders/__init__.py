"""Encoders: features of one modality, step by step, to semantic vectors."""

from models.encoders.causal_conv import CausalConvEncoder, CausalConvParameters
from models.encoders.causal_transformer import CausalTransformerEncoder, CausalTransformerParameters

__all__ = [
    "CausalConvEncoder",
    "CausalConvParameters",
    "CausalTransformerEncoder",
    "CausalTransformerParameters",
]
