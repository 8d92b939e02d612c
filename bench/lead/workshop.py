"""What the estimators without cross-fitting share: two halves of the recordings, scaled, and small encoders.

Every lead has linear encoders of its own; those of all leads are trained side by side, as one stack.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from bench.lead.moments import Floats, Ints, Moments, divided

STEPS = 120
RATE = 0.01
DECAY = 0.01
#: Recordings in a step, and moments of each: a moment is contrasted with others of its recording.
RECORDINGS, MOMENTS = 4, 48
WIDTH = 16


@dataclass(frozen=True, eq=False)
class Half:
    """Some recordings, scaled.

    Attributes:
        which: ``(recordings,)`` their places among all.
        current: ``(rows, features)`` each, as :class:`bench.lead.moments.Strip` has them.
        video: ``(moments, features)`` each.
        leads: number of leads.
    """

    which: Ints
    current: list[Tensor]
    video: list[Tensor]
    leads: int

    def __len__(self) -> int:
        return len(self.video)

    def at(self, index: int, rows: Tensor) -> Tensor:
        """Return ``(leads, len(rows), features)``: the current of these moments at every lead."""
        back = torch.arange(self.leads - 1, -1, -1)
        return self.current[index][rows[None, :] + back[:, None]]


def halves(moments: Moments, seed: int) -> tuple[Half, Half]:
    """Divide recordings into one half to learn from and one that is held out; scaled by the first.

    A value beyond six deviations is cut, as in a cell.
    """
    learnt, held = divided(moments, seed)
    return _half(moments, learnt, learnt), _half(moments, held, learnt)


def _half(moments: Moments, own: Ints, learnt: Ints) -> Half:
    sides = []
    for side in ("current", "video"):
        seen = np.concatenate([getattr(moments.strips[i], side) for i in learnt])
        mean, deviation = seen.mean(axis=0), seen.std(axis=0)
        scale = np.where(deviation > 1e-8, deviation, 1.0)
        scaled = [np.clip((getattr(moments.strips[i], side) - mean) / scale, -6, 6) for i in own]
        sides.append([torch.from_numpy(each.astype(np.float32)) for each in scaled])
    return Half(own, sides[0], sides[1], len(moments.leads))


def drawn(half: Half, generator: torch.Generator) -> tuple[list[int], list[Tensor]]:
    """Draw the recordings of a step, and moments of each: as many of all, without repetition."""
    picked = torch.randperm(len(half), generator=generator)[:RECORDINGS].tolist()
    count = min(MOMENTS, *(len(half.video[i]) for i in picked))
    return picked, [torch.randperm(len(half.video[i]), generator=generator)[:count] for i in picked]


def fresh(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Return random weights that keep the size of what they are given: ``shape`` = (..., inputs, outputs)."""
    weights: Tensor = torch.randn(shape, generator=generator) / shape[-2] ** 0.5
    return weights.requires_grad_()


def train(weights: list[Tensor], loss: Callable[[], Tensor]) -> None:
    """Run Adam with decoupled weight decay for a fixed number of steps."""
    optimizer = torch.optim.AdamW(weights, lr=RATE, weight_decay=DECAY)
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss().backward()  # type: ignore[no-untyped-call]
        optimizer.step()


def matching(scores: Tensor) -> Tensor:
    """Return how well each row picks its own column, in nats above chance: ``(..., n)`` of ``(..., n, n)``.

    A lower bound of the mutual information (van den Oord et al. 2018), 0 at chance, at most log n.
    """
    own = torch.diagonal(scores, dim1=-2, dim2=-1)
    return own - torch.logsumexp(scores, dim=-1) + float(np.log(scores.shape[-1]))


def table(
    half: Half, score: Callable[[Tensor, Tensor], Tensor], embed: Callable[[int], tuple[Tensor, Tensor]]
) -> Floats:
    """Return what every current of a half scores with every video: ``(recordings, recordings, leads)``.

    Args:
        half: the recordings.
        score: of ``(leads, moments, ...)`` of a current and ``(leads or 1, moments, ...)`` of a video,
            equally many moments; returns ``(leads,)``.
        embed: gives both of a recording by its index.
    """
    with torch.no_grad():
        known = [embed(i) for i in range(len(half))]
        found = np.empty((len(half), len(half), half.leads))
        for i, (current, _) in enumerate(known):
            for j, (_, video) in enumerate(known):
                count = min(current.shape[1], video.shape[1])
                found[i, j] = score(current[:, :count], video[:, :count]).numpy()
    return found
