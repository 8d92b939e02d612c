"""Contrasts that look at pairs, labels or metadata, against loops written from their equations."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from helpers_models import generator
from torch import Tensor, nn

import models.catalog  # noqa: F401
from models.beside import Beside
from models.contrast.clmlf import CLMLF, CLMLFParameters
from models.contrast.cwcl import CWCL, CWCLParameters
from models.contrast.jema_style import JEMAStyle, JEMAStyleParameters
from models.contrast.sigmoid import Sigmoid, SigmoidParameters
from models.contrast.supcon import SupCon, SupConParameters, over_others, soft_cross_entropy
from models.contrast.triplet import Triplet, TripletParameters
from models.contrast.triplet_hard import HardTriplet, HardTripletParameters
from models.contrast.triplet_semi_hard import SemiHardTriplet, SemiHardTripletParameters
from models.errors import InvalidRequest
from models.registry import build, lookup, resolve

MINE = (
    {"name": "sigmoid"},
    {"name": "cwcl"},
    {"name": "cwcl", "kernel": "centred"},
    {"name": "cwcl", "kernel": "exponential"},
    {"name": "triplet"},
    {"name": "triplet_hard"},
    {"name": "triplet_semi_hard"},
    {"name": "triplet_semi_hard", "anneal": 0.8},
    {"name": "supcon"},
    {"name": "supcon", "anchors": "video"},
    {"name": "clmlf"},
    {"name": "clmlf", "faithful": True},
    {"name": "jema_style"},
    {"name": "jema_style", "bandwidth": 0.5},
)
WIDTH, PRIVATE, METADATA = 4, 3, 2
Array = np.ndarray[Any, Any]


def rand(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(shape, generator=generator(seed), dtype=torch.float64).to(dtype)


def unit(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return F.normalize(rand(*shape, seed=seed, dtype=dtype), dim=-1)


def beside(count: int, dtype: torch.dtype = torch.float64, **changes: Any) -> Beside:
    """What stands beside ``count`` windows of 12 steps of current and 8 of video."""
    given: dict[str, Any] = {
        "strong": rand(count, 8, 7, seed=11, dtype=dtype),
        "private": (
            rand(count, 12, PRIVATE, seed=12, dtype=dtype),
            rand(count, 8, PRIVATE, seed=13, dtype=dtype),
        ),
        "label": torch.randint(2, (count,), generator=generator(14)),
        "metadata": rand(count, METADATA, seed=15, dtype=dtype),
        "progress": 0.4,
    }
    return Beside(**{**given, **changes})


def make(spec: dict[str, Any], dtype: torch.dtype = torch.float64) -> nn.Module:
    torch.manual_seed(0)
    built: nn.Module = build(
        "contrast",
        resolve("contrast", spec),
        width=WIDTH,
        private_width=PRIVATE,
        metadata_width=METADATA,
    )
    return built.to(dtype)


def log_share(scores: Array, chosen: int, among: list[int]) -> float:
    """log(exp(score of the chosen) / sum of exp over those among it)."""
    return float(scores[chosen] - np.log(sum(np.exp(scores[a]) for a in among)))


@pytest.mark.parametrize("spec", MINE, ids=lambda s: "-".join(str(v) for v in s.values()))
class TestEveryContrast:
    @pytest.mark.parametrize("dtype", (torch.float32, torch.float64))
    @pytest.mark.parametrize("toward_video", (True, False))
    def test_scalar_for_any_batch(self, spec: dict[str, Any], dtype: torch.dtype, toward_video: bool) -> None:
        module = make(spec, dtype)
        for sets, count in ((1, 1), (1, 2), (3, 5)):
            predicted = unit(sets, count, WIDTH, dtype=dtype).requires_grad_()
            target = unit(sets, count, WIDTH, seed=1, dtype=dtype).requires_grad_()
            loss = module(predicted, target, beside=beside(count, dtype), toward_video=toward_video)
            assert loss.shape == () and loss.dtype == dtype and loss.isfinite()
            loss.backward()
            for x in (predicted, target):
                assert x.grad is None or x.grad.isfinite().all()
            for note in getattr(module, "logs", {}).values():
                assert note.shape == () and note.isfinite() and not note.requires_grad

    def test_gradient_reaches_every_parameter(self, spec: dict[str, Any]) -> None:
        module = make(spec)
        predicted, target = unit(2, 8, WIDTH).requires_grad_(), unit(2, 8, WIDTH, seed=1)
        for toward_video in (True, False):
            module(predicted, target, beside=beside(8), toward_video=toward_video).backward()
        assert predicted.grad is not None and predicted.grad.abs().sum() > 0
        for name, p in module.named_parameters():
            assert p.grad is not None and p.grad.abs().sum() > 0, f"no gradient reaches {name}"

    @pytest.mark.parametrize("toward_video", (True, False))
    def test_gradient_is_the_derivative(self, spec: dict[str, Any], toward_video: bool) -> None:
        module, around = make(spec), beside(5)
        inputs = [unit(2, 5, WIDTH, seed=s).requires_grad_() for s in (2, 3)]
        torch.autograd.gradcheck(lambda p, t: module(p, t, beside=around, toward_video=toward_video), inputs)

    def test_right_pairs_cost_less_than_wrong_ones(self, spec: dict[str, Any]) -> None:
        module, target = make(spec), unit(2, 32, WIDTH)
        for toward_video in (True, False):
            right = module(target, target, beside=beside(32), toward_video=toward_video)
            for turn in (1, 7, 16):
                assert right < module(
                    target, target.roll(turn, 1), beside=beside(32), toward_video=toward_video
                )

    def test_sets_are_averaged_and_the_order_of_windows_does_not_matter(self, spec: dict[str, Any]) -> None:
        module, p, t, around = make(spec), unit(3, 6, WIDTH), unit(3, 6, WIDTH, seed=1), beside(6)
        loss = module(p, t, beside=around, toward_video=True)
        alone = [module(p[m : m + 1], t[m : m + 1], beside=around, toward_video=True) for m in range(3)]
        torch.testing.assert_close(loss, torch.stack(alone).mean())
        order = torch.randperm(6, generator=generator(3))
        assert around.label is not None and around.metadata is not None
        moved = beside(
            6,
            strong=around.strong[order],
            private=(around.private[0][order], around.private[1][order]),
            label=around.label[order],
            metadata=around.metadata[order],
        )
        torch.testing.assert_close(loss, module(p[:, order], t[:, order], beside=moved, toward_video=True))


class TestSigmoid:
    def test_equals_a_loop_over_the_pairs(self) -> None:
        p, t = unit(2, 5, WIDTH), unit(2, 5, WIDTH, seed=1)
        module = Sigmoid(SigmoidParameters(scale=4.0, bias=-1.5)).double()
        expected = 0.0
        for m in range(2):
            for i in range(5):
                for j in range(5):
                    y = 1.0 if i == j else -1.0
                    z = y * (4.0 * float(p[m, i] @ t[m, j]) - 1.5)
                    expected -= math.log(1.0 / (1.0 + math.exp(-z))) / 5 / 2
        assert float(module(p, t, beside=beside(5), toward_video=True).detach()) == pytest.approx(
            expected, rel=1e-6
        )

    def test_starts_where_the_paper_does_and_notes_what_it_learned(self) -> None:
        module = Sigmoid(SigmoidParameters()).double()
        module(unit(1, 4, WIDTH), unit(1, 4, WIDTH, seed=1), beside=beside(4), toward_video=True)
        assert float(module.logs["scale"]) == pytest.approx(10.0, rel=1e-6)
        assert float(module.logs["bias"]) == -10.0

    def test_a_pair_costs_the_same_in_any_batch(self) -> None:
        """No soft-max: with far-off windows beside it, a pair's own gradient does not change."""
        module, p = Sigmoid(SigmoidParameters()).double(), torch.eye(4, dtype=torch.float64)[None]
        found = []
        for count in (1, 4):
            x = p[:, :count].clone().requires_grad_()
            (count * module(x, p[:, :count], beside=beside(count), toward_video=True)).backward()
            assert x.grad is not None
            found.append(float(x.grad[0, 0, 0]))
        assert found[0] == pytest.approx(found[1], rel=1e-12)


class TestCWCL:
    @staticmethod
    def targets(kernel: str, p: Array, bandwidth: float) -> Array:
        count = len(p)
        if kernel == "centred":
            p = p - sum(p[i] for i in range(count)) / count
        w = np.zeros((count, count))
        for i in range(count):
            for j in range(count):
                cos = float(p[i] @ p[j] / math.sqrt(p[i] @ p[i]) / math.sqrt(p[j] @ p[j]))
                w[i, j] = math.exp((cos - 1.0) / bandwidth) if kernel == "exponential" else (1.0 + cos) / 2.0
            w[i] /= w[i].sum()
        return w

    @pytest.mark.parametrize("kernel", ("affine", "centred", "exponential"))
    def test_equals_a_loop(self, kernel: str) -> None:
        around, video, current = beside(5), unit(1, 5, WIDTH), unit(1, 5, WIDTH, seed=1)
        module = CWCL(CWCLParameters(temperature=0.2, kernel=kernel, bandwidth=0.3))
        w = self.targets(kernel, around.strong.mean(1).numpy(), 0.3)
        s, everyone = (video[0] @ current[0].T / 0.2).numpy(), list(range(5))
        expected, effective = 0.0, 0.0
        for i in range(5):
            expected -= sum(w[i, j] * log_share(s[i], j, everyone) for j in everyone) / 10
            expected -= log_share(s[:, i], i, everyone) / 10
            effective += math.exp(-sum(w[i, j] * math.log(w[i, j]) for j in everyone)) / 5
        loss = module(current, video, beside=around, toward_video=True)
        assert float(loss) == pytest.approx(expected, rel=1e-6)
        assert float(module(video, current, beside=around, toward_video=False)) == pytest.approx(float(loss))
        assert float(module.logs["effective"]) == pytest.approx(effective, rel=1e-6)

    def test_the_affine_weight_is_to_the_bit_what_it_was(self) -> None:
        strong = rand(9, 4, 7, seed=5).float()
        p = F.normalize(strong.mean(1), dim=-1)
        w = 0.5 + 0.5 * (p @ p.T).clamp(-1.0, 1.0)
        assert torch.equal(CWCL(CWCLParameters()).weights(strong), w / w.sum(-1, keepdim=True))

    def test_effective_positives_show_the_flatness(self) -> None:
        """Of 128 unrelated windows the affine weight takes nearly all for positives, the exponential one."""
        windows, cone = rand(128, 1, 128, seed=5), rand(128, 1, 128, seed=5) + 3.0
        found = {}
        for kernel in ("affine", "centred", "exponential"):
            module = CWCL(CWCLParameters(kernel=kernel))
            for name, strong in (("unrelated", windows), ("cone", cone)):
                x = unit(1, 128, WIDTH)
                module(x, x, beside=beside(128, strong=strong), toward_video=True)
                found[kernel, name] = float(module.logs["effective"])
        assert found["affine", "unrelated"] > 120 and found["exponential", "unrelated"] < 2
        assert found["exponential", "cone"] > 100
        assert found["centred", "cone"] == pytest.approx(found["centred", "unrelated"], rel=1e-6)
        assert found["affine", "cone"] > found["centred", "cone"]


class TestTriplets:
    def hinges(self, p: Tensor, t: Tensor, margin: float, kind: str) -> list[float]:
        """Losses of every anchor, both ways, by the definition."""
        found = []
        for m in range(len(p)):
            s = (p[m] @ t[m].T).numpy()
            for side in (s, s.T):
                for i in range(len(side)):
                    others = [float(side[i, j]) for j in range(len(side)) if j != i]
                    if kind == "semi-hard":
                        others = [o for o in others if o < side[i, i]] or others
                    found.append(max(0.0, margin + max(others) - float(side[i, i])) if others else 0.0)
        return found

    def test_against_the_private_feature_equals_a_loop(self) -> None:
        triplet = Triplet(TripletParameters(margin=0.3), width=WIDTH, private_width=PRIVATE).double()
        p, t, around = unit(2, 6, WIDTH), unit(2, 6, WIDTH, seed=1), beside(6)
        for toward_video in (True, False):
            layer = triplet.of_current if toward_video else triplet.of_video
            private = around.private[0 if toward_video else 1]
            found = []
            for m in range(2):
                for b in range(6):
                    n = sum(layer.weight @ x + layer.bias for x in private[b]) / len(private[b])
                    n = (n / n.square().sum().sqrt()).detach()
                    found.append(max(0.0, 0.3 + float(p[m, b] @ n) - float(p[m, b] @ t[m, b])))
            loss = triplet(p, t, beside=around, toward_video=toward_video)
            assert float(loss.detach()) == pytest.approx(sum(found) / 12, rel=1e-6)
            assert float(triplet.logs["active"]) == pytest.approx(sum(f > 0 for f in found) / 12)
            assert 0 < float(triplet.logs["active"]) < 1

    @pytest.mark.parametrize("kind", ("hard", "semi-hard"))
    def test_in_the_batch_equals_a_loop(self, kind: str) -> None:
        p = unit(2, 9, WIDTH)
        t = F.normalize(p + 0.6 * rand(2, 9, WIDTH, seed=1), dim=-1)
        module = (
            HardTriplet(HardTripletParameters(margin=0.3))
            if kind == "hard"
            else SemiHardTriplet(SemiHardTripletParameters(margin=0.3))
        )
        found = self.hinges(p, t, 0.3, kind)
        assert float(module(p, t, beside=beside(9), toward_video=True)) == pytest.approx(
            sum(found) / 36, rel=1e-6
        )
        assert float(module.logs["active"]) == pytest.approx(sum(f > 0 for f in found) / 36)
        assert 0 < float(module.logs["active"]) < 1
        assert self.hinges(p, t, 0.3, "hard") != self.hinges(p, t, 0.3, "semi-hard")

    def test_without_a_farther_negative_the_hardest_is_taken(self) -> None:
        p = torch.tensor([[[1.0, 0.0], [-1.0, 0.0]]], dtype=torch.float64)
        module = SemiHardTriplet(SemiHardTripletParameters(margin=0.2))
        # Each pair is opposite, each wrong pair equal: 0.2 + 1 - (-1).
        assert float(module(p, -p, beside=beside(2), toward_video=True)) == pytest.approx(2.2)

    def test_annealing_goes_from_semi_hard_to_hard(self) -> None:
        p, t = unit(1, 9, WIDTH), unit(1, 9, WIDTH, seed=1)
        semi, hard = (sum(self.hinges(p, t, 0.2, kind)) / 18 for kind in ("semi-hard", "hard"))
        assert hard > semi + 0.1
        module = SemiHardTriplet(SemiHardTripletParameters(anneal=0.5))
        for progress, share in ((0.0, 0.0), (0.25, 0.5), (0.5, 1.0), (1.0, 1.0)):
            loss = module(p, t, beside=beside(9, progress=progress), toward_video=True)
            assert float(loss) == pytest.approx((1 - share) * semi + share * hard, rel=1e-6)
        never = SemiHardTriplet(SemiHardTripletParameters(anneal=0.0))
        assert float(never(p, t, beside=beside(9, progress=1.0), toward_video=True)) == pytest.approx(semi)

    def test_one_constant_for_all_is_no_solution(self) -> None:
        constant = unit(1, 1, WIDTH).expand(1, 6, WIDTH)
        for module in (HardTriplet(HardTripletParameters()), SemiHardTriplet(SemiHardTripletParameters())):
            assert float(module(constant, constant, beside=beside(6), toward_video=True)) == pytest.approx(
                0.2
            )
            assert float(module.logs["active"]) == 1.0

    def test_only_comparing_samples_keeps_them_apart(self) -> None:
        """Trained: the private triplet is solved with partners unfound, the others find them."""
        found = {}
        for name in ("triplet", "triplet_hard", "triplet_semi_hard"):
            module = make({"name": name})
            latent = rand(64, 6, seed=20)
            encoders = [nn.Linear(6, WIDTH).double() for _ in range(2)]
            views = [latent + 0.05 * rand(64, 6, seed=s) for s in (21, 22)]
            optimizer = torch.optim.Adam([p for m in (module, *encoders) for p in m.parameters()], lr=0.03)
            for _ in range(80):
                z = [F.normalize(e(x), dim=-1)[None] for e, x in zip(encoders, views, strict=True)]
                loss = module(*z, beside=beside(64), toward_video=True)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            right = (z[0][0] @ z[1][0].T).argmax(1) == torch.arange(64)
            found[name] = float(right.double().mean()), float(module.logs["active"])
        assert found["triplet"][1] < 0.05 and found["triplet"][0] < 0.3
        assert min(found["triplet_hard"][0], found["triplet_semi_hard"][0]) > 0.6


class TestSupCon:
    @pytest.mark.parametrize("toward_video", (True, False))
    @pytest.mark.parametrize("anchors", ("both", "video"))
    def test_equals_a_loop(self, anchors: str, toward_video: bool) -> None:
        p, t = unit(2, 5, WIDTH), unit(2, 5, WIDTH, seed=1)
        label = torch.tensor([0, 1, 1, 0, 1])
        module = SupCon(SupConParameters(temperature=0.3, anchors=anchors))
        loss = module(p, t, beside=beside(5, label=label), toward_video=toward_video)
        of_video = [toward_video] * 5
        of_video = [not v for v in of_video] + of_video
        terms = []
        for m in range(2):
            z, y = torch.cat([p[m], t[m]]).numpy(), torch.cat([label, label]).tolist()
            for i in range(10):
                if anchors == "video" and not of_video[i]:
                    continue
                others = [a for a in range(10) if a != i]
                positives = [a for a in others if y[a] == y[i]]
                terms.append(-sum(log_share(z @ z[i] / 0.3, q, others) for q in positives) / len(positives))
        assert float(loss) == pytest.approx(sum(terms) / len(terms), rel=1e-6)

    def test_classes_that_are_points_reach_the_floor(self) -> None:
        """Two opposite points: log of the positives and a trace of the negatives, not 0."""
        label = torch.tensor([0, 0, 0, 1, 1, 1])
        z = torch.zeros(1, 6, 2, dtype=torch.float64)
        z[0, :, 0] = 1.0 - 2.0 * label
        loss = SupCon(SupConParameters(temperature=0.1))(
            z, z, beside=beside(6, label=label), toward_video=True
        )
        assert float(loss) == pytest.approx(math.log(5 + 6 * math.exp(-20.0)), rel=1e-9)
        assert loss < SupCon(SupConParameters(temperature=0.1))(
            unit(1, 6, 2), unit(1, 6, 2, seed=1), beside=beside(6, label=label), toward_video=True
        )

    def test_the_label_reaches_the_current_whoever_is_the_anchor(self) -> None:
        target = unit(1, 6, WIDTH, seed=1)
        for anchors in ("both", "video"):
            gradients = []
            for label in ([0, 0, 0, 1, 1, 1], [0, 1, 0, 1, 0, 1]):
                current = unit(1, 6, WIDTH).requires_grad_()
                SupCon(SupConParameters(anchors=anchors))(
                    current, target, beside=beside(6, label=torch.tensor(label)), toward_video=True
                ).backward()
                gradients.append(current.grad)
            assert gradients[0] is not None and gradients[1] is not None
            assert (gradients[0] - gradients[1]).abs().max() > 1e-3

    def test_an_anchor_without_a_positive_counts_nothing(self) -> None:
        z = unit(1, 4, WIDTH).requires_grad_()
        soft_cross_entropy(z, torch.zeros(4, 4, dtype=torch.float64), 0.1).backward()
        assert z.grad is not None and not z.grad.any()
        assert not over_others(torch.zeros(2, 2)).any()

    @pytest.mark.parametrize("name", ("supcon", "clmlf"))
    def test_without_labels_it_says_so(self, name: str) -> None:
        assert lookup("contrast", name).needs == {"label"}
        with pytest.raises(InvalidRequest, match=f"contrast.{name} needs a label"):
            make({"name": name})(
                unit(1, 2, WIDTH), unit(1, 2, WIDTH), beside=beside(2, label=None), toward_video=True
            )


class TestCLMLF:
    @pytest.mark.parametrize("toward_video", (True, False))
    @pytest.mark.parametrize("faithful", (True, False))
    def test_equals_a_loop(self, faithful: bool, toward_video: bool) -> None:
        torch.manual_seed(1)
        parameters = CLMLFParameters(temperature=0.3, lbcl_weight=0.7, dbcl_weight=1.3, faithful=faithful)
        module = CLMLF(parameters, width=WIDTH).double()
        for p in module.of_augmented.parameters():
            p.data.normal_()
        video, current = unit(2, 5, WIDTH), unit(2, 5, WIDTH, seed=1)
        label = [0, 1, 1, 0, 1]
        arguments = (current, video) if toward_video else (video, current)
        loss = module(*arguments, beside=beside(5, label=torch.tensor(label)), toward_video=toward_video)

        def mapped(net: nn.Sequential, x: Array) -> Array:
            enter, _, leave = net
            h = enter.weight.detach().numpy() @ x + enter.bias.detach().numpy()
            h = np.array([v * 0.5 * (1.0 + math.erf(v / math.sqrt(2.0))) for v in h])
            out: Array = leave.weight.detach().numpy() @ h + leave.bias.detach().numpy()
            return out if faithful else out / math.sqrt(out @ out)

        expected, everyone = 0.0, list(range(5))
        for m in range(2):
            originals = np.stack([mapped(module.of_original, x) for x in video[m].numpy()])
            views = np.stack([mapped(module.of_augmented, x) for x in current[m].numpy()])
            for i in everyone:
                expected -= 1.3 * log_share(views @ originals[i] / 0.3, i, everyone) / 5 / 2
            pairs = []
            for i in everyone:
                for j in everyone:
                    if label[i] != label[j]:
                        continue
                    if faithful:
                        pairs.append(-log_share(originals @ originals[i], j, everyone) / 0.3)
                    elif i != j:
                        others = [a for a in everyone if a != i]
                        pairs.append(-log_share(originals @ originals[i] / 0.3, j, others))
            expected += 0.7 * sum(pairs) / len(pairs) / 2
        assert float(loss.detach()) == pytest.approx(expected, rel=1e-6)

    def test_the_label_reaches_the_current_through_its_partner_only(self) -> None:
        for weights, reached in (((1.0, 0.0), False), ((0.0, 1.0), True)):
            module = CLMLF(
                CLMLFParameters(lbcl_weight=weights[0], dbcl_weight=weights[1]), width=WIDTH
            ).double()
            current, video = unit(1, 6, WIDTH).requires_grad_(), unit(1, 6, WIDTH, seed=1).requires_grad_()
            module(current, video, beside=beside(6), toward_video=True).backward()
            assert current.grad is not None and bool(current.grad.any()) == reached
            assert video.grad is not None and video.grad.any()

    def test_released_temperature_only_scales_the_label_term(self) -> None:
        """Its defect: at half the temperature the loss and its gradient are twice as large, no sharper."""
        found = {}
        for faithful in (True, False):
            for temperature in (0.1, 0.2):
                torch.manual_seed(0)
                module = CLMLF(
                    CLMLFParameters(temperature=temperature, dbcl_weight=0.0, faithful=faithful), width=WIDTH
                ).double()
                video = unit(1, 6, WIDTH).requires_grad_()
                module(video.detach(), video, beside=beside(6), toward_video=True).backward()
                assert video.grad is not None
                found[faithful, temperature] = video.grad
        torch.testing.assert_close(found[True, 0.1], 2.0 * found[True, 0.2])
        assert (found[False, 0.1] - 2.0 * found[False, 0.2]).abs().max() > 1e-2 * found[
            False, 0.1
        ].abs().max()

    def test_the_two_networks_start_alike_and_part(self) -> None:
        module = make({"name": "clmlf"})
        assert isinstance(module, CLMLF)
        first, second = (net[0].weight for net in (module.of_original, module.of_augmented))
        assert torch.equal(first, second)
        module(unit(1, 6, WIDTH), unit(1, 6, WIDTH, seed=1), beside=beside(6), toward_video=True).backward()
        assert first.grad is not None and second.grad is not None and not torch.equal(first.grad, second.grad)


class TestJEMAStyle:
    @pytest.mark.parametrize("bandwidth", (None, 0.8))
    def test_equals_a_loop(self, bandwidth: float | None) -> None:
        torch.manual_seed(1)
        parameters = JEMAStyleParameters(temperature=0.3, bandwidth=bandwidth, metadata_weight=0.6)
        module = JEMAStyle(parameters, width=WIDTH, metadata_width=METADATA).double()
        p, t, g = unit(2, 6, WIDTH), unit(2, 6, WIDTH, seed=1), rand(6, METADATA, seed=2).numpy()
        loss = module(p, t, beside=beside(6, metadata=torch.from_numpy(g)), toward_video=True)

        distances = [math.dist(g[i], g[j]) for i in range(6) for j in range(i)]
        assert len(distances) == 15
        sigma = bandwidth or sorted(distances)[7]
        w, b = module.predict.weight.detach().numpy(), module.predict.bias.detach().numpy()
        terms, errors = [], []
        for m in range(2):
            z = torch.cat([p[m], t[m]]).numpy()
            for i in range(12):
                others = [a for a in range(12) if a != i]
                k = {a: math.exp(-(math.dist(g[i % 6], g[a % 6]) ** 2) / (2 * sigma**2)) for a in others}
                scores = z @ z[i] / 0.3
                terms.append(-sum(k[a] * log_share(scores, a, others) for a in others) / sum(k.values()))
                errors.extend((w @ z[i] + b - g[i % 6]) ** 2)
        assert float(loss.detach()) == pytest.approx(np.mean(terms) + 0.6 * np.mean(errors), rel=1e-6)
        r2 = 1.0 - np.sum(errors) / (4 * np.sum((g - g.mean(0)) ** 2))
        assert float(module.logs["metadata_r2"]) == pytest.approx(r2, rel=1e-6)

    def test_near_metadata_should_mean_near_vectors(self) -> None:
        """A circle of metadata: vectors on the same circle cost less than vectors in another order."""
        angle = torch.arange(16, dtype=torch.float64) * (2 * math.pi / 16)
        circle = torch.stack([angle.cos(), angle.sin()], dim=-1)
        module = JEMAStyle(JEMAStyleParameters(metadata_weight=0.0), width=2, metadata_width=2).double()
        order = torch.randperm(16, generator=generator(1))
        right, wrong = (
            module(z[None], z[None], beside=beside(16, metadata=circle), toward_video=True)
            for z in (circle, circle[order])
        )
        assert right < wrong - 0.1

    def test_metadata_that_can_be_read_off_are_fully_explained(self) -> None:
        z = unit(1, 16, 2)
        module = JEMAStyle(JEMAStyleParameters(), width=2, metadata_width=2).double()
        module.predict.weight.data = torch.eye(2, dtype=torch.float64)
        module.predict.bias.data.zero_()
        module(z, z, beside=beside(16, metadata=z[0]), toward_video=True)
        assert float(module.logs["metadata_r2"]) == pytest.approx(1.0)
        module.predict.weight.data.zero_()
        module.predict.bias.data = z[0].mean(0)
        module(z, z, beside=beside(16, metadata=z[0]), toward_video=True)
        assert float(module.logs["metadata_r2"]) == pytest.approx(0.0, abs=1e-12)

    @pytest.mark.parametrize("dtype", (torch.float32, torch.float64))
    def test_on_set_points_it_is_supcon(self, dtype: torch.dtype) -> None:
        """Where most windows share their set-point, the median distance is 0 and the kernel an indicator."""
        label = torch.tensor([0] * 30 + [1] * 6)
        p, t = unit(1, 36, WIDTH, dtype=dtype), unit(1, 36, WIDTH, seed=1, dtype=dtype)
        around = beside(36, label=label, metadata=rand(2, 3, seed=7, dtype=dtype)[label])
        module = JEMAStyle(JEMAStyleParameters(metadata_weight=0.0), width=WIDTH, metadata_width=3).to(dtype)
        torch.testing.assert_close(
            module(p, t, beside=around, toward_video=True),
            SupCon(SupConParameters())(p, t, beside=around, toward_video=True),
        )

    @pytest.mark.parametrize("dtype", (torch.float32, torch.float64))
    def test_equal_metadata_are_equal_to_the_last_digit(self, dtype: torch.dtype) -> None:
        """Distances by products of matrices round, and from 26 windows on they would be the default."""
        module = JEMAStyle(JEMAStyleParameters(bandwidth=0.01), width=WIDTH, metadata_width=3)
        k = module.kernel(rand(40, 3, dtype=dtype).repeat(2, 1))
        assert torch.equal(k.diagonal(40), torch.ones(40, dtype=dtype))

    def test_metadata_that_do_not_vary_explain_nothing(self) -> None:
        module = make({"name": "jema_style"})
        assert isinstance(module, JEMAStyle)
        constant = torch.ones(5, METADATA, dtype=torch.float64)
        loss = module(
            unit(1, 5, WIDTH),
            unit(1, 5, WIDTH, seed=1),
            beside=beside(5, metadata=constant),
            toward_video=True,
        )
        assert loss.isfinite() and float(module.logs["metadata_r2"]) == 0.0

    def test_without_metadata_it_says_so(self) -> None:
        assert lookup("contrast", "jema_style").needs == {"metadata"}
        with pytest.raises(InvalidRequest, match="needs process metadata"):
            make({"name": "jema_style"})(
                unit(1, 2, WIDTH), unit(1, 2, WIDTH), beside=beside(2, metadata=None), toward_video=True
            )
