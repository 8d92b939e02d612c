"""A codebook both modalities pull, each at its own share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.errors import InvalidRequest
from models.quantizers.quantised import Quantised, nearest, squared_distances
from models.quantizers.straight_through import commit
from models.registry import component, param
from models.steps import step_map

SMOOTHING = 1e-5
JITTER = 0.01


@dataclass(frozen=True)
class MMEMAParameters:
    """Parameters of :class:`MMEMAQuantizer`."""

    codes: int = param(100, low=2, high=4096, log=True, search=(16, 512), help="number of codes")
    video_share: float = param(
        0.5, low=0.0, high=1.0, help="share of the video in what a current assignment adds"
    )
    current_share: float = param(
        0.5, low=0.0, high=1.0, help="share of the current in what a video assignment adds"
    )
    decay: float = param(
        0.99, low=0.0, high=0.9999, search=(0.9, 0.999), help="of the running sums, per step"
    )
    commitment: float = param(
        0.25, low=0.0, high=10.0, log=True, search=(0.05, 1.0), help="weight of the commitment loss"
    )
    video_pull: float = param(
        1.0, low=0.0, high=10.0, help="commitment of the current to the code of the video"
    )
    current_pull: float = param(
        1.0, low=0.0, high=10.0, help="commitment of the video to the code of the current"
    )
    reset_after: int = param(
        20, low=0, high=100_000, help="training steps without use before a code is revived; 0 = never"
    )
    alive: str = param(
        "either", choices=("either", "both"), help="which modalities must use a code to keep it"
    )
    partner_lag: int = param(
        0, low=0, high=1000, help="video steps by which the partner in the video comes later"
    )


@component("quantizer", "mm_ema", parameters=MMEMAParameters, origin="CMG, NeurIPS 2023")
class MMEMAQuantizer(nn.Module):
    """Multi-modal codebook with exponential moving averages (CMG, eq. 7) and directional weights.

    A step of the current that chose code k adds (1 - video_share) z_c + video_share z_v to the sum
    of k, its partner z_v being the video at the same time (or ``partner_lag`` video steps later); a
    step of the video adds (1 - current_share) z_v + current_share z_c. Every bracket is convex, so
    plain counts are the denominator. Shares (.5, .5) are the symmetric codebook, (1, 0) makes the
    video the teacher, (0, 0) lets the modalities drift apart. At the borders, where a lagged
    partner lies outside the window, a step adds itself.

    There is one update per training step, from distances to the codebook as it was before. Codes
    start as vectors of the first batch. A code unused for ``reset_after`` steps becomes a copy of a
    live one, drawn in proportion to use, with its running sums, so that the next update keeps it.
    In eval mode nothing changes.
    """

    codebook: Tensor
    sums: Tensor
    counts: Tensor
    idle: Tensor
    revived: Tensor
    video_of: Tensor
    current_of: Tensor
    video_known: Tensor
    current_known: Tensor

    def __init__(
        self,
        parameters: MMEMAParameters,
        *,
        width: int,
        current_steps: int,
        video_steps: int,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        if parameters.partner_lag >= video_steps:
            raise InvalidRequest(
                f"quantizer.mm_ema.partner_lag must be smaller than the steps of the video window "
                f"({video_steps}), got {parameters.partner_lag}; lower it or widen the window"
            )
        self.settings = parameters
        self.generator = generator
        self.steps = 0
        codes = parameters.codes
        self.register_buffer("codebook", torch.randn(codes, width, generator=generator) / width**0.5)
        self.register_buffer("sums", self.codebook.clone())
        self.register_buffer("counts", torch.ones(codes))
        self.register_buffer("idle", torch.zeros(2, codes, dtype=torch.int64))
        self.register_buffer("revived", torch.zeros((), dtype=torch.int64))
        lag = parameters.partner_lag
        self.in_step = lag == 0 and current_steps == video_steps
        video_of = step_map(current_steps, video_steps) + lag
        earlier = torch.arange(video_steps) - lag
        known = {"video_known": video_of < video_steps, "current_known": earlier >= 0}
        partner = {
            "video_of": video_of.clamp(max=video_steps - 1),
            "current_of": step_map(video_steps, current_steps)[earlier.clamp(min=0)],
        }
        for name, value in {**partner, **known}.items():
            self.register_buffer(name, value, persistent=False)

    def forward(self, current: Tensor, video: Tensor) -> Quantised:
        """Quantise ``(B, T_c, D)`` and ``(B, T_v, D)``; in train mode also update the codebook."""
        if self.training and self.steps == 0:
            self._start(current.detach(), video.detach())
        # The update below writes in place, and the backward pass still needs these codes.
        codebook = self.codebook.clone() if self.training else self.codebook
        # One modality after the other: its distances are still in the cache.
        d_c = squared_distances(current, codebook)
        k_c = nearest(d_c)
        d_v = squared_distances(video, codebook)
        k_v = nearest(d_v)
        e_c, e_v = F.embedding(k_c, codebook), F.embedding(k_v, codebook)
        partner_c, partner_v = self._partners(e_c, e_v)
        known_c, known_v = (None, None) if self.in_step else (self.video_known, self.current_known)
        s = self.settings
        own, pulls = 2.0 * s.commitment, (s.commitment * s.video_pull, s.commitment * s.current_pull)
        q_c, d_c, loss_c = commit(current, codebook, d_c, e_c, partner_c, known_c, (own, pulls[0]))
        q_v, d_v, loss_v = commit(video, codebook, d_v, e_v, partner_v, known_v, (own, pulls[1]))
        if self.training:
            self._update(current.detach(), video.detach(), k_c, k_v)
        return Quantised(q_c, q_v, k_c, k_v, d_c, d_v, loss_c + loss_v)

    def lookup(self, vectors: Tensor) -> tuple[Tensor, Tensor]:
        """Return code vectors ``(..., D)`` and indices ``(...)`` of vectors; nothing is updated."""
        codes = nearest(squared_distances(vectors, self.codebook))
        return F.embedding(codes, self.codebook), codes

    def _partners(self, current: Tensor, video: Tensor) -> tuple[Tensor, Tensor]:
        """Return what lies beside each step of the current and beside each step of the video."""
        if self.in_step:
            return video, current
        return video.index_select(1, self.video_of), current.index_select(1, self.current_of)

    def _blend(self, own: Tensor, partner: Tensor, share: float, known: Tensor) -> Tensor:
        """Return what each step adds; one without a partner adds itself."""
        if self.in_step:
            return torch.lerp(own, partner, share)
        return torch.lerp(own, partner, (share * known).to(own)[:, None])

    @torch.no_grad()
    def _start(self, current: Tensor, video: Tensor) -> None:
        rows = torch.cat([current.flatten(0, 1), video.flatten(0, 1)])
        order = torch.randperm(len(rows), generator=self.generator)
        chosen = order.repeat(-(-self.settings.codes // len(rows)))[: self.settings.codes]
        self.codebook.copy_(rows[chosen.to(rows.device)])
        self.sums.copy_(self.codebook)
        self.counts.fill_(1.0)

    @torch.no_grad()
    def _update(self, current: Tensor, video: Tensor, k_c: Tensor, k_v: Tensor) -> None:
        s = self.settings
        added, used = torch.zeros_like(self.sums), torch.zeros_like(self.idle, dtype=self.sums.dtype)
        partner_c, partner_v = self._partners(current, video)
        for rows, codes, hits in (
            (self._blend(current, partner_c, s.video_share, self.video_known), k_c, used[0]),
            (self._blend(video, partner_v, s.current_share, self.current_known), k_v, used[1]),
        ):
            added.index_add_(0, codes.flatten(), rows.flatten(0, 1))
            hits.index_add_(0, codes.flatten(), hits.new_ones(codes.numel()))
        hits = used.sum(0)
        self.counts.lerp_(hits, 1.0 - s.decay)
        self.sums.lerp_(added, 1.0 - s.decay)
        total = self.counts.sum()
        smooth = (self.counts + SMOOTHING) / (total + s.codes * SMOOTHING) * total
        # Smoothing would draw a code that is never hit towards 0, into the middle of the others.
        self.codebook.copy_(torch.where(hits[:, None] > 0, self.sums / smooth[:, None], self.codebook))
        self.idle.add_(1).mul_(used == 0)
        self.steps += 1
        if s.reset_after and self.steps % s.reset_after == 0:
            self._revive()

    def _revive(self) -> None:
        s = self.settings
        unused = self.idle >= s.reset_after
        dead = unused.all(0) if s.alive == "either" else unused.any(0)
        # Where every code is dead there is nothing to copy: then none is touched.
        dead = dead & ~dead.all()
        live = self.counts.masked_fill(dead, 0.0)
        cumulative = live.double().cumsum(0)
        drawn = torch.rand(s.codes, generator=self.generator, dtype=torch.float64).to(live.device)
        donors = torch.searchsorted(cumulative, drawn * cumulative[-1], right=True).clamp(max=s.codes - 1)
        noise = torch.randn(self.codebook.shape, generator=self.generator).to(self.codebook)
        copies = self.codebook.index_select(0, donors)
        copies += JITTER * copies.square().mean(-1, keepdim=True).sqrt() * noise
        count = live.sum() / (~dead).sum()
        self.codebook.copy_(torch.where(dead[:, None], copies, self.codebook))
        self.counts.copy_(torch.where(dead, count, self.counts))
        self.sums.copy_(torch.where(dead[:, None], copies * count, self.sums))
        self.idle.mul_(~dead)
        self.revived += dead.sum()

    def get_extra_state(self) -> dict[str, Any]:
        """Return what a checkpoint needs beside the buffers."""
        return {"steps": self.steps, "generator": self.generator.get_state()}

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Take up where :meth:`get_extra_state` left off."""
        self.steps = state["steps"]
        self.generator.set_state(state["generator"])
