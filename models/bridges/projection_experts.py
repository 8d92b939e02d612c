"""Projection experts that all modalities share, mixed by a router of each modality."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.beside import Beside
from models.errors import InvalidRequest
from models.quantizers.quantised import Quantised
from models.registry import component, param
from models.steps import step_map
from models.vectors import unit

MODALITIES = ("current", "video")


@dataclass(frozen=True)
class ProjectionExpertsParameters:
    """Parameters of :class:`ProjectionExperts`."""

    shared: int = param(
        1, low=0, high=6, search=(0, 2), help="layers of the encoder that all modalities share"
    )
    experts: int = param(3, low=1, high=16, search=(1, 5), help="experts (K)")
    tokens: int = param(8, low=1, high=128, help="learned tokens of each modality (N)")
    keep: str = param("steps", choices=("steps", "tokens"), help="what is handed on")
    router: str = param(
        "softmax",
        choices=("softmax", "sigmoid", "constant"),
        help="how experts are weighed: as in the paper, as released, or all alike",
    )
    heads: int = param(4, low=1, high=16, help="attention heads of an expert; must divide the width")


@component(
    "bridge",
    "projection_experts",
    parameters=ProjectionExpertsParameters,
    origin="OneLLM, arXiv 2312.03700",
)
class ProjectionExperts(nn.Module):
    """One projection for all modalities: experts behind a soft router (OneLLM, arXiv 2312.03700, eq. 1-2).

    With N learned tokens q_m of the modality, X = [q_m, z_m] and
    [q, x] = sum_k w_k(X) P_k(X), w = softmax(R_m(X)): P_k are experts that both modalities share, here
    one pre-norm transformer layer each, R_m an MLP (four times the width, GELU) that weighs them for
    every token. The encoders of the arm are the tokenizers of the paper. Its encoder that all modalities
    share is large and frozen, pre-trained on pictures and text; nothing of that kind fits these windows, so
    here it is ``shared`` transformer layers over the steps, trained with the rest (a reconstruction).

    The paper hands the N tokens on and drops x, and with it time. Here time is kept, so that losses
    that predict can follow: what is handed on sees nothing later than itself. With ``steps`` (ours)
    these are the T steps, which see the tokens and the steps before; with ``tokens`` token n sees the
    tokens before it and the steps up to the end of the n-th of N stretches, and stands for it.

    The release has sigmoids divided by their sum for the router (``sigmoid``); ``constant`` is the
    paper's control. Experts start apart, since equal ones, as the paper's, learn apart but slowly. There
    is no balancing loss: look at the logged entropy of the gates (ln K when all are used alike).

    When not to use it: with few windows, where it is one more net to fit. A training step takes four to
    five times the baseline's, whose encoder is a convolution: eight transformer layers beside it.

    Raises:
        InvalidRequest: ``heads`` does not divide the width.
    """

    def __init__(
        self, parameters: ProjectionExpertsParameters, *, width: int, current_steps: int, video_steps: int
    ) -> None:
        super().__init__()
        s = parameters
        if width % s.heads:
            raise InvalidRequest(
                f"the heads of bridge.projection_experts must divide the width of the encoders, got heads "
                f"{s.heads} and width {width}; change one of them"
            )
        self.settings = s
        steps = {"current": current_steps, "video": video_steps}
        kept = steps if s.keep == "steps" else dict.fromkeys(steps, s.tokens)
        self.current_steps, self.video_steps = kept["current"], kept["video"]
        self.tokens = nn.ParameterDict({m: nn.Parameter(torch.randn(s.tokens, width)) for m in MODALITIES})
        self.kept = slice(s.tokens, None) if s.keep == "steps" else slice(s.tokens)
        self.shared = nn.ModuleList(_Expert(width, s.heads, slice(None)) for _ in range(s.shared))
        self.experts = nn.ModuleList(_Expert(width, s.heads, self.kept) for _ in range(s.experts))
        self.routers = nn.ModuleDict()
        if s.router != "constant":
            self.routers.update(
                {
                    m: nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, s.experts))
                    for m in MODALITIES
                }
            )
        for m in MODALITIES:
            seen = _seen(s.tokens, steps[m], s.keep)
            self.register_buffer(f"{m}_seen", seen[self.kept], persistent=False)
            self.register_buffer(f"{m}_before", seen[s.tokens :, s.tokens :], persistent=False)
        self.logs: dict[str, Tensor] = {}

    def forward(self, z: Tensor, modality: str, codebook: Tensor) -> Tensor:
        """Return ``(B, T, D)``, or ``(B, N, D)`` with ``keep: tokens``, on the unit sphere."""
        # Unit vectors have small coordinates; tokens and layers are made for coordinates of about 1.
        known = F.rms_norm(z, z.shape[-1:])
        for layer in self.shared:
            known = layer(known, getattr(self, f"{modality}_before"))
        x = torch.cat([self.tokens[modality].expand(len(z), -1, -1), known], dim=1)
        seen = getattr(self, f"{modality}_seen")
        projected = torch.stack([expert(x, seen) for expert in self.experts], dim=-1)
        weights = self.weights(x[:, self.kept], modality)
        entropy = torch.special.entr(weights.detach()).sum(-1).mean()
        self.logs = {**self.logs, f"{modality}_gate_entropy": entropy}
        return unit((projected @ weights[..., None]).squeeze(-1))

    def weights(self, x: Tensor, modality: str) -> Tensor:
        """Return the weights ``(B, L, K)`` of the experts for ``(B, L, D)``; they sum to 1."""
        s = self.settings
        if s.router == "constant":
            return x.new_full((*x.shape[:-1], s.experts), 1.0 / s.experts)
        logits = self.routers[modality](x)
        if s.router == "softmax":
            return logits.softmax(-1)  # type: ignore[no-any-return]
        gates = logits.sigmoid()
        return gates / gates.sum(-1, keepdim=True)  # type: ignore[no-any-return]

    def loss(self, q: Quantised, semantic: tuple[Tensor, Tensor], beside: Beside) -> Tensor:
        """Return 0: the losses of the arm train the experts."""
        return q.commitment.new_zeros(())


class _Expert(nn.Module):
    """One pre-norm transformer layer, for the kept rows only; the layers of the shared encoder keep all."""

    def __init__(self, width: int, heads: int, kept: slice) -> None:
        super().__init__()
        self.heads = heads
        self.kept = kept
        self.before_attention = nn.LayerNorm(width)
        self.query = nn.Linear(width, width, bias=False)
        self.source = nn.Linear(width, 2 * width, bias=False)
        self.merge = nn.Linear(width, width)
        self.before_feed = nn.LayerNorm(width)
        self.feed = nn.Sequential(nn.Linear(width, 2 * width), nn.ReLU(), nn.Linear(2 * width, width))

    def forward(self, x: Tensor, seen: Tensor) -> Tensor:
        known = self.before_attention(x)
        query, key, value = (
            rows.unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for rows in (self.query(known[:, self.kept]), *self.source(known).chunk(2, dim=-1))
        )
        read = F.scaled_dot_product_attention(query, key, value, attn_mask=seen)
        y = x[:, self.kept] + self.merge(read.transpose(1, 2).flatten(2))
        out: Tensor = y + self.feed(self.before_feed(y))
        return out


def _seen(tokens: int, steps: int, keep: str) -> Tensor:
    """Return a mask ``(N + T, N + T)``, true where the row sees the column: it is not later."""
    if keep == "steps":
        time = torch.cat([torch.full((tokens,), -1), torch.arange(steps)])
    else:
        # A token stands at the end of its stretch; those that end in the same step follow each other.
        ends = step_map(tokens, steps) + torch.arange(tokens) / tokens
        time = torch.cat([ends, torch.arange(steps)])
    return time[None, :] <= time[:, None]
