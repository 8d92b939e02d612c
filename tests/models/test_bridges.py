"""Bridges against loops over windows, steps and heads, and what each of them promises."""

from __future__ import annotations

import copy
import math
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from helpers_models import SIZES, UNEQUAL, batch, generator, small_method
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.autograd import gradcheck

from models.beside import Beside
from models.bridges import (
    CodeBank,
    CodeBankParameters,
    ProjectionExperts,
    ProjectionExpertsParameters,
    QFormer,
    QFormerParameters,
)
from models.bridges.projection_experts import _Expert
from models.catalog import recipe
from models.errors import InvalidRequest
from models.method import Sizes, check
from models.quantizers import Quantised
from models.training import Pretrainer

NONE = Beside(torch.empty(0), (torch.empty(0), torch.empty(0)))
DTYPES = (torch.float32, torch.float64)
Array = NDArray[np.float64]


def rand(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(shape, generator=generator(seed), dtype=dtype)


def unit(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return F.normalize(rand(*shape, seed=seed, dtype=dtype), dim=-1)


def array(x: Tensor) -> Array:
    return x.detach().double().numpy()


def scaled(x: Array) -> Array:
    """Mean square 1."""
    return x / np.sqrt((x**2).mean())


def softmax(x: Array) -> Array:
    e = np.exp(x - x.max())
    return e / e.sum()


def layer_norm(x: Array, norm: nn.LayerNorm) -> Array:
    normed = (x - x.mean()) / np.sqrt(x.var() + norm.eps)
    return normed * array(norm.weight) + array(norm.bias)


def linear(x: Array, layer: nn.Linear) -> Array:
    out = array(layer.weight) @ x
    return out if layer.bias is None else out + array(layer.bias)


def quantised(video_codes: Tensor, distances: Tensor | None = None) -> Quantised:
    """What a bridge looks at of a quantised batch."""
    zero = torch.zeros((), dtype=torch.float64)
    d = zero if distances is None else distances
    return Quantised(zero, zero, zero, video_codes, d, zero, zero)


def assert_gradient_everywhere(module: nn.Module) -> None:
    for name, p in module.named_parameters():
        assert p.grad is not None and p.grad.abs().sum() > 0, f"no gradient reaches {name}"


def weights(module: nn.Module) -> dict[str, Tensor]:
    return {name: p.detach().clone() for name, p in module.named_parameters()}


class TestCodeBank:
    def make(self, steps: tuple[int, int] = (8, 8), width: int = 8, **settings: Any) -> CodeBank:
        torch.manual_seed(0)
        parameters = CodeBankParameters(**{"heads": 2, **settings})
        return CodeBank(parameters, width=width, current_steps=steps[0], video_steps=steps[1]).double()

    @pytest.mark.parametrize("residual", (True, False))
    @pytest.mark.parametrize("count", (1, 3))
    def test_equals_a_loop_over_steps_and_heads(self, residual: bool, count: int) -> None:
        bank = self.make((5, 8), residual=residual, heads=4)
        nn.init.normal_(bank.norm.weight)
        nn.init.normal_(bank.norm.bias)
        z, codebook = unit(count, 5, 8), 0.7 * rand(6, 8, seed=1)
        out = bank(z, "current", codebook)
        codes = [scaled(e) for e in array(codebook)]
        for b, t in product(range(count), range(5)):
            query = linear(scaled(array(z)[b, t]), bank.query)
            read, weights = np.zeros(8), np.zeros(6)
            for h in range(4):
                part = slice(2 * h, 2 * h + 2)
                a = softmax(np.array([query[part] @ linear(e, bank.key)[part] for e in codes]) / math.sqrt(2))
                read[part] = sum(a[n] * linear(e, bank.value)[part] for n, e in enumerate(codes))
                weights += a / 4
            read = layer_norm(linear(read, bank.leave), bank.norm)
            total = array(z)[b, t] + read if residual else read
            np.testing.assert_allclose(array(out)[b, t], total / np.linalg.norm(total), atol=1e-9)
            assert bank.attention is not None
            np.testing.assert_allclose(array(bank.attention)[b, t], weights, atol=1e-9)

    @pytest.mark.parametrize("steps", ((4, 8), (12, 8), (6, 12), (5, 5), (1, 3)))
    @pytest.mark.parametrize("window", (1, 2, 3))
    def test_local_loss_equals_the_cross_entropy_to_counts(self, steps: tuple[int, int], window: int) -> None:
        bank, codes = self.make(steps, window=window, local=1.7), 5
        video = torch.randint(codes, (2, steps[1]), generator=generator(3))
        bank(unit(2, steps[0], 8), "current", rand(codes, 8, seed=1))
        assert bank.attention is not None
        attention = array(bank.attention)
        total = counted = 0.0
        for b, t in product(range(2), range(steps[0])):
            # The video step in which the current step ends, and the window around it, moved inside.
            beside = math.ceil((t + 1) * steps[1] / steps[0]) - 1
            first = min(max(beside - window // 2, 0), steps[1] - window)
            y = np.zeros(codes)
            for s in range(first, first + window):
                y[int(video[b, s])] += 1
            total -= (y * np.log(attention[b, t] + 1e-8)).sum()
            counted += y.sum()
        loss = bank.loss(quantised(video), (NONE.strong, NONE.strong), NONE)
        assert float(loss.detach()) == pytest.approx(1.7 * total / counted, abs=1e-9)

    def test_window_is_the_published_one_at_twice_the_rate(self) -> None:
        bank = self.make((6, 12), window=3)
        # s_t = clip(2 t - floor(W / 2), ...), a step later here: ours is the step that t ends in.
        assert bank.around.tolist() == [[2 * t, 2 * t + 1, 2 * t + 2] for t in range(5)] + [[9, 10, 11]]

    @pytest.mark.parametrize("dtype", DTYPES)
    def test_starts_near_identity_and_leaves_the_video_alone(self, dtype: torch.dtype) -> None:
        bank = self.make(width=32).to(dtype)
        z = unit(6, 8, 32, dtype=dtype)
        out = bank(z, "current", rand(20, 32, seed=1, dtype=dtype))
        assert out.dtype == dtype and 0.98 < float((out * z).sum(-1).min().detach()) < 0.9999
        torch.testing.assert_close(out.norm(dim=-1), torch.ones(6, 8, dtype=dtype))
        assert bank(z, "video", rand(20, 32, seed=1, dtype=dtype)) is z
        replaced = self.make(width=32, residual=False).to(dtype)(
            z, "current", rand(20, 32, seed=1, dtype=dtype)
        )
        assert (replaced * z).sum(-1).abs().mean() < 0.5

    def test_order_of_codes_does_not_matter(self) -> None:
        bank, z, codebook = self.make(), unit(3, 8, 8), rand(6, 8, seed=1)
        order = torch.tensor([3, 0, 5, 1, 4, 2])
        torch.testing.assert_close(bank(z, "current", codebook), bank(z, "current", codebook[order]))

    def test_gradient_is_right_and_spares_the_codebook(self) -> None:
        bank, codebook = self.make((3, 3)), rand(4, 8, seed=1).requires_grad_()
        video = torch.tensor([[0, 3, 1], [2, 2, 0]])

        def both(z: Tensor) -> tuple[Tensor, Tensor]:
            out = bank(z, "current", codebook)
            return out, bank.loss(quantised(video), (out, out), NONE)

        z = unit(2, 3, 8).requires_grad_()
        assert gradcheck(both, (z,))
        out, loss = both(z)
        ((out * rand(2, 3, 8, seed=2)).sum() + loss).backward()
        assert codebook.grad is None
        assert_gradient_everywhere(bank)

    @pytest.mark.parametrize(("shuffled", "low", "high"), [(False, 0.8, 1.0), (True, 0.0, 0.3)])
    def test_attention_finds_the_code_only_where_the_current_tells_it(
        self, shuffled: bool, low: float, high: float
    ) -> None:
        bank, codebook = self.make(window=1, local=1.0), unit(6, 8, seed=1)
        rotation = torch.linalg.qr(rand(8, 8, seed=2))[0]
        optimizer = torch.optim.Adam(bank.parameters(), lr=0.02)
        for step in range(90):
            codes = torch.randint(6, (32, 8), generator=generator(step))
            z = F.normalize(codebook[codes] @ rotation + 0.1 * rand(32, 8, 8, seed=step + 1000), dim=-1)
            bank(z, "current", codebook)
            assert bank.attention is not None
            right = bank.attention.detach().gather(-1, codes[..., None]).mean()
            optimizer.zero_grad()
            bank.loss(quantised(codes.flip(0) if shuffled else codes), (z, z), NONE).backward()
            optimizer.step()
        assert low <= float(right) <= high

    def test_entropy_is_logged_and_global_only_has_no_loss(self) -> None:
        bank = self.make(local=0.0)
        bank(unit(2, 8, 8), "current", torch.ones(7, 8, dtype=torch.float64))
        assert float(bank.logs["attention_entropy"]) == pytest.approx(math.log(7))
        assert bank.loss(quantised(torch.zeros(2, 8, dtype=torch.int64)), (NONE.strong,) * 2, NONE) == 0

    @pytest.mark.parametrize(
        ("settings", "rule"), [({"heads": 3}, "heads 3 and width 8"), ({"window": 3}, "at most the steps")]
    )
    def test_refusals(self, settings: dict[str, Any], rule: str) -> None:
        with pytest.raises(InvalidRequest, match=rule):
            self.make((8, 2), **{"window": 1, **settings})

    @pytest.mark.parametrize("sizes", (SIZES, UNEQUAL))
    def test_trains_while_the_codebook_moves_and_can_be_copied(self, sizes: Sizes) -> None:
        method = small_method(sizes, bridge={"name": "code_bank", "heads": 2})
        pretrainer, before = Pretrainer(method), weights(method.bridge)
        terms = [pretrainer.step(*batch(sizes)) for _ in range(12)]
        assert terms[-1]["bridge"] < terms[0]["bridge"]
        assert not any(torch.equal(w, before[name]) for name, w in weights(method.bridge).items())
        same = copy.deepcopy(method).codes("current", batch(sizes)[0])
        assert torch.equal(same[1], method.codes("current", batch(sizes)[0])[1])


class TestQFormer:
    def make(self, steps: tuple[int, int] = (12, 8), **settings: Any) -> QFormer:
        torch.manual_seed(0)
        parameters = QFormerParameters(**{"queries": 3, "heads": 2, **settings})
        return QFormer(parameters, width=8, current_steps=steps[0], video_steps=steps[1]).double()

    def only(self, loss: str, **settings: Any) -> QFormer:
        weights = {"itc": 0.0, "itm": 0.0, "code": 0.0, loss: 1.0}
        return self.make(**weights, **settings)

    @pytest.mark.parametrize("dtype", DTYPES)
    @pytest.mark.parametrize("count", (1, 4))
    def test_any_length_becomes_unit_tokens(self, count: int, dtype: torch.dtype) -> None:
        qformer = self.make().to(dtype)
        assert qformer.current_steps == qformer.video_steps == 3
        tokens = [
            qformer(unit(count, t, 8, dtype=dtype), m, NONE.strong)
            for m, t in (("current", 12), ("video", 8))
        ]
        for found in tokens:
            assert found.shape == (count, 3, 8) and found.dtype == dtype
            torch.testing.assert_close(found.norm(dim=-1), torch.ones(count, 3, dtype=dtype))
        codes, distances = torch.zeros(count, 3, dtype=torch.int64), rand(count, 3, 5, dtype=dtype).square()
        loss = qformer.loss(quantised(codes, distances), (tokens[0], tokens[1]), NONE)
        assert loss.shape == () and loss.isfinite()

    def test_time_is_known_by_the_positions_alone(self) -> None:
        qformer, z = self.make(), unit(2, 12, 8)
        turned = z[:, torch.randperm(12, generator=generator())]
        assert (
            qformer(z, "current", NONE.strong) - qformer(turned, "current", NONE.strong)
        ).abs().max() > 1e-3
        nn.init.zeros_(qformer.positions["current"])
        torch.testing.assert_close(
            qformer(z, "current", NONE.strong), qformer(turned, "current", NONE.strong)
        )

    def test_shared_nets_differ_by_the_positions_alone(self) -> None:
        z = unit(2, 8, 8)
        for shared in (True, False):
            qformer = self.make((8, 8), shared=shared)
            current, video = (qformer(z, m, NONE.strong) for m in ("current", "video"))
            assert (current - video).abs().max() > 1e-3
            with torch.no_grad():
                qformer.positions["video"].copy_(qformer.positions["current"])
            assert torch.equal(qformer(z, "video", NONE.strong), current) == shared

    @pytest.mark.parametrize("pool", ("max", "mean", "both"))
    def test_contrast_equals_loops(self, pool: str) -> None:
        qformer, c, v = self.only("itc", pool=pool, temperature=0.2), unit(4, 3, 8), unit(4, 3, 8, seed=1)
        how = {"max": np.max, "mean": np.mean, "both": lambda x: 0.5 * (np.max(x) + np.mean(x))}[pool]
        s = np.zeros((4, 4))
        for i, j in product(range(4), range(4)):
            a, b = array(c)[i], array(v)[j]
            mean_a, mean_b = (x.mean(0) / np.linalg.norm(x.mean(0)) for x in (a, b))
            s[i, j] = 0.5 * (how([q @ mean_b for q in a]) + how([q @ mean_a for q in b]))
        np.testing.assert_allclose(array(qformer.similarity(c, v)), s, atol=1e-12)
        expected = 0.0
        for logits in (s / 0.2, s.T / 0.2):
            for i in range(4):
                target = np.full(4, 0.1 / 4)
                target[i] += 0.9
                expected -= (target * np.log(softmax(logits[i]))).sum() / 8
        loss = qformer.loss(quantised(torch.zeros(4, 3, dtype=torch.int64)), (c, v), NONE)
        assert float(loss) == pytest.approx(expected, abs=1e-9)

    def test_maximum_trains_one_query_and_both_trains_all(self) -> None:
        for pool, some in (("max", True), ("both", False)):
            c, v = unit(1, 3, 8).requires_grad_(), unit(1, 3, 8, seed=1)
            by_query = torch.einsum("ind,jd->ijn", c, F.normalize(v.mean(1), dim=-1))
            self.make(pool=pool)._pool(by_query).sum().backward()
            assert c.grad is not None and bool((c.grad.abs().sum(-1) == 0).any()) == some

    def test_matching_equals_a_loop_over_pairs_and_their_hardest_non_pairs(self) -> None:
        qformer, c, v = self.only("itm"), unit(4, 3, 8), unit(4, 3, 8, seed=1)
        s = array(qformer.similarity(c, v))

        def log_odds(i: int, j: int) -> float:
            fused = qformer.fuse(c[i : i + 1], v[j : j + 1])[0]
            return float(np.mean([linear(array(token), qformer.match)[0] for token in fused]))

        expected = 0.0
        for i in range(4):
            others = [j for j in range(4) if j != i]
            expected += math.log1p(math.exp(-log_odds(i, i)))
            expected += math.log1p(math.exp(log_odds(i, max(others, key=lambda j: s[i, j]))))
            expected += math.log1p(math.exp(log_odds(max(others, key=lambda j: s[j, i]), i)))
        loss = qformer.loss(quantised(torch.zeros(4, 3, dtype=torch.int64)), (c, v), NONE)
        assert float(loss.detach()) == pytest.approx(expected / 12, abs=1e-9)

    def test_code_prediction_equals_a_loop(self) -> None:
        qformer, c, v = self.only("code", temperature=0.3), unit(2, 3, 8), unit(2, 3, 8, seed=1)
        distances, codes = rand(2, 3, 5, seed=2).square(), torch.tensor([[0, 4, 2], [1, 1, 3]])
        expected = 0.0
        for b, n in product(range(2), range(3)):
            expected -= math.log(softmax(-array(distances)[b, n] / 0.3)[int(codes[b, n])]) / 6
        loss = qformer.loss(quantised(codes, distances), (c, v), NONE)
        assert float(loss) == pytest.approx(expected, abs=1e-9)

    def test_gradient(self) -> None:
        qformer = self.make((4, 3), layers=1)
        codes, distances = torch.tensor([[0, 4, 2], [1, 1, 3], [2, 0, 0]]), rand(3, 3, 5, seed=2).square()

        def loss(c: Tensor, v: Tensor) -> Tensor:
            tokens = qformer(c, "current", NONE.strong), qformer(v, "video", NONE.strong)
            return qformer.loss(quantised(codes, distances), tokens, NONE)

        c, v = unit(3, 4, 8).requires_grad_(), unit(3, 3, 8, seed=1).requires_grad_()
        assert gradcheck(loss, (c, v))
        loss(c, v).backward()
        assert_gradient_everywhere(qformer)

    @pytest.mark.parametrize("shared", (True, False))
    @pytest.mark.parametrize(("shuffled", "low", "high"), [(False, 0.7, 1.0), (True, 0.0, 0.12)])
    def test_retrieval_is_learned_and_at_chance_for_shuffled_pairs(
        self, shared: bool, shuffled: bool, low: float, high: float
    ) -> None:
        qformer = self.make((6, 4), shared=shared, layers=1, itm=0.0, code=0.0, itc=1.0).float()
        optimizer = torch.optim.Adam(qformer.parameters(), lr=0.01)

        def similarity(seed: int, count: int) -> Tensor:
            latent = rand(count, 1, 8, seed=seed, dtype=torch.float32)
            c, v = (latent + 0.1 * rand(count, t, 8, seed=seed + t, dtype=torch.float32) for t in (6, 4))
            order = torch.randperm(count, generator=generator(seed)) if shuffled else torch.arange(count)
            return qformer.similarity(qformer(c, "current", c), qformer(v[order], "video", v))

        for step in range(60):
            logits = similarity(10 * step, 32) / 0.1
            optimizer.zero_grad()
            F.cross_entropy(logits, torch.arange(32)).backward()
            optimizer.step()
        with torch.no_grad():
            found = similarity(50_000, 64).argmax(1) == torch.arange(64)
        assert low <= float(found.float().mean()) <= high

    def test_queries_that_are_used_are_logged(self) -> None:
        qformer, v = self.make(), unit(4, 3, 8, seed=1)
        c = (
            F.normalize(v.mean(1), dim=-1)[:1, None].expand(4, 3, 8)
            * torch.tensor([1.0, -1.0, -1.0])[:, None]
        )
        qformer.similarity(c.contiguous(), v[:1].expand(4, 3, 8))
        assert float(qformer.logs["queries_used"]) == pytest.approx(1 / 3)

    def test_refusals(self) -> None:
        with pytest.raises(InvalidRequest, match="heads 3 and width 8"):
            self.make(heads=3)
        with pytest.raises(InvalidRequest, match="cross_cpc needs .* bridge: qformer does not give"):
            check(recipe(bridge="qformer"))
        check(recipe(bridge="qformer", alignment="none"))


class TestProjectionExperts:
    def make(self, steps: tuple[int, int] = (6, 4), **settings: Any) -> ProjectionExperts:
        torch.manual_seed(0)
        parameters = ProjectionExpertsParameters(**{"tokens": 3, "heads": 2, **settings})
        return ProjectionExperts(parameters, width=8, current_steps=steps[0], video_steps=steps[1]).double()

    def one_expert(self, expert: _Expert, x: Array, time: list[float], rows: range) -> Array:
        """A transformer layer by loops: row sees column where it is not later."""
        known = [layer_norm(row, expert.before_attention) for row in x]
        sources = [linear(row, expert.source) for row in known]
        out = []
        for r in rows:
            query, read = linear(known[r], expert.query), np.zeros(8)
            seen = [c for c in range(len(x)) if time[c] <= time[r]]
            for part in (slice(0, 4), slice(4, 8)):
                a = softmax(np.array([query[part] @ sources[c][:8][part] for c in seen]) / 2.0)
                read[part] = sum(w * sources[c][8:][part] for w, c in zip(a, seen, strict=True))
            y = x[r] + linear(read, expert.merge)
            enter, leave = expert.feed[0], expert.feed[2]
            assert isinstance(enter, nn.Linear) and isinstance(leave, nn.Linear)
            out.append(y + linear(np.maximum(linear(layer_norm(y, expert.before_feed), enter), 0.0), leave))
        return np.array(out)

    @pytest.mark.parametrize("shared", (0, 2))
    @pytest.mark.parametrize("keep", ("steps", "tokens"))
    @pytest.mark.parametrize("router", ("softmax", "sigmoid", "constant"))
    @pytest.mark.parametrize(("modality", "steps"), [("current", 6), ("video", 4)])
    def test_equals_loops(self, shared: int, keep: str, router: str, modality: str, steps: int) -> None:
        bridge, z = self.make(keep=keep, router=router, shared=shared), unit(1, steps, 8)
        out = array(bridge(z, modality, NONE.strong))[0]
        known = np.array([scaled(row) for row in array(z)[0]])
        for layer in bridge.shared:
            assert isinstance(layer, _Expert)
            known = self.one_expert(layer, known, [*range(steps)], range(steps))
        x = np.array([*array(bridge.tokens[modality]), *known])
        if keep == "steps":
            time, rows = [-1.0, -1.0, -1.0, *range(steps)], range(3, 3 + steps)
        else:
            # Token n stands at the end of the n-th third of the window.
            ends = [math.ceil((n + 1) * steps / 3) - 1 + n / 10 for n in range(3)]
            time, rows = [*ends, *range(steps)], range(3)
        experts = [self.one_expert(e, x, time, rows) for e in bridge.experts if isinstance(e, _Expert)]
        entropy = 0.0
        for i, r in enumerate(rows):
            w = np.full(3, 1 / 3)
            if router != "constant":
                enter, leave = (bridge.routers[modality][k] for k in (0, 2))  # type: ignore[index]
                hidden = linear(x[r], enter)
                logits = linear(
                    0.5 * hidden * (1 + np.array([math.erf(h / math.sqrt(2)) for h in hidden])), leave
                )
                w = softmax(logits) if router == "softmax" else 1 / (1 + np.exp(-logits))
                w = w / w.sum()
            entropy -= (w * np.log(w)).sum() / len(rows)
            mixed = sum(w[k] * experts[k][i] for k in range(3))
            np.testing.assert_allclose(out[i], mixed / np.linalg.norm(mixed), atol=1e-9)
        assert float(bridge.logs[f"{modality}_gate_entropy"]) == pytest.approx(entropy)

    def test_steps_see_nothing_later(self) -> None:
        bridge, z = self.make(), unit(2, 6, 8)
        before = bridge(z, "current", NONE.strong)
        for t in range(1, 6):
            changed = z.clone()
            changed[:, t:] = unit(2, 6 - t, 8, seed=t)
            after = bridge(changed, "current", NONE.strong)
            torch.testing.assert_close(before[:, :t], after[:, :t])
            assert (before[:, t] - after[:, t]).abs().max() > 1e-3

    @pytest.mark.parametrize("tokens", (2, 3, 8))
    def test_tokens_see_nothing_later(self, tokens: int) -> None:
        bridge, z = self.make(keep="tokens", tokens=tokens), unit(2, 6, 8)
        assert bridge.current_steps == bridge.video_steps == tokens
        before = bridge(z, "current", NONE.strong)
        for t in range(6):
            changed = z.clone()
            changed[:, t] = unit(2, 8, seed=t + 1)
            moved = (bridge(changed, "current", NONE.strong) - before).abs().amax((0, 2)) > 1e-9
            # Token n reads the steps that begin before its stretch ends.
            assert moved.tolist() == [t < (n + 1) * 6 / tokens for n in range(tokens)]

    def test_experts_are_shared_and_the_rest_is_not(self) -> None:
        bridge, z = self.make((6, 6), router="softmax"), unit(2, 6, 8)
        video = bridge(z, "video", NONE.strong)
        assert (bridge(z, "current", NONE.strong) - video).abs().max() > 1e-3
        with torch.no_grad():
            bridge.tokens["current"].copy_(bridge.tokens["video"])
        bridge.routers["current"].load_state_dict(bridge.routers["video"].state_dict())
        assert torch.equal(bridge(z, "current", NONE.strong), video)

    @pytest.mark.parametrize("router", ("softmax", "sigmoid"))
    def test_weights_of_the_experts_sum_to_one(self, router: str) -> None:
        weights = self.make(router=router).weights(rand(2, 5, 8), "current")
        torch.testing.assert_close(weights.sum(-1), torch.ones(2, 5, dtype=torch.float64))
        assert weights.std() > 1e-3

    @pytest.mark.parametrize("dtype", DTYPES)
    def test_any_batch_and_gradient_everywhere(self, dtype: torch.dtype) -> None:
        bridge = self.make().to(dtype)
        for count in (1, 5):
            out = {
                m: bridge(unit(count, t, 8, dtype=dtype), m, NONE.strong)
                for m, t in (("current", 6), ("video", 4))
            }
            assert out["current"].shape == (count, 6, 8) and out["video"].shape == (count, 4, 8)
            assert out["current"].dtype == dtype
        sum((z * rand(*z.shape, seed=2, dtype=dtype)).sum() for z in out.values()).backward()  # type: ignore[union-attr]
        assert_gradient_everywhere(bridge)
        zero = bridge.loss(quantised(torch.zeros(1, 1)), (NONE.strong, NONE.strong), NONE)
        assert zero == 0

    def test_gradient(self) -> None:
        for keep in ("steps", "tokens"):
            bridge = self.make((3, 3), keep=keep, tokens=2)
            assert gradcheck(
                lambda z, b=bridge: b(z, "current", NONE.strong), (unit(2, 3, 8).requires_grad_(),)
            )

    def test_refusals(self) -> None:
        with pytest.raises(InvalidRequest, match="heads 3 and width 8"):
            self.make(heads=3)
        check(recipe(bridge="projection_experts"))

    @pytest.mark.parametrize("sizes", (SIZES, UNEQUAL))
    def test_trains_in_a_method(self, sizes: Sizes) -> None:
        bridge = {"name": "projection_experts", "heads": 2, "tokens": 2}
        method = small_method(sizes, bridge=bridge)
        pretrainer, before = Pretrainer(method), weights(method.bridge)
        for _ in range(3):
            terms = pretrainer.step(*batch(sizes))
        assert all(term.isfinite() for term in terms.values())
        assert not any(torch.equal(w, before[name]) for name, w in weights(method.bridge).items())
