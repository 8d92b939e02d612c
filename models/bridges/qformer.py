"""A few learned queries read a sequence of any length."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.beside import Beside
from models.errors import InvalidRequest
from models.quantizers.quantised import Quantised
from models.registry import component, param
from models.vectors import unit

MODALITIES = ("current", "video")
# As published: the share of a target that is spread over the batch.
SMOOTHING = 0.1


@dataclass(frozen=True)
class QFormerParameters:
    """Parameters of :class:`QFormer`."""

    queries: int = param(4, low=1, high=64, search=(2, 8), help="learned queries, the tokens of a window")
    layers: int = param(2, low=1, high=8, help="layers, each with cross-attention")
    heads: int = param(4, low=1, high=16, help="attention heads; must divide the width")
    shared: bool = param(True, help="one net for both modalities, told apart by an embedding")
    pool: str = param("both", choices=("max", "mean", "both"), help="over the queries in the contrast")
    temperature: float = param(0.1, low=0.02, high=2.0, log=True, help="of the contrast and the codes")
    itc: float = param(0.4, low=0.0, high=10.0, log=True, search=(0.04, 4.0), help="weight of the contrast")
    itm: float = param(0.1, low=0.0, high=10.0, log=True, search=(0.01, 1.0), help="weight of the matching")
    code: float = param(
        0.1, low=0.0, high=10.0, log=True, search=(0.01, 1.0), help="weight of predicting the video's codes"
    )


@component(
    "bridge",
    "qformer",
    parameters=QFormerParameters,
    origin="BLIP-2, arXiv 2301.12597",
    needs=("codes",),
    lacks=("causal",),
)
class QFormer(nn.Module):
    """Learned queries read the steps of a window and stand for it (BLIP-2, arXiv 2301.12597, section 3).

    In each layer the queries attend to each other, then to the steps z + positions, then pass a
    feed-forward net. What comes out are N unit vectors for a window of any length, which are quantised
    and aligned in place of the steps. Three losses, as in section 3.2 there:

    contrast (ITC): s(i, j) = pool_n <c_in, mean_m v_jm>, and the same with the modalities exchanged;
    the mean of both, over a temperature, in a symmetric cross-entropy with label smoothing 0.1. The
    paper pools by the maximum, which gives a gradient to one query only; ``both`` adds the mean.
    matching (ITM): one more layer lets the queries of a current read those of a video, and the mean of
    a logit per query tells pairs from non-pairs. The non-pair of a window is the one ITC finds most
    similar: the mode of the soft-max that the paper draws from, so that nothing is random.
    code prediction, in place of text generation: query n of the current names the code of query n of
    the video, with logits -d^2 / temperature from its squared distances to the codes.

    Departures from the paper: small nets trained from scratch, cross-attention in every layer, no
    projection before the contrast, since the tokens themselves are what the modalities must share.

    When not to use it: there is no order of time after it, so no loss that predicts later steps can
    follow, and the queries absorb a lead without saying so: measure it before. More queries than steps
    have nothing to sum up. A training step takes three to four times the baseline's, whose encoder is a
    convolution: two transformer layers for each modality, and one more on three times the pairs.

    Raises:
        InvalidRequest: ``heads`` does not divide the width.
    """

    def __init__(
        self, parameters: QFormerParameters, *, width: int, current_steps: int, video_steps: int
    ) -> None:
        super().__init__()
        s = parameters
        if width % s.heads:
            raise InvalidRequest(
                f"the heads of bridge.qformer must divide the width of the encoders, got heads {s.heads} and "
                f"width {width}; change one of them"
            )
        self.settings = s
        self.current_steps = self.video_steps = s.queries
        names = ("both",) if s.shared else MODALITIES
        self.layers = nn.ModuleDict(
            {name: nn.ModuleList(_layer(width, s.heads) for _ in range(s.layers)) for name in names}
        )
        self.norms = nn.ModuleDict({name: nn.LayerNorm(width) for name in names})
        self.queries = nn.ParameterDict({name: nn.Parameter(torch.randn(s.queries, width)) for name in names})
        steps = {"current": current_steps, "video": video_steps}
        # The positions of a modality are its own and so tell a shared net which one it reads.
        self.positions = nn.ParameterDict(
            {m: nn.Parameter(0.5 * torch.randn(steps[m], width)) for m in MODALITIES}
        )
        if s.itm:
            self.fuse = _layer(width, s.heads)
            self.match = nn.Linear(width, 1)
        self.logs: dict[str, Tensor] = {}

    def forward(self, z: Tensor, modality: str, codebook: Tensor) -> Tensor:
        """Return ``(B, N, D)`` tokens on the unit sphere for ``(B, T, D)`` vectors of a modality."""
        name = "both" if self.settings.shared else modality
        # Unit vectors have small coordinates; layers are made for coordinates of about 1.
        seen = F.rms_norm(z, z.shape[-1:]) + self.positions[modality]
        tokens = self.queries[name].expand(len(z), -1, -1)
        for layer in cast(nn.ModuleList, self.layers[name]):
            tokens = layer(tokens, seen)
        return unit(self.norms[name](tokens))

    def loss(self, q: Quantised, semantic: tuple[Tensor, Tensor], beside: Beside) -> Tensor:
        """Return the weighted sum of contrast, matching and code prediction."""
        s = self.settings
        similarity = self.similarity(*semantic)
        total = q.commitment.new_zeros(())
        if s.itc:
            pairs = torch.arange(len(similarity), device=similarity.device)
            rows, columns = (
                F.cross_entropy(x / s.temperature, pairs, label_smoothing=SMOOTHING)
                for x in (similarity, similarity.T)
            )
            total = total + s.itc * 0.5 * (rows + columns)
        if s.itm and len(similarity) > 1:
            total = total + s.itm * self.matching(*semantic, similarity.detach())
        if s.code:
            logits = -q.current_distances / s.temperature
            total = total + s.code * F.cross_entropy(logits.flatten(0, 1), q.video_codes.flatten())
        return total

    def similarity(self, current: Tensor, video: Tensor) -> Tensor:
        """Return ``(B, B)`` pooled cosines of ``(B, N, D)`` tokens, a row for each current."""
        of_current, of_video = unit(current.mean(1)), unit(video.mean(1))
        # (B, B, N): row = window whose single queries are looked at.
        by_current = torch.einsum("ind,jd->ijn", current, of_video)
        by_video = torch.einsum("ind,jd->ijn", video, of_current)
        # Which queries are ever the nearest: the others learn nothing from a maximum.
        nearest = by_current.detach().argmax(-1, keepdim=True)
        numbers = torch.arange(by_current.shape[-1], device=nearest.device)
        self.logs = {"queries_used": (nearest == numbers).flatten(0, 1).any(0).to(current).mean()}
        return 0.5 * (self._pool(by_current) + self._pool(by_video).T)

    def _pool(self, cosines: Tensor) -> Tensor:
        if self.settings.pool == "max":
            return cosines.amax(-1)
        if self.settings.pool == "mean":
            return cosines.mean(-1)
        return 0.5 * (cosines.amax(-1) + cosines.mean(-1))

    def matching(self, current: Tensor, video: Tensor, similarity: Tensor) -> Tensor:
        """Return the cross-entropy of telling pairs from the hardest non-pairs, two for each pair."""
        others = similarity.clone().fill_diagonal_(-torch.inf)
        pairs = torch.cat([current, current, current[others.argmax(0)]])
        with_video = torch.cat([video, video[others.argmax(1)], video])
        logits = self.match(self.fuse(pairs, with_video)).mean((1, 2))
        target = (torch.arange(len(logits), device=logits.device) < len(current)).to(logits)
        return F.binary_cross_entropy_with_logits(logits, target)


def _layer(width: int, heads: int) -> nn.Module:
    return nn.TransformerDecoderLayer(width, heads, 2 * width, dropout=0.0, batch_first=True, norm_first=True)
