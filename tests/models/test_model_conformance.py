"""What every component of a slot must do, whoever wrote it."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from helpers_models import SIZES, UNEQUAL, batch, generator, small_method
from torch import Tensor, nn

from models.catalog import RECIPE
from models.method import Sizes
from models.registry import build, components, resolve
from models.training import Pretrainer

DTYPES = (torch.float32, torch.float64)
CLOCKS = (SIZES, UNEQUAL, Sizes(5, 7, 6, 12))
WIDTH, PRIVATE = 8, 4


def make(slot: str, name: str, **context: Any) -> Any:
    torch.manual_seed(0)
    return build(slot, resolve(slot, name), **context)


def random(*shape: int, dtype: torch.dtype = torch.float32, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=generator(seed), dtype=dtype)


def assert_gradient_everywhere(module: nn.Module) -> None:
    for name, p in module.named_parameters():
        assert p.grad is not None and p.grad.abs().sum() > 0, f"no gradient reaches {name}"


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", components("current_encoder"))
class TestEncoder:
    def test_shape_and_dtype(self, name: str, dtype: torch.dtype) -> None:
        encoder = make("current_encoder", name, features=5, steps=8).to(dtype)
        for count in (1, 3):
            z = encoder(random(count, 8, 5, dtype=dtype))
            assert z.shape == (count, 8, encoder.width) and z.dtype == dtype

    def test_it_is_causal(self, name: str, dtype: torch.dtype) -> None:
        encoder = make("current_encoder", name, features=5, steps=8).to(dtype)
        x = random(2, 8, 5, dtype=dtype)
        for t in range(1, 8):
            changed = x.clone()
            changed[:, t:] += 1.0
            before, after = encoder(x), encoder(changed)
            torch.testing.assert_close(before[:, :t], after[:, :t])
            assert (before[:, t] - after[:, t]).abs().max() > 1e-3

    def test_order_matters(self, name: str, dtype: torch.dtype) -> None:
        encoder = make("current_encoder", name, features=5, steps=8).to(dtype)
        x = random(1, 8, 5, dtype=dtype)
        swapped = x[:, [1, 0, 2, 3, 4, 5, 6, 7]]
        assert (encoder(x)[:, 2] - encoder(swapped)[:, 2]).abs().max() > 1e-4

    def test_gradient_reaches_every_parameter(self, name: str, dtype: torch.dtype) -> None:
        encoder = make("current_encoder", name, features=5, steps=8).to(dtype)
        (
            encoder(random(16, 8, 5, dtype=dtype)) * random(16, 8, encoder.width, dtype=dtype, seed=1)
        ).sum().backward()
        assert_gradient_everywhere(encoder)

    def test_unit_norm_is_a_switch(self, name: str, dtype: torch.dtype) -> None:
        x = random(2, 8, 5, dtype=dtype)
        on = make("current_encoder", name, features=5, steps=8).to(dtype)(x)
        torch.testing.assert_close(on.norm(dim=-1), torch.ones(2, 8, dtype=dtype))
        off = build(
            "current_encoder",
            resolve("current_encoder", {"name": name, "unit_norm": False}),
            features=5,
            steps=8,
        )
        assert (off.to(dtype)(x).norm(dim=-1) - 1).abs().max() > 1e-2


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", components("specific_encoder"))
def test_specific_encoder(name: str, dtype: torch.dtype) -> None:
    module = make("specific_encoder", name, features=5).to(dtype)
    private = module(100.0 * random(3, 8, 5, dtype=dtype))
    assert private.shape == (3, 8, module.width) and private.dtype == dtype
    assert (private.abs() <= 1.0).all()
    if module.width:
        module(random(16, 8, 5, dtype=dtype)).square().sum().backward()
        assert_gradient_everywhere(module)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", components("disentangle"))
def test_disentangling(name: str, dtype: torch.dtype) -> None:
    module = make("disentangle", name, width=WIDTH, private_width=PRIVATE).to(dtype)
    for count in (1, 5):
        semantic = random(count, 8, WIDTH, dtype=dtype).requires_grad_()
        private = random(count, 8, PRIVATE, dtype=dtype, seed=1).requires_grad_()
        penalty, fit = module(semantic, private), module.fit_gradients(semantic, private)
        assert penalty.shape == () and penalty.dtype == dtype
        assert penalty >= 0
        weights = list(module.parameters())
        assert [(g.shape, g.dtype) for g in fit] == [(p.shape, dtype) for p in weights]
        assert bool(fit) == bool(module.inner_steps)
        assert all(g.isfinite().all() and g.any() and not g.requires_grad for g in fit)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("sizes", CLOCKS)
@pytest.mark.parametrize("name", components("quantizer"))
class TestQuantizer:
    def make(self, name: str, sizes: Sizes, dtype: torch.dtype) -> Any:
        steps = {"current_steps": sizes.current_steps, "video_steps": sizes.video_steps}
        return make("quantizer", name, width=WIDTH, generator=generator(), **steps).to(dtype)

    def vectors(self, sizes: Sizes, dtype: torch.dtype, count: int = 4) -> tuple[Tensor, Tensor]:
        return (
            random(count, sizes.current_steps, WIDTH, dtype=dtype).requires_grad_(),
            random(count, sizes.video_steps, WIDTH, dtype=dtype, seed=1).requires_grad_(),
        )

    def test_shapes(self, name: str, sizes: Sizes, dtype: torch.dtype) -> None:
        quantizer = self.make(name, sizes, dtype)
        for count in (1, 4):
            z_c, z_v = self.vectors(sizes, dtype, count)
            q = quantizer(z_c, z_v)
            assert q.current.shape == z_c.shape and q.video.shape == z_v.shape
            assert q.current_codes.shape == z_c.shape[:2] and q.video_codes.shape == z_v.shape[:2]
            assert (
                q.current_distances.shape[:2] == z_c.shape[:2]
                and q.video_distances.shape[:2] == z_v.shape[:2]
            )
            assert q.commitment.shape == () and q.current.dtype == q.commitment.dtype == dtype

    def test_straight_through(self, name: str, sizes: Sizes, dtype: torch.dtype) -> None:
        z_c, z_v = self.vectors(sizes, dtype)
        q = self.make(name, sizes, dtype)(z_c, z_v)
        weight = random(*z_c.shape, dtype=dtype, seed=2)
        (q.current * weight).sum().backward()
        torch.testing.assert_close(z_c.grad, weight)

    def test_eval_mode_changes_nothing(self, name: str, sizes: Sizes, dtype: torch.dtype) -> None:
        quantizer = self.make(name, sizes, dtype)
        z_c, z_v = self.vectors(sizes, dtype)
        quantizer(z_c, z_v)
        quantizer.eval()
        before = {k: v.clone() for k, v in quantizer.named_buffers()}
        q = quantizer(z_c, z_v)
        vectors, codes = quantizer.lookup(z_c)
        for key, value in quantizer.named_buffers():
            assert torch.equal(value, before[key])
        assert torch.equal(codes, q.current_codes)
        torch.testing.assert_close(vectors, q.current)

    def test_deterministic_under_a_seed(self, name: str, sizes: Sizes, dtype: torch.dtype) -> None:
        states = []
        for _ in range(2):
            quantizer = self.make(name, sizes, dtype)
            for seed in range(25):
                quantizer(random(2, sizes.current_steps, WIDTH, dtype=dtype, seed=seed),
                          random(2, sizes.video_steps, WIDTH, dtype=dtype, seed=seed + 100))  # fmt: skip
            states.append(list(quantizer.buffers()))
        assert all(torch.equal(a, b) for a, b in zip(*states, strict=True))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", components("contrast"))
class TestContrast:
    def call(self, module: nn.Module, predicted: Tensor, target: Tensor, toward_video: bool) -> Tensor:
        count, dtype = predicted.shape[1], predicted.dtype
        strong, private = (
            random(count, 6, 7, dtype=dtype, seed=3),
            random(count, 6, PRIVATE, dtype=dtype, seed=4),
        )
        loss: Tensor = module(predicted, target, strong=strong, private=private, toward_video=toward_video)
        return loss

    def unit(self, *shape: int, dtype: torch.dtype, seed: int = 0) -> Tensor:
        return nn.functional.normalize(random(*shape, dtype=dtype, seed=seed), dim=-1)

    @pytest.mark.parametrize("toward_video", (True, False))
    def test_scalar_for_any_batch(self, name: str, dtype: torch.dtype, toward_video: bool) -> None:
        module = make("contrast", name, width=WIDTH, private_width=PRIVATE).to(dtype)
        for sets, count in ((1, 1), (3, 5)):
            predicted = self.unit(sets, count, WIDTH, dtype=dtype).requires_grad_()
            loss = self.call(
                module, predicted, self.unit(sets, count, WIDTH, dtype=dtype, seed=1), toward_video
            )
            assert loss.shape == () and loss.dtype == dtype and loss.isfinite()
            loss.backward()
            assert predicted.grad is not None and predicted.grad.isfinite().all()

    def test_right_pairs_cost_less_than_wrong_ones(self, name: str, dtype: torch.dtype) -> None:
        module = make("contrast", name, width=WIDTH, private_width=PRIVATE).to(dtype)
        target = self.unit(2, 32, WIDTH, dtype=dtype)
        for toward_video in (True, False):
            right = self.call(module, target, target, toward_video)
            assert right < self.call(module, target, target.flip(1), toward_video)

    def test_gradient_reaches_every_parameter(self, name: str, dtype: torch.dtype) -> None:
        module = make("contrast", name, width=WIDTH, private_width=PRIVATE).to(dtype)
        predicted, target = (
            self.unit(2, 8, WIDTH, dtype=dtype).requires_grad_(),
            self.unit(2, 8, WIDTH, dtype=dtype, seed=1),
        )
        (self.call(module, predicted, target, True) + self.call(module, predicted, target, False)).backward()
        assert_gradient_everywhere(module)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("sizes", CLOCKS)
@pytest.mark.parametrize("name", components("alignment"))
def test_alignment(name: str, sizes: Sizes, dtype: torch.dtype) -> None:
    def loss(count: int) -> tuple[Tensor, nn.Module]:
        contrast = make("contrast", "infonce", width=WIDTH, private_width=PRIVATE)
        spec = resolve("alignment", {"name": name, **({"steps": 2} if name == "cross_cpc" else {})})
        steps = {"current_steps": sizes.current_steps, "video_steps": sizes.video_steps}
        torch.manual_seed(0)
        module = build("alignment", spec, width=WIDTH, contrast=contrast, generator=generator(), **steps).to(
            dtype
        )
        z_c = random(count, sizes.current_steps, WIDTH, dtype=dtype)
        z_v = random(count, sizes.video_steps, WIDTH, dtype=dtype, seed=1)
        private = random(count, 6, PRIVATE, dtype=dtype)
        value = module(z_c, z_v, strong=random(count, 6, 7, dtype=dtype), private=(private, private))
        return value, module

    assert loss(1)[0].shape == ()
    value, module = loss(6)
    assert value.dtype == dtype and torch.equal(value, loss(6)[0])
    if list(module.parameters()):
        value.backward()
        assert_gradient_everywhere(module)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", components("code_matching"))
def test_code_matching(name: str, dtype: torch.dtype) -> None:
    module = make("code_matching", name)
    for count in (1, 4):
        loss = module(random(count, 8, 12, dtype=dtype).square(), random(count, 5, 12, dtype=dtype).square())
        assert loss.shape == () and loss.dtype == dtype and loss.isfinite()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("private_width", (0, PRIVATE))
@pytest.mark.parametrize("name", components("decoder"))
def test_decoder(name: str, private_width: int, dtype: torch.dtype) -> None:
    module = make("decoder", name, width=WIDTH, private_width=private_width, features=5).to(dtype)
    vectors, private = random(6, 8, WIDTH, dtype=dtype), random(6, 8, private_width, dtype=dtype)
    assert module(vectors, private).shape == (6, 8, 5)
    loss = module.loss(vectors, private, random(6, 8, 5, dtype=dtype, seed=1))
    loss.backward()
    assert loss.dtype == dtype
    assert_gradient_everywhere(module)


@pytest.mark.parametrize("name", components("optimizer"))
def test_optimizer_descends(name: str) -> None:
    p = nn.Parameter(torch.tensor([3.0, -2.0]))
    optimizer = build("optimizer", resolve("optimizer", {"name": name, "learning_rate": 0.1}), [p])
    for _ in range(200):
        optimizer.step((p - torch.tensor([1.0, 1.0])).square().sum())
    torch.testing.assert_close(p.detach(), torch.ones(2), atol=0.05, rtol=0)


@pytest.mark.parametrize("name", components("head"))
def test_head_learns_a_code_that_tells(name: str) -> None:
    g = generator()
    labels = torch.randint(2, (80,), generator=g)
    indices = (labels[:, None] + 2 * torch.randint(2, (80, 6), generator=g)).long()
    vectors = torch.randn(4, WIDTH, generator=g)[indices]
    head = build("head", resolve("head", name), codes=5)
    assert head.fit(vectors, indices, labels) is head
    score = head.score(vectors, indices)
    assert score.shape == (80,) and ((score >= 0) & (score <= 1)).all()
    assert torch.equal(score > 0.5, labels == 1)


@pytest.mark.parametrize(
    ("slot", "name"),
    [(s, n) for s in RECIPE if s not in ("optimizer", "head") for n in components(s)],
)
@pytest.mark.parametrize("sizes", (SIZES, UNEQUAL))
def test_every_component_trains_in_a_method(slot: str, name: str, sizes: Sizes) -> None:
    changes: dict[str, Any] = {slot: name}
    if slot == "current_encoder":
        changes["video_encoder"] = {"name": "causal_conv", "width": 32}
    if slot == "video_encoder":
        changes["current_encoder"] = {"name": "causal_conv", "width": 32}
    if (slot, name) == ("alignment", "cross_cpc"):
        changes["alignment"] = {"name": name, "steps": 3}
    if (slot, name) == ("specific_encoder", "none"):
        changes["disentangle"] = "none"
    pretrainer = Pretrainer(small_method(sizes, **changes))
    terms = [pretrainer.step(*batch(sizes)) for _ in range(12)]
    total = [float(sum(t.values())) for t in terms]
    assert all(torch.isfinite(torch.tensor(total))) and total[-1] < total[0]
