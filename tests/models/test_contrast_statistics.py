"""Mimicry, relations, CRD and the contrasts of statistics against loops written from the equations."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import permutations
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from helpers_models import generator
from numpy.typing import NDArray
from torch import Tensor, nn

from models.beside import Beside
from models.contrast import CCA, CRD, CCAParameters, CRDParameters
from models.registry import build, resolve

Array = NDArray[np.float64]
EMPTY = torch.empty(0)
BESIDE = Beside(EMPTY, (EMPTY, EMPTY))
WIDTH = 3
MARGINAL = ("coral", "mmd")
#: The video has no gradient.
ONE_SIDED = ("mimic", "relational")


def make(name: str, **values: Any) -> nn.Module:
    torch.manual_seed(0)
    module: nn.Module = build("contrast", resolve("contrast", {"name": name, **values}), width=WIDTH)
    return module.double()


def units(*shape: int, seed: int = 0) -> Tensor:
    return F.normalize(torch.randn(shape, generator=generator(seed), dtype=torch.float64), dim=-1)


def call(module: nn.Module, current: Tensor, video: Tensor, toward_video: bool = True) -> Tensor:
    pair = (current, video) if toward_video else (video, current)
    loss: Tensor = module(*pair, beside=BESIDE, toward_video=toward_video)
    return loss


def mimic(x: Array, y: Array) -> float:
    return sum(float(((x[b] - y[b]) ** 2).sum()) for b in range(len(x))) / len(x)


def huber(a: float, b: float) -> float:
    d = abs(a - b)
    return 0.5 * d * d if d <= 1 else d - 0.5


def relational(x: Array, y: Array) -> float:
    pairs = list(permutations(range(len(x)), 2))
    lengths = [{p: math.dist(z[p[0]], z[p[1]]) for p in pairs} for z in (x, y)]
    means = [sum(each.values()) / len(pairs) for each in lengths]
    distance = sum(huber(lengths[0][p] / means[0], lengths[1][p] / means[1]) for p in pairs) / len(pairs)

    def cosine(z: Array, i: int, j: int, k: int) -> float:
        a, b = z[i] - z[j], z[k] - z[j]
        return float(a @ b) / math.sqrt(float(a @ a) * float(b @ b))

    triplets = list(permutations(range(len(x)), 3))
    angle = sum(huber(cosine(x, *t), cosine(y, *t)) for t in triplets) / len(triplets)
    return 25 * distance + 50 * angle


def crd(x: Array, y: Array, z: float) -> float:
    """With the normaliser of the critic given."""
    n, total = len(x), 0.0
    for b in range(n):
        for j in range(n):
            e = math.exp(float(x[b] @ y[j]) / 0.1)
            h = e / (e + (n - 1) * z)
            total -= math.log(h if b == j else 1 - h)
    return total / n


def critic(x: Array, y: Array) -> float:
    return float(np.mean([math.exp(float(a @ b) / 0.1) for s in range(len(x)) for a in x[s] for b in y[s]]))


def moments(x: Array, y: Array) -> Array:
    """Covariances of vectors times sqrt(D), sample by sample."""
    total = np.zeros((WIDTH, WIDTH))
    for a, b in zip(x, y, strict=True):
        total += WIDTH * np.outer(a - x.mean(0), b - y.mean(0))
    return total / (len(x) - 1)


def cca(x: Array, y: Array) -> float:
    roots = []
    for z in (x, y):
        values, vectors = np.linalg.eigh(moments(z, z) + 1e-3 * np.eye(WIDTH))
        roots.append(vectors @ np.diag(values**-0.5) @ vectors.T)
    return WIDTH - float(np.linalg.svd(roots[0] @ moments(x, y) @ roots[1])[1].sum())


def vicreg(x: Array, y: Array) -> float:
    loss = 25 * WIDTH * float(((x - y) ** 2).mean())
    for z in (x, y):
        c = moments(z, z)
        for d in range(WIDTH):
            loss += 25 * 0.5 * max(0.0, 1 - math.sqrt(c[d, d] + 1e-4)) / WIDTH
            loss += sum(c[d, e] ** 2 for e in range(WIDTH) if e != d) / WIDTH
    return loss


def barlow(x: Array, y: Array) -> float:
    def standard(z: Array, d: int) -> Array:
        column = math.sqrt(WIDTH) * z[:, d]
        return (column - column.mean()) / math.sqrt(column.var() + 1e-5)

    loss = 0.0
    for d in range(WIDTH):
        for e in range(WIDTH):
            c = float((standard(x, d) * standard(y, e)).mean())
            loss += (1 - c) ** 2 if d == e else 0.0051 * c**2
    return loss


def coral(x: Array, y: Array) -> float:
    return float(((moments(x, x) - moments(y, y)) ** 2).sum()) / (4 * WIDTH**2)


def mean_distance(x: Array, y: Array) -> float:
    both = [*x, *y]
    return float(np.mean([((a - b) ** 2).sum() for a, b in permutations(both, 2)]))


def mmd(x: Array, y: Array, scale: float) -> float:
    def kernel(a: Array, b: Array) -> float:
        return sum(math.exp(-float(((a - b) ** 2).sum()) / (w * scale)) for w in (0.25, 0.5, 1.0, 2.0, 4.0))

    def mean(p: Array, q: Array) -> float:
        return sum(kernel(a, b) for a in p for b in q) / (len(p) * len(q))

    return mean(x, x) + mean(y, y) - 2 * mean(x, y)


BRUTE: dict[str, Callable[[Array, Array], float]] = {
    "mimic": mimic,
    "relational": relational,
    "cca": cca,
    "vicreg": vicreg,
    "barlow": barlow,
    "coral": coral,
    "mmd": lambda x, y: mmd(x, y, mean_distance(x, y)),
}
NAMES = (*BRUTE, "crd")


def brute(name: str, current: Tensor, video: Tensor) -> float:
    x, y = current.numpy(), video.numpy()
    if name == "crd":
        z = critic(x, y)
        return float(np.mean([crd(a, b, z) for a, b in zip(x, y, strict=True)]))
    return float(np.mean([BRUTE[name](a, b) for a, b in zip(x, y, strict=True)]))


@pytest.mark.parametrize("name", NAMES)
class TestEveryContrast:
    @pytest.mark.parametrize("toward_video", (True, False))
    @pytest.mark.parametrize("count", (4, 7))
    def test_equals_loops_over_samples(self, name: str, count: int, toward_video: bool) -> None:
        current, video = units(2, count, WIDTH), units(2, count, WIDTH, seed=1)
        found = float(call(make(name), current, video, toward_video))
        assert found == pytest.approx(brute(name, current, video), rel=1e-6, abs=1e-6)

    def test_gradient_equals_finite_differences(self, name: str) -> None:
        current, video = units(2, 5, WIDTH), units(2, 5, WIDTH, seed=1)
        module = make(name)
        call(module, current, video)  # fixes the normaliser of CRD
        x = current.requires_grad_()
        if name in ONE_SIDED:
            assert torch.autograd.gradcheck(lambda x: call(module, x, video), (x,))
        elif name != "mmd":
            pair = (x, video.requires_grad_())
            assert torch.autograd.gradcheck(lambda x, y: call(module, x, y), pair)
        else:
            # The scale of the kernels has no gradient: the differences are taken with it held.
            (gradient,) = torch.autograd.grad(call(module, x, video), x)
            a, b, step = x.detach().numpy(), video.numpy(), 1e-5
            for s, row, d in ((0, 1, 2), (1, 4, 0)):
                scale, ends = mean_distance(a[s], b[s]), []
                for sign in (1, -1):
                    moved = a[s].copy()
                    moved[row, d] += sign * step
                    ends.append(mmd(moved, b[s], scale))
                assert float(gradient[s, row, d]) == pytest.approx((ends[0] - ends[1]) / (4 * step), abs=1e-7)

    def test_pairs_matter_unless_only_marginals_are_looked_at(self, name: str) -> None:
        current, video = units(2, 8, WIDTH), units(2, 8, WIDTH, seed=1)
        module, order = make(name), torch.randperm(8, generator=generator())
        before = float(call(module, current, video))
        after = float(call(module, current, video[:, order]))
        assert (before == pytest.approx(after, abs=1e-12)) == (name in MARGINAL)

    def test_equal_modalities_are_the_best(self, name: str) -> None:
        video = units(1, 12, WIDTH)
        module = make(name)
        other = call(module, units(1, 12, WIDTH, seed=1), video)
        assert 0.0 <= float(call(module, video, video)) + 1e-12 < float(other)

    @pytest.mark.parametrize("toward_video", (True, False))
    @pytest.mark.parametrize("dtype", (torch.float32, torch.float64))
    @pytest.mark.parametrize("count", (1, 2))
    def test_tiny_batches_are_finite(
        self, name: str, count: int, dtype: torch.dtype, toward_video: bool
    ) -> None:
        module = make(name).to(dtype)
        current, video = (units(2, count, WIDTH, seed=s).to(dtype).requires_grad_() for s in (0, 1))
        loss = call(module, current, video, toward_video)
        loss.backward()
        assert loss.dtype == dtype and loss.shape == () and loss.isfinite()
        assert current.grad is not None and current.grad.isfinite().all()
        if count == 1 and name in ("relational", "crd", "cca", "barlow", "coral"):
            assert float(loss.detach()) == 0.0

    def test_collapsed_vectors_have_a_finite_gradient(self, name: str) -> None:
        module = make(name).float()
        current = units(1, 1, WIDTH).float().expand(1, 6, WIDTH).clone().requires_grad_()
        call(module, current, units(1, 6, WIDTH, seed=1).float()).backward()
        assert current.grad is not None and current.grad.isfinite().all()
        assert current.grad.abs().max() < 1e3

    def test_a_teacher_has_no_gradient(self, name: str) -> None:
        for toward_video in (True, False):
            current, video = units(1, 6, WIDTH).requires_grad_(), units(1, 6, WIDTH, seed=1).requires_grad_()
            call(make(name), current, video, toward_video).backward()
            assert current.grad is not None and current.grad.any()
            assert (video.grad is None or not video.grad.any()) == (name in ONE_SIDED)


def test_mimic_regresses_the_current_on_the_video_whichever_is_predicted() -> None:
    module = make("mimic", regressor=True)
    weight, bias = (p.detach().numpy() for p in module.parameters())
    current, video = units(1, 5, WIDTH), units(1, 5, WIDTH, seed=1)
    x, y = current[0].numpy(), video[0].numpy()
    wanted = np.mean([((weight @ a + bias - b) ** 2).sum() for a, b in zip(x, y, strict=True)])
    for toward_video in (True, False):
        found = float(call(module, current, video, toward_video).detach())
        assert found == pytest.approx(wanted)


class TestRelational:
    def test_only_the_shape_matters(self) -> None:
        current, video = units(1, 8, WIDTH), units(1, 8, WIDTH, seed=1)
        turn = torch.linalg.qr(torch.randn(WIDTH, WIDTH, generator=generator(), dtype=torch.float64)).Q
        module = make("relational")
        torch.testing.assert_close(call(module, current @ turn, video), call(module, current, video))
        assert float(call(module, video @ turn, video)) == pytest.approx(0.0, abs=1e-12)

    def test_angles_are_those_of_the_first_windows(self) -> None:
        current, video = units(1, 9, WIDTH), units(1, 9, WIDTH, seed=1)
        only_angles = {"distance": 0.0, "angle": 50.0}
        few = call(make("relational", angle_windows=5, **only_angles), current, video)
        first = call(make("relational", **only_angles), current[:, :5], video[:, :5])
        torch.testing.assert_close(few, first)

    def test_weight_scales_both_terms(self) -> None:
        current, video = units(1, 6, WIDTH), units(1, 6, WIDTH, seed=1)
        one, three = (call(make("relational", weight=w), current, video) for w in (1.0, 3.0))
        torch.testing.assert_close(three, 3.0 * one)


class TestCRD:
    def test_the_first_batch_of_the_training_fixes_the_normaliser(self) -> None:
        module = CRD(CRDParameters()).double()
        first, second = ((units(2, 5, WIDTH, seed=s), units(2, 5, WIDTH, seed=s + 1)) for s in (0, 2))
        module.eval()
        call(module, *second)
        assert module.log_z.isnan()
        module.train()
        call(module, *first)
        z = critic(first[0].numpy(), first[1].numpy())
        assert float(module.log_z.exp()) == pytest.approx(z)
        wanted = np.mean([crd(a, b, z) for a, b in zip(second[0].numpy(), second[1].numpy(), strict=True)])
        assert float(call(module, *second)) == pytest.approx(float(wanted))

    def test_without_structure_it_starts_near_one_plus_log_negatives(self) -> None:
        flat = units(1, 1, WIDTH).expand(1, 64, WIDTH)
        expected = math.log(64) + 63 * math.log(64 / 63)
        assert float(call(make("crd"), flat, flat)) == pytest.approx(expected)


class TestCCA:
    def test_known_canonical_correlations_under_any_mixing(self) -> None:
        known = torch.tensor([0.9, 0.6, 0.1], dtype=torch.float64)
        noise = torch.randn(50, 2 * WIDTH, generator=generator(), dtype=torch.float64)
        basis = torch.linalg.qr(noise - noise.mean(0)).Q * 7.0
        x = basis[:, :WIDTH]
        y = known * x + (1 - known**2).sqrt() * basis[:, WIDTH:]
        mix_x, mix_y = torch.randn(2, WIDTH, WIDTH, generator=generator(1), dtype=torch.float64)
        module = CCA(CCAParameters(ridge=1e-8))
        found = module.correlations((x @ mix_x + 2.0)[None], (y @ mix_y - 1.0)[None])
        torch.testing.assert_close(found[0], known, atol=1e-6, rtol=0)
        loss = float(call(module, (x @ mix_x)[None], (y @ mix_y)[None]))
        assert loss == pytest.approx(WIDTH - 1.6, abs=1e-6)

    def test_gradient_is_finite_where_eigenvalues_coincide(self) -> None:
        current, video = (units(1, 2, 8, seed=s).requires_grad_() for s in (0, 1))
        call(CCA(CCAParameters()), current, video).backward()
        assert current.grad is not None and current.grad.isfinite().all() and current.grad.any()

    def test_divergence_is_seen_and_not_raised(self) -> None:
        current = units(1, 6, WIDTH)
        current[0, 2, 1] = math.nan
        assert call(make("cca"), current, units(1, 6, WIDTH, seed=1)).isnan()


def test_a_collapse_is_the_worst_for_the_variance_of_vicreg() -> None:
    flat = units(1, 1, WIDTH).expand(1, 16, WIDTH)
    assert float(call(make("vicreg"), flat, flat)) == pytest.approx(25 * (1 - 0.01))
    assert float(call(make("vicreg", variance=0.0), flat, flat)) == pytest.approx(0.0, abs=1e-12)


def test_vicreg_of_one_window_is_the_distance_of_its_pair() -> None:
    current, video = units(1, 1, WIDTH), units(1, 1, WIDTH, seed=1)
    expected = 25 * float((current - video).square().sum())
    assert float(call(make("vicreg"), current, video)) == pytest.approx(expected)


def test_barlow_is_blind_to_shift_and_scale_and_coral_to_shift_alone() -> None:
    current, video = units(1, 9, WIDTH), units(1, 9, WIDTH, seed=1)
    shift = torch.tensor([0.5, -1.0, 2.0], dtype=torch.float64)
    for name, moved, same in (
        ("barlow", 1e3 * current + shift, 1e-3),
        ("coral", current + shift, 1e-12),
        ("mmd", current + shift, None),
    ):
        before, after = float(call(make(name), current, video)), float(call(make(name), moved, video))
        assert abs(before - after) > 0.1 if same is None else before == pytest.approx(after, abs=same)


def test_mmd_tells_different_distributions_from_equal_ones() -> None:
    module, offset = make("mmd"), torch.tensor([2.0, 0.0, 0.0], dtype=torch.float64)
    samples = [torch.randn(1, 200, WIDTH, generator=generator(s), dtype=torch.float64) for s in range(2)]
    equal = call(module, *(F.normalize(x, dim=-1) for x in samples))
    apart = call(module, *(F.normalize(x + o * offset, dim=-1) for o, x in enumerate(samples)))
    assert float(equal) < 0.05 < 0.5 < float(apart)


@pytest.mark.parametrize("name", ("mimic", "relational", "crd", "cca", "vicreg", "barlow"))
def test_descending_it_brings_each_current_to_its_own_video(name: str) -> None:
    module, video = make(name), units(1, 24, WIDTH, seed=1)
    free = torch.randn(1, 24, WIDTH, generator=generator(), dtype=torch.float64).requires_grad_()
    optimizer = torch.optim.Adam([free], lr=0.1)
    for _ in range(150):
        optimizer.zero_grad()
        call(module, F.normalize(free, dim=-1), video).backward()
        optimizer.step()
    current = F.normalize(free.detach(), dim=-1)[0]
    # What is blind to linear maps is read through the best one.
    one = torch.ones(24, 1, dtype=torch.float64)
    design = torch.cat([current, one], dim=1)
    read = design @ torch.linalg.lstsq(design, video[0]).solution
    hits = (read @ video[0].T).argmax(1) == torch.arange(24)
    assert hits.double().mean() > 0.8
