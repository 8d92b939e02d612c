"""The published transformer for the current alone."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from models.encoders.raw import layout
from models.errors import InvalidRequest
from models.registry import component, param
from models.transformer import Block
from models.vectors import unit

HIDDEN, LAYERS, PER_HEAD = 96, 6, 32
LEVELS = ("deleted", "kept")


class PublishedCurrentTrunk(nn.Module):
    """The published transformer up to its last norm; see :class:`PublishedCurrentTransformer`."""

    def __init__(
        self,
        tokens: int,
        channels: int,
        level: str = "deleted",
        *,
        hidden: int = HIDDEN,
        layers: int = LAYERS,
    ) -> None:
        super().__init__()
        self.level = nn.LayerNorm(channels) if level == "deleted" else nn.Identity()
        self.enter = nn.Linear(channels, hidden)
        self.entered = nn.LayerNorm(hidden)
        self.token = nn.Parameter(0.02 * torch.randn(hidden))
        self.positions = nn.Parameter(0.02 * torch.randn(1 + tokens, hidden))
        self.blocks = nn.Sequential(*(Block(hidden, hidden // PER_HEAD) for _ in range(layers)))
        self.norm = nn.LayerNorm(hidden)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(B, tokens, channels)`` to ``(B, 1 + tokens, hidden)``, the class token first."""
        entered = self.entered(self.enter(self.level(x)))
        tokens = torch.cat((self.token.expand(len(x), 1, -1), entered), dim=1) + self.positions
        out: Tensor = self.norm(self.blocks(tokens))
        return out


class PublishedCurrentTransformer(nn.Module):
    """The current-only transformer of FmFormer (arXiv 2406.09016), for supervised training.

    Every sample of the three phases is a token: LN(channels), Linear to 96, LN(96), a class token,
    learned positions, six pre-norm layers with three heads of 32, feed-forward nets of 384 with GELU, no
    bias of query, key and value, LN, and two logits from the class token: 693,512 parameters at 240
    tokens of three channels. Initial positions and class token (normal, 0.02) are our choice.

    Args:
        tokens: samples of a window.
        channels: phases.
        level: ``deleted``, as published: the first norm is over the three phases of one instant and
            so removes the level of the current and the size of its fluctuation; ``kept``: without it.
    """

    def __init__(self, tokens: int, channels: int, level: str = "deleted") -> None:
        super().__init__()
        self.trunk = PublishedCurrentTrunk(tokens, channels, level)
        self.head = nn.Linear(HIDDEN, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits ``(B, 2)`` of samples ``(B, tokens, channels)``."""
        logits: Tensor = self.head(self.trunk(x)[:, 0])
        return logits


@dataclass(frozen=True)
class PublishedCurrentParameters:
    """Parameters of :class:`PublishedCurrentEncoder`."""

    width: int = param(32, low=2, high=512, log=True, help="width of the semantic vectors")
    level: str = param("deleted", choices=LEVELS, help="what the first norm does to the level; kept: none")
    layers: int = param(LAYERS, low=1, high=12, search=(1, 6), help="transformer layers")
    hidden: int = param(
        32, choices=(32, 64, 96, 128), help="width of the tokens, heads of 32 each; published: 96"
    )
    pool: int = param(
        0, low=0, high=1000, help="samples averaged to a token, a divisor of a step's; 0 = all; published: 1"
    )
    unit_norm: bool = param(True, help="put the semantic vectors on the unit sphere")


@component(
    "current_encoder",
    "published_current",
    parameters=PublishedCurrentParameters,
    origin="FmFormer, arXiv 2406.09016",
    needs=("raw",),
    lacks=("causal",),
)
class PublishedCurrentEncoder(nn.Module):
    """The published current-only transformer, its tokens averaged to steps.

    Trunk as in :class:`PublishedCurrentTransformer`. As an encoder it is a reconstruction: the published one
    returns one class token a window; here ``z_t = W (mean of the tokens of step t + class token)
    + b``, so that every step also has what the class token gathered. Level ``deleted`` is as
    published and does not see the level of the current. A token sees the whole window: not for
    predictions of its later steps.

    It is larger than anything else here (674,000 parameters at the published width and depth): forward and
    backward of 256 windows of 10 steps take 0.26 s on one core with a token a step, where a whole training
    step of the baseline takes 0.025 s, and a whole run takes thirteen times the baseline's. The preset
    ``published_current`` therefore has the published width and four of the six layers: nine times the
    baseline's run. At width 32, the default, a run takes three times the baseline's. With a token for every
    sample, as published (``pool: 1``), a step takes 4 to 6 s: attention grows with the square of the tokens,
    and that is for a GPU.

    Raises:
        InvalidRequest: the input is not raw samples, ``pool`` does not divide them, or there is one channel
            of which the level is to be deleted.
    """

    def __init__(
        self,
        parameters: PublishedCurrentParameters,
        *,
        features: int,
        steps: int,
        shape: tuple[int, ...] | None = None,
    ) -> None:
        super().__init__()
        samples, self.channels = layout("published_current", shape, ("samples", "channels"))
        if parameters.level == "deleted" and self.channels < 2:
            raise InvalidRequest(
                "published_current with level deleted norms each sample over its channels and needs two of "
                f"them or more, got {self.channels}; set level: kept"
            )
        self.pool = parameters.pool or samples
        if samples % self.pool:
            raise InvalidRequest(
                f"the pool of published_current must divide the samples of a step, got pool {self.pool} and "
                f"{samples} samples; change pool"
            )
        self.width = parameters.width
        self.unit_norm = parameters.unit_norm
        self.tokens = samples // self.pool
        sizes = {"hidden": parameters.hidden, "layers": parameters.layers}
        self.trunk = PublishedCurrentTrunk(steps * self.tokens, self.channels, parameters.level, **sizes)
        self.leave = nn.Linear(parameters.hidden, parameters.width)

    def forward(self, x: Tensor) -> Tensor:
        """Encode ``(B, T, samples x channels)`` as ``(B, T, width)``, T as it was built for."""
        samples = x.reshape(len(x), -1, self.pool, self.channels).mean(2)
        seen = self.trunk(samples)
        steps = seen[:, 1:].unflatten(1, (-1, self.tokens)).mean(2)
        z: Tensor = self.leave(steps + seen[:, :1])
        return unit(z) if self.unit_norm else z
