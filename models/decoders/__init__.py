"""Decoders: rebuild the input features from the code and the specific vector."""

from models.decoders.mlp import MLPDecoder, MLPDecoderParameters

__all__ = ["MLPDecoder", "MLPDecoderParameters"]
