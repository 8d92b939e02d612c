"""Encoders: features of one modality, step by step, to semantic vectors."""

from models.encoders.causal_conv import CausalConvEncoder, CausalConvParameters
from models.encoders.causal_transformer import CausalTransformerEncoder, CausalTransformerParameters
from models.encoders.frame_cnn import FrameCNNEncoder, FrameCNNParameters
from models.encoders.frame_vit import FrameViTEncoder, FrameViTParameters
from models.encoders.gru import GRUEncoder, GRUParameters
from models.encoders.linear import LinearEncoder, LinearEncoderParameters
from models.encoders.published_current import (
    PublishedCurrentEncoder,
    PublishedCurrentParameters,
    PublishedCurrentTransformer,
)
from models.encoders.shufflenet import ShuffleNetV2
from models.encoders.stft_shufflenet import STFTShuffleNetEncoder, STFTShuffleNetParameters
from models.encoders.tcn import TCNEncoder, TCNParameters

__all__ = [
    "CausalConvEncoder",
    "CausalConvParameters",
    "CausalTransformerEncoder",
    "CausalTransformerParameters",
    "FrameCNNEncoder",
    "FrameCNNParameters",
    "FrameViTEncoder",
    "FrameViTParameters",
    "GRUEncoder",
    "GRUParameters",
    "LinearEncoder",
    "LinearEncoderParameters",
    "PublishedCurrentEncoder",
    "PublishedCurrentParameters",
    "PublishedCurrentTransformer",
    "STFTShuffleNetEncoder",
    "STFTShuffleNetParameters",
    "ShuffleNetV2",
    "TCNEncoder",
    "TCNParameters",
]
