"""End to end on a toy: what the head learns on video must hold on current, and only if pairs are pairs."""

from __future__ import annotations

import torch
from helpers_models import generator
from torch import Tensor

from models.catalog import recipe
from models.method import Method, Sizes
from models.training import Pretrainer

SIZES = Sizes(6, 10, 8, 8)


def views(count: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Two noisy linear views of one of two latent classes, each with a nuisance of its own."""
    g, fixed = generator(seed), generator(77)
    labels = torch.randint(2, (count,), generator=g)
    out = []
    for features, noise in ((6, 0.8), (10, 0.3)):
        direction, nuisance = (torch.randn(features, generator=fixed) for _ in range(2))
        strength = (labels * 2.0 - 1.0)[:, None, None]
        disturbance = torch.randn(count, 1, 1, generator=g)
        x = strength * direction + disturbance * nuisance
        out.append(x + noise * torch.randn(count, 8, features, generator=g))
    return out[0], out[1], labels


def accuracy(shuffled: bool, seed: int) -> float:
    method = Method(recipe(quantizer={"name": "mm_ema", "codes": 24}), SIZES, seed=seed)
    pretrainer = Pretrainer(method)
    current, video, labels = views(400, seed)
    # Its own seed: a permutation drawn from the stream of the labels would follow the labels.
    g = generator(seed + 10_000)
    partner = torch.randperm(400, generator=g) if shuffled else torch.arange(400)
    for _ in range(8):
        for rows in torch.randperm(400, generator=g).split(100):
            pretrainer.step(current[rows], video[partner[rows]])
    head = method.head().fit(*method.codes("video", video), labels)
    test_current, _, test_labels = views(600, seed + 100)
    found = head.score(*method.codes("current", test_current)) > 0.5
    return float((found == test_labels).float().mean())


def test_paired_pretraining_transfers() -> None:
    found = [accuracy(shuffled=False, seed=seed) for seed in range(3)]
    assert min(found) > 0.9, found


def test_shuffled_pairs_carry_nothing_over() -> None:
    """Without pairs the orientation of the current is left to chance: right or wrong, about as often."""
    found = torch.tensor([accuracy(shuffled=True, seed=seed) for seed in range(8)])
    error = found.std() / len(found) ** 0.5
    assert abs(found.mean() - 0.5) < 3 * error, found
    assert found.min() < 0.5
