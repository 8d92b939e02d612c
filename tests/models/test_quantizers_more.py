"""Quantisers without a moving average, the residual one, and the prediction of indices, by brute force."""

from __future__ import annotations

import copy
import itertools
import math
from typing import Any

import numpy as np
import pytest
import torch
from helpers_models import generator
from torch import Tensor
from torch.autograd import gradcheck

from models.matching import IndexPrediction, IndexPredictionParameters
from models.quantizers import MMEMAParameters, MMEMAQuantizer, Quantised
from models.quantizers.grid import GridQuantizer
from models.quantizers.residual import EMACodebook, ResidualQuantizer
from models.registry import build, resolve

WIDTH = 6


def make(
    name: str, *, width: int = WIDTH, current_steps: int = 3, video_steps: int = 2, **parameters: Any
) -> Any:
    torch.manual_seed(0)
    spec = resolve("quantizer", {"name": name, **parameters})
    steps = {"current_steps": current_steps, "video_steps": video_steps}
    return build("quantizer", spec, width=width, generator=generator(), **steps).double()


def rand(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=generator(seed), dtype=torch.float64)


def on_sphere(*shape: int, seed: int = 0) -> Tensor:
    return torch.nn.functional.normalize(rand(*shape, seed=seed), dim=-1)


def shifted(q: GridQuantizer) -> GridQuantizer:
    """With biases, and an up-projection that is no longer the transpose."""
    with torch.no_grad():
        q.down.bias.copy_(0.3 * rand(*q.down.bias.shape, seed=5))
        q.up.bias.copy_(rand(*q.up.bias.shape, seed=6))
        q.up.weight.copy_(rand(*q.up.weight.shape, seed=7))
    return q


def grid_points(levels: list[int]) -> list[tuple[float, ...]]:
    """All points in the order of their index: the first digit runs fastest."""
    values = [[2.0 * j / (n - 1) - 1.0 for j in range(n)] for n in reversed(levels)]
    return [tuple(reversed(point)) for point in itertools.product(*values)]


GRIDS = [("fsq", {"levels": "5,5,4"}, [5, 5, 4]), ("fsq", {"levels": "6,5"}, [6, 5]),
         ("lfq", {"bits": 4}, [2] * 4), ("lfq", {"bits": 1}, [2])]  # fmt: skip


@pytest.mark.parametrize(("name", "parameters", "levels"), GRIDS)
class TestGrid:
    def test_every_step_by_brute_force(
        self, name: str, parameters: dict[str, Any], levels: list[int]
    ) -> None:
        q = shifted(make(name, **parameters))
        z_c, z_v = on_sphere(4, 3, WIDTH), on_sphere(4, 2, WIDTH, seed=1)
        out = q(z_c, z_v)
        down, bias = q.down.weight.detach().numpy(), q.down.bias.detach().numpy()
        up, shift = q.up.weight.detach().numpy(), q.up.bias.detach().numpy()
        points, d = np.array(grid_points(levels)), len(levels)
        for z, vectors, codes, squared in (
            (z_c, out.current, out.current_codes, out.current_distances),
            (z_v, out.video, out.video_codes, out.video_distances),
        ):
            assert squared.shape == (*z.shape[:2], math.prod(levels))
            for b, t in itertools.product(range(z.shape[0]), range(z.shape[1])):
                y = down @ (math.sqrt(WIDTH) * z[b, t].numpy()) + bias
                x = np.tanh(y) if name == "fsq" else y
                digits = [min(range(n), key=lambda j, n=n, i=i: abs(x[i] - (2 * j / (n - 1) - 1)))
                          for i, n in enumerate(levels)]  # fmt: skip
                k = sum(j * math.prod(levels[:i]) for i, j in enumerate(digits))
                assert int(codes[b, t]) == k
                np.testing.assert_allclose(
                    vectors[b, t].detach().numpy(), up @ (points[k] / math.sqrt(d)) + shift, atol=1e-12
                )
                expected = [sum((x[i] - p[i]) ** 2 for i in range(d)) / d for p in points]
                np.testing.assert_allclose(squared[b, t].detach().numpy(), expected, atol=1e-12)
                assert int(np.argmin(expected)) == k
        np.testing.assert_allclose(q.codebook.numpy(), points @ up.T / math.sqrt(d) + shift, atol=1e-12)

    def test_lookup_is_a_row_of_the_codebook(
        self, name: str, parameters: dict[str, Any], levels: list[int]
    ) -> None:
        q = shifted(make(name, **parameters))
        z = on_sphere(1, 3, WIDTH)
        vectors, codes = q.lookup(z)
        assert torch.equal(vectors, q(z, z).current) and torch.equal(codes, q(z, z).video_codes)
        torch.testing.assert_close(vectors, q.codebook[codes])
        assert not q.codebook.requires_grad

    def test_the_gradient_skips_the_rounding_and_nothing_else(
        self, name: str, parameters: dict[str, Any], levels: list[int]
    ) -> None:
        q = shifted(make(name, **parameters))
        z, weight = on_sphere(4, 3, WIDTH).requires_grad_(), rand(4, 3, WIDTH, seed=2)
        by_rounding = torch.autograd.grad((q(z, z.detach()).current * weight).sum(), z)[0]
        y = math.sqrt(WIDTH) * z @ q.down.weight.T + q.down.bias
        x = y.tanh() if name == "fsq" else y
        smooth = x / math.sqrt(len(levels)) @ q.up.weight.T
        torch.testing.assert_close(by_rounding, torch.autograd.grad((smooth * weight).sum(), z)[0])
        assert not q.straight_through

    def test_gradients_of_distances_and_commitment_are_numerical_ones(
        self, name: str, parameters: dict[str, Any], levels: list[int]
    ) -> None:
        q = make(name, **parameters)
        z_c, z_v = on_sphere(2, 3, WIDTH).requires_grad_(), on_sphere(2, 2, WIDTH, seed=1).requires_grad_()

        def smooth(z_c: Tensor, z_v: Tensor) -> tuple[Tensor, ...]:
            out = q(z_c, z_v)
            return out.current_distances, out.video_distances, out.commitment

        assert gradcheck(smooth, (z_c, z_v))

    def test_every_parameter_is_trained(
        self, name: str, parameters: dict[str, Any], levels: list[int]
    ) -> None:
        q = make(name, **parameters)
        out = q(on_sphere(8, 3, WIDTH), on_sphere(8, 2, WIDTH, seed=1))
        ((out.current.mean(0) * rand(3, WIDTH, seed=3)).sum() + out.video.square().sum()).backward()
        assert all(p.grad is not None and p.grad.any() for p in q.parameters())

    def test_a_change_of_type_keeps_the_grid_exact(
        self, name: str, parameters: dict[str, Any], levels: list[int]
    ) -> None:
        q, z = make(name, **parameters), on_sphere(20, 3, WIDTH)
        single = copy.deepcopy(q).float()
        vectors, codes = single.lookup(z.float())
        assert vectors.dtype == torch.float32 and torch.equal(codes, q.lookup(z)[1])
        assert single(z.float(), z.float()).commitment.dtype == torch.float32
        torch.testing.assert_close(single.double().lookup(z)[0], q.lookup(z)[0], atol=1e-6, rtol=0)

    def test_what_is_not_finite_still_has_a_valid_index(
        self, name: str, parameters: dict[str, Any], levels: list[int]
    ) -> None:
        z = torch.full((1, 3, WIDTH), math.nan, dtype=torch.float64)
        out = make(name, **parameters)(z, z)
        assert ((out.current_codes >= 0) & (out.current_codes < math.prod(levels))).all()
        assert out.current.isnan().all()


class TestFSQ:
    def test_odd_levels_round_as_published(self) -> None:
        q = make("fsq", levels="7,5,5,5,5")
        z = on_sphere(5, 3, WIDTH)
        y = q.down(math.sqrt(WIDTH) * z)
        half = torch.tensor([3.0, 2.0, 2.0, 2.0, 2.0], dtype=torch.float64)
        digits = torch.round(half * y.tanh()) + half
        basis = torch.tensor([1, 7, 35, 175, 875])
        assert torch.equal(q.lookup(z)[1], (digits.long() * basis).sum(-1))

    def test_vectors_on_the_sphere_begin_all_over_the_grid(self) -> None:
        torch.manual_seed(0)
        q = build("quantizer", resolve("quantizer", {"name": "fsq", "levels": "5,5,4"}), width=32)
        codes = q.lookup(on_sphere(400, 10, 32).float())[1]
        hits = torch.bincount(codes.flatten(), minlength=100)
        assert (hits > 0).all() and hits.max() < 0.05 * hits.sum()

    def test_there_is_nothing_to_commit_to(self) -> None:
        assert make("fsq")(on_sphere(2, 3, WIDTH), on_sphere(2, 2, WIDTH)).commitment == 0


class TestLFQ:
    @pytest.mark.parametrize("count", (1, 5))
    def test_the_losses_by_brute_force(self, count: int) -> None:
        bits, temperature, gamma = 3, 0.4, 0.7
        q = make("lfq", bits=bits, entropy=0.6, diversity=gamma, temperature=temperature, commitment=0.2)
        shifted(q)
        z_c, z_v = on_sphere(count, 3, WIDTH), on_sphere(count, 2, WIDTH, seed=1)
        expected = 0.0
        for z in (z_c, z_v):
            rows = (q.down(math.sqrt(WIDTH) * z) / math.sqrt(bits)).detach().reshape(-1, bits).numpy()
            points = np.array(grid_points([2] * bits)) / math.sqrt(bits)
            mean, unsure, error = np.zeros(2**bits), 0.0, 0.0
            for x in rows:
                p = np.array([math.exp(-((x - c) ** 2).sum() / temperature) for c in points])
                p /= p.sum()
                mean += p / len(rows)
                unsure -= (p * np.log(p)).sum() / len(rows)
                error += ((x - np.sign(x) / math.sqrt(bits)) ** 2).sum() / len(rows)
            spread = -(mean * np.log(mean)).sum()
            expected += 0.5 * (0.6 * (unsure + gamma * (math.log(2**bits) - spread)) + 0.2 * error)
        assert float(q(z_c, z_v).commitment.detach()) == pytest.approx(expected, abs=1e-8)

    def test_the_entropy_of_an_assignment_is_that_of_independent_bits(self) -> None:
        q = make("lfq", bits=5, entropy=1.0, diversity=0.0, temperature=0.3, commitment=0.0)
        z = on_sphere(4, 3, WIDTH)
        x = q.down(math.sqrt(WIDTH) * z).detach() / math.sqrt(5)
        up = torch.sigmoid(4.0 * x / (math.sqrt(5) * 0.3))
        entropy = (torch.special.entr(up) + torch.special.entr(1 - up)).sum(-1).mean()
        torch.testing.assert_close(q(z, z).commitment, entropy)

    def test_collapse_costs_and_equal_certain_use_is_free(self) -> None:
        q = make("lfq", width=3, bits=3, entropy=1.0, temperature=0.02, commitment=0.0)
        signs = torch.tensor(list(itertools.product((-1.0, 1.0), repeat=3)), dtype=torch.float64)
        spread = (signs / math.sqrt(3) @ q.down.weight).detach().view(8, 1, 3)
        collapsed = spread[:1].expand(8, 1, 3)
        assert float(q(spread, spread).commitment.detach()) == pytest.approx(0.0, abs=1e-6)
        assert float(q(collapsed, collapsed).commitment.detach()) == pytest.approx(math.log(8), abs=1e-6)
        # Codes shared out between the modalities count as half unused by each.
        assert float(q(spread[:4], spread[4:]).commitment.detach()) == pytest.approx(math.log(2), abs=1e-6)


@pytest.mark.parametrize("count", (1, 4))
def test_none_passes_through(count: int) -> None:
    q = make("none")
    z_c, z_v = (
        rand(count, 3, WIDTH).requires_grad_(),
        rand(count, 2, WIDTH, seed=1).requires_grad_(),
    )
    out = q(z_c, z_v)
    assert torch.equal(out.current, z_c) and torch.equal(out.video, z_v) and out.commitment == 0
    assert torch.equal(q.lookup(z_c)[0], z_c) and not q.lookup(z_c)[1].any()
    weight = rand(count, 3, WIDTH, seed=2)
    assert torch.equal(torch.autograd.grad((out.current * weight).sum(), z_c)[0], weight)
    torch.testing.assert_close(out.video_distances, (z_v - q.codebook).square().sum(-1, keepdim=True))
    assert q.codebook.shape == (1, WIDTH)


class TestResidual:
    def make(self, **parameters: Any) -> ResidualQuantizer:
        chosen = {"codes": 5, "private_codes": 4, "reset_after": 0, **parameters}
        quantizer: ResidualQuantizer = make("residual", **chosen)
        return quantizer

    def started(self, **parameters: Any) -> ResidualQuantizer:
        """With codebooks of its own instead of vectors of the first batch."""
        q = self.make(**parameters)
        q.shared.codebook.copy_(rand(5, WIDTH, seed=20))
        q.shared.sums.copy_(q.shared.codebook)
        q.shared.steps = 1
        for seed, level in enumerate((*q.current_levels, *q.video_levels)):
            level.codebook.copy_(0.5 * rand(4, WIDTH, seed=30 + seed))
            level.sums.copy_(level.codebook)
            level.idle.zero_()
        return q

    def test_one_step_by_brute_force(self) -> None:
        q = self.started(levels=3, commitment=0.3, video_pull=0.0, current_pull=0.0, decay=0.8)
        shared = q.shared.codebook.numpy().copy()
        levels = {
            "current": [level.codebook.numpy().copy() for level in q.current_levels],
            "video": [level.codebook.numpy().copy() for level in q.video_levels],
        }
        z_c, z_v = rand(2, 3, WIDTH), rand(2, 2, WIDTH, seed=1)
        out = q(z_c, z_v)
        loss = 0.0
        for z, books, trained, vectors in (
            (z_c, levels["current"], q.current_levels, out.current),
            (z_v, levels["video"], q.video_levels, out.video),
        ):
            rows = z.reshape(-1, WIDTH).numpy()
            total = np.zeros_like(rows)
            for at, book in enumerate([shared, *books]):
                counts, sums = np.zeros(len(book)), np.zeros_like(book)
                for i, row in enumerate(rows):
                    residual = row - total[i]
                    k = int(((residual - book) ** 2).sum(1).argmin())
                    counts[k] += 1
                    sums[k] += residual
                    total[i] += book[k]
                    loss += 2 * 0.3 * ((residual - book[k]) ** 2).sum() / len(rows)
                if at:
                    n, s = 0.8 + 0.2 * counts, 0.8 * book + 0.2 * sums
                    expected = np.where(counts[:, None] > 0, s / n[:, None], book)
                    np.testing.assert_allclose(trained[at - 1].codebook.numpy(), expected, atol=1e-12)
            np.testing.assert_allclose(vectors.reshape(-1, WIDTH).numpy(), total, atol=1e-12)
        assert float(out.commitment) == pytest.approx(loss, abs=1e-10)

    def test_the_gradient_passes_straight_through_and_commitment_pulls_to_the_sum(self) -> None:
        q = self.started(video_pull=0.0, current_pull=0.0, commitment=0.3)
        shared = q.shared.codebook.clone()
        z_c, z_v = rand(2, 3, WIDTH).requires_grad_(), rand(2, 2, WIDTH, seed=1)
        out, weight = q(z_c, z_v), rand(2, 3, WIDTH, seed=2)
        assert torch.equal(
            torch.autograd.grad((out.current * weight).sum(), z_c, retain_graph=True)[0], weight
        )
        coarse = shared[out.current_codes]
        pull = 2 * 0.6 / 6 * ((z_c - coarse) + (z_c - out.current)).detach()
        torch.testing.assert_close(torch.autograd.grad(out.commitment, z_c)[0], pull)

    def test_the_shared_level_alone_is_read(self) -> None:
        q = self.started()
        z_c, z_v = rand(2, 3, WIDTH), rand(2, 2, WIDTH, seed=1)
        trained = q(z_c, z_v)
        q.eval()
        read = q(z_c, z_v)
        assert (trained.current - read.current).abs().max() > 0.1
        for vectors, codes, z in (
            (read.current, read.current_codes, z_c),
            (read.video, read.video_codes, z_v),
        ):
            assert torch.equal(q.lookup(z)[0], vectors) and torch.equal(q.lookup(z)[1], codes)
            torch.testing.assert_close(vectors, q.codebook[codes])

    def test_private_levels_are_private(self) -> None:
        a, b = self.started(), self.started()
        z_v = rand(2, 2, WIDTH, seed=1)
        a(rand(2, 3, WIDTH), z_v)
        b(rand(2, 3, WIDTH, seed=9), z_v)
        assert torch.equal(a.video_levels[0].codebook, b.video_levels[0].codebook)
        assert not torch.equal(a.current_levels[0].codebook, b.current_levels[0].codebook)

    def test_one_level_is_the_shared_codebook(self) -> None:
        one = self.make(levels=1, codes=5, reset_after=3)
        plain = MMEMAQuantizer(
            MMEMAParameters(codes=5, reset_after=3),
            width=WIDTH, current_steps=3, video_steps=2, generator=generator(),
        ).double()  # fmt: skip
        for seed in range(8):
            z = rand(2, 3, WIDTH, seed=seed), rand(2, 2, WIDTH, seed=seed + 50)
            ours, theirs = one(*z), plain(*z)
            assert torch.equal(ours.current, theirs.current)
            assert torch.equal(ours.commitment, theirs.commitment)
        assert torch.equal(one.codebook, plain.codebook)

    def test_each_level_leaves_less_over(self) -> None:
        left = []
        for levels in (1, 2, 3):
            q = self.make(levels=levels, reset_after=5, private_codes=8, decay=0.9)
            for seed in range(40):
                z_c, z_v = rand(32, 3, WIDTH, seed=seed), rand(32, 2, WIDTH, seed=seed + 100)
                out = q(z_c, z_v)
            left.append(float((z_c - out.current).square().mean()))
        assert left[1] < 0.85 * left[0] and left[2] < 0.85 * left[1]

    def test_a_checkpoint_goes_on_as_if_nothing_happened(self) -> None:
        q, other = self.make(reset_after=2), self.make(reset_after=2)
        q(rand(1, 3, WIDTH), rand(1, 2, WIDTH, seed=1))
        other.load_state_dict(q.state_dict())
        for one in (q, other):
            for seed in range(6):
                one(rand(1, 3, WIDTH, seed=seed), rand(1, 2, WIDTH, seed=seed + 50))
        assert all(torch.equal(a, b) for a, b in zip(q.buffers(), other.buffers(), strict=True))


class TestEMACodebook:
    def test_codes_begin_as_vectors_of_the_first_batch(self) -> None:
        book = EMACodebook(6, WIDTH, 0.9999, 0, generator()).double()
        rows = rand(4, 2, WIDTH)
        chosen = book(rows)

        def to_batch(vectors: Tensor) -> Tensor:
            return (vectors.reshape(-1, 1, WIDTH) - rows.reshape(-1, WIDTH)).norm(dim=-1).amin(1)

        assert chosen.shape == rows.shape and not to_batch(chosen).any()
        # The first update has already moved the codes, by a ten-thousandth of the way.
        assert to_batch(book.codebook).max() < 1e-3

    def test_an_unused_code_starts_again_in_the_batch_and_a_used_one_does_not(self) -> None:
        book = EMACodebook(2, WIDTH, 0.9, 3, generator()).double()
        near, far = 0.01 * rand(8, WIDTH), torch.full((2, WIDTH), 50.0, dtype=torch.float64)
        book.codebook.copy_(torch.stack([torch.zeros(WIDTH), far[0]]))
        book.sums.copy_(book.codebook)
        book.idle.zero_()
        for _ in range(3):
            book(near)
        assert torch.equal(book.codebook[1], far[0]) and book.idle.tolist() == [0, 3]
        book(near)
        assert book.codebook.norm(dim=1).max() < 1.0 and book.idle[0] == 0

    def test_eval_mode_changes_nothing(self) -> None:
        book = EMACodebook(3, WIDTH, 0.9, 1, generator()).double()
        book(rand(8, WIDTH))
        before = [b.clone() for b in book.eval().buffers()]
        book(rand(8, WIDTH, seed=1))
        assert all(torch.equal(a, b) for a, b in zip(before, book.buffers(), strict=True))


class TestIndexPrediction:
    def make(self, current_steps: int = 12, video_steps: int = 8, **parameters: Any) -> IndexPrediction:
        settings = IndexPredictionParameters(**parameters)
        return IndexPrediction(settings, current_steps=current_steps, video_steps=video_steps)

    def quantised(self, d_c: Tensor, d_v: Tensor) -> Quantised:
        z = d_c.new_zeros(1)
        return Quantised(z, z, d_c.argmin(-1), d_v.argmin(-1), d_c, d_v, z)

    @pytest.mark.parametrize("steps", ((12, 8), (8, 12), (5, 5)))
    @pytest.mark.parametrize("count", (1, 3))
    @pytest.mark.parametrize("back", (0.0, 0.4))
    def test_by_brute_force(self, steps: tuple[int, int], count: int, back: float) -> None:
        d_c, d_v = (rand(count, n, 6, seed=n).square() for n in steps)
        q = self.quantised(d_c, d_v)
        total = 0.0
        for distances, codes, share in (
            (d_c, q.video_codes, 1.0),
            (d_v, q.current_codes, back),
        ):
            (_, own, k), other, loss = distances.shape, codes.shape[1], 0.0
            for b, t in itertools.product(range(count), range(own)):
                # The last step of the other clock that begins before this step ends.
                beside = math.ceil((t + 1) * other / own) - 1
                logits = [-math.sqrt(distances[b, t, j]) / 0.3 for j in range(k)]
                loss -= logits[int(codes[b, beside])] - math.log(sum(math.exp(x) for x in logits))
            total += share * loss / (count * own)
        loss = self.make(*steps, weight=2.0, temperature=0.3, toward_current=back)(q)
        assert float(loss) == pytest.approx(2.0 * total, abs=1e-10)

    @pytest.mark.parametrize("back", (0.0, 0.5))
    def test_only_the_one_that_predicts_has_a_gradient(self, back: float) -> None:
        d_c, d_v = (rand(2, n, 4, seed=n).square().add(0.1).requires_grad_() for n in (12, 8))
        module = self.make(toward_current=back)
        assert gradcheck(lambda c, v: module(self.quantised(c, v)), (d_c, d_v))
        by_current, by_video = torch.autograd.grad(
            module(self.quantised(d_c, d_v)), (d_c, d_v), materialize_grads=True
        )
        assert by_current.any() and bool(by_video.any()) == (back > 0)

    def test_no_code_in_common_costs_and_the_same_codes_are_free(self) -> None:
        far, k = 4.0, 5
        d = far * (1 - torch.eye(k, dtype=torch.float64)).expand(3, k, k)
        module = self.make(k, k, weight=1.0, temperature=0.1)
        same, other = self.quantised(d, d), self.quantised(d, d.roll(1, dims=-1))
        assert float(module(same)) == pytest.approx(0.0, abs=1e-6)
        assert float(module(other)) == pytest.approx(20.0, abs=1e-3)
        even = self.quantised(torch.ones_like(d), d)
        assert float(module(even)) == pytest.approx(math.log(k))

    @pytest.mark.parametrize("dtype", (torch.float32, torch.float64))
    def test_finite_on_top_of_a_code(self, dtype: torch.dtype) -> None:
        d_c = torch.tensor([[[0.0, 1.0], [-1e-7, 1.0]]], dtype=dtype, requires_grad=True)
        loss = self.make(2, 1)(self.quantised(d_c, torch.zeros(1, 1, 2, dtype=dtype)))
        assert loss.dtype == dtype and torch.autograd.grad(loss, d_c)[0].isfinite().all()
