"""What the fusions of two modalities have in common: scaling, training, and an absent video."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.errors import InvalidRequest
from models.heads.classes import balanced_weights
from models.registry import param
from models.transformer import AttentionPooling

CLIP = 1.0


@dataclass(frozen=True)
class FusionParameters:
    """Parameters that all fusions have."""

    layers: int = param(1, low=1, high=4, search=(1, 2), help="layers in which the modalities meet")
    hidden: int = param(32, low=4, high=256, log=True, search=(16, 32, 64), help="width of the tokens")
    heads: int = param(2, low=1, high=8, help="attention heads; must divide hidden")
    modality_dropout: float = param(
        0.3, low=0.0, high=0.9, search=(0.0, 0.6), help="share of training windows without their video"
    )
    steps: int = param(200, low=1, high=10_000, help="training steps")
    batch: int = param(64, low=1, high=4096, help="windows of a training step")
    learning_rate: float = param(3e-3, low=1e-5, high=0.1, log=True, search=(1e-3, 1e-2), help="of Adam")


class Tokens(nn.Module):
    """Code vectors as tokens: GELU(Linear) + modality embedding + position, and a learned absent video."""

    def __init__(self, width: int, hidden: int, steps: tuple[int, int]) -> None:
        super().__init__()
        self.enter = nn.ModuleList(nn.Linear(width, hidden) for _ in steps)
        self.modality = nn.ParameterList(0.02 * torch.randn(hidden) for _ in steps)
        self.positions = nn.ParameterList(0.02 * torch.randn(count, hidden) for count in steps)
        self.absent = nn.Parameter(0.02 * torch.randn(hidden))

    def forward(self, current: Tensor, video: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
        """Return tokens of both, those of the video the learned one where ``present`` ``(B,)`` is false."""
        entered = [F.gelu(enter(x)) for enter, x in zip(self.enter, (current, video), strict=True)]
        entered[1] = torch.where(present[:, None, None], entered[1], self.absent)
        placed = zip(entered, self.modality, self.positions, strict=True)
        first, second = (x + modality + position for x, modality, position in placed)
        return first, second


class Classifier(nn.Module):
    """Attention pooling of tokens and a two-layer perceptron to one logit."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.pool = AttentionPooling(hidden, hidden // 2)
        self.decide = nn.Sequential(nn.Linear(hidden, hidden), nn.GELU(), nn.Linear(hidden, 1))

    def forward(self, tokens: Tensor) -> Tensor:
        """Return logits ``(B,)`` of tokens ``(B, N, hidden)``."""
        logits: Tensor = self.decide(self.pool(tokens))[:, 0]
        return logits


class FusionReader(ABC):
    """A small net on the code vectors of both modalities, trained with labels.

    Adam on random batches for a fixed number of steps, the class-balanced cross-entropy, the
    gradient clipped to length 1, everything drawn from one seed of the generator. In a share
    ``modality_dropout`` of the windows of each batch the tokens of the video are replaced by a
    learned one, so that the current can be read alone; with 0 that reading is never trained.

    Args:
        parameters: of the component.
        width: of the code vectors.
        generator: draws the seed.

    Raises:
        InvalidRequest: the attention heads do not divide the width of the tokens.
    """

    def __init__(self, parameters: FusionParameters, width: int, generator: torch.Generator) -> None:
        if parameters.hidden % parameters.heads:
            raise InvalidRequest(
                f"fusion.heads must divide fusion.hidden, got {parameters.heads} and {parameters.hidden}; "
                "change one of them"
            )
        self.parameters = parameters
        self.width = width
        self.seed = int(torch.randint(2**62, (), generator=generator))
        self.steps = (0, 0)
        self.net = nn.Module()
        self.scaling: tuple[tuple[Tensor, Tensor], ...] = ()

    @abstractmethod
    def build(self, steps: tuple[int, int]) -> nn.Module:
        """Return a new net ``(current, video, present) -> logits`` for so many steps of each."""

    def fit(self, current: Tensor, video: Tensor, labels: Tensor) -> Self:
        """Fit on code vectors ``(N, T_c, D)`` and ``(N, T_v, D)`` and labels ``(N,)`` of 0 and 1.

        Raises:
            InvalidRequest: one class is missing.
        """
        weights = balanced_weights(labels).to(current.dtype)
        pair = (current.detach(), video.detach())
        self.scaling = tuple(_moments(x) for x in pair)
        x_c, x_v = (_scaled(x, *moments) for x, moments in zip(pair, self.scaling, strict=True))
        self.steps = (current.shape[1], video.shape[1])
        y, draw = labels.to(current.dtype), torch.Generator().manual_seed(self.seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            self.net = self.build(self.steps).to(current)
        trained = list(self.net.parameters())
        optimizer = torch.optim.Adam(trained, lr=self.parameters.learning_rate)
        size = (self.parameters.batch,)
        with torch.enable_grad():
            for _ in range(self.parameters.steps):
                rows = torch.randint(len(y), size, generator=draw).to(y.device)
                present = (torch.rand(size, generator=draw) >= self.parameters.modality_dropout).to(y.device)
                logits = self.net(x_c[rows], x_v[rows], present)
                loss = F.binary_cross_entropy_with_logits(logits, y[rows], weight=weights[rows])
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                nn.utils.clip_grad_norm_(trained, CLIP)
                optimizer.step()
        return self

    @torch.no_grad()
    def score(self, current: Tensor, video: Tensor | None) -> Tensor:
        """Return the probability ``(N,)`` float64 that each window is abnormal; None: without its video."""
        x_c = _scaled(current, *self.scaling[0])
        if video is None:
            x_v = x_c.new_zeros(len(x_c), self.steps[1], self.width)
        else:
            x_v = _scaled(video, *self.scaling[1])
        present = torch.full((len(x_c),), video is not None, device=x_c.device)
        logits: Tensor = self.net(x_c, x_v, present)
        return torch.sigmoid(logits.double())


def _moments(x: Tensor) -> tuple[Tensor, Tensor]:
    mean = x.mean((0, 1))
    return mean, (x - mean).square().mean().sqrt().clamp(min=1e-12)


def _scaled(x: Tensor, mean: Tensor, size: Tensor) -> Tensor:
    return (x - mean) / size
