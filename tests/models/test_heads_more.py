"""Prototype and attention heads against loops, scikit-learn and what they promise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from helpers_models import generator
from reference_transformer import attention_pool, weights_of, within
from sklearn.cluster import KMeans
from torch import Tensor

from models.errors import InvalidRequest
from models.heads.prototype import k_means
from models.registry import build, resolve

WIDTH = 6


def make(name: str, **parameters: Any) -> Any:
    spec = resolve("head", {"name": name, **parameters})
    return build("head", spec, codes=5, generator=generator(4))


def windows(count: int = 60, gap: float = 0.5, seed: int = 0, dtype: torch.dtype = torch.float64) -> Any:
    """Vectors ``(N, 4, WIDTH)``, indices and labels, one in three abnormal."""
    g = generator(seed)
    labels = (torch.arange(count) % 3 == 0).long()
    vectors = torch.randn(count, 4, WIDTH, generator=g, dtype=dtype) + gap * labels[:, None, None]
    return vectors, torch.zeros(count, 4).long(), labels


def kinds(count: int = 80) -> tuple[Tensor, Tensor, Tensor]:
    """Abnormal windows lie on both sides of the normal ones, so that no plane parts the classes."""
    g = generator(1)
    labels = torch.arange(count) % 2
    side = torch.where(torch.arange(count) % 4 < 2, 3.0, -3.0)
    vectors = 0.3 * torch.randn(count, 4, WIDTH, generator=g)
    vectors[..., 0] += (labels * side)[:, None]
    return vectors, torch.zeros(count, 4).long(), labels


@pytest.mark.parametrize("dtype", (torch.float32, torch.float64))
def test_one_prototype_equals_the_softmax_of_distances(dtype: torch.dtype) -> None:
    vectors, indices, labels = windows(dtype=dtype)
    found = make("prototype", scale=3.0).fit(vectors, indices, labels).score(vectors, indices)
    pooled = vectors.double().numpy().mean(1)
    mean = pooled.mean(0)
    size = sum(float((x - mean) @ (x - mean)) for x in pooled) / len(pooled)
    centres = [np.mean([x for x, y in zip(pooled, labels, strict=True) if y == k], axis=0) for k in (0, 1)]
    for x, score in zip(pooled, found.tolist(), strict=True):
        normal, abnormal = (np.exp(-3.0 * ((x - c) ** 2).sum() / size) for c in centres)
        assert abs(score - abnormal / (normal + abnormal)) < 1e-9


def test_several_prototypes_equal_loops_over_clusters() -> None:
    vectors, indices, labels = kinds()
    head = make("prototype", prototypes=2, scale=2.0).fit(vectors, indices, labels)
    score = head.score(vectors, indices)
    pooled = vectors.double().numpy().mean(1)
    size = ((pooled - pooled.mean(0)) ** 2).sum(1).mean()
    centres = []
    for k in (0, 1):
        points = pooled[labels.numpy() == k]
        if k == 1:  # two clusters there are, which scikit-learn finds too
            best = KMeans(2, n_init=20, random_state=0).fit(points).inertia_
            assert abs(inertia(torch.tensor(points), head.centres[k]) - best) < 1e-6
        centres.append(head.centres[k].numpy())
    for x, found in zip(pooled, score.tolist(), strict=True):
        normal, abnormal = (
            np.mean([np.exp(-2.0 * ((x - c) ** 2).sum() / size) for c in own]) for own in centres
        )
        assert abs(found - abnormal / (normal + abnormal)) < 1e-9
    assert torch.equal(score > 0.5, labels == 1)
    one = make("prototype").fit(vectors, indices, labels).score(vectors, indices)
    assert ((one > 0.5) == (labels == 1)).double().mean() < 0.9


def inertia(points: Tensor, centres: Tensor) -> float:
    return sum(min(float((p - c).square().sum()) for c in centres) for p in points)


def test_k_means_is_a_fixed_point_of_lloyd_and_no_worse_than_its_start() -> None:
    points = torch.randn(50, 3, generator=generator(), dtype=torch.float64)
    centres = k_means(points, 4)
    owner = np.array([np.argmin([float((p - c).square().sum()) for c in centres]) for p in points])
    for j, centre in enumerate(centres):
        torch.testing.assert_close(centre, points[torch.tensor(owner == j)].mean(0))
    assert inertia(points, centres) < inertia(points, points.mean(0, keepdim=True)) / 1.5
    assert torch.equal(centres, k_means(points, 4))
    # Fewer distinct points than centres.
    twice = torch.tensor([[1.0], [1.0], [2.0]], dtype=torch.float64)
    assert sorted(k_means(twice, 4).flatten().tolist()) == [1.0, 2.0]


def test_centring_takes_a_shift_between_the_modalities_away() -> None:
    vectors, indices, labels = windows(gap=1.5)
    shift = 4.0 * torch.randn(WIDTH, generator=generator(9), dtype=torch.float64)
    read = vectors + shift
    own = make("prototype").fit(vectors, indices, labels).score(vectors, indices)
    for centre in ("train", "test"):
        head = make("prototype", centre=centre).fit(vectors, indices, labels, unlabelled=read)
        torch.testing.assert_close(head.score(read, indices), own)
    plain = make("prototype").fit(vectors, indices, labels, unlabelled=read)
    assert (plain.score(read, indices) - own).abs().max() > 0.3
    # Nothing unlabelled: read on its own modality.
    alone = make("prototype", centre="train").fit(vectors, indices, labels)
    torch.testing.assert_close(alone.score(vectors, indices), own)


def test_only_transductive_centring_depends_on_the_other_windows() -> None:
    vectors, indices, labels = windows(gap=0.5)
    for centre, depends in (("none", False), ("train", False), ("test", True)):
        head = make("prototype", centre=centre).fit(vectors, indices, labels, unlabelled=vectors)
        together, part = head.score(vectors, indices)[:5], head.score(vectors[:5], indices[:5])
        assert (not torch.allclose(together, part)) is depends
        single = [head.score(vectors[i : i + 1], indices[i : i + 1]) for i in range(2)]
        assert torch.equal(*single) is depends


def attention_loss(weights: dict[str, Any], x: Any, y: Any, share: Any, ridge: float) -> float:
    total = 0.0
    for window, label, weight in zip(x, y, share, strict=True):
        logit = weights["1.weight"][0] @ attention_pool(within(weights, "0."), window) + weights["1.bias"][0]
        total += weight * np.logaddexp(0.0, -logit if label else logit)
    return float(total + ridge / 2 * sum((w**2).sum() for name, w in weights.items() if name != "1.bias"))


def test_attention_head_is_at_a_minimum_of_its_loss() -> None:
    vectors, indices, labels = windows(12)
    head = make("attention", hidden=3, ridge=0.01, steps=500).fit(vectors, indices, labels)
    x = vectors.numpy()
    centre = x.mean((0, 1))
    x = (x - centre) / np.sqrt(((x.mean(1) - centre) ** 2).mean())
    weights = weights_of(head.net)
    logits = [
        weights["1.weight"][0] @ attention_pool(within(weights, "0."), w) + weights["1.bias"][0] for w in x
    ]
    np.testing.assert_allclose(head.score(vectors, indices), 1 / (1 + np.exp(-np.array(logits))), atol=1e-9)
    share = [0.5 / 4 if label else 0.5 / 8 for label in labels]
    at = lambda w: attention_loss(w, x, labels.numpy(), share, 0.01)  # noqa: E731
    for name, w in weights.items():
        for i in range(min(2, w.size)):
            slopes = []
            for step in (1e-5, -1e-5):
                moved = w.copy()
                moved.flat[i] += step
                slopes.append(at({**weights, name: moved}))
            assert abs(slopes[0] - slopes[1]) / 2e-5 < 1e-4, f"{name}[{i}]"


def test_attention_head_finds_the_one_step_that_tells() -> None:
    g = generator(2)
    labels = torch.arange(200) % 2
    vectors = torch.randn(200, 8, WIDTH, generator=g)
    # Feature 0 marks one step of each window; only there does feature 1 tell.
    marked = torch.randint(8, (200,), generator=g)
    vectors[torch.arange(200), marked, 0] += 6.0
    vectors[torch.arange(200), marked, 1] = 2.0 * labels - 1.0
    indices, train, test = torch.zeros(200, 8).long(), slice(0, 120), slice(120, 200)
    right = {}
    for name in ("attention", "linear"):
        head = make(name).fit(vectors[train], indices[train], labels[train])
        right[name] = (
            ((head.score(vectors[test], indices[test]) > 0.5) == (labels[test] == 1)).double().mean()
        )
    assert right["attention"] > 0.95 > 0.85 > right["linear"]


@pytest.mark.parametrize("name", ("prototype", "attention"))
def test_heads_repeat_and_leave_the_world_alone(name: str) -> None:
    vectors, indices, labels = windows(dtype=torch.float32)
    state = torch.get_rng_state()
    with torch.no_grad():
        scores = [make(name).fit(vectors, indices, labels).score(vectors, indices) for _ in range(2)]
    head = make(name).fit(*windows(seed=5))
    scores.append(head.fit(vectors, indices, labels).score(vectors, indices))
    assert all(torch.equal(s, scores[0]) for s in scores) and scores[0].dtype == torch.float64
    assert torch.equal(torch.get_rng_state(), state)
    torch.testing.assert_close(head.score(vectors[:1], indices[:1]), scores[0][:1], atol=1e-12, rtol=0)
    with pytest.raises(InvalidRequest, match="both classes"):
        make(name).fit(vectors, indices, torch.zeros(60).long())


@pytest.mark.parametrize("name", ("prototype", "attention"))
def test_constant_vectors_say_one_half(name: str) -> None:
    labels, vectors = torch.arange(6) % 2, torch.ones(6, 2, 3)
    for parameters in ({}, {"prototypes": 3}) if name == "prototype" else ({},):
        score = make(name, **parameters).fit(vectors, labels, labels).score(vectors, labels)
        torch.testing.assert_close(score, torch.full((6,), 0.5, dtype=torch.float64))
