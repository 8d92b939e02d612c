"""Held-out InfoNCE scan: how surely the current picks its own moment of the video, lead by lead."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import normalize

from bench.lead import workshop
from bench.lead.estimator import Tabled
from bench.lead.moments import Moments
from bench.report.lang import template

TEMPERATURE = 0.1


class InfoNCE(Tabled):
    """Two linear encoders a lead, trained with InfoNCE on half of the recordings, scored on the others.

    Negatives are other moments of the same recording, so that what is constant in a recording (its
    camera, its gain) does not help; a set-point that moves within it still does, at lead 0.
    """

    name: ClassVar[str] = "infonce"
    summary: ClassVar[str] = template("held-out InfoNCE, nats above chance")

    def __init__(self, moments: Moments, seed: int) -> None:
        learnt, held = workshop.halves(moments, seed)
        self.held = held.which
        generator = torch.Generator().manual_seed(seed)
        sizes = [side[0].shape[-1] for side in (learnt.current, learnt.video)]
        of_current, of_video = (
            workshop.fresh((learnt.leads, size, workshop.WIDTH), generator) for size in sizes
        )

        def scores(current: Tensor, video: Tensor) -> Tensor:
            return current @ video.mT / TEMPERATURE

        def loss() -> Tensor:
            total = torch.zeros(())
            picked, rows = workshop.drawn(learnt, generator)
            for index, own in zip(picked, rows, strict=True):
                current = normalize(learnt.at(index, own) @ of_current, dim=-1)
                video = normalize(learnt.video[index][own] @ of_video, dim=-1)
                both = scores(current, video)
                total = total - (workshop.matching(both) + workshop.matching(both.mT)).mean(dim=-1).sum() / 2
            return total / len(picked)

        workshop.train([of_current, of_video], loss)

        def embed(index: int) -> tuple[Tensor, Tensor]:
            every = torch.arange(len(held.video[index]))
            current = normalize(held.at(index, every) @ of_current, dim=-1)
            return current, normalize(held.video[index] @ of_video, dim=-1)

        self.table = workshop.table(held, lambda c, v: workshop.matching(scores(c, v)).mean(dim=-1), embed)
