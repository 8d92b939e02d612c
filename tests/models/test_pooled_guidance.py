"""Pooled alignment, labels through the pair and distillation against loops and on toy data."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from helpers_models import SIZES, UNEQUAL, batch, generator, small_method
from torch import Tensor, nn

from models.alignment import Pooled, PooledParameters
from models.beside import Beside
from models.contrast import InfoNCE, InfoNCEParameters
from models.errors import InvalidRequest
from models.guidance import Distillation, DistillationParameters, PairLabels, PairLabelsParameters
from models.guidance.pair_labels import balanced_cross_entropy
from models.method import Sizes
from models.quantizers import Quantised
from models.training import Pretrainer

EMPTY = torch.empty(0)
WIDTH = 3


def rand(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=generator(seed), dtype=torch.float64)


def beside(label: Tensor | None = None, progress: float = 1.0) -> Beside:
    return Beside(EMPTY, (EMPTY, EMPTY), label=label, progress=progress)


class Noting(nn.Module):
    """A contrast that keeps what it is called with, and returns 1."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[Tensor, Tensor, bool]] = []

    def forward(self, predicted: Tensor, target: Tensor, *, beside: Beside, toward_video: bool) -> Tensor:
        self.calls.append((predicted, target, toward_video))
        return predicted.new_ones(())


class TestPooled:
    def make(
        self, contrast: nn.Module | None = None, current: int = 12, video: int = 8, **values: Any
    ) -> Pooled:
        torch.manual_seed(0)
        contrast = contrast or InfoNCE(InfoNCEParameters())
        steps = {"current_steps": current, "video_steps": video}
        return Pooled(PooledParameters(**values), width=WIDTH, contrast=contrast, **steps).double()

    @pytest.mark.parametrize("count", (1, 5))
    def test_equals_a_loop_over_windows(self, count: int) -> None:
        current, video = rand(count, 12, WIDTH), rand(count, 8, WIDTH, seed=1)
        found = self.make(current_to_video=0.3, video_to_current=0.5)(current, video, beside=beside())
        x, y = ([w / np.linalg.norm(w) for w in z.numpy().mean(1)] for z in (current, video))
        total = 0.0
        for a, b in ((x, y), (y, x)):
            for i in range(count):
                total -= math.log(math.exp(a[i] @ b[i] / 0.1) / sum(math.exp(a[i] @ c / 0.1) for c in b))
        assert float(found) == pytest.approx((0.3 + 0.5) * 0.5 * total / count, abs=1e-9)

    def test_steps_of_unequal_clocks_are_compared_where_they_end(self) -> None:
        current, video = rand(4, 12, WIDTH), rand(4, 8, WIDTH, seed=1)
        x, y = self.make(per_step=True).embed(current, video)
        assert x.shape == y.shape == (8, 4, WIDTH)
        for step in range(8):
            # The step of the current in which this one of the video ends.
            at = min(t for t in range(12) if 8 * (t + 1) >= 12 * (step + 1))
            torch.testing.assert_close(x[step], F.normalize(current[:, at], dim=-1))
            torch.testing.assert_close(y[step], F.normalize(video[:, step], dim=-1))

    def test_per_step_is_the_mean_over_the_steps(self) -> None:
        current, video = rand(4, 8, WIDTH), rand(4, 8, WIDTH, seed=1)
        whole = self.make(current=8, per_step=True)(current, video, beside=beside())
        single = self.make(current=1, video=1)
        each = [single(current[:, t : t + 1], video[:, t : t + 1], beside=beside()) for t in range(8)]
        torch.testing.assert_close(whole, torch.stack(each).mean())

    def test_both_ways_round(self) -> None:
        contrast = Noting()
        pooled = self.make(contrast, current_to_video=0.25, video_to_current=2.0)
        current, video = rand(4, 12, WIDTH), rand(4, 8, WIDTH, seed=1)
        assert float(pooled(current, video, beside=beside())) == 2.25
        x, y = pooled.embed(current, video)
        (p, t, toward), (p_back, t_back, toward_back) = contrast.calls
        assert toward and torch.equal(p, x) and torch.equal(t, y)
        assert not toward_back and torch.equal(p_back, y) and torch.equal(t_back, x)

    def test_a_direction_without_weight_is_not_taken(self) -> None:
        contrast = Noting()
        self.make(contrast, current_to_video=0.0)(rand(4, 12, WIDTH), rand(4, 8, WIDTH), beside=beside())
        assert [toward for *_, toward in contrast.calls] == [False]

    def test_order_within_a_window_matters_per_step_only(self) -> None:
        current, video = rand(4, 12, WIDTH), rand(4, 8, WIDTH, seed=1)
        for per_step in (False, True):
            pooled = self.make(per_step=per_step)
            before = pooled(current, video, beside=beside())
            after = pooled(current.flip(1), video, beside=beside())
            assert torch.allclose(before, after) != per_step

    @pytest.mark.parametrize("projection", ("none", "linear", "mlp"))
    @pytest.mark.parametrize("detach", (True, False))
    def test_gradients(self, projection: str, detach: bool) -> None:
        pooled = self.make(projection=projection, detach_video=detach)
        current, video = rand(4, 12, WIDTH).requires_grad_(), rand(4, 8, WIDTH, seed=1).requires_grad_()
        pooled(current, video, beside=beside()).backward()
        assert current.grad is not None and current.grad.any()
        assert (video.grad is None) == detach
        for side in (pooled.of_current, pooled.of_video):
            weights = list(side.parameters())
            assert bool(weights) == (projection != "none")
            assert all(w.grad is not None and w.grad.any() for w in weights)

    @pytest.mark.parametrize("per_step", (True, False))
    def test_gradient_equals_finite_differences(self, per_step: bool) -> None:
        pooled = self.make(projection="mlp", per_step=per_step, current=3, video=2)
        pair = rand(3, 3, WIDTH).requires_grad_(), rand(3, 2, WIDTH, seed=1).requires_grad_()
        assert torch.autograd.gradcheck(lambda x, y: pooled(x, y, beside=beside()), pair)

    @pytest.mark.parametrize("dtype", (torch.float32, torch.float64))
    def test_one_window(self, dtype: torch.dtype) -> None:
        pooled = self.make(projection="linear").to(dtype)
        loss = pooled(rand(1, 12, WIDTH).to(dtype), rand(1, 8, WIDTH).to(dtype), beside=beside())
        assert loss.dtype == dtype and loss.shape == () and loss.isfinite()


def quantised(current: Tensor, video: Tensor) -> Quantised:
    return Quantised(current, video, *[EMPTY] * 4, EMPTY.new_zeros(()))


def entropy(logits: Tensor, labels: list[int]) -> float:
    """Cross-entropy, averaged within each class that is present, then over the classes."""
    losses: dict[int, list[float]] = {}
    for logit, y in zip(logits.tolist(), labels, strict=True):
        probability = 1 / (1 + math.exp(-logit))
        losses.setdefault(y, []).append(-math.log(probability if y else 1 - probability))
    return float(np.mean([np.mean(each) for each in losses.values()]))


LABELS = ([0, 1, 1, 1, 0, 1], [1] * 6, [0] * 6)


@pytest.mark.parametrize("labels", (*LABELS, [1], [0]))
def test_classes_weigh_the_same_and_may_be_missing(labels: list[int]) -> None:
    logits = rand(len(labels)).requires_grad_()
    loss = balanced_cross_entropy(logits, torch.tensor(labels))
    loss.backward()
    assert float(loss.detach()) == pytest.approx(entropy(logits.detach(), labels), abs=1e-12)
    assert logits.grad is not None and logits.grad.isfinite().all() and logits.grad.all()


class TestPairLabels:
    def make(self, **values: Any) -> PairLabels:
        torch.manual_seed(0)
        return PairLabels(PairLabelsParameters(**values), width=WIDTH).double()

    def logits(self, module: Any, z: Tensor) -> Tensor:
        weight, bias = module.classify.weight.detach()[0], module.classify.bias.detach()[0]
        return torch.stack([(window.mean(0) * weight).sum() + bias for window in z])

    @pytest.mark.parametrize("through_pair", (True, False))
    @pytest.mark.parametrize("labels", LABELS)
    def test_equals_loops(self, labels: list[int], through_pair: bool) -> None:
        module = self.make(weight=0.7, through_pair=through_pair)
        current, video = rand(6, 12, WIDTH), rand(6, 8, WIDTH, seed=1)
        wanted = entropy(self.logits(module, video), labels)
        if through_pair:
            wanted += entropy(self.logits(module, current), labels)
        found = module(quantised(current, video), beside(torch.tensor(labels)))
        assert float(found.detach()) == pytest.approx(0.7 * wanted, abs=1e-9)

    def test_the_label_reaches_the_current_through_the_pair_only(self) -> None:
        for through_pair in (True, False):
            current, video = rand(6, 4, WIDTH).requires_grad_(), rand(6, 4, WIDTH, seed=1).requires_grad_()
            module = self.make(through_pair=through_pair)
            module(quantised(current, video), beside(torch.tensor(LABELS[0]))).backward()
            assert video.grad is not None and video.grad.any()
            assert (current.grad is not None) == through_pair

    def test_gradient_equals_finite_differences(self) -> None:
        module, y = self.make(), torch.tensor([0, 1, 1])
        pair = rand(3, 4, WIDTH).requires_grad_(), rand(3, 2, WIDTH, seed=1).requires_grad_()
        assert torch.autograd.gradcheck(lambda c, v: module(quantised(c, v), beside(y)), pair)


class TestDistillation:
    def make(self, **values: Any) -> Distillation:
        torch.manual_seed(0)
        return Distillation(DistillationParameters(**values), width=WIDTH).double()

    @pytest.mark.parametrize("imitation", (0.0, 0.3, 1.0))
    @pytest.mark.parametrize("labels", LABELS)
    def test_equals_loops(self, labels: list[int], imitation: float) -> None:
        module = self.make(weight=0.7, imitation=imitation, temperature=3.0)
        current, video = rand(6, 12, WIDTH), rand(6, 8, WIDTH, seed=1)
        student, teacher = (TestPairLabels().logits(module, z) for z in (current, video))
        kl = 0.0
        for s, t in zip(student.tolist(), teacher.tolist(), strict=True):
            p, q = (1 / (1 + math.exp(-logit / 3.0)) for logit in (t, s))
            kl += (p * math.log(p / q) + (1 - p) * math.log((1 - p) / (1 - q))) / 6
        wanted = entropy(teacher, labels) + (1 - imitation) * entropy(student, labels) + imitation * 9 * kl
        found = module(quantised(current, video), beside(torch.tensor(labels)))
        assert float(found.detach()) == pytest.approx(0.7 * wanted, abs=1e-9)

    def test_a_student_that_agrees_costs_nothing(self) -> None:
        module, z, y = self.make(), rand(6, 4, WIDTH), torch.tensor(LABELS[0])
        alone = module(quantised(rand(6, 4, WIDTH, seed=1), z), beside(y, progress=0.0))
        torch.testing.assert_close(module(quantised(z, z), beside(y)), alone)

    def test_the_student_starts_after_the_warm_up(self) -> None:
        module, y = self.make(warm_up=0.25), torch.tensor(LABELS[0])
        for progress, taught in ((0.0, False), (0.24, False), (0.25, True), (1.0, True)):
            current = rand(6, 4, WIDTH).requires_grad_()
            module(quantised(current, rand(6, 4, WIDTH, seed=1)), beside(y, progress)).backward()
            assert (current.grad is not None) == taught

    def test_the_student_moves_neither_the_teacher_nor_the_classifier(self) -> None:
        y, gradients = torch.tensor(LABELS[0]), []
        for progress in (0.0, 1.0):
            module, video = self.make(imitation=0.5), rand(6, 4, WIDTH, seed=1).requires_grad_()
            module(quantised(rand(6, 4, WIDTH), video), beside(y, progress)).backward()
            assert video.grad is not None and video.grad.any()
            gradients.append([video.grad, *(p.grad for p in module.parameters())])
        torch.testing.assert_close(*gradients)

    def test_the_video_may_be_left_alone(self) -> None:
        module, video = self.make(teach_encoder=False), rand(6, 4, WIDTH, seed=1).requires_grad_()
        current = rand(6, 4, WIDTH).requires_grad_()
        module(quantised(current, video), beside(torch.tensor(LABELS[0]))).backward()
        assert video.grad is None and current.grad is not None and current.grad.any()
        assert all(p.grad is not None and p.grad.any() for p in module.parameters())

    def test_sure_teachers_and_students_stay_finite(self) -> None:
        module = self.make().float()
        with torch.no_grad():
            module.classify.weight.fill_(1e4)
        current, video = rand(6, 4, WIDTH).float().requires_grad_(), rand(6, 4, WIDTH, seed=1).float()
        loss = module(quantised(current, video), beside(torch.tensor(LABELS[0])))
        loss.backward()
        assert loss.isfinite() and current.grad is not None and current.grad.isfinite().all()

    def test_gradient_equals_finite_differences(self) -> None:
        module, y, video = self.make(imitation=0.4), torch.tensor([0, 1, 1]), rand(3, 2, WIDTH, seed=1)
        assert torch.autograd.gradcheck(
            lambda c: module(quantised(c, video), beside(y)), (rand(3, 4, WIDTH).requires_grad_(),)
        )


@pytest.mark.parametrize("kind", (PairLabels, Distillation))
class TestEveryGuidance:
    def make(self, kind: Any) -> Any:
        torch.manual_seed(0)
        parameters = PairLabelsParameters() if kind is PairLabels else DistillationParameters()
        return kind(parameters, width=WIDTH).double()

    def test_without_labels_it_says_what_to_do(self, kind: Any) -> None:
        with pytest.raises(InvalidRequest, match="needs labels of the video in pre-training, got none"):
            self.make(kind)(quantised(rand(2, 4, WIDTH), rand(2, 4, WIDTH)), beside())

    @pytest.mark.parametrize("dtype", (torch.float32, torch.float64))
    def test_one_window(self, kind: Any, dtype: torch.dtype) -> None:
        z = rand(1, 4, WIDTH).to(dtype)
        loss = self.make(kind).to(dtype)(quantised(z, z), beside(torch.tensor([1])))
        assert loss.dtype == dtype and loss.shape == () and loss.isfinite()

    def test_it_moves_the_classes_of_the_current_to_those_of_the_video(self, kind: Any) -> None:
        y = torch.arange(100) % 2
        video = 0.3 * rand(100, 6, WIDTH)
        video[..., 0] += 2.0 * y[:, None] - 1.0
        current, module = (0.3 * rand(100, 6, WIDTH, seed=1)).requires_grad_(), self.make(kind)
        # A window's gradient is a share of 1 / (B T): the windows take larger steps than the classifier.
        groups = [{"params": [current], "lr": 200.0}, {"params": module.parameters(), "lr": 1.0}]
        optimizer = torch.optim.SGD(groups)

        def agreement() -> float:
            """Cosine of the ways from class to class in current and in video."""
            ways = []
            for z in (current.detach(), video):
                window = z.mean(1)
                ways.append(window[y == 1].mean(0) - window[y == 0].mean(0))
            return float(F.cosine_similarity(*ways, dim=0))

        def right() -> float:
            """Share of the currents nearest to the videos of their own class."""
            centres = torch.stack([video[y == c].mean((0, 1)) for c in range(2)])
            nearest = torch.cdist(current.detach().mean(1), centres).argmin(1)
            return float((nearest == y).double().mean())

        assert agreement() < 0.5 and right() < 0.75
        for _ in range(150):
            optimizer.zero_grad()
            module(quantised(current, video), beside(y)).backward()
            optimizer.step()
        assert agreement() > 0.8 and right() == 1.0


@pytest.mark.parametrize("name", ("pair_labels", "distillation"))
@pytest.mark.parametrize("sizes", (SIZES, UNEQUAL))
def test_guidance_trains_in_a_method(name: str, sizes: Sizes) -> None:
    optimizer = {"name": "adam", "learning_rate": 0.03}
    method = small_method(sizes, guidance=name, alignment="pooled", optimizer=optimizer)
    pretrainer = Pretrainer(method, steps=60)
    current, video = batch(sizes, count=16)
    y = torch.arange(16) % 2
    # What tells the classes is in both.
    current, video = (x + 2.0 * y[:, None, None] - 1.0 for x in (current, video))
    noted = [float(pretrainer.step(current, video, label=y)["guidance"]) for _ in range(60)]
    assert noted[-1] < 0.7 * noted[10]
