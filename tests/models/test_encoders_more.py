"""Encoders against loops written from their equations, and what each promises of time and level."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from helpers_models import generator
from numpy.typing import NDArray
from reference_transformer import affine, block, layer_norm, weights_of, within
from torch import Tensor, nn

import models.encoders
from models.encoders import PublishedCurrentTransformer, ShuffleNetV2
from models.encoders.shufflenet import SIZES, shuffle
from models.errors import InvalidRequest
from models.registry import build, lookup, resolve

DTYPES = (torch.float32, torch.float64)
CURRENT, FRAMES = (4, 3), (8, 8, 3)
Array = NDArray[np.float64]
KEPT = {"name": "published_current", "hidden": 64, "layers": 1, "level": "kept", "pool": 2}
#: slot, specification, layout of a step.
CASES: list[tuple[str, dict[str, Any], tuple[int, ...] | None]] = [
    ("current_encoder", {"name": "linear"}, None),
    ("current_encoder", {"name": "gru", "layers": 2}, None),
    ("current_encoder", {"name": "tcn"}, None),
    ("video_encoder", {"name": "tcn", "kernel": 2, "levels": 3}, None),
    ("video_encoder", {"name": "frame_cnn"}, FRAMES),
    ("video_encoder", {"name": "frame_vit"}, FRAMES),
    ("video_encoder", {"name": "frame_vit", "pool": "token", "layers": 2}, FRAMES),
    ("current_encoder", {"name": "stft_shufflenet", "window": 8, "hop": 2}, CURRENT),
    ("current_encoder", {"name": "stft_shufflenet", "window": 8, "hop": 8}, CURRENT),
    ("current_encoder", {"name": "published_current", "hidden": 32, "layers": 1}, CURRENT),
    ("current_encoder", KEPT, CURRENT),
]  # fmt: skip
IDS = ["-".join(str(v) for v in spec.values()) for _, spec, _ in CASES]
every_encoder = pytest.mark.parametrize(("slot", "spec", "shape"), CASES, ids=IDS)


def make(slot: str, spec: dict[str, Any], shape: tuple[int, ...] | None, steps: int = 8, **more: Any) -> Any:
    torch.manual_seed(0)
    features = int(np.prod(shape)) if shape else 5
    return build(slot, resolve(slot, {**spec, **more}), features=features, steps=steps, shape=shape)


def random(*shape: int, dtype: torch.dtype = torch.float64, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=generator(seed), dtype=dtype)


def data(shape: tuple[int, ...] | None, count: int = 2, steps: int = 8, **kind: Any) -> Tensor:
    return random(count, steps, int(np.prod(shape)) if shape else 5, **kind)


def shaken(module: nn.Module) -> nn.Module:
    """In float64, with weights off their special initial values (norms of 1, biases of 0)."""
    g = generator(3)
    with torch.no_grad():
        for p in module.double().parameters():
            p.add_(0.3 * torch.randn(p.shape, generator=g, dtype=p.dtype))
    return module


def relu(x: Array) -> Array:
    return np.maximum(x, 0.0)


def causal_mix(w: dict[str, Array], h: Array) -> Array:
    zero = np.zeros_like(h[0])
    before = lambda t: h[t] if t >= 0 else zero  # noqa: E731
    taps = [np.concatenate([before(t - 2), before(t - 1), h[t]]) for t in range(len(h))]
    return np.array([h[t] + relu(affine(w, "mix.mix", taps[t])) for t in range(len(h))])


class TestEveryEncoder:
    @every_encoder
    @pytest.mark.parametrize("dtype", DTYPES)
    def test_shape_dtype_norm(self, slot: str, spec: dict[str, Any], shape: Any, dtype: torch.dtype) -> None:
        for steps, count in ((8, 1), (12, 3)):
            encoder = make(slot, spec, shape, steps).to(dtype)
            x = data(shape, count, steps, dtype=dtype)
            z = encoder(x)
            assert z.shape == (count, steps, 32) and z.dtype == dtype and encoder.width == 32
            torch.testing.assert_close(z.norm(dim=-1), torch.ones(count, steps, dtype=dtype))
            free = make(slot, spec, shape, steps, unit_norm=False, width=6).to(dtype)(x)
            assert free.shape == (count, steps, 6) and (free.norm(dim=-1) - 1).abs().max() > 1e-2

    @every_encoder
    def test_time_is_as_declared(self, slot: str, spec: dict[str, Any], shape: Any) -> None:
        encoder, x = make(slot, spec, shape).double(), data(shape)
        changed = x.clone()
        changed[:, 5] += random(x.shape[-1], seed=1)
        moved = (encoder(x) - encoder(changed)).abs().amax((0, 2))
        assert moved[5] > 1e-4
        lacks = lookup(slot, spec["name"]).lacks
        assert (moved[:5] > 1e-9).any().item() == ("causal" in lacks)
        assert (moved[6:] > 1e-9).any().item() == (spec["name"] != "linear")

    @every_encoder
    def test_windows_do_not_touch_each_other(self, slot: str, spec: dict[str, Any], shape: Any) -> None:
        encoder, x = make(slot, spec, shape).double().train(), data(shape, 3)
        torch.testing.assert_close(encoder(x)[1:2], encoder(x[1:2]), atol=1e-10, rtol=0)
        torch.testing.assert_close(encoder(x), encoder.eval()(x), atol=0, rtol=0)

    @every_encoder
    def test_gradients(self, slot: str, spec: dict[str, Any], shape: Any) -> None:
        encoder = shaken(make(slot, spec, shape, 4))
        assert torch.autograd.gradcheck(
            encoder, (data(shape, 1, 4).requires_grad_(),), fast_mode=True, atol=1e-4
        )
        (encoder(data(shape, 8, 4)) * random(8, 4, 32, seed=1)).sum().backward()
        for name, p in encoder.named_parameters():
            assert p.grad is not None and p.grad.abs().sum() > 0, f"no gradient reaches {name}"


def test_linear_is_one_map_a_step() -> None:
    encoder = make("current_encoder", {"name": "linear"}, None, unit_norm=False).double()
    x, w = data(None), weights_of(encoder)
    expected = [[affine(w, "map", step) for step in window] for window in x.numpy()]
    np.testing.assert_allclose(encoder(x).detach().numpy(), expected, atol=1e-12)


def test_gru_equals_its_recurrence() -> None:
    encoder = shaken(make("current_encoder", {"name": "gru", "hidden": 4}, None, unit_norm=False))
    x, w = data(None), weights_of(encoder)
    expected = []
    for window in x.numpy():
        h = np.zeros(4)
        for step in window:
            a = w["recur.weight_ih_l0"] @ step + w["recur.bias_ih_l0"]
            b = w["recur.weight_hh_l0"] @ h + w["recur.bias_hh_l0"]
            reset, update = (1 / (1 + np.exp(-(a[s] + b[s]))) for s in (slice(0, 4), slice(4, 8)))
            new = np.tanh(a[8:] + reset * b[8:])
            h = (1 - update) * new + update * h
            expected.append(affine(w, "leave", h))
    np.testing.assert_allclose(encoder(x).detach().numpy().reshape(-1, 32), expected, atol=1e-10)


@pytest.mark.parametrize(("kernel", "levels"), ((3, 2), (2, 3)))
def test_tcn_equals_dilated_sums(kernel: int, levels: int) -> None:
    spec = {"name": "tcn", "hidden": 4, "kernel": kernel, "levels": levels}
    encoder = shaken(make("current_encoder", spec, None, unit_norm=False))
    x, w = data(None), weights_of(encoder)

    def convolve(name: str, h: Array, dilation: int) -> Array:
        filters, bias = w[f"{name}.weight"], w[f"{name}.bias"]
        out = np.tile(bias, (len(h), 1))
        for t in range(len(h)):
            for i in range(kernel):
                source = t - dilation * (kernel - 1 - i)
                if source >= 0:
                    out[t] += filters[:, :, i] @ h[source]
        return out

    for window, found in zip(x.numpy(), encoder(x).detach().numpy(), strict=True):
        h = window
        for level in range(levels):
            name = f"blocks.{level}"
            inner = relu(convolve(f"{name}.second", relu(convolve(f"{name}.first", h, 2**level)), 2**level))
            skip = h
            if level == 0:
                skip = h @ w[f"{name}.skip.weight"][:, :, 0].T + w[f"{name}.skip.bias"]
            h = relu(skip + inner)
        np.testing.assert_allclose(found, [affine(w, "leave", step) for step in h], atol=1e-10)


def test_tcn_sees_thirteen_steps_as_set() -> None:
    encoder, x = make("current_encoder", {"name": "tcn"}, None, 20).double(), data(None, steps=20)
    for past, seen in ((12, True), (13, False)):
        changed = x.clone()
        changed[:, 19 - past] += 5.0
        assert ((encoder(x) - encoder(changed))[:, 19].abs().max() > 0).item() is seen


def convolve(picture: Array, filters: Array, bias: Array | float, stride: int, groups: int = 1) -> Array:
    """3x3 or 1x1 convolution of ``(C, H, W)``, zeros around, in loops."""
    outputs, inputs, side, _ = filters.shape
    reach, (_, height, width) = side // 2, picture.shape
    rows, columns = (height - 1) // stride + 1, (width - 1) // stride + 1
    out = np.zeros((outputs, rows, columns)) + np.reshape(bias, (-1, 1, 1))
    for o in range(outputs):
        first = o * groups // outputs * inputs
        for r in range(rows):
            for c in range(columns):
                for i in range(side):
                    for j in range(side):
                        y, x = r * stride + i - reach, c * stride + j - reach
                        if 0 <= y < height and 0 <= x < width:
                            out[o, r, c] += filters[o, :, i, j] @ picture[first : first + inputs, y, x]
    return out


def test_frame_cnn_equals_loops_over_pixels() -> None:
    encoder = shaken(make("video_encoder", {"name": "frame_cnn", "channels": 2}, FRAMES, 4, unit_norm=False))
    x, w = data(FRAMES, 1, 4), weights_of(encoder)
    hidden = []
    for frame in x.numpy().reshape(4, *FRAMES).transpose(0, 3, 1, 2):
        seen = relu(convolve(frame, w["first.weight"], w["first.bias"], 2))
        seen = relu(convolve(seen, w["second.weight"], w["second.bias"], 2))
        assert seen.shape == (4, 2, 2)  # so that each of the 2 x 2 cells is one pixel
        hidden.append(relu(affine(w, "enter", seen.ravel())))
    expected = [affine(w, "leave", h) for h in causal_mix(w, np.array(hidden))]
    np.testing.assert_allclose(encoder(x).detach().numpy()[0], expected, atol=1e-9)


def test_frame_cnn_averages_cells() -> None:
    encoder = make("video_encoder", {"name": "frame_cnn", "grid": 1}, (16, 16, 1), 1, unit_norm=False)
    with torch.no_grad():
        for conv in (encoder.first, encoder.second):
            conv.weight.zero_()
            conv.weight[:, :, 1, 1] = 1.0
            conv.bias.zero_()
    w, picture = weights_of(encoder), random(16, 16, dtype=torch.float32).abs()
    # The centre of a 3x3 stencil at stride 2, twice: every fourth pixel, seen by eight equal channels.
    mean = 8.0 * picture[::4, ::4].mean().item() * np.ones(16)
    h = causal_mix(w, relu(affine(w, "enter", mean))[None])
    found = encoder(picture.reshape(1, 1, 256))[0, 0].detach().numpy()
    np.testing.assert_allclose(found, affine(w, "leave", h[0]), atol=1e-5)


@pytest.mark.parametrize("pool", ("mean", "token"))
def test_frame_vit_equals_loops_over_patches(pool: str) -> None:
    spec = {"name": "frame_vit", "pool": pool, "hidden": 8, "layers": 2, "unit_norm": False}
    encoder = shaken(make("video_encoder", spec, FRAMES, 3))
    x, w = data(FRAMES, 1, 3), weights_of(encoder)
    hidden = []
    for frame in x.numpy().reshape(3, *FRAMES):
        tokens = []
        for r in range(2):
            for c in range(2):
                pixels = [
                    frame[4 * r + i, 4 * c + j, k] for i in range(4) for j in range(4) for k in range(3)
                ]
                tokens.append(affine(w, "enter", np.array(pixels)) + w["positions"][2 * r + c])
        seen = np.array([w["token"], *tokens] if pool == "token" else tokens)
        for layer in range(2):
            seen = block(within(w, f"blocks.{layer}."), 2, seen)
        seen = np.array([layer_norm(w, "norm", t) for t in seen])
        hidden.append(seen[0] if pool == "token" else seen.mean(0))
    expected = [affine(w, "leave", h) for h in causal_mix(w, np.array(hidden))]
    np.testing.assert_allclose(encoder(x).detach().numpy()[0], expected, atol=1e-9)


def test_stft_picture_equals_explicit_sums() -> None:
    spec = {"name": "stft_shufflenet", "window": 8, "hop": 3}
    encoder, x = make("current_encoder", spec, CURRENT, 5).double(), data(CURRENT, 2, 5)
    found = encoder.picture(x).numpy()
    assert found.shape == (2, 3, 5, 20 // 3 + 1)
    for b, phase, k, frame in np.ndindex(*found.shape):
        signal = [x[b, t, s * 3 + phase].item() for t in range(5) for s in range(4)]
        total = 0.0j
        for n in range(8):
            i = frame * 3 + n - 4  # windows are centred, the ends mirrored
            i = -i if i < 0 else 2 * 19 - i if i > 19 else i
            total += signal[i] * (0.5 - 0.5 * np.cos(2 * np.pi * n / 8)) * np.exp(-2j * np.pi * k * n / 8)
        assert abs(found[b, phase, k, frame] - np.log(abs(total) ** 2 + 1e-6)) < 1e-6


def test_stft_sees_a_tone_where_it_is() -> None:
    encoder = make("current_encoder", {"name": "stft_shufflenet"}, (12, 1), 10).double()
    time = torch.arange(120, dtype=torch.float64)
    tone = torch.sin(2 * torch.pi * 3 / 16 * time).reshape(1, 10, 12)
    assert (encoder.picture(tone)[0, 0, :, 3:-3].argmax(0) == 3).all()
    louder = encoder.picture(10 * tone) - encoder.picture(tone)
    assert abs(louder[0, 0, 3].mean().item() - np.log(100)) < 1e-4


def expected_shapes(
    stem: int, widths: tuple[int, ...], last: int, classes: int
) -> dict[str, tuple[int, ...]]:
    """The layout of the published weights: every tensor by name."""
    shapes: dict[str, tuple[int, ...]] = {}

    def norm(name: str, channels: int) -> None:
        shapes.update(
            {f"{name}.{part}": (channels,) for part in ("weight", "bias", "running_mean", "running_var")}
        )
        shapes[f"{name}.num_batches_tracked"] = ()

    shapes["conv1.0.weight"] = (stem, 3, 3, 3)
    norm("conv1.1", stem)
    before = stem
    for stage, units, width in zip(("stage2", "stage3", "stage4"), (4, 8, 4), widths, strict=True):
        half = width // 2
        for unit in range(units):
            at = f"{stage}.{unit}"
            if unit == 0:
                shapes[f"{at}.branch1.0.weight"] = (before, 1, 3, 3)
                norm(f"{at}.branch1.1", before)
                shapes[f"{at}.branch1.2.weight"] = (half, before, 1, 1)
                norm(f"{at}.branch1.3", half)
            shapes[f"{at}.branch2.0.weight"] = (half, before if unit == 0 else half, 1, 1)
            norm(f"{at}.branch2.1", half)
            shapes[f"{at}.branch2.3.weight"] = (half, 1, 3, 3)
            norm(f"{at}.branch2.4", half)
            shapes[f"{at}.branch2.5.weight"] = (half, half, 1, 1)
            norm(f"{at}.branch2.6", half)
        before = width
    shapes["conv5.0.weight"] = (last, before, 1, 1)
    norm("conv5.1", last)
    shapes["fc.weight"], shapes["fc.bias"] = (classes, last), (classes,)
    return shapes


@pytest.mark.parametrize(
    ("size", "stem", "widths", "last", "parameters"),
    (("x0_5", 24, (48, 96, 192), 1024, 1_366_792), ("x1_0", 24, (116, 232, 464), 1024, 2_278_604)),
)
def test_shufflenet_takes_published_weights(
    size: str, stem: int, widths: tuple[int, ...], last: int, parameters: int
) -> None:
    net = ShuffleNetV2(*SIZES[size])
    found = {name: tuple(w.shape) for name, w in net.state_dict().items()}
    assert list(found.items()) == list(expected_shapes(stem, widths, last, 1000).items())
    assert sum(p.numel() for p in net.parameters()) == parameters
    with torch.no_grad():
        picture = random(1, 3, 64, 64, dtype=torch.float32)
        assert net.eval().features(picture).shape == (1, 1024, 2, 2) and net(picture).shape == (1, 1000)


def test_shuffle_interleaves_the_halves() -> None:
    x = torch.arange(6.0).reshape(1, 6, 1, 1)
    assert shuffle(x).flatten().tolist() == [0, 3, 1, 4, 2, 5]


def test_shufflenet_equals_loops() -> None:
    torch.manual_seed(0)
    net = shaken(ShuffleNetV2((2,), (4, 8, 6), inputs=2, classes=3, small=True)).eval()
    assert isinstance(net, ShuffleNetV2)
    for i, b in enumerate(net.buffers()):
        if b.dtype == torch.float64:
            b.add_(random(*b.shape, seed=i).abs())
    w = {name: v.numpy() for name, v in net.state_dict().items()}

    def conv(name: str, x: Array, stride: int = 1, depthwise: bool = False) -> Array:
        return convolve(x, w[f"{name}.weight"], 0.0, stride, len(x) if depthwise else 1)

    def norm(name: str, x: Array) -> Array:
        part = {k: w[f"{name}.{k}"][:, None, None] for k in ("weight", "bias", "running_mean", "running_var")}
        scaled = (x - part["running_mean"]) / np.sqrt(part["running_var"] + 1e-5)
        return part["weight"] * scaled + part["bias"]

    def right(name: str, x: Array, stride: int) -> Array:
        x = relu(norm(f"{name}.1", conv(f"{name}.0", x)))
        x = norm(f"{name}.4", conv(f"{name}.3", x, stride, depthwise=True))
        return relu(norm(f"{name}.6", conv(f"{name}.5", x)))

    def interleave(a: Array, b: Array) -> Array:
        return np.array([half for pair in zip(a, b, strict=True) for half in pair])

    picture = random(1, 2, 5, 6)
    x = relu(norm("conv1.1", conv("conv1.0", picture[0].numpy())))
    left = norm("stage2.0.branch1.1", conv("stage2.0.branch1.0", x, 2, depthwise=True))
    left = relu(norm("stage2.0.branch1.3", conv("stage2.0.branch1.2", left)))
    x = interleave(left, right("stage2.0.branch2", x, 2))
    x = interleave(x[:4], right("stage2.1.branch2", x[4:], 1))
    x = relu(norm("conv5.1", conv("conv5.0", x)))
    np.testing.assert_allclose(net.features(picture)[0].detach().numpy(), x, atol=1e-9)
    logits = w["fc.weight"] @ x.mean((1, 2)) + w["fc.bias"]
    np.testing.assert_allclose(net(picture)[0].detach().numpy(), logits, atol=1e-9)


def test_published_transformer_has_the_published_size() -> None:
    assert sum(p.numel() for p in PublishedCurrentTransformer(240, 3).parameters()) == 693_512
    kept = PublishedCurrentTransformer(240, 3, "kept")
    assert sum(p.numel() for p in kept.parameters()) == 693_512 - 6
    assert kept(random(2, 240, 3, dtype=torch.float32)).shape == (2, 2)


def test_published_transformer_deletes_the_level_unless_it_is_kept() -> None:
    # Two samples of three phases at different levels, which one norm over the phases cannot tell apart.
    high, low = torch.tensor([15000.0, 15500.0, 14800.0]), torch.tensor([9000.0, 9200.0, 8920.0])
    for level, same in (("deleted", True), ("kept", False)):
        torch.manual_seed(0)
        net = PublishedCurrentTransformer(4, 3, level).double().eval()
        found = [net(x.double().expand(1, 4, 3) / 1000) for x in (high, low)]
        assert torch.allclose(*found, atol=1e-3) is same


def test_published_encoder_equals_loops() -> None:
    spec = {"name": "published_current", "hidden": 64, "layers": 2, "pool": 2, "unit_norm": False}
    encoder = shaken(make("current_encoder", spec, CURRENT, 3))
    x, w = data(CURRENT, 1, 3), weights_of(encoder)
    tokens = [w["trunk.token"]]
    for step in x[0].numpy().reshape(3, 4, 3):
        for first in (0, 2):
            sample = layer_norm(w, "trunk.level", (step[first] + step[first + 1]) / 2)
            tokens.append(layer_norm(w, "trunk.entered", affine(w, "trunk.enter", sample)))
    seen = np.array([t + p for t, p in zip(tokens, w["trunk.positions"], strict=True)])
    for layer in range(2):
        seen = block(within(w, f"trunk.blocks.{layer}."), 2, seen)
    seen = np.array([layer_norm(w, "trunk.norm", t) for t in seen])
    steps = [(seen[1 + 2 * t] + seen[2 + 2 * t]) / 2 + seen[0] for t in range(3)]
    expected = [affine(w, "leave", step) for step in steps]
    np.testing.assert_allclose(encoder(x)[0].detach().numpy(), expected, atol=1e-8)


@pytest.mark.parametrize(
    ("slot", "spec", "shape", "words"),
    (
        ("current_encoder", {"name": "stft_shufflenet"}, None, "laid out as .samples, channels.*features"),
        ("current_encoder", {"name": "published_current"}, (8, 8, 3), "layout .8, 8, 3"),
        ("video_encoder", {"name": "frame_cnn"}, None, "height, width, channels"),
        ("video_encoder", {"name": "frame_vit"}, (4, 3), "height, width, channels"),
        ("video_encoder", {"name": "frame_vit", "patch": 3}, FRAMES, "patch 3 and frames of 8 x 8"),
        ("video_encoder", {"name": "frame_vit", "heads": 3}, FRAMES, "heads 3 and width 16"),
        ("current_encoder", {"name": "published_current", "pool": 3}, CURRENT, "pool 3 and 4 samples"),
        ("current_encoder", {"name": "published_current"}, (4, 1), "set level: kept"),
        ("current_encoder", {"name": "stft_shufflenet", "window": 64}, CURRENT, "window 64 .* 32 samples"),
        ("current_encoder", {"name": "stft_shufflenet", "window": 8, "hop": 9}, CURRENT, "hop 9"),
    ),
)  # fmt: skip
def test_what_cannot_be_encoded_is_refused(slot: str, spec: Any, shape: Any, words: str) -> None:
    with pytest.raises(InvalidRequest, match=words):
        make(slot, spec, shape)


def test_all_are_exported() -> None:
    assert all(hasattr(models.encoders, name) for name in models.encoders.__all__)
