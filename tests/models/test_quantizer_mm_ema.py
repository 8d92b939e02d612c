"""The shared codebook: update, shares, borders, revival."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from helpers_models import generator
from torch import Tensor

from models.errors import InvalidRequest
from models.quantizers import MMEMAParameters, MMEMAQuantizer, squared_distances
from models.steps import step_map


def quantizer(
    width: int = 3, current_steps: int = 4, video_steps: int = 4, **settings: Any
) -> MMEMAQuantizer:
    settings = {"codes": 5, "reset_after": 0, **settings}
    return MMEMAQuantizer(
        MMEMAParameters(**settings),
        width=width,
        current_steps=current_steps,
        video_steps=video_steps,
        generator=generator(),
    ).double()


def rand(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=generator(seed), dtype=torch.float64)


def begin_with(q: MMEMAQuantizer, codebook: Tensor) -> None:
    """Give the quantiser a codebook of its own instead of one from the first batch."""
    q.codebook.copy_(codebook)
    q.sums.copy_(codebook)
    q.counts.fill_(1.0)
    q.steps = 1


def test_nearest_code_by_brute_force() -> None:
    z, codebook = rand(2, 4, 3), rand(5, 3, seed=1)
    brute = (z[:, :, None] - codebook).square().sum(-1)
    torch.testing.assert_close(squared_distances(z, codebook), brute)


@pytest.mark.parametrize("shares", [(0.5, 0.5), (0.9, 0.1), (1.0, 0.0), (0.0, 0.0)])
def test_one_step_equals_the_formula(shares: tuple[float, float]) -> None:
    q = quantizer(video_share=shares[0], current_share=shares[1], decay=0.9)
    codebook = rand(5, 3, seed=2)
    begin_with(q, codebook)
    z_c, z_v = rand(2, 4, 3), rand(2, 4, 3, seed=1)
    out = q(z_c, z_v)
    n, u = torch.zeros(5, dtype=torch.float64), torch.zeros(5, 3, dtype=torch.float64)
    for b in range(2):
        for t in range(4):
            k_c = int((z_c[b, t] - codebook).square().sum(-1).argmin())
            k_v = int((z_v[b, t] - codebook).square().sum(-1).argmin())
            assert (k_c, k_v) == (int(out.current_codes[b, t]), int(out.video_codes[b, t]))
            n[k_c] += 1
            n[k_v] += 1
            u[k_c] += (1 - shares[0]) * z_c[b, t] + shares[0] * z_v[b, t]
            u[k_v] += (1 - shares[1]) * z_v[b, t] + shares[1] * z_c[b, t]
    counts, sums = 0.9 + 0.1 * n, 0.9 * codebook + 0.1 * u
    smooth = (counts + 1e-5) / (counts.sum() + 5e-5) * counts.sum()
    torch.testing.assert_close(q.counts, counts)
    torch.testing.assert_close(q.codebook, sums / smooth[:, None])
    torch.testing.assert_close(out.current, codebook[out.current_codes])


@pytest.mark.parametrize(
    ("shares", "fixed_point"), [((0.5, 0.5), 2.0), ((0.9, 0.1), 2.8), ((1.0, 0.0), 3.0), ((0.0, 0.0), 2.0)]
)
def test_fixed_points_of_one_live_code(shares: tuple[float, float], fixed_point: float) -> None:
    q = quantizer(width=1, codes=2, video_share=shares[0], current_share=shares[1], decay=0.5)
    begin_with(q, torch.tensor([[2.0], [1e6]], dtype=torch.float64))
    z_c, z_v = (
        torch.full((2, 4, 1), 1.0, dtype=torch.float64),
        torch.full((2, 4, 1), 3.0, dtype=torch.float64),
    )
    for _ in range(60):
        q(z_c, z_v)
    assert q.codebook[0].item() == pytest.approx(fixed_point, abs=1e-4)


def test_without_shares_a_spare_code_splits_the_modalities() -> None:
    q = quantizer(width=1, codes=2, video_share=0.0, current_share=0.0, decay=0.5, reset_after=5)
    begin_with(q, torch.tensor([[2.0], [1e6]], dtype=torch.float64))
    z_c, z_v = (
        torch.full((2, 4, 1), 1.0, dtype=torch.float64),
        torch.full((2, 4, 1), 3.0, dtype=torch.float64),
    )
    for _ in range(200):
        q(z_c, z_v)
    assert sorted(q.codebook.flatten().tolist()) == pytest.approx([1.0, 3.0], abs=1e-3)


def test_counts_converge_to_the_number_of_steps() -> None:
    q = quantizer(current_steps=6, video_steps=4, decay=0.8)
    for seed in range(80):
        q(rand(3, 6, 3, seed=seed), rand(3, 4, 3, seed=seed + 1000))
    assert q.counts.sum().item() == pytest.approx(3 * (6 + 4), rel=1e-6)


def test_a_code_without_hits_keeps_its_value() -> None:
    q = quantizer(codes=3)
    begin_with(q, torch.tensor([[0.0, 0.0, 0.0], [50.0, 0.0, 0.0], [0.0, 60.0, 0.0]], dtype=torch.float64))
    for seed in range(10):
        q(rand(2, 4, 3, seed=seed), rand(2, 4, 3, seed=seed + 50))
    expected = torch.tensor([[50.0, 0.0, 0.0], [0.0, 60.0, 0.0]], dtype=torch.float64)
    torch.testing.assert_close(q.codebook[1:], expected, rtol=1e-4, atol=0)


def test_first_batch_seeds_the_codes_with_consistent_sums() -> None:
    q = quantizer(codes=6, decay=0.9999)
    z_c, z_v = rand(4, 4, 3), rand(4, 4, 3, seed=1)
    out = q(z_c, z_v)
    rows = torch.cat([z_c.flatten(0, 1), z_v.flatten(0, 1)])
    used = torch.cat([out.current, out.video]).flatten(0, 1).round(decimals=9).unique(dim=0)
    assert len(used) == 6
    assert all((rows - code).abs().sum(-1).min() < 1e-7 for code in used)


def test_codes_do_not_explode_from_an_empty_start() -> None:
    q = quantizer(codes=50)
    for seed in range(5):
        q(rand(2, 4, 3, seed=seed), rand(2, 4, 3, seed=seed + 9))
        assert q.codebook.norm(dim=-1).max() < 5.0


def test_more_video_share_means_more_influence_of_the_video() -> None:
    def moved(shift_c: float, shift_v: float) -> float:
        q = quantizer(codes=2, video_share=0.9, current_share=0.1)
        begin_with(q, torch.tensor([[0.0] * 3, [1e6] * 3], dtype=torch.float64))
        z = rand(2, 4, 3)
        q(z + shift_c, z + shift_v)
        return float(q.codebook[0].sum())

    still = moved(0.0, 0.0)
    assert moved(0.0, 1.0) - still == pytest.approx(9.0 * (moved(1.0, 0.0) - still))


def test_swapping_the_roles_swaps_the_result() -> None:
    a, b = quantizer(video_share=0.8, current_share=0.3), quantizer(video_share=0.3, current_share=0.8)
    codebook, z_c, z_v = rand(5, 3, seed=2), rand(2, 4, 3), rand(2, 4, 3, seed=1)
    for q in (a, b):
        begin_with(q, codebook)
    first, second = a(z_c, z_v), b(z_v, z_c)
    torch.testing.assert_close(a.codebook, b.codebook)
    torch.testing.assert_close(first.commitment, second.commitment)


def test_commitment_equals_the_formula_and_spares_the_codebook() -> None:
    q = quantizer(commitment=0.25, video_pull=1.0, current_pull=0.4).eval()
    begin_with(q, rand(5, 3, seed=2))
    z_c, z_v = rand(2, 4, 3).requires_grad_(), rand(2, 4, 3, seed=1).requires_grad_()
    out = q(z_c, z_v)
    e_c, e_v = q.codebook[out.current_codes].detach(), q.codebook[out.video_codes].detach()

    def mse(a: Tensor, b: Tensor) -> Tensor:
        return (a - b).square().sum(-1).mean()

    expected = 0.5 * (mse(z_c, e_c) + mse(z_v, e_v)) + 0.25 * mse(z_c, e_v) + 0.25 * 0.4 * mse(z_v, e_c)
    torch.testing.assert_close(out.commitment, expected)


@pytest.mark.parametrize("lag", (1, 2))
def test_a_lagged_partner_fits_a_delayed_video_and_borders_are_masked(lag: int) -> None:
    z_c = rand(2, 6, 3)
    z_v = rand(2, 6, 3, seed=1)
    z_v[:, lag:] = z_c[:, :-lag]
    errors = {}
    for partner_lag in (0, lag):
        q = quantizer(current_steps=6, video_steps=6, partner_lag=partner_lag)
        known_c, known_v = q.video_known, q.current_known
        partner_c, partner_v = q._partners(z_c, z_v)
        errors[partner_lag] = max(
            float(((z_c - partner_c) * known_c[:, None]).abs().max()),
            float(((z_v - partner_v) * known_v[:, None]).abs().max()),
        )
    assert errors[lag] == 0.0 < 0.1 < errors[0]
    assert known_c.tolist() == [True] * (6 - lag) + [False] * lag
    assert known_v.tolist() == [False] * lag + [True] * (6 - lag)


def test_steps_without_a_partner_add_themselves() -> None:
    q = quantizer(
        width=1,
        codes=2,
        current_steps=2,
        video_steps=2,
        video_share=1.0,
        current_share=1.0,
        partner_lag=1,
        decay=0.0,
    )
    begin_with(q, torch.tensor([[0.0], [1e6]], dtype=torch.float64))
    q(
        torch.tensor([[[1.0], [2.0]]], dtype=torch.float64),
        torch.tensor([[[4.0], [8.0]]], dtype=torch.float64),
    )
    # c0 adds v1 = 8, c1 has no partner and adds 2, v0 has none and adds 4, v1 adds c0 = 1.
    assert q.sums[0].item() == pytest.approx(8 + 2 + 4 + 1)


def test_step_maps() -> None:
    assert step_map(5, 5).tolist() == [0, 1, 2, 3, 4]
    assert step_map(3, 6).tolist() == [1, 3, 5]
    assert step_map(6, 4).tolist() == [0, 1, 1, 2, 3, 3]
    for fine in range(1, 12):
        for coarse in range(1, fine + 1):
            onto = step_map(coarse, fine)
            assert len(set(onto.tolist())) == coarse and onto[-1] == fine - 1


class TestRevival:
    def trained(self, alive: str = "either", seed: int = 0) -> tuple[MMEMAQuantizer, Tensor]:
        q = MMEMAQuantizer(
            MMEMAParameters(codes=6, reset_after=4, alive=alive),
            width=7, current_steps=4, video_steps=4, generator=generator(seed),
        ).double()  # fmt: skip
        codebook = 100.0 * torch.eye(6, 7, dtype=torch.float64)
        codebook[0] = 0.0
        begin_with(q, codebook)
        return q, codebook

    def feed(self, q: MMEMAQuantizer, times: int) -> None:
        for seed in range(times):
            q(0.1 * rand(2, 4, 7, seed=seed), 0.1 * rand(2, 4, 7, seed=seed + 100))

    def test_sums_and_counts_are_written_too_so_that_it_survives(self) -> None:
        q, _ = self.trained()
        self.feed(q, 7)
        revived = q.codebook.clone()
        assert int(q.revived) == 5
        assert revived.norm(dim=-1).max() < 1.0
        torch.testing.assert_close(q.sums, q.codebook * q.counts[:, None], rtol=1e-3, atol=1e-6)
        far = torch.full((2, 4, 7), -1.0, dtype=torch.float64)
        q.steps = 1  # the next update is no time of revival
        chosen = int(q(far, far).current_codes[0, 0])
        others = [k for k in range(6) if k != chosen]
        torch.testing.assert_close(q.codebook[others], revived[others], rtol=1e-3, atol=1e-6)

    def test_donors_are_live_codes_only(self) -> None:
        q, _ = self.trained()
        self.feed(q, 7)
        assert (q.codebook.abs() < 1.0).all()

    def test_deterministic_under_its_generator(self) -> None:
        results = []
        for seed in (3, 3, 4):
            q, _ = self.trained(seed=seed)
            self.feed(q, 12)
            results.append(q.codebook.clone())
        assert torch.equal(results[0], results[1]) and not torch.equal(results[0], results[2])

    def test_counts_training_steps_only(self) -> None:
        q, codebook = self.trained()
        q.eval()
        self.feed(q, 20)
        assert torch.equal(q.codebook, codebook) and int(q.idle.max()) == 0

    def test_a_code_of_one_modality_lives_or_dies_by_the_rule(self) -> None:
        kept = {}
        for alive in ("either", "both"):
            q, codebook = self.trained(alive)
            for _ in range(7):
                q(codebook[1].expand(2, 4, 7), codebook[0].expand(2, 4, 7))
            kept[alive] = int(q.revived)
        assert kept["either"] == 4
        # With every code dead there is no donor: none is touched.
        assert kept["both"] == 0

    def test_a_checkpoint_goes_on_as_if_nothing_happened(self) -> None:
        q, _ = self.trained()
        self.feed(q, 3)
        other, _ = self.trained(seed=9)
        other.load_state_dict(q.state_dict())
        for one in (q, other):
            self.feed(one, 9)
        assert torch.equal(q.codebook, other.codebook)


def test_a_lag_longer_than_the_window_is_refused() -> None:
    with pytest.raises(
        InvalidRequest, match="partner_lag must be smaller than the steps of the video window"
    ):
        quantizer(partner_lag=4)
