"""Contexts and horizon of Cross-CPC; L1Out, sampled CLUB and gradient reversal against loops and theory."""

from __future__ import annotations

import math
from itertools import permutations
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from helpers_models import generator, small_method
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.autograd import gradcheck

from models.alignment import CrossCPC, CrossCPCParameters
from models.alignment.context import GRUContext
from models.alignment.cross_cpc import cut
from models.beside import Beside
from models.catalog import recipe
from models.contrast import InfoNCE, InfoNCEParameters
from models.disentangle import (
    CLUB,
    CLUBParameters,
    CLUBSampled,
    CLUBSampledParameters,
    L1Out,
    L1OutParameters,
    Reversal,
    ReversalParameters,
)
from models.disentangle.l1out import _picked
from models.errors import InvalidRequest
from models.method import Sizes
from models.registry import lookup, resolve
from models.training import Pretrainer

NONE = Beside(torch.empty(0), (torch.empty(0), torch.empty(0)))
DTYPES = (torch.float32, torch.float64)
Array = NDArray[np.float64]


def rand(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(shape, generator=generator(seed), dtype=dtype)


def array(x: Tensor) -> Array:
    return x.detach().double().numpy()


def perceptron(x: Array, net: nn.Module) -> Array:
    enter, leave = net.enter, net.leave
    assert isinstance(enter, nn.Linear) and isinstance(leave, nn.Linear)
    hidden = np.maximum(x @ array(enter.weight).T + array(enter.bias), 0.0)
    return hidden @ array(leave.weight).T + array(leave.bias)


class TestCrossCPC:
    def make(self, clocks: tuple[int, int] = (8, 8), **settings: Any) -> CrossCPC:
        torch.manual_seed(0)
        seconds = settings.pop("step_seconds", (1.0, 1.0))
        return CrossCPC(
            CrossCPCParameters(**settings), width=4, current_steps=clocks[0], video_steps=clocks[1],
            contrast=InfoNCE(InfoNCEParameters()), generator=generator(), step_seconds=seconds,
        ).double()  # fmt: skip

    def test_gru_equals_its_equations(self) -> None:
        torch.manual_seed(0)
        context, past = GRUContext(4).double(), rand(2, 5, 3, 4)
        found = context(past, [1, 4, 0])
        assert found.shape == (2, 4, 3, 3)

        def sigmoid(x: Array) -> Array:
            return 1 / (1 + np.exp(-x))

        for m, net in enumerate(context.nets):
            w_in, w_state, b_in, b_state = (array(p) for p in net.parameters())
            for b in range(3):
                h, states = np.zeros(4), []
                for t in range(5):
                    of_input = np.split(w_in @ array(past)[m, t, b] + b_in, 3)
                    of_state = np.split(w_state @ h + b_state, 3)
                    reset, update = (sigmoid(of_input[i] + of_state[i]) for i in (0, 1))
                    new = np.tanh(of_input[2] + reset * of_state[2])
                    h = (1 - update) * new + update * h
                    states.append(h)
                for i, start in enumerate((1, 4, 0)):
                    np.testing.assert_allclose(array(found)[m, :, i, b], states[start], atol=1e-12)

    @pytest.mark.parametrize("dtype", DTYPES)
    def test_gru_in_a_loss(self, dtype: torch.dtype) -> None:
        for steps, count in (((8, 8), 5), ((12, 8), 4), ((5, 9), 1)):
            cpc = self.make(steps, steps=2, context="gru").to(dtype)
            z = [rand(count, t, 4, dtype=dtype, seed=t).requires_grad_() for t in steps]
            loss = cpc(*z, beside=NONE)
            assert loss.shape == () and loss.dtype == dtype
            loss.backward()
            assert all(x.grad is not None and x.grad.isfinite().all() for x in z)
            if count > 1:
                assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in cpc.parameters())

    def test_gru_gradient(self) -> None:
        cpc = self.make((4, 4), steps=1, context="gru", self_weight=0.3)
        cpc.starts = range(1, 2)
        assert gradcheck(
            lambda c, v: cpc(c, v, beside=NONE), (rand(3, 4, 4).requires_grad_(), rand(3, 4, 4, seed=1))
        )

    def test_gru_does_not_see_what_it_predicts(self) -> None:
        cpc, z = self.make(context="gru", steps=2), rand(2, 5, 8, 4)

        def predicted(z: Tensor) -> Tensor:
            return cpc.predictions(cut(z[0], z[1], [3], 2)[0], [3])

        before = predicted(z)
        assert torch.equal(before, predicted(torch.cat([z[:, :, :4], z[:, :, 4:] + 9.0], dim=2)))
        for t in range(4):
            changed = z.clone()
            changed[:, :, t] += 1.0
            assert not torch.equal(before, predicted(changed))

    @pytest.mark.parametrize(
        ("steps", "seconds", "horizon", "expected"),
        [
            ((12, 12), (10.0, 10.0), 40.0, 4),
            ((12, 12), (10.0, 10.0), 1.0, 1),  # never nothing
            ((12, 12), (10.0, 10.0), 46.0, 5),  # the nearest
            ((24, 12), (5.0, 10.0), 40.0, 4),  # the coarser clock
            ((12, 24), (10.0, 5.0), 40.0, 4),
            ((12, 12), (20.0, 10.0), 40.0, 4),  # the video's, which is predicted
            ((12, 12), (10.0, 10.0), 0.0, 3),  # not given
        ],
    )
    def test_horizon_in_seconds(
        self, steps: tuple[int, int], seconds: tuple[float, float], horizon: float, expected: int
    ) -> None:
        by_horizon = self.make(steps, steps=3, horizon=horizon, step_seconds=seconds)
        by_steps = self.make(steps, steps=expected)
        assert by_horizon.predict.shape == by_steps.predict.shape
        z = [rand(4, t, 4, seed=t) for t in steps]
        assert torch.equal(by_horizon(*z, beside=NONE), by_steps(*z, beside=NONE))

    def test_too_far_a_horizon_is_refused_in_seconds(self) -> None:
        rule = r"steps 9 \(a horizon of 90 s in steps of 10 s\) .* use at most 6"
        with pytest.raises(InvalidRequest, match=rule):
            self.make(horizon=90.0, step_seconds=(10.0, 10.0))

    def test_it_needs_order_in_time_and_trains_in_a_method(self) -> None:
        assert "causal" in lookup("alignment", "cross_cpc").needs
        sizes = Sizes(5, 7, 8, 8, step_seconds=(30.0, 30.0))
        alignment = {"name": "cross_cpc", "context": "gru", "horizon": 60.0}
        method = small_method(sizes, alignment=alignment)
        assert method.alignment.steps == 2
        pretrainer, z = Pretrainer(method), (rand(6, 8, 5).float(), rand(6, 8, 7, seed=1).float())
        losses = [float(pretrainer.step(*z)["alignment"]) for _ in range(40)]
        assert np.mean(losses[-10:]) < np.mean(losses[:10])


def exact(cls: type[CLUB], parameters: CLUBParameters, rho: float, width: int = 10) -> Any:
    """A bound whose density has the exact mean rho x."""
    module: Any = cls(parameters, width=width, private_width=width).double()
    with torch.no_grad():
        for p in module.parameters():
            p.zero_()
        eye = torch.eye(width, dtype=torch.float64)
        module.mean.enter.weight[: 2 * width].copy_(torch.cat([eye, -eye]))
        module.mean.leave.weight[:, : 2 * width].copy_(rho * torch.cat([eye, -eye], dim=1))
    return module


def gaussians(rho: float, seed: int, rows: int = 256, width: int = 10) -> tuple[Tensor, Tensor]:
    x, noise = rand(rows, 1, width, seed=seed), rand(rows, 1, width, seed=seed + 10_000)
    return x, rho * x + math.sqrt(1 - rho**2) * noise


class TestL1Out:
    def make(self, **settings: Any) -> L1Out:
        torch.manual_seed(0)
        return L1Out(L1OutParameters(**{"weight": 1.0, **settings}), width=3, private_width=2).double()

    @pytest.mark.parametrize("shape", ((4, 3), (1, 5), (1, 2)))
    def test_equals_a_double_loop(self, shape: tuple[int, int]) -> None:
        module, x, s = self.make(), rand(*shape, 3), torch.tanh(rand(*shape, 2, seed=1))
        rows, private = array(x).reshape(-1, 3), array(s).reshape(-1, 2)
        mean = perceptron(rows, module.mean)
        v = ((private - mean) ** 2).mean(0)
        n, expected = len(rows), 0.0

        def density(i: int, j: int) -> float:
            exponent = -0.5 * ((private[i] - mean[j]) ** 2 / v).sum()
            return float(np.exp(exponent) / np.sqrt((2 * np.pi * v).prod()))

        for i in range(n):
            others = sum(density(i, j) for j in range(n) if j != i) / (n - 1)
            expected += (math.log(density(i, i)) - math.log(others)) / n
        assert float(module.bound(x, s).detach()) == pytest.approx(expected, abs=1e-9)
        assert float(module(x, s).detach()) == pytest.approx(max(expected, 0.0), abs=1e-9)

    @pytest.mark.parametrize(
        ("rho", "mean", "sd"), [(0.3, 0.48, 0.08), (0.6, 2.35, 0.14), (0.9, 11.95, 0.34)]
    )
    def test_on_gaussians_it_is_nearer_the_information_than_club(
        self, rho: float, mean: float, sd: float
    ) -> None:
        """What it reads with the exact conditional, 256 rows, over 20 draws."""
        l1out = exact(L1Out, L1OutParameters(), rho)
        club = exact(CLUB, CLUBParameters(), rho)
        draws = [gaussians(rho, seed) for seed in range(20)]
        found = np.array([float(l1out.bound(*draw)) for draw in draws])
        information = -5 * math.log(1 - rho**2)
        assert abs(found.mean() - mean) < 4 * sd / math.sqrt(20)
        # The masking that broadcasts to three axes returns CLUB's value.
        by_club = np.mean([float(club.bound(*draw)) for draw in draws])
        assert information - 3 * sd < found.mean() < by_club
        assert by_club == pytest.approx(10 * rho**2 / (1 - rho**2), rel=0.1)

    def test_without_dependence_it_is_exactly_nothing(self) -> None:
        x, s = gaussians(0.0, 0)
        assert float(exact(L1Out, L1OutParameters(), 0.0).bound(x, s)) == pytest.approx(0.0, abs=1e-9)

    def test_gradient_reaches_both_encoders_and_not_the_density(self) -> None:
        module, x, s = self.make(), rand(4, 3, 3).requires_grad_(), rand(4, 3, 2, seed=1).requires_grad_()
        module.bound(x, s).backward()
        assert all(p.grad is None for p in module.parameters())
        # The variance is a constant, hence an expression of its own.
        a, b = x.flatten(0, 1), s.flatten(0, 1)
        net = module.mean
        mean = F.linear(F.relu(F.linear(a, net.enter.weight.detach(), net.enter.bias.detach())),
                        net.leave.weight.detach(), net.leave.bias.detach())  # fmt: skip
        v = (b - mean).detach().square().mean(0)
        log_q = torch.stack([-0.5 * ((b - mean[j]).square() / v).sum(-1) for j in range(12)], dim=1)
        terms = [
            log_q[i, i] - log_q[i, [j for j in range(12) if j != i]].exp().mean().log() for i in range(12)
        ]
        theirs = torch.autograd.grad(torch.stack(terms).mean(), (x, s))
        torch.testing.assert_close((x.grad, s.grad), theirs)

    def test_long_batches_are_read_at_rows_of_all_windows_and_steps(self) -> None:
        module, x, s = self.make(rows=64), rand(40, 10, 3), torch.tanh(rand(40, 10, 2, seed=1))
        picked = _picked(400, 64)
        assert len(set(picked.tolist())) == 64 and set((picked % 10).tolist()) == set(range(10))
        chosen = [y.flatten(0, 1)[picked][None] for y in (x, s)]
        torch.testing.assert_close(module.bound(x, s), module.bound(*chosen))
        assert torch.equal(module.bound(x, s), module.bound(x, s))

    @pytest.mark.parametrize("dtype", DTYPES)
    def test_one_step_alone_and_constants_stay_finite(self, dtype: torch.dtype) -> None:
        module = self.make().to(dtype)
        alone = module(rand(1, 1, 3, dtype=dtype), rand(1, 1, 2, dtype=dtype))
        assert alone == 0 and alone.dtype == dtype
        constant = module(rand(5, 4, 3, dtype=dtype), torch.zeros(5, 4, 2, dtype=dtype))
        assert constant.isfinite() and constant.dtype == dtype


class TestCLUBSampled:
    def make(self, width: int = 3, private: int = 2) -> CLUBSampled:
        torch.manual_seed(0)
        return CLUBSampled(CLUBSampledParameters(weight=1.0), width=width, private_width=private).double()

    def test_equals_a_loop_with_its_partners(self) -> None:
        module, x, s = self.make(), rand(5, 4, 3), torch.tanh(rand(5, 4, 2, seed=1))
        mean, private = perceptron(array(x), module.mean), array(s)
        v = ((private - mean) ** 2).mean((0, 1))
        state = module.get_extra_state()
        partner = module._partners(5).tolist()
        module.set_extra_state(state)
        expected = 0.0
        for i in range(5):
            for t in range(4):
                own, other = (-0.5 * ((private[j, t] - mean[i, t]) ** 2 / v).sum() for j in (i, partner[i]))
                expected += (own - other) / 20
        assert float(module.bound(x, s).detach()) == pytest.approx(expected, abs=1e-9)

    def test_over_all_cycles_it_is_the_closed_form_without_own_pairs(self) -> None:
        module, x, s = self.make(), rand(4, 3, 3), torch.tanh(rand(4, 3, 2, seed=1))
        club = CLUB(CLUBParameters(), width=3, private_width=2).double()
        club.mean.load_state_dict(module.mean.state_dict())
        values = []
        for order in permutations(range(4)):
            cycle = torch.tensor(order)
            following = torch.empty(4, dtype=torch.int64)
            following[cycle] = cycle.roll(1)
            module._partners = lambda count, f=following: f  # type: ignore[method-assign,misc]
            values.append(module.bound(x, s))
        torch.testing.assert_close(torch.stack(values).mean(), club.bound(x, s) * 4 / 3)

    def test_partners_are_one_cycle_drawn_anew(self) -> None:
        module, seen = self.make(), set()
        for _ in range(30):
            partner, at, length = module._partners(7).tolist(), 0, 0
            while length == 0 or at != 0:
                at, length = partner[at], length + 1
            assert length == 7
            seen.add(tuple(partner))
        assert len(seen) > 20

    @pytest.mark.parametrize(("rho", "mean", "sd"), [(0.3, 0.97, 0.12), (0.6, 5.71, 0.33), (0.9, 42.0, 1.5)])
    def test_on_gaussians(self, rho: float, mean: float, sd: float) -> None:
        """What it reads with the exact conditional, 256 rows, over 20 draws."""
        module = exact(CLUBSampled, CLUBSampledParameters(), rho)
        found = np.mean([float(module.bound(*gaussians(rho, seed))) for seed in range(20)])
        assert abs(found - mean) < 4 * sd / math.sqrt(20)

    def test_a_window_alone_is_worth_nothing(self) -> None:
        module = self.make()
        assert float(module(rand(1, 4, 3), rand(1, 4, 2, seed=1)).detach()) == 0.0

    def test_a_checkpoint_goes_on_with_the_same_partners(self) -> None:
        module, other = self.make(), self.make()
        module._partners(9)
        other.load_state_dict(module.state_dict())
        assert torch.equal(module._partners(9), other._partners(9))


@pytest.mark.parametrize(
    "module", (L1Out(L1OutParameters(), width=3, private_width=2),
               CLUBSampled(CLUBSampledParameters(), width=3, private_width=2))
)  # fmt: skip
def test_fitted_density_tells_dependence_from_none(module: CLUB) -> None:
    start, found = {k: v.clone() for k, v in module.mean.state_dict().items()}, []
    for depends in (True, False):
        module.mean.load_state_dict(start)
        optimizer = torch.optim.Adam(module.parameters(), lr=0.01)

        def draw(seed: int, depends: bool = depends) -> tuple[Tensor, Tensor]:
            x = rand(200, 2, 3, seed=seed, dtype=torch.float32)
            source = x if depends else rand(200, 2, 3, seed=seed + 500, dtype=torch.float32)
            noise = 0.3 * rand(200, 2, 2, seed=seed + 900, dtype=torch.float32)
            return x, torch.tanh(source[..., :2] + noise)

        for _ in range(150):
            gradients = module.fit_gradients(*draw(0))
            for p, g in zip(module.parameters(), gradients, strict=True):
                p.grad = g
            optimizer.step()
        found.append(float(module.bound(*draw(1)).detach()))
    assert found[0] > 1.0 and abs(found[1]) < 0.25


class TestReversal:
    def make(self, **settings: Any) -> Reversal:
        torch.manual_seed(0)
        return Reversal(ReversalParameters(weight=0.3, **settings), width=3, private_width=2).double()

    @pytest.mark.parametrize("inner_steps", (0, 5))
    @pytest.mark.parametrize("hide_in", ("semantic", "specific"))
    def test_equals_a_loop(self, hide_in: str, inner_steps: int) -> None:
        module = self.make(hide_in=hide_in, inner_steps=inner_steps)
        x, s = rand(5, 4, 3), torch.tanh(rand(5, 4, 2, seed=1))
        source, target = (x, s) if hide_in == "semantic" else (s, x)
        with torch.no_grad():
            # Of one column more than nothing is read.
            module.adversary.leave.weight.zero_()
            units = F.relu(module.adversary.enter(source)).flatten(0, 1)
            # More units than rows: of all exact fits the shortest, the one that does not hang on rounding.
            fit = torch.linalg.lstsq(units, target.flatten(0, 1), driver="gelsd")
            module.adversary.leave.weight[0] = 0.5 * fit.solution[:, 0]
        read = perceptron(array(source).reshape(20, -1), module.adversary)
        rows, expected, hidden = array(target).reshape(20, -1), 0.0, []
        for d in range(rows.shape[1]):
            column = rows[:, d]
            error = ((read[:, d] - (column - column.mean()) / column.std()) ** 2).mean()
            hidden.append(max(0.0, 1.0 - error))
            expected += (hidden[-1] + (0.0 if inner_steps else error)) / rows.shape[1]
        assert hidden[0] > 0 and min(hidden) == 0
        assert float(module(x, s).detach()) == pytest.approx(0.3 * expected, abs=1e-9)

    @pytest.mark.parametrize("inner_steps", (0, 5))
    @pytest.mark.parametrize("hide_in", ("semantic", "specific"))
    def test_adversary_descends_and_encoder_ascends(self, hide_in: str, inner_steps: int) -> None:
        module = self.make(hide_in=hide_in, inner_steps=inner_steps)
        x, s = rand(5, 4, 3), torch.tanh(rand(5, 4, 2, seed=1))
        hiding, hidden = (x, s) if hide_in == "semantic" else (s, x)
        net = module.adversary
        with torch.no_grad():
            # What it reads becomes the target but for a half: better than a guess everywhere.
            read = net(hiding)
            hidden.copy_(read)
            net.leave.bias -= read.mean((0, 1))
            spread = net(hiding).flatten(0, 1).std(0, correction=0)
            net.leave.weight *= 0.5 / spread[:, None]
            net.leave.bias *= 0.5 / spread
        hiding.requires_grad_()
        hidden.requires_grad_()
        target = hidden.detach().flatten(0, 1)
        target = (target - target.mean(0)) / target.std(0, correction=0)
        error = (net.leave(F.relu(net.enter(hiding.flatten(0, 1)))) - target).square()
        assert (error.mean(0) < 1).all()
        plain = torch.autograd.grad(error.mean(), (hiding, *net.parameters()))
        penalty = module(x, s)
        penalty.backward()
        assert hidden.grad is None
        torch.testing.assert_close(hiding.grad, -0.3 * plain[0])
        if inner_steps:
            assert all(p.grad is None for p in net.parameters())
            for ours, theirs in zip(module.fit_gradients(x, s), plain[1:], strict=True):
                torch.testing.assert_close(ours, theirs)
        else:
            assert module.fit_gradients(x, s) == ()
            for p, theirs in zip(net.parameters(), plain[1:], strict=True):
                torch.testing.assert_close(p.grad, 0.3 * theirs)

    def test_nothing_is_reversed_beyond_chance(self) -> None:
        module, x, s = self.make(), rand(5, 4, 3).requires_grad_(), rand(5, 4, 2, seed=1)
        with torch.no_grad():
            module.adversary.leave.bias += 5.0
        module(x, s).backward()
        assert module(x, s) == 0 and x.grad is not None and not x.grad.any()

    def test_scale_and_place_of_what_is_read_do_not_matter(self) -> None:
        module, x, s = self.make(inner_steps=0), rand(5, 4, 3), rand(5, 4, 2, seed=1)
        torch.testing.assert_close(module(x, s), module(x, 7.0 * s - 3.0))

    @pytest.mark.parametrize("dtype", DTYPES)
    def test_one_step_alone_and_constants_stay_within_the_weight(self, dtype: torch.dtype) -> None:
        module = self.make().to(dtype)
        for shape in ((1, 1), (6, 4)):
            x, s = torch.zeros(*shape, 3, dtype=dtype), torch.ones(*shape, 2, dtype=dtype)
            assert 0 <= module(x, s) <= 0.3 and module(x, s).dtype == dtype
            assert all(g.isfinite().all() and g.dtype == dtype for g in module.fit_gradients(x, s))

    def test_the_game_takes_the_specific_out_and_leaves_the_task(self) -> None:
        (free_task, free), (task, share) = self.play(0.0), self.play(2.0)
        assert min(free_task, task) > 0.95 and free > 0.15 > 0.08 > share

    def play(self, weight: float) -> tuple[float, float]:
        """Accuracy of the task, and the share of the specific that a quadratic probe finds."""
        torch.manual_seed(1)
        encoder = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 3))
        decoder = nn.Linear(3, 1)
        reversal = Reversal(ReversalParameters(weight=weight), width=3, private_width=1)
        main = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=0.003)
        own = torch.optim.Adam(reversal.parameters(), lr=reversal.learning_rate)
        for step in range(300):
            x = rand(128, 1, 2, seed=1000 + step, dtype=torch.float32)
            z = F.normalize(encoder(x), dim=-1)
            for _ in range(reversal.inner_steps):
                for p, g in zip(reversal.parameters(), reversal.fit_gradients(z, x[..., 1:]), strict=True):
                    p.grad = g
                own.step()
            main.zero_grad()
            loss = (decoder(z) - x[..., :1].sign()).square().mean() + reversal(z, x[..., 1:])
            loss.backward()
            main.step()
        x = rand(2000, 2, seed=9999, dtype=torch.float32)
        with torch.no_grad():
            z = F.normalize(encoder(x), dim=-1)
            task = float(((decoder(z)[:, 0] > 0) == (x[:, 0] > 0)).float().mean())
        features = torch.cat([z, (z[:, :, None] * z[:, None]).flatten(1), torch.ones(2000, 1)], dim=1)
        fit = features @ torch.linalg.lstsq(features, x[:, 1:], driver="gelsd").solution
        return task, 1 - float((x[:, 1:] - fit).var() / x[:, 1].var())


@pytest.mark.parametrize("name", ("club_sampled", "l1out", "reversal"))
def test_trains_in_a_method_with_unequal_steps(name: str) -> None:
    sizes = Sizes(5, 7, 12, 8)
    method = small_method(sizes, disentangle=name)
    before = {k: p.detach().clone() for k, p in method.disentangle.named_parameters()}
    pretrainer, z = Pretrainer(method), (rand(6, 12, 5).float(), rand(6, 8, 7, seed=1).float())
    for _ in range(4):
        terms = pretrainer.step(*z)
    assert all(terms[f"{m}_disentangle"] >= 0 for m in ("current", "video"))
    assert not any(torch.equal(p, before[k]) for k, p in method.disentangle.named_parameters())
    assert "private" in lookup("disentangle", name).needs
    assert recipe(disentangle=name)["disentangle"] == resolve("disentangle", name)
