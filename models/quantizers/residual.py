"""Residual quantisation: a shared coarse level, private fine ones."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.quantizers.mm_ema import MMEMAParameters, MMEMAQuantizer
from models.quantizers.quantised import Quantised, nearest, squared_distances
from models.registry import component, param


class EMACodebook(nn.Module):
    """A codebook of moving averages for one set of vectors (arXiv 1711.00937, appendix A.1).

    A code unused for ``reset_after`` training steps becomes a vector of the batch (the random restart
    of arXiv 2005.00341, section 3.1). Codes begin as unused, hence as vectors of the first batch.
    """

    codebook: Tensor
    sums: Tensor
    counts: Tensor
    idle: Tensor

    def __init__(
        self, codes: int, width: int, decay: float, reset_after: int, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.decay = decay
        self.reset_after = reset_after or 2**62
        self.generator = generator
        self.register_buffer("codebook", torch.zeros(codes, width))
        self.register_buffer("sums", torch.zeros(codes, width))
        self.register_buffer("counts", torch.ones(codes))
        self.register_buffer("idle", torch.full((codes,), self.reset_after))

    @torch.no_grad()
    def forward(self, vectors: Tensor) -> Tensor:
        """Return the nearest codes ``(..., D)`` of vectors; in train mode update them afterwards."""
        rows = vectors.flatten(0, -2)
        if self.training:
            self._restart(rows)
        codes = nearest(squared_distances(rows, self.codebook))
        chosen = F.embedding(codes, self.codebook)
        if self.training:
            self._update(rows, codes)
        return chosen.view_as(vectors)

    def _restart(self, rows: Tensor) -> None:
        drawn = torch.randint(len(rows), self.counts.shape, generator=self.generator)
        fresh = rows.index_select(0, drawn.to(rows.device))
        unused = self.idle >= self.reset_after
        for buffer in (self.codebook, self.sums):
            buffer.copy_(torch.where(unused[:, None], fresh, buffer))
        self.counts.masked_fill_(unused, 1.0)

    def _update(self, rows: Tensor, codes: Tensor) -> None:
        added = torch.zeros_like(self.sums).index_add_(0, codes, rows)
        hits = torch.zeros_like(self.counts).index_add_(0, codes, rows.new_ones(len(rows)))
        self.counts.lerp_(hits, 1.0 - self.decay)
        self.sums.lerp_(added, 1.0 - self.decay)
        hit = hits > 0
        mean = self.sums / self.counts[:, None]
        self.codebook.copy_(torch.where(hit[:, None], mean, self.codebook))
        self.idle.add_(1).mul_(~hit)


@dataclass(frozen=True)
class ResidualParameters(MMEMAParameters):
    """Parameters of :class:`ResidualQuantizer`: those of the shared level, then the private ones."""

    levels: int = param(2, low=1, high=8, search=(1, 3), help="levels in all; the first one is shared")
    private_codes: int = param(
        32, low=2, high=4096, log=True, search=(8, 128), help="codes of each private level"
    )


@component(
    "quantizer", "residual", parameters=ResidualParameters, origin="SoundStream, arXiv 2107.03312; CMG"
)
class ResidualQuantizer(nn.Module):
    """Each level quantises what the one before left over (SoundStream, arXiv 2107.03312, algorithm 1).

    r_0 = z, e_l = VQ_l(r_(l-1)), r_l = r_(l-1) - e_l. The first level is the multi-modal codebook
    :class:`~models.quantizers.MMEMAQuantizer` with all its settings, shared by the modalities: it
    holds what is coarse. Every further level is a codebook of its own for each modality, so that
    detail need not be shared to be kept. That split is a reconstruction: the paper has one modality.

    In training the decoder sees the sum of all levels, and every level has its commitment loss. What
    is read afterwards (``lookup``, and ``forward`` in eval mode) is the first level alone, since a
    private code of the video means nothing for the current. Indices and distances are those of the
    first level throughout.

    When not to use it: with one level it is ``mm_ema``; where the specific vectors already carry the
    detail, the private levels do their work twice.
    """

    straight_through = True

    def __init__(
        self,
        parameters: ResidualParameters,
        *,
        width: int,
        current_steps: int,
        video_steps: int,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        s = parameters
        self.weight = 2.0 * s.commitment
        self.shared = MMEMAQuantizer(
            s, width=width, current_steps=current_steps, video_steps=video_steps, generator=generator
        )

        def private() -> nn.ModuleList:
            books = (s.private_codes, width, s.decay, s.reset_after, generator)
            return nn.ModuleList(EMACodebook(*books) for _ in range(s.levels - 1))

        self.current_levels, self.video_levels = private(), private()

    def forward(self, current: Tensor, video: Tensor) -> Quantised:
        """Quantise ``(B, T_c, D)`` and ``(B, T_v, D)``; in train mode update all levels and sum them."""
        q: Quantised = self.shared(current, video)
        if not self.training:
            return q
        fine_c, loss_c = self._refine(current, q.current.detach(), self.current_levels)
        fine_v, loss_v = self._refine(video, q.video.detach(), self.video_levels)
        commitment = q.commitment + self.weight * (loss_c + loss_v)
        # The gradient already passes straight through the first level; the rest are constants.
        return replace(q, current=q.current + fine_c, video=q.video + fine_v, commitment=commitment)

    def lookup(self, vectors: Tensor) -> tuple[Tensor, Tensor]:
        """Return code vectors ``(..., D)`` and indices ``(...)`` of the shared level."""
        return self.shared.lookup(vectors)

    @property
    def codebook(self) -> Tensor:
        """The codes ``(K, D)`` of the shared level."""
        return self.shared.codebook

    def _refine(self, z: Tensor, coarse: Tensor, levels: nn.ModuleList) -> tuple[Tensor, Tensor]:
        """Return what the private levels add to the shared one and their squared errors, summed."""
        fine, loss = torch.zeros_like(coarse), z.new_zeros(())
        for level in levels:
            residual = z - (coarse + fine)
            chosen = level(residual.detach())
            loss = loss + (residual - chosen).square().sum(-1).mean()
            fine = fine + chosen
        return fine, loss
