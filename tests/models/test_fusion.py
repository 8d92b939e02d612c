"""Fusions against loops written from their equations, and what they learn of two modalities."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from helpers_models import generator
from numpy.typing import NDArray
from reference_transformer import affine, attention_pool, block, gelu, weights_of, within
from torch import Tensor

from models.errors import InvalidRequest
from models.registry import build, resolve

WIDTH, STEPS = 6, (5, 3)
NAMES = ("self_attention", "cross_attention", "bottleneck")
KINDS: list[dict[str, Any]] = [
    {"name": "self_attention", "layers": 2},
    {"name": "cross_attention", "layers": 2},
    {"name": "cross_attention", "asks": "current"},
    {"name": "cross_attention", "asks": "video"},
    {"name": "bottleneck", "tokens": 2},
]
Array = NDArray[np.float64]
every_fusion = pytest.mark.parametrize("spec", KINDS, ids=lambda s: "-".join(str(v) for v in s.values()))


def make(**spec: Any) -> Any:
    resolved = resolve("fusion", {"hidden": 16, "steps": 120, "batch": 48, "learning_rate": 0.01, **spec})
    return build("fusion", resolved, width=WIDTH, generator=generator(4))


def windows(rule: str, count: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> tuple[Tensor, ...]:
    """Code vectors of two noisy bits, one a modality; the label is their XOR, or the current's bit."""
    g = generator(seed)
    bits = torch.randint(2, (2, count), generator=g)
    book = torch.randn(2, 2, 3, WIDTH, generator=generator(11), dtype=dtype)
    found = [book[m][bits[m][:, None], torch.randint(3, (count, STEPS[m]), generator=g)] for m in range(2)]
    return *found, bits[0] ^ bits[1] if rule == "xor" else bits[0]


def accuracy(score: Tensor, labels: Tensor) -> float:
    return ((score > 0.5) == (labels == 1)).double().mean().item()


def classify(w: dict[str, Array], tokens: list[Array]) -> float:
    pooled = attention_pool(within(w, "pool."), np.array(tokens))
    return float(affine(w, "decide.2", gelu(affine(w, "decide.0", pooled)))[0])


def expected_logit(
    w: dict[str, Array], spec: dict[str, Any], pair: tuple[Array, Array], present: bool
) -> float:
    """One window through the net, from the equations."""
    streams = []
    for m, steps in enumerate(pair):
        entered = [gelu(affine(w, f"tokens.enter.{m}", x)) for x in steps]
        if m == 1 and not present:
            entered = [w["tokens.absent"] for _ in steps]
        placed = zip(entered, w[f"tokens.positions.{m}"], strict=True)
        streams.append(np.array([e + w[f"tokens.modality.{m}"] + p for e, p in placed]))
    head, layers = within(w, "classify."), spec.get("layers", 2 if spec["name"] == "bottleneck" else 1)
    if spec["name"] == "self_attention":
        merged = np.concatenate(streams)
        for i in range(layers):
            merged = block(within(w, f"blocks.{i}."), 2, merged)
        return classify(head, list(merged))
    if spec["name"] == "cross_attention":
        asking = {"both": [0, 1], "current": [0], "video": [1]}[spec.get("asks", "both")]
        for i in range(layers):
            old = list(streams)
            for place, m in enumerate(asking):
                streams[m] = block(within(w, f"layers.{i}.{place}."), 2, old[m], old[1 - m])
        return classify(head, [token for m in asking for token in streams[m]])
    shared = w["shared"]
    for i in range(layers):
        heard = []
        for m in range(2):
            out = block(within(w, f"layers.{i}.{m}."), 2, np.concatenate([streams[m], shared]))
            streams[m] = out[: len(streams[m])]
            heard.append(out[len(streams[m]) :])
        shared = (heard[0] + heard[1]) / 2
    return (classify(head, list(streams[0])) + classify(head, list(streams[1]))) / 2


@every_fusion
def test_scores_equal_loops_over_tokens(spec: dict[str, Any]) -> None:
    current, video, labels = windows("xor", 12, dtype=torch.float64)
    fusion = make(**spec, steps=3).fit(current, video, labels)
    w = weights_of(fusion.net)
    scaled = []
    for x in (current.numpy(), video.numpy()):
        mean = x.mean((0, 1))
        scaled.append((x - mean) / np.sqrt(((x - mean) ** 2).mean()))
    for given in (video, None):
        found = fusion.score(current, given)[:3]
        for i, score in enumerate(found.tolist()):
            logit = expected_logit(w, spec, (scaled[0][i], scaled[1][i]), given is not None)
            assert abs(score - 1 / (1 + np.exp(-logit))) < 1e-9


@every_fusion
def test_gradients_reach_everything(spec: dict[str, Any]) -> None:
    net = make(**spec).build(STEPS).double()
    g = generator()
    current, video = (torch.randn(4, s, WIDTH, generator=g, dtype=torch.float64) for s in STEPS)
    present = torch.tensor([True, True, False, True])
    inputs = (current[:2].requires_grad_(), video[:2].requires_grad_(), present[1:3])
    assert torch.autograd.gradcheck(net, inputs, fast_mode=True)
    (net(current, video, present) * torch.randn(4, generator=g, dtype=torch.float64)).sum().backward()
    for name, p in net.named_parameters():
        assert p.grad is not None and p.grad.abs().sum() > 0, f"no gradient reaches {name}"


@pytest.mark.parametrize("name", NAMES)
def test_both_modalities_together_know_what_neither_knows(name: str) -> None:
    fusion = make(name=name).fit(*windows("xor", 600))
    current, video, labels = windows("xor", 300, seed=1)
    assert accuracy(fusion.score(current, video), labels) > 0.9
    assert 0.4 < accuracy(fusion.score(current, None), labels) < 0.6


@pytest.mark.parametrize("name", NAMES)
def test_what_the_current_carries_is_read_without_the_video(name: str) -> None:
    fusion = make(name=name, steps=40).fit(*windows("current", 600))
    current, video, labels = windows("current", 300, seed=1)
    assert accuracy(fusion.score(current, None), labels) > 0.95
    assert accuracy(fusion.score(current, video), labels) > 0.95


@pytest.mark.parametrize("name", NAMES)
def test_an_absent_video_is_one_learned_token(name: str) -> None:
    current, video, labels = windows("xor", 60)
    torch.manual_seed(0)
    for dropout, learned in ((0.0, False), (0.5, True)):
        fusion = make(name=name, steps=5, modality_dropout=dropout).fit(current, video, labels)
        with torch.random.fork_rng():
            torch.manual_seed(fusion.seed)
            start = fusion.build(STEPS).tokens.absent
        assert (not torch.equal(start, fusion.net.tokens.absent)) is learned
    x_v = torch.randn(60, STEPS[1], WIDTH, generator=generator())
    absent = torch.zeros(60, dtype=torch.bool)
    assert torch.equal(fusion.net(current, x_v, absent), fusion.net(current, -x_v, absent))


@pytest.mark.parametrize("dtype", (torch.float32, torch.float64))
@pytest.mark.parametrize("name", NAMES)
def test_fusions_repeat_and_leave_the_world_alone(name: str, dtype: torch.dtype) -> None:
    current, video, labels = windows("xor", 60, dtype=dtype)
    state = torch.get_rng_state()
    with torch.no_grad():
        fusion = make(name=name, steps=5).fit(current, video, labels)
        scores = [
            fusion.score(current, video),
            make(name=name, steps=5).fit(current, video, labels).score(current, video),
        ]
        scores.append(fusion.fit(current, video, labels).score(current, video))
    assert all(torch.equal(s, scores[0]) for s in scores)
    assert scores[0].shape == (60,) and scores[0].dtype == torch.float64
    assert torch.equal(torch.get_rng_state(), state)
    for given in (video, None):
        single = fusion.score(current[:1], None if given is None else given[:1])
        torch.testing.assert_close(single, fusion.score(current, given)[:1], atol=1e-6, rtol=0)


def test_what_cannot_be_fused_is_refused() -> None:
    current, video, _ = windows("xor", 20)
    with pytest.raises(InvalidRequest, match="both classes"):
        make(name="self_attention").fit(current, video, torch.ones(20).long())
    with pytest.raises(InvalidRequest, match="must divide fusion.hidden, got 3 and 16"):
        make(name="bottleneck", heads=3)
