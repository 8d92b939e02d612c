"""A small vision transformer on every frame, then a causal mix of the steps."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from models.encoders.raw import CausalMix, layout
from models.errors import InvalidRequest
from models.registry import component, param
from models.transformer import Block
from models.vectors import unit


@dataclass(frozen=True)
class FrameViTParameters:
    """Parameters of :class:`FrameViTEncoder`."""

    width: int = param(32, low=2, high=512, log=True, help="width of the semantic vectors")
    patch: int = param(4, low=1, high=32, help="pixels a side of a patch; must divide height and width")
    hidden: int = param(16, low=4, high=256, log=True, search=(16, 24, 32), help="width of the tokens")
    layers: int = param(1, low=1, high=6, search=(1, 2), help="transformer layers")
    heads: int = param(2, low=1, high=8, help="attention heads; must divide hidden")
    pool: str = param("mean", choices=("mean", "token"), help="mean of the patches, or the class token")
    unit_norm: bool = param(True, help="put the semantic vectors on the unit sphere")


@component(
    "video_encoder",
    "frame_vit",
    parameters=FrameViTParameters,
    origin="Dosovitskiy 2021, arXiv 2010.11929",
    needs=("raw",),
)
class FrameViTEncoder(nn.Module):
    """Patches of a frame as tokens of a small transformer; class token or mean; a causal mix over steps.

    An Image is Worth 16x16 Words (arXiv 2010.11929), equations 1-4: flattened patches x W + learned
    positions (and a class token), pre-norm layers, a last norm. Frames are read one by one, then
    mixed by ``h_t + ReLU(W [h_{t-2}, h_{t-1}, h_t] + b)``, which is ours, as are the sizes: a vision
    transformer has no built-in notion of neighbourhood and wants far more frames than a furnace
    gives, so expect the convolutions of ``frame_cnn`` to need less data. At 256 windows of 10 frames of
    16 x 16 x 3 it takes 60-100 ms forward and backward on one core (``causal_conv``: 8), and a whole
    training step three to five and a half times as long as the baseline's: 41,000 tokens are normed, attended
    and activated.

    Raises:
        InvalidRequest: the input is not frames, or the patches or the heads do not divide.
    """

    def __init__(
        self, parameters: FrameViTParameters, *, features: int, shape: tuple[int, ...] | None = None
    ) -> None:
        super().__init__()
        self.shape = layout("frame_vit", shape, ("height", "width", "channels"))
        height, width, channels = self.shape
        self.patch, hidden = parameters.patch, parameters.hidden
        if height % self.patch or width % self.patch:
            raise InvalidRequest(
                f"the patch of frame_vit must divide the frames, got patch {self.patch} and frames of "
                f"{height} x {width}; change patch"
            )
        self.width = parameters.width
        self.unit_norm = parameters.unit_norm
        self.pool = parameters.pool
        tokens = (height // self.patch) * (width // self.patch)
        self.enter = nn.Linear(self.patch**2 * channels, hidden)
        self.positions = nn.Parameter(0.02 * torch.randn(tokens, hidden))
        self.token = nn.Parameter(0.02 * torch.randn(hidden)) if self.pool == "token" else None
        self.blocks = nn.Sequential(*(Block(hidden, parameters.heads) for _ in range(parameters.layers)))
        self.norm = nn.LayerNorm(hidden)
        self.mix = CausalMix(hidden)
        self.leave = nn.Linear(hidden, parameters.width)

    def forward(self, x: Tensor) -> Tensor:
        """Encode ``(B, T, height x width x channels)`` as ``(B, T, width)``."""
        height, width, channels = self.shape
        rows, columns, side = height // self.patch, width // self.patch, self.patch
        pixels = x.reshape(-1, rows, side, columns, side, channels).transpose(2, 3)
        tokens = self.enter(pixels.reshape(len(pixels), rows * columns, -1)) + self.positions
        if self.token is not None:
            tokens = torch.cat((self.token.expand(len(tokens), 1, -1), tokens), dim=1)
        seen = self.norm(self.blocks(tokens))
        frames = seen.mean(1) if self.token is None else seen[:, 0]
        z: Tensor = self.leave(self.mix(frames.reshape(*x.shape[:2], -1)))
        return unit(z) if self.unit_norm else z
