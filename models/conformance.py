"""What every component of a slot must do, whoever wrote it.

One class a slot. To test a component of your own, name it in a subclass and let pytest find it::

    import my_loss  # registers contrast "my_loss"
    from models.conformance import ContrastConformance

    class TestMyLoss(ContrastConformance):
        name = "my_loss"

What it computes is not tested here: that takes a test against its own equation.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from models.beside import Beside
from models.catalog import recipe
from models.method import Method, Sizes
from models.quantizers.quantised import Quantised
from models.registry import build, lookup, resolve
from models.training import Pretrainer

DTYPES = (torch.float32, torch.float64)
STEPS = ((8, 8), (12, 8), (6, 12))
WIDTH, PRIVATE, METADATA, CODES = 8, 4, 2, 12
SHAPES: dict[str, tuple[int, ...]] = {"current": (4, 3), "video": (8, 8, 3)}
SIZES = Sizes(5, 7, 8, 8, metadata=METADATA)


def drawn(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> Tensor:
    """Return standard normal numbers."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def beside(count: int, steps: tuple[int, int] = (8, 8), dtype: torch.dtype = torch.float32) -> Beside:
    """Return everything a loss may ask for."""
    return Beside(
        strong=drawn(count, steps[1], 7, seed=3, dtype=dtype),
        private=(
            drawn(count, steps[0], PRIVATE, seed=4, dtype=dtype),
            drawn(count, steps[1], PRIVATE, seed=5, dtype=dtype),
        ),
        label=torch.arange(count) % 2,
        metadata=drawn(count, METADATA, seed=6, dtype=dtype),
        progress=0.9,
    )


class Conformance:
    """What holds in every slot; a subclass names the component, and parameters other than its defaults."""

    slot: ClassVar[str]
    name: ClassVar[str] = ""
    parameters: ClassVar[dict[str, Any]] = {}

    def make(self, dtype: torch.dtype = torch.float32, **context: Any) -> Any:
        """Return the component, always from the same start."""
        torch.manual_seed(0)
        spec = resolve(self.slot, {"name": self.name, **self.parameters})
        made = build(self.slot, spec, generator=torch.Generator().manual_seed(0), **context)
        return made.to(dtype) if isinstance(made, nn.Module) else made

    def test_it_is_described(self) -> None:
        """A summary, documented parameters, and a default that its own range allows."""
        found = lookup(self.slot, self.name)
        assert found.summary.endswith((".", ")", "?")), "the docstring starts with a sentence"
        resolve(self.slot, self.name)

    def arm(self) -> dict[str, Any]:
        """Return the slots of a small arm in which the component finds what it needs."""
        found = lookup(self.slot, self.name)
        encoder = {"name": "causal_conv", "width": WIDTH, "hidden": 10}
        slots: dict[str, Any] = {
            "current_encoder": encoder,
            "video_encoder": encoder,
            "quantizer": {"name": "mm_ema", "codes": CODES},
            "specific_encoder": {"name": "mlp", "width": PRIVATE, "hidden": 6},
            "alignment": {"name": "cross_cpc", "steps": 2},
        }
        if "causal" in found.lacks:
            slots["alignment"] = "pooled"
        if "private" in found.lacks:
            slots["disentangle"] = "none"
        if "codes" in found.lacks:
            slots["code_matching"] = "none"
        own = {"name": self.name, **self.parameters}
        if self.slot.endswith("_encoder") and self.slot != "specific_encoder":
            own["width"] = WIDTH
        return {**slots, self.slot: own}

    def method(self, steps: tuple[int, int]) -> tuple[Method, dict[str, Tensor]]:
        """Return a small method with the component, and a batch for it."""
        sizes = replace(SIZES, current_steps=steps[0], video_steps=steps[1])
        if "raw" in lookup(self.slot, self.name).needs:
            if self.slot == "current_encoder":
                sizes = replace(sizes, current_features=12, current_shape=SHAPES["current"])
            else:
                sizes = replace(sizes, video_features=192, video_shape=SHAPES["video"])
        batch = {
            "current": drawn(6, steps[0], sizes.current_features),
            "video": drawn(6, steps[1], sizes.video_features, seed=1),
            "label": torch.arange(6) % 2,
            "metadata": drawn(6, METADATA, seed=2),
        }
        return Method(recipe(**self.arm()), sizes, seed=0), batch

    def test_it_trains_in_a_method(self) -> None:
        """With equal and unequal numbers of steps, every term stays finite and the loss falls."""
        for steps in STEPS[:2]:
            method, batch = self.method(steps)
            pretrainer = Pretrainer(method, steps=100)
            totals = []
            for _ in range(16):
                terms = pretrainer.step(**batch)
                logs = method.logs()
                totals.append(sum(float(v) for k, v in terms.items() if k not in logs))
                assert all(bool(v.isfinite()) for v in terms.values())
            assert sum(totals[-4:]) < sum(totals[:4])

    def test_it_repeats_under_a_seed(self) -> None:
        """The same seed and the same batch give the same bits."""
        states = []
        for _ in range(2):
            method, batch = self.method(STEPS[0])
            pretrainer = Pretrainer(method, steps=100)
            for _ in range(3):
                pretrainer.step(**batch)
            states.append([p.detach().clone() for p in method.parameters()])
        assert all(torch.equal(a, b) for a, b in zip(*states, strict=True))

    def test_it_reads_windows_one_by_one(self) -> None:
        """The codes of a window do not depend on the other windows, and reading changes nothing."""
        method, batch = self.method(STEPS[0])
        Pretrainer(method, steps=100).step(**batch)
        before = [b.clone() for b in method.buffers()]
        for modality in ("current", "video"):
            vectors, indices = method.codes(modality, batch[modality])
            alone, code = method.codes(modality, batch[modality][:1])
            torch.testing.assert_close(vectors[:1], alone, rtol=1e-4, atol=1e-5)
            assert torch.equal(indices[:1], code) and not vectors.requires_grad
        assert all(torch.equal(a, b) for a, b in zip(before, method.buffers(), strict=True))


def reached(module: nn.Module) -> None:
    """Check that a gradient reached every parameter."""
    for name, p in module.named_parameters():
        assert p.grad is not None and p.grad.abs().sum() > 0, f"no gradient reaches {name}"


class EncoderConformance(Conformance):
    """An encoder of either modality."""

    slot = "current_encoder"

    @property
    def _input(self) -> dict[str, Any]:
        modality = self.slot.removesuffix("_encoder")
        if "raw" in lookup(self.slot, self.name).needs:
            shape = SHAPES[modality]
            return {"features": int(torch.tensor(shape).prod()), "steps": 8, "shape": shape}
        return {"features": 5, "steps": 8, "shape": None}

    def test_shape_and_dtype(self) -> None:
        """``(B, T, F) -> (B, T, width)``, for one window too."""
        for dtype in DTYPES:
            encoder = self.make(dtype, **self._input)
            for count in (1, 3):
                z = encoder(drawn(count, 8, self._input["features"], dtype=dtype))
                assert z.shape == (count, 8, encoder.width) and z.dtype == dtype

    def test_it_is_causal_if_it_says_so(self) -> None:
        """What comes later changes nothing before it; what comes now does."""
        if "causal" in lookup(self.slot, self.name).lacks:
            return
        encoder = self.make(torch.float64, **self._input)
        x = drawn(2, 8, self._input["features"], dtype=torch.float64)
        for t in range(1, 8):
            changed = x.clone()
            changed[:, t:] += drawn(2, 8 - t, x.shape[2], seed=9, dtype=torch.float64)
            torch.testing.assert_close(encoder(x)[:, :t], encoder(changed)[:, :t])
            assert (encoder(x)[:, t] - encoder(changed)[:, t]).abs().max() > 1e-4

    def test_gradient_reaches_every_parameter(self) -> None:
        """No parameter is left out of the training."""
        encoder = self.make(**self._input)
        z = encoder(drawn(16, 8, self._input["features"]))
        (z * drawn(*z.shape, seed=1)).sum().backward()
        reached(encoder)

    def test_unit_norm_is_a_switch(self) -> None:
        """On the unit sphere by default, off it if asked."""
        x = drawn(2, 8, self._input["features"])
        torch.testing.assert_close(self.make(**self._input)(x).norm(dim=-1), torch.ones(2, 8))
        spec = resolve(self.slot, {"name": self.name, **self.parameters, "unit_norm": False})
        assert (build(self.slot, spec, **self._input)(x).norm(dim=-1) - 1).abs().max() > 1e-2


class VideoEncoderConformance(EncoderConformance):
    """An encoder of the video."""

    slot = "video_encoder"


class BridgeConformance(Conformance):
    """A bridge."""

    slot = "bridge"

    def test_shapes_and_loss(self) -> None:
        """It says how many tokens it leaves, and its loss is a finite scalar."""
        for dtype in DTYPES:
            for steps in STEPS:
                made = self.make(dtype, width=WIDTH, current_steps=steps[0], video_steps=steps[1])
                codebook = drawn(CODES, WIDTH, dtype=dtype)
                for count in (1, 4):
                    z = [nn.functional.normalize(drawn(count, n, WIDTH, dtype=dtype), dim=-1) for n in steps]
                    out = made(z[0], "current", codebook), made(z[1], "video", codebook)
                    assert out[0].shape == (count, made.current_steps, WIDTH)
                    assert out[1].shape == (count, made.video_steps, WIDTH)
                    loss = made.loss(quantised(*out, codebook), out, beside(count, steps, dtype))
                    assert loss.shape == () and loss.dtype == dtype and loss.isfinite()


def quantised(current: Tensor, video: Tensor, codebook: Tensor) -> Quantised:
    """Quantise vectors by the nearest code, for losses that look at what was quantised."""
    distances = [(v[..., None, :] - codebook).square().sum(-1) for v in (current, video)]
    codes = [d.argmin(-1) for d in distances]
    chosen = [v + (codebook[k] - v).detach() for v, k in zip((current, video), codes, strict=True)]
    return Quantised(
        chosen[0], chosen[1], codes[0], codes[1], distances[0], distances[1], current.new_zeros(())
    )


class SpecificConformance(Conformance):
    """A specific encoder."""

    slot = "specific_encoder"

    def test_it_is_bounded(self) -> None:
        """Unbounded, it would let a disentangling loss run off by scale alone."""
        for dtype in DTYPES:
            made = self.make(dtype, features=5)
            private = made(100.0 * drawn(3, 8, 5, dtype=dtype))
            assert private.shape == (3, 8, made.width) and private.dtype == dtype
            assert (private.abs() <= 1.0).all()


class DisentangleConformance(Conformance):
    """A penalty of what code and specific vectors share."""

    slot = "disentangle"

    def test_penalty_and_fit(self) -> None:
        """The penalty is never negative; what is fitted apart gets a gradient for every parameter."""
        for dtype in DTYPES:
            made = self.make(dtype, width=WIDTH, private_width=PRIVATE)
            for count in (1, 5):
                semantic = drawn(count, 8, WIDTH, dtype=dtype).requires_grad_()
                private = drawn(count, 8, PRIVATE, dtype=dtype, seed=1).tanh().requires_grad_()
                penalty, fit = made(semantic, private), made.fit_gradients(semantic, private)
                assert penalty.shape == () and penalty.dtype == dtype and penalty >= 0
                assert bool(fit) == bool(made.inner_steps)
                if fit:
                    assert [(g.shape, g.dtype) for g in fit] == [(p.shape, dtype) for p in made.parameters()]
                assert all(g.isfinite().all() and not g.requires_grad for g in fit)


class QuantizerConformance(Conformance):
    """A codebook shared by both modalities."""

    slot = "quantizer"

    def _each(self) -> Iterator[tuple[Any, Tensor, Tensor, torch.dtype]]:
        for dtype in DTYPES:
            for c, v in STEPS:
                made = self.make(dtype, width=WIDTH, current_steps=c, video_steps=v)
                yield (
                    made,
                    nn.functional.normalize(drawn(4, c, WIDTH, dtype=dtype), dim=-1).requires_grad_(),
                    nn.functional.normalize(drawn(4, v, WIDTH, dtype=dtype, seed=1), dim=-1).requires_grad_(),
                    dtype,
                )

    def test_shapes(self) -> None:
        """Vectors, indices and distances to every code, of each modality on its own clock."""
        for made, z_c, z_v, dtype in self._each():
            for count in (4, 1):
                q = made(z_c[:count], z_v[:count])
                codes = len(made.codebook)
                assert q.current.shape == z_c[:count].shape and q.video.shape == z_v[:count].shape
                assert q.current_codes.shape == z_c.shape[:0] + (count, z_c.shape[1])
                assert q.current_distances.shape == (count, z_c.shape[1], codes)
                assert q.video_distances.shape == (count, z_v.shape[1], codes)
                assert q.video_codes.max() < codes
                assert q.commitment.shape == () and q.current.dtype == q.commitment.dtype == dtype

    def test_straight_through(self) -> None:
        """The gradient passes as if nothing had been quantised, unless the quantiser says otherwise."""
        for made, z_c, z_v, dtype in self._each():
            if getattr(made, "straight_through", True):
                weight = drawn(*z_c.shape, dtype=dtype, seed=2)
                (made(z_c, z_v).current * weight).sum().backward()
                torch.testing.assert_close(z_c.grad, weight)

    def test_eval_mode_changes_nothing(self) -> None:
        """Neither reading nor looking up updates the codebook, and both give the same codes."""
        for made, z_c, z_v, _ in self._each():
            made(z_c, z_v)
            made.eval()
            before = {k: v.clone() for k, v in made.named_buffers()}
            q = made(z_c, z_v)
            vectors, codes = made.lookup(z_c)
            assert all(torch.equal(value, before[key]) for key, value in made.named_buffers())
            assert torch.equal(codes, q.current_codes) and vectors.shape == z_c.shape


class ContrastConformance(Conformance):
    """A contrast: (M, B, D) unit predictions against targets."""

    slot = "contrast"
    #: Whether it compares the vectors of a pair, so that right pairs cost less than wrong ones.
    compares_pairs: ClassVar[bool] = True

    def _made(self, dtype: torch.dtype) -> Any:
        return self.make(dtype, width=WIDTH, private_width=PRIVATE, metadata_width=METADATA)

    def _unit(self, *shape: int, dtype: torch.dtype, seed: int = 0) -> Tensor:
        return nn.functional.normalize(drawn(*shape, dtype=dtype, seed=seed), dim=-1)

    def test_scalar_for_any_batch(self) -> None:
        """Finite, with a finite gradient, for one window in one set too."""
        for dtype in DTYPES:
            made = self._made(dtype)
            for toward_video in (True, False):
                for sets, count in ((1, 1), (3, 5)):
                    predicted = self._unit(sets, count, WIDTH, dtype=dtype).requires_grad_()
                    target = self._unit(sets, count, WIDTH, dtype=dtype, seed=1).requires_grad_()
                    loss = made(
                        predicted, target, beside=beside(count, dtype=dtype), toward_video=toward_video
                    )
                    assert loss.shape == () and loss.dtype == dtype and loss.isfinite()
                    if loss.requires_grad:
                        loss.backward()
                    assert all(x.grad is None or bool(x.grad.isfinite().all()) for x in (predicted, target))

    def test_right_pairs_cost_less_than_wrong_ones(self) -> None:
        """Equal vectors of a pair cost less than those of other windows."""
        if self.compares_pairs:
            made, target = self._made(torch.float64), self._unit(2, 32, WIDTH, dtype=torch.float64)
            for toward_video in (True, False):
                losses = [
                    made(x, target, beside=beside(32, dtype=torch.float64), toward_video=toward_video)
                    for x in (target, target.flip(1))
                ]
                assert losses[0] < losses[1]

    def test_gradient_reaches_every_parameter(self) -> None:
        """Of both directions together."""
        made = self._made(torch.float64)
        predicted = self._unit(2, 8, WIDTH, dtype=torch.float64).requires_grad_()
        target = self._unit(2, 8, WIDTH, dtype=torch.float64, seed=1)
        more = beside(8, dtype=torch.float64)
        sum(made(predicted, target, beside=more, toward_video=way) for way in (True, False)).backward()
        reached(made)


class AlignmentConformance(Conformance):
    """An alignment of two sequences of semantics."""

    slot = "alignment"
    parameters: ClassVar[dict[str, Any]] = {}

    def test_scalar_on_any_clock(self) -> None:
        """A repeatable scalar, for one window too; a gradient reaches every parameter."""
        for dtype in DTYPES:
            for steps in STEPS:
                contrast = build("contrast", resolve("contrast", "infonce"))
                context = {"current_steps": steps[0], "video_steps": steps[1], "step_seconds": (6.0, 6.0)}
                for count in (1, 6):
                    losses = []
                    for _ in range(2):
                        made = self.make(dtype, width=WIDTH, contrast=contrast, **context)
                        z = [drawn(count, n, WIDTH, dtype=dtype, seed=i) for i, n in enumerate(steps)]
                        losses.append(made(*z, beside=beside(count, steps, dtype)))
                    assert losses[0].shape == () and losses[0].dtype == dtype
                    assert torch.equal(*losses)
                if list(made.parameters()):
                    losses[-1].backward()
                    reached(made)


class MatchingConformance(Conformance):
    """A loss on what both modalities chose of the codebook."""

    slot = "code_matching"

    def test_scalar(self) -> None:
        """Finite, for one window too."""
        for dtype in DTYPES:
            made = self.make(dtype, current_steps=8, video_steps=5)
            for count in (1, 4):
                q = quantised(
                    drawn(count, 8, WIDTH, dtype=dtype),
                    drawn(count, 5, WIDTH, dtype=dtype, seed=1),
                    drawn(CODES, WIDTH, dtype=dtype),
                )
                loss = made(q)
                assert loss.shape == () and loss.dtype == dtype and loss.isfinite()


class GuidanceConformance(Conformance):
    """A loss on labels of the video."""

    slot = "guidance"

    def test_scalar(self) -> None:
        """Finite where a batch holds one class, or one window."""
        for dtype in DTYPES:
            made = self.make(dtype, width=WIDTH)
            for count, label in ((1, 0), (4, 1)):
                z = drawn(count, 8, WIDTH, dtype=dtype)
                q = quantised(z, z.flip(0), drawn(CODES, WIDTH, dtype=dtype))
                loss = made(q, replace(beside(count, dtype=dtype), label=torch.full((count,), label)))
                assert loss.shape == () and loss.dtype == dtype and loss.isfinite()


class HierarchyConformance(Conformance):
    """A second level of codes."""

    slot = "hierarchy"


class DecoderConformance(Conformance):
    """A decoder of the input features."""

    slot = "decoder"

    def test_shapes_and_gradient(self) -> None:
        """With and without specific vectors."""
        for dtype in DTYPES:
            for private_width in (0, PRIVATE):
                made = self.make(dtype, width=WIDTH, private_width=private_width, features=5)
                vectors, private = drawn(6, 8, WIDTH, dtype=dtype), drawn(6, 8, private_width, dtype=dtype)
                assert made(vectors, private).shape == (6, 8, 5)
                loss = made.loss(vectors, private, drawn(6, 8, 5, dtype=dtype, seed=1))
                loss.backward()
                assert loss.dtype == dtype
                reached(made)


class HeadConformance(Conformance):
    """A head."""

    slot = "head"

    def test_it_learns_a_code_that_tells(self) -> None:
        """Two codes a class are told apart, the same way every time."""
        g = torch.Generator().manual_seed(0)
        labels = torch.randint(2, (80,), generator=g)
        indices = labels[:, None] + 2 * torch.randint(2, (80, 6), generator=g)
        vectors = torch.randn(4, WIDTH, generator=g)[indices]
        scores = []
        for _ in range(2):
            head = self.make(codes=5)
            assert head.fit(vectors, indices, labels, unlabelled=vectors) is head
            scores.append(head.score(vectors, indices))
        assert scores[0].shape == (80,) and ((scores[0] >= 0) & (scores[0] <= 1)).all()
        assert torch.equal(scores[0] > 0.5, labels == 1) and torch.equal(*scores)


class FusionConformance(Conformance):
    """A reader of both modalities."""

    slot = "fusion"

    def test_it_reads_with_and_without_the_video(self) -> None:
        """Probabilities of windows, the same every time."""
        if self.name == "none":
            return
        g = torch.Generator().manual_seed(0)
        labels = torch.randint(2, (60,), generator=g)
        current, video = (
            torch.randn(60, n, WIDTH, generator=g) + 2.0 * labels[:, None, None] for n in (6, 5)
        )
        scores = []
        for _ in range(2):
            made = self.make(width=WIDTH)
            made.fit(current, video, labels)
            scores.append((made.score(current, video), made.score(current, None)))
        for own in scores[0]:
            assert own.shape == (60,) and ((own > 0.5).long() == labels).double().mean() > 0.9
        assert all(torch.equal(a, b) for a, b in zip(*scores, strict=True))


class CalibrationConformance(Conformance):
    """A map of frozen vectors."""

    slot = "calibration"

    def test_it_maps_steps_as_it_maps_windows(self) -> None:
        """An affine map: the mean over steps of what is mapped is the mapped mean; shapes and dtype stay."""
        current, video = drawn(64, WIDTH, dtype=torch.float64), drawn(64, WIDTH, seed=1, dtype=torch.float64)
        made = self.make().fit(current, video)
        for modality in ("current", "video"):
            steps = drawn(3, 8, WIDTH, seed=2, dtype=torch.float64)
            mapped = made.apply(steps, modality)
            assert mapped.shape == steps.shape and mapped.dtype == torch.float64
            torch.testing.assert_close(mapped.mean(1), made.apply(steps.mean(1), modality))

    def test_it_repeats(self) -> None:
        """The same vectors give the same map."""
        current, video = drawn(64, WIDTH, dtype=torch.float64), drawn(64, WIDTH, seed=1, dtype=torch.float64)
        one, two = (self.make().fit(current, video).apply(current, "current") for _ in range(2))
        assert torch.equal(one, two)


class CodebookOptimizerConformance(Conformance):
    """A selection of channels."""

    slot = "codebook_optimizer"

    def test_channels_are_channels(self) -> None:
        """Every selection names channels of the levels put side by side, each once; one has all."""
        levels = [drawn(CODES, WIDTH), drawn(5, 4, seed=1)]
        found = self.make().candidates(levels)
        assert any(len(each) == WIDTH + 4 for each in found)
        for each in found:
            assert 0 < len(set(each.tolist())) == len(each) and each.min() >= 0 and each.max() < WIDTH + 4


CONFORMANCE: dict[str, type[Conformance]] = {
    cls.slot: cls
    for cls in (
        EncoderConformance,
        VideoEncoderConformance,
        BridgeConformance,
        SpecificConformance,
        DisentangleConformance,
        QuantizerConformance,
        HierarchyConformance,
        AlignmentConformance,
        ContrastConformance,
        MatchingConformance,
        GuidanceConformance,
        DecoderConformance,
        CalibrationConformance,
        CodebookOptimizerConformance,
        HeadConformance,
        FusionConformance,
    )
}
