"""A shared codebook for each lead, in small: what the estimators that read codes read.

Two linear encoders and a codebook a lead, trained by matching codes (CMCM): moments of one recording are
told apart by how alike their two modalities use the codebook. Trained once for all estimators that ask.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn.functional import normalize

from bench.lead import workshop
from bench.lead.moments import Moments

CODES = 16
#: Softness of the assignment of a vector to codes, on cosines.
SOFTNESS = 0.1
FLOOR = 1e-10


@dataclass(frozen=True, eq=False)
class Codes:
    """Soft assignments of each recording, ``(leads, moments, codes)``: of its current, of its video.

    Attributes:
        learnt: recordings that the codebook was trained on.
        held: the others.
        half: the others, as they were before they were encoded.
    """

    learnt: list[tuple[Tensor, Tensor]]
    held: list[tuple[Tensor, Tensor]]
    half: workshop.Half


def likeness(current: Tensor, video: Tensor) -> Tensor:
    """Return how alike uses of the codebook are, ``(..., moments, moments)``: minus both cross entropies.

    ``S_ij = sum_k P_c(k|i) ln P_v(k|j) + P_v(k|j) ln P_c(k|i)``.
    """
    log_current, log_video = (current + FLOOR).log(), (video + FLOOR).log()
    return current @ log_video.mT + log_current @ video.mT


@lru_cache(maxsize=1)
def shared_codes(moments: Moments, seed: int) -> Codes:
    """Train a codebook for every lead and return how recordings of both halves use it."""
    learnt, held = workshop.halves(moments, seed)
    generator = torch.Generator().manual_seed(seed)
    sizes = [side[0].shape[-1] for side in (learnt.current, learnt.video)]
    of_current, of_video = (workshop.fresh((learnt.leads, size, workshop.WIDTH), generator) for size in sizes)
    book = workshop.fresh((learnt.leads, CODES, workshop.WIDTH), generator)

    def assigned(encoded: Tensor) -> Tensor:
        cosine = normalize(encoded, dim=-1) @ normalize(book, dim=-1).mT
        return torch.softmax(cosine / SOFTNESS, dim=-1)

    def loss() -> Tensor:
        total = torch.zeros(())
        picked, rows = workshop.drawn(learnt, generator)
        for index, own in zip(picked, rows, strict=True):
            current = assigned(learnt.at(index, own) @ of_current)
            video = assigned(learnt.video[index][own] @ of_video)
            both = likeness(current, video)
            total = total - (workshop.matching(both) + workshop.matching(both.mT)).mean(dim=-1).sum() / 2
        return total / len(picked)

    workshop.train([of_current, of_video, book], loss)

    def used(half: workshop.Half) -> list[tuple[Tensor, Tensor]]:
        with torch.no_grad():
            return [
                (
                    assigned(half.at(index, torch.arange(len(video))) @ of_current),
                    assigned(video @ of_video),
                )
                for index, video in enumerate(half.video)
            ]

    return Codes(used(learnt), used(held), held)
