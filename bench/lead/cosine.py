"""A current window slid against a fixed video window, by the cosine of their encodings."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import normalize

from bench.lead import workshop
from bench.lead.estimator import Tabled
from bench.lead.infonce import TEMPERATURE
from bench.lead.moments import Moments
from bench.report.lang import template


class Cosine(Tabled):
    """One pair of linear encoders for all leads; the curve is the mean cosine of their outputs.

    An encoder that is trained at one lead peaks at that lead whatever the truth (Chung & Zisserman 2016
    choose theirs by offsets that are known). Here every moment of a training step has a lead of its own,
    drawn at random, so that the lead of the training cannot answer for itself.
    """

    name: ClassVar[str] = "cosine"
    summary: ClassVar[str] = template("mean cosine of a sliding current window with a fixed video window")

    def __init__(self, moments: Moments, seed: int) -> None:
        learnt, held = workshop.halves(moments, seed)
        self.held = held.which
        generator = torch.Generator().manual_seed(seed)
        of_current = workshop.fresh((learnt.current[0].shape[-1], workshop.WIDTH), generator)
        of_video = workshop.fresh((learnt.video[0].shape[-1], workshop.WIDTH), generator)

        def loss() -> Tensor:
            total = torch.zeros(())
            picked, rows = workshop.drawn(learnt, generator)
            for index, own in zip(picked, rows, strict=True):
                shift = torch.randint(learnt.leads, own.shape, generator=generator)
                current = normalize(learnt.current[index][own + shift] @ of_current, dim=-1)
                video = normalize(learnt.video[index][own] @ of_video, dim=-1)
                both = current @ video.T / TEMPERATURE
                total = total - (workshop.matching(both) + workshop.matching(both.T)).mean() / 2
            return total / len(picked)

        workshop.train([of_current, of_video], loss)

        def embed(index: int) -> tuple[Tensor, Tensor]:
            every = torch.arange(len(held.video[index]))
            current = normalize(held.at(index, every) @ of_current, dim=-1)
            return current, normalize(held.video[index] @ of_video, dim=-1)[None]

        self.table = workshop.table(held, lambda c, v: (c * v).sum(dim=-1).mean(dim=-1), embed)
