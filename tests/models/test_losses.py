"""CLUB, CMCM, Cross-CPC and the contrasts against brute force and theory."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from helpers_models import generator
from torch import Tensor

from models.alignment import CrossCPC, CrossCPCParameters
from models.alignment.cross_cpc import cut
from models.beside import Beside
from models.contrast import (
    CWCL,
    CWCLParameters,
    HardTriplet,
    HardTripletParameters,
    InfoNCE,
    InfoNCEParameters,
    Triplet,
    TripletParameters,
)
from models.disentangle import CLUB, CLUBParameters
from models.errors import InvalidRequest
from models.matching import CMCM, CMCMParameters
from models.matching.cmcm import _Assigned, factors
from models.optimizers import Adam, AdamParameters
from models.quantizers import Quantised

NONE = torch.empty(0)
NO = {"beside": Beside(NONE, (NONE, NONE)), "toward_video": True}


def rand(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=generator(seed), dtype=torch.float64)


def unit(*shape: int, seed: int = 0) -> Tensor:
    return F.normalize(rand(*shape, seed=seed), dim=-1)


class TestCLUB:
    def make(self, width: int = 3, private: int = 2) -> CLUB:
        torch.manual_seed(0)
        return CLUB(CLUBParameters(weight=1.0), width=width, private_width=private).double()

    def test_closed_form_equals_all_pairs(self) -> None:
        club, x, s = self.make(), rand(5, 4, 3), torch.tanh(rand(5, 4, 2, seed=1))
        mu = club.mean(x)
        v = (s - mu).square().mean((0, 1))

        def log_q(i: int, j: int) -> Tensor:
            return (-0.5 * (s[j] - mu[i]).square() / v).sum(-1).mean()

        pairs = torch.stack([torch.stack([log_q(i, j) for j in range(5)]) for i in range(5)])
        torch.testing.assert_close(club.bound(x, s), pairs.diagonal().mean() - pairs.mean())

    def test_fitted_it_is_zero_without_dependence_and_large_with_it(self) -> None:
        x = rand(400, 2, 3)
        found = {}
        for name, s in (("none", torch.tanh(rand(400, 2, 2, seed=1))), ("all", torch.tanh(x[..., :2]))):
            club = self.make()
            optimizer = Adam(AdamParameters(learning_rate=1e-2, clip=0.0), club.parameters())
            for _ in range(150):
                optimizer.apply(club.fit_gradients(x, s))
            # On fresh draws: in-sample the fitted mean always covaries a little.
            fresh = rand(400, 2, 3, seed=5)
            s_fresh = torch.tanh(rand(400, 2, 2, seed=6)) if name == "none" else torch.tanh(fresh[..., :2])
            found[name] = float(club.bound(fresh, s_fresh))
        assert abs(found["none"]) < 0.1 < 2.0 < found["all"]

    def test_estimating_leaves_the_density_alone(self) -> None:
        club, x, s = self.make(), rand(6, 4, 3).requires_grad_(), rand(6, 4, 2, seed=1).requires_grad_()
        club.bound(x, s).backward()
        assert all(p.grad is None for p in club.parameters())
        assert x.grad is not None and s.grad is not None and x.grad.abs().sum() > 0 and s.grad.abs().sum() > 0
        assert all(p.requires_grad for p in club.parameters())

    def test_clamped_at_zero(self) -> None:
        club, x = self.make(), rand(6, 4, 3)
        s = -club.mean(x).detach()
        assert club.bound(x, s) < 0 and club(x, s) == 0

    def test_a_constant_specific_vector_stays_finite(self) -> None:
        club, x = self.make(), rand(6, 4, 3)
        s = torch.zeros(6, 4, 2, dtype=torch.float64)
        for _ in range(3):
            assert club(x, s).isfinite()
            assert all(g.isfinite().all() for g in club.fit_gradients(x, s))


def distances(current: Tensor, video: Tensor) -> Quantised:
    """What code matching looks at of what was quantised."""
    codes = current.argmin(-1), video.argmin(-1)
    return Quantised(NONE, NONE, *codes, current, video, current.new_zeros(()))


class TestCMCM:
    def test_similarity_equals_a_double_loop(self) -> None:
        cmcm, d_c, d_v = (
            CMCM(CMCMParameters(weight=1.0, temperature=0.5)),
            rand(4, 3, 7).square(),
            rand(4, 5, 7, seed=1).square(),
        )
        p_c, p_v = torch.softmax(-d_c.sqrt() / 0.5, -1).mean(1), torch.softmax(-d_v.sqrt() / 0.5, -1).mean(1)
        s = torch.zeros(4, 4, dtype=torch.float64)
        for i in range(4):
            for j in range(4):
                s[i, j] = (p_c[i] * p_v[j].log()).sum() + (p_v[j] * p_c[i].log()).sum()
        rows, columns = factors(_Assigned(d_c, 0.5), _Assigned(d_v, 0.5))
        torch.testing.assert_close(rows[0] @ columns[0].T, s)
        pairs = torch.arange(4)
        torch.testing.assert_close(
            cmcm(distances(d_c, d_v)), 0.5 * (F.cross_entropy(s, pairs) + F.cross_entropy(s.T, pairs))
        )

    def test_equal_assignments_are_the_optimum(self) -> None:
        cmcm = CMCM(CMCMParameters())
        d = 10.0 * rand(6, 3, 9).square()
        assert cmcm(distances(d, d)) < cmcm(distances(d, d.flip(0)))
        rows, columns = factors(_Assigned(d, 0.2), _Assigned(d, 0.2))
        s = rows[0] @ columns[0].T
        assert torch.equal(s.argmax(1), torch.arange(6))

    def test_finite_at_a_code_and_beyond_rounding(self) -> None:
        cmcm = CMCM(CMCMParameters())
        d = rand(4, 3, 7).square().float()
        d[0, 0, 0], d[1, 1, 1] = 0.0, -0.09
        d.requires_grad_()
        loss = cmcm(distances(d, d.detach().flip(0)))
        loss.backward()
        assert loss.isfinite() and d.grad is not None and d.grad.isfinite().all()

    def test_order_of_steps_does_not_matter(self) -> None:
        cmcm, d_c, d_v = CMCM(CMCMParameters()), rand(4, 3, 7).square(), rand(4, 5, 7, seed=1).square()
        torch.testing.assert_close(cmcm(distances(d_c, d_v)), cmcm(distances(d_c.flip(1), d_v.roll(2, 1))))


class TestCrossCPC:
    def make(self, current_steps: int = 8, video_steps: int = 8, **settings: Any) -> CrossCPC:
        torch.manual_seed(0)
        settings = {"steps": 2, **settings}
        return CrossCPC(
            CrossCPCParameters(**settings), width=4, current_steps=current_steps, video_steps=video_steps,
            contrast=InfoNCE(InfoNCEParameters()), generator=generator(),
        ).double()  # fmt: skip

    def loss(self, cpc: CrossCPC, z_c: Tensor, z_v: Tensor) -> Tensor:
        nothing = torch.empty(0)
        loss: Tensor = cpc(z_c, z_v, beside=Beside(nothing, (nothing, nothing)))
        return loss

    def test_without_structure_it_is_the_weights_times_log_batch(self) -> None:
        z = torch.ones(16, 8, 4, dtype=torch.float64)
        weights = {"current_to_video": 0.2, "video_to_current": 0.2, "self_weight": 0.9}
        assert float(self.loss(self.make(**weights), z, z).detach()) == pytest.approx(2.2 * math.log(16))
        weights = {"current_to_video": 0.7, "video_to_current": 0.3, "self_weight": 0.0}
        assert float(self.loss(self.make(**weights), z, z).detach()) == pytest.approx(math.log(16))

    @pytest.mark.parametrize("context", ("lstm", "mean"))
    def test_the_context_does_not_see_what_it_predicts(self, context: str) -> None:
        cpc, z = self.make(context=context), rand(2, 5, 8, 4)

        def predicted(z: Tensor) -> Tensor:
            return cpc.predictions(cut(z[0], z[1], [3], 2)[0], [3])

        before = predicted(z)
        assert torch.equal(before, predicted(torch.cat([z[:, :, :4], z[:, :, 4:] + 9.0], dim=2)))
        assert not torch.equal(before, predicted(z + 1.0))

    def test_targets_are_the_next_steps_in_the_order_of_the_predictions(self) -> None:
        cpc, z = self.make(steps=2), rand(2, 5, 8, 4)
        past, ahead = cut(z[0], z[1], [1, 4], 2)
        assert torch.equal(past, z[:, :, :5].transpose(1, 2))
        assert torch.equal(ahead, z[:, :, [2, 3, 5, 6]].transpose(1, 2))
        assert cpc.predictions(past, [1, 4]).shape == ahead.shape == (2, 4, 5, 4)

    def test_each_prediction_comes_from_its_own_start_and_layer(self) -> None:
        cpc, past = self.make(steps=2, context="mean"), rand(2, 5, 5, 4)
        both = cpc.predictions(past, [1, 4])
        torch.testing.assert_close(both[:, :2], cpc.predictions(past[:, :2], [1]))
        torch.testing.assert_close(both[:, 2:], cpc.predictions(past, [4]))
        first = F.normalize(past[0, :2].mean(0) @ cpc.predict[0][:, :4], dim=-1)
        torch.testing.assert_close(both[0, 0], first)

    def test_starts_cover_the_window_and_leave_room(self) -> None:
        drawn = {t for _ in range(200) for t in self.make_once._draw()}
        assert drawn == {1, 2, 3, 4, 5}

    @property
    def make_once(self) -> CrossCPC:
        if not hasattr(self, "_cpc"):
            self._cpc = self.make(steps=2)
        return self._cpc

    @pytest.mark.parametrize("steps", (7, 8, 30))
    def test_too_many_steps_are_refused(self, steps: int) -> None:
        with pytest.raises(InvalidRequest, match="use at most 6"):
            self.make(current_steps=12, video_steps=8, steps=steps)

    def test_unequal_clocks_meet_on_the_coarser_one(self) -> None:
        fine = rand(6, 16, 4)
        coarse = fine[:, 1::2]
        torch.testing.assert_close(
            self.loss(self.make(16, 8), fine, coarse), self.loss(self.make(8, 8), coarse, coarse)
        )

    @pytest.mark.parametrize(("shuffled", "low", "high"), [(False, 0.5, 1.0), (True, 0.0, 0.07)])
    def test_retrieval_after_training_is_at_chance_for_shuffled_pairs(
        self, shuffled: bool, low: float, high: float
    ) -> None:
        torch.manual_seed(0)
        cpc = self.make(steps=2, context="mean").float()
        optimizer = Adam(AdamParameters(learning_rate=1e-2), cpc.parameters())

        def pairs(count: int, seed: int) -> tuple[Tensor, Tensor]:
            latent = rand(count, 1, 4, seed=seed).float()
            views = [latent + 0.05 * rand(count, 8, 4, seed=seed + m).float() for m in (1000, 2000)]
            order = torch.randperm(count, generator=generator(seed)) if shuffled else torch.arange(count)
            return views[0], views[1][order]

        for step in range(100):
            optimizer.step(self.loss(cpc, *pairs(64, step)))
        z_c, z_v = pairs(256, 5000)
        past, ahead = cut(z_c, z_v, [3], 2)
        similarity = cpc.predictions(past, [3])[0, 0] @ F.normalize(ahead[1, 0], dim=-1).T
        found = float((similarity.argmax(1) == torch.arange(256)).float().mean())
        assert low <= found <= high


class TestContrasts:
    def test_infonce_equals_cross_entropy_both_ways(self) -> None:
        p, t = unit(2, 6, 4), unit(2, 6, 4, seed=1)
        loss = InfoNCE(InfoNCEParameters(temperature=0.07))(p, t, **NO)
        logits, pairs = p @ t.transpose(1, 2) / 0.07, torch.arange(6).expand(2, 6)
        torch.testing.assert_close(
            loss, 0.5 * (F.cross_entropy(logits, pairs) + F.cross_entropy(logits.mT, pairs))
        )

    @pytest.mark.parametrize("toward_video", (True, False))
    def test_cwcl_equals_its_formula(self, toward_video: bool) -> None:
        p, t, strong = unit(2, 5, 4), unit(2, 5, 4, seed=1), rand(5, 3, 7, seed=2)
        cwcl = CWCL(CWCLParameters(temperature=0.2))
        loss = cwcl(p, t, beside=Beside(strong, (NONE, NONE)), toward_video=toward_video)
        video, current = (t, p) if toward_video else (p, t)
        features = F.normalize(strong.mean(1), dim=-1)
        w = 0.5 + 0.5 * features @ features.T
        total = torch.zeros((), dtype=torch.float64)
        for m in range(2):
            s = video[m] @ current[m].T / 0.2
            soft = -(w * s.log_softmax(1)).sum(1) / w.sum(1)
            total = total + 0.5 * (soft.mean() + F.cross_entropy(s.T, torch.arange(5))) / 2
        torch.testing.assert_close(loss, total)

    def test_cwcl_weights_carry_no_gradient(self) -> None:
        strong = rand(5, 3, 7).requires_grad_()
        cwcl = CWCL(CWCLParameters())
        predicted = unit(1, 5, 4).requires_grad_()
        cwcl(
            predicted, unit(1, 5, 4, seed=1), beside=Beside(strong, (NONE, NONE)), toward_video=True
        ).backward()
        assert strong.grad is None and predicted.grad is not None

    def test_triplet_is_solved_without_semantics(self) -> None:
        """Its defect: one constant for all semantics and its opposite for the private feature."""
        triplet = Triplet(TripletParameters(), width=4, private_width=2).double()
        constant = torch.zeros(1, 8, 4, dtype=torch.float64)
        constant[..., 0] = 1.0
        for layer in (triplet.of_current, triplet.of_video):
            torch.nn.init.zeros_(layer.weight)
            layer.bias.data = -constant[0, 0]
        private = rand(8, 3, 2)
        assert triplet(constant, constant, beside=Beside(private, (private, private)), toward_video=True) == 0
        assert triplet.logs["active"] == 0

    def test_triplet_reports_the_active_share(self) -> None:
        triplet = Triplet(TripletParameters(margin=2.0), width=4, private_width=2).double()
        triplet(
            unit(1, 8, 4),
            unit(1, 8, 4, seed=1),
            beside=Beside(NONE, (NONE, rand(8, 3, 2))),
            toward_video=False,
        )
        assert triplet.logs["active"] == 1

    def test_hard_triplet_equals_a_loop_and_does_not_accept_the_constant(self) -> None:
        hard = HardTriplet(HardTripletParameters(margin=0.2))
        p, t = unit(1, 6, 4), unit(1, 6, 4, seed=1)
        s = p[0] @ t[0].T
        expected = 0.0
        for i in range(6):
            others = [j for j in range(6) if j != i]
            expected += max(0.0, 0.2 + max(float(s[i, j]) for j in others) - float(s[i, i]))
            expected += max(0.0, 0.2 + max(float(s[j, i]) for j in others) - float(s[i, i]))
        assert float(hard(p, t, **NO)) == pytest.approx(expected / 12)
        constant = unit(1, 1, 4).expand(1, 6, 4)
        assert float(hard(constant, constant, **NO)) == pytest.approx(0.2)
