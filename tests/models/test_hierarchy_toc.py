"""The second level of codes, and the selection of channels."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
import torch
from helpers_models import SIZES, UNEQUAL, batch, generator, small_method
from torch import Tensor

from models.beside import Beside
from models.codebook_optimizers import TOC, TOCParameters
from models.codebook_optimizers.toc import channel_scores
from models.errors import InvalidRequest
from models.hierarchy import TwoLevel, TwoLevelParameters
from models.method import Method, Sizes
from models.training import Pretrainer

PRIVATE = 4
SMALL = {"width": 6, "hidden": 5, "private": 3, "codes": 5, "steps": 2, "warm_up": 0.0}


def make(current_steps: int = 4, video_steps: int = 4, seed: int = 0, **parameters: Any) -> TwoLevel:
    torch.manual_seed(seed)
    steps = {"current_steps": current_steps, "video_steps": video_steps}
    settings = TwoLevelParameters(**{**SMALL, **parameters})
    return TwoLevel(settings, private_width=PRIVATE, generator=generator(seed), **steps).double()


def private(count: int = 5, steps: tuple[int, int] = (4, 4), seed: int = 0) -> tuple[Tensor, Tensor]:
    g = generator(seed)
    current, video = (torch.rand(count, n, PRIVATE, generator=g, dtype=torch.float64) * 2 - 1 for n in steps)
    return current.requires_grad_(), video.requires_grad_()


def beside(vectors: tuple[Tensor, Tensor], progress: float = 1.0) -> Beside:
    return Beside(vectors[1], vectors, progress=progress)


def correlated(h: TwoLevel, vectors: tuple[Tensor, Tensor]) -> None:
    """Make code vectors foretell specific vectors, so that CLUB has something to penalise."""
    optimizer = torch.optim.Adam(h.club.parameters(), lr=0.02)
    for _ in range(100):
        optimizer.zero_grad()
        h(vectors, beside(vectors)).backward()
        optimizer.step()


class TestTwoLevel:
    def test_nothing_happens_before_the_warm_up_ends(self) -> None:
        h, vectors = make(warm_up=0.6), private()
        before = h.codebook.clone()
        loss = h(vectors, beside(vectors, 0.59))
        assert loss == 0 and loss.dtype == torch.float64 and torch.equal(h.codebook, before)
        assert h(vectors, beside(vectors, 0.6)) > 0 and not torch.equal(h.codebook, before)

    def test_the_loss_by_its_parts(self) -> None:
        # Windows of K + 2 steps leave one start to predict from, hence nothing is drawn.
        h, vectors = make(weight=0.7, club=0.4), private()
        correlated(h, vectors)
        h.eval()
        z = [h.encoders[m](p) for m, p in zip(("current", "video"), vectors, strict=True)]
        q = h.quantizer(*z)
        expected = q.commitment + h.alignment(*z, beside=beside(vectors))
        bounds = []
        for m, e, s1 in zip(("current", "video"), (q.current, q.video), vectors, strict=True):
            s2 = torch.clamp(h.specific[m](s1), min=0)
            rebuilt = h.rebuild[m](torch.cat([h.of_codes[m](e), s2], dim=-1))
            expected = expected + (rebuilt - s1).square().sum() / s1.numel()
            mean = h.club[m].mean(e)
            variance = ((s2 - mean) ** 2).mean((0, 1)).clamp(min=1e-2)
            bound = torch.zeros((), dtype=torch.float64)
            for t, i, j in itertools.product(range(4), range(5), range(5)):
                wrong, right = (s2[j, t] - mean[i, t]) ** 2, (s2[i, t] - mean[i, t]) ** 2
                bound = bound + ((wrong - right) / (2 * variance)).sum() / (4 * 5 * 5)
            bounds.append(float(bound.detach()))
            expected = expected + 0.4 * bound.clamp(min=0)
        assert max(bounds) > 0.01
        torch.testing.assert_close(h(vectors, beside(vectors)), 0.7 * expected)

    def test_the_density_is_fitted_by_likelihood_and_the_bound_spares_it(self) -> None:
        h, vectors = make(weight=0.7, club=0.4), private()
        correlated(h, vectors)
        h.eval()
        loss = h(vectors, beside(vectors))
        assert h.logs["apart"] > 0
        q = h.quantizer(*(h.encoders[m](p) for m, p in zip(("current", "video"), vectors, strict=True)))
        for m, e, s1 in zip(("current", "video"), (q.current, q.video), vectors, strict=True):
            club = h.club[m]
            fit = club.fit_gradients(e, torch.relu(h.specific[m](s1)))
            ours = torch.autograd.grad(loss, list(club.parameters()), retain_graph=True)
            for a, b in zip(ours, fit, strict=True):
                torch.testing.assert_close(a, 0.7 * 0.4 * b)

    def test_likelihood_leaves_the_encoders_alone(self) -> None:
        """Of CLUB nothing but the bound moves what the density is fitted to."""
        h, vectors = make(club=0.4), private()
        correlated(h, vectors)
        h.eval()
        without = make(club=0.0).eval()
        without.load_state_dict(h.state_dict(), strict=False)
        bound = torch.zeros((), dtype=torch.float64)
        q = h.quantizer(*(h.encoders[m](p) for m, p in zip(("current", "video"), vectors, strict=True)))
        for m, e, s1 in zip(("current", "video"), (q.current, q.video), vectors, strict=True):
            bound = bound + torch.relu(h.club[m].bound(e, torch.relu(h.specific[m](s1))))
        assert bound > 0
        plain = without(vectors, beside(vectors))
        ours = torch.autograd.grad(h(vectors, beside(vectors)), vectors)
        theirs = torch.autograd.grad(plain + 0.3 * 0.4 * bound, vectors)
        for one, other in zip(ours, theirs, strict=True):
            torch.testing.assert_close(one, other)

    def test_what_is_rebuilt_is_a_constant(self) -> None:
        h, vectors = make(club=0.0), private()
        h.eval()
        with torch.no_grad():
            for p in h.rebuild.parameters():
                p.zero_()
        z = [h.encoders[m](p) for m, p in zip(("current", "video"), vectors, strict=True)]
        rest = 0.3 * (h.quantizer(*z).commitment + h.alignment(*z, beside=beside(vectors)))
        expected = torch.autograd.grad(rest, vectors)
        for ours, theirs in zip(
            torch.autograd.grad(h(vectors, beside(vectors)), vectors), expected, strict=True
        ):
            torch.testing.assert_close(ours, theirs)

    @pytest.mark.parametrize("dtype", (torch.float32, torch.float64))
    @pytest.mark.parametrize("steps", ((8, 8), (12, 8), (6, 12)))
    @pytest.mark.parametrize("count", (1, 6))
    def test_shapes_and_gradients(self, count: int, steps: tuple[int, int], dtype: torch.dtype) -> None:
        h = make(*steps).to(dtype)
        vectors = tuple(p.detach().to(dtype).requires_grad_() for p in private(count, steps))
        loss = h(vectors, beside(vectors))
        assert loss.shape == () and loss.dtype == dtype and loss.isfinite()
        loss.backward()
        assert all(v.grad.isfinite().all() and v.grad.any() for v in vectors)
        for m, v in zip(("current", "video"), vectors, strict=True):
            found, codes = h.lookup(v, m)
            assert found.shape == (*v.shape[:2], 6) and codes.shape == v.shape[:2]
            assert torch.equal(found, h.codebook[codes])

    def test_every_parameter_is_trained(self) -> None:
        h, vectors = make(8, 8), private(16, (8, 8))
        h(vectors, beside(vectors)).backward()
        assert [n for n, p in h.named_parameters() if p.grad is None or not p.grad.any()] == []

    def test_it_learns_from_pairs_and_stays_at_chance_without(self) -> None:
        # Both directions weigh .2, and what has no structure costs ln B.
        chance = 0.4 * math.log(32)
        mix = torch.randn(PRIVATE, PRIVATE, generator=generator(9), dtype=torch.float64)
        final = {}
        for paired in (True, False):
            h, losses = make(8, 8, codes=32), []
            optimizer = torch.optim.Adam(h.parameters(), lr=5e-3)
            for seed in range(80):
                # A level of each window, new in every batch, with noise of each step on it.
                noise = private(32, (8, 8), seed=seed)[0].detach()
                level = 2.0 * noise[:, :1] + 0.2 * noise
                pair = (torch.tanh(level), torch.tanh((level if paired else level.roll(1, 0)) @ mix))
                optimizer.zero_grad()
                h(pair, beside(pair)).backward()
                optimizer.step()
                losses.append(float(h.logs["alignment"]))
            final[paired] = np.mean(losses[-10:])
        assert final[True] < chance - 0.2 and final[False] > chance - 0.01

    @pytest.mark.parametrize("sizes", (SIZES, UNEQUAL))
    def test_the_head_reads_both_levels(self, sizes: Sizes) -> None:
        hierarchy = {"name": "two_level", "width": 6, "codes": 10, "warm_up": 0.5}
        method = small_method(sizes, hierarchy=hierarchy)
        pretrainer = Pretrainer(method, steps=8)
        books = []
        for step in range(8):
            terms = pretrainer.step(*batch(sizes, seed=step))
            books.append(method.hierarchy.codebook.clone())
            assert bool(terms["hierarchy"]) == (step >= 4)
        assert torch.equal(books[0], books[3]) and not torch.equal(books[3], books[4])
        current, _ = batch(sizes)
        vectors, indices = method.codes("current", current)
        first, own = method.quantizer.lookup(method.encode("current", current))
        second, _ = method.hierarchy.lookup(method.specific["current"](current), "current")
        assert torch.equal(indices, own)
        torch.testing.assert_close(vectors, torch.cat([first, second], dim=-1).detach())
        assert [c.shape for c in method.codebooks()] == [(12, 8), (10, 6)]

    def test_it_needs_specific_vectors(self) -> None:
        with pytest.raises(InvalidRequest, match="hierarchy: two_level needs specific vectors"):
            small_method(hierarchy="two_level", specific_encoder="none", disentangle="none")

    def test_windows_that_are_too_short_are_refused(self) -> None:
        with pytest.raises(InvalidRequest, match="two_level.steps .* got steps 3 .* use at most 2"):
            make(4, 9, steps=3)


def brute_score(codebook: np.ndarray[Any, Any]) -> list[float]:
    count, width = codebook.shape
    scores = []
    for d in range(width):
        column = [float(x) for x in codebook[:, d]]
        similarity = sum(column[i] * column[j] for i in range(count) for j in range(count) if i != j) / (
            count * (count - 1)
        )
        mean = sum(column) / count
        variance = sum((x - mean) ** 2 for x in column) / (count - 1)
        scores.append(-0.7 * similarity + 0.3 * variance)
    return scores


def random_codebook(count: int = 9, width: int = 12, seed: int = 0) -> Tensor:
    g = generator(seed)
    offset, size = (torch.randn(width, generator=g, dtype=torch.float64) for _ in range(2))
    return offset + size * torch.randn(count, width, generator=g, dtype=torch.float64)


class TestTOC:
    def toc(self, **parameters: Any) -> TOC:
        return TOC(TOCParameters(**parameters))

    @pytest.mark.parametrize("count", (2, 9))
    def test_the_score_equals_the_double_loop(self, count: int) -> None:
        codebook = random_codebook(count)
        np.testing.assert_allclose(channel_scores(codebook).numpy(), brute_score(codebook.numpy()), atol=1e-9)
        torch.testing.assert_close(
            channel_scores(codebook.float()), channel_scores(codebook), rtol=1e-4, atol=1e-5
        )

    def test_an_offset_shared_by_all_codes_lowers_the_score_and_spread_raises_it(self) -> None:
        codes = torch.randn(50, 1, generator=generator(), dtype=torch.float64)
        codes = codes - codes.mean()
        score = channel_scores(torch.cat([codes, codes + 1.0, 2.0 * codes], dim=1))
        assert score[1] < score[0] < score[2]
        # Of centred codes only the variance counts.
        assert float(score[0]) == pytest.approx((0.3 + 0.7 / 50) * float(codes.var()))

    @pytest.mark.parametrize(("ratio", "top"), (("1:0", 8), ("1:1", 4), ("3:1", 6)))
    def test_the_highest_are_kept_and_by_ratio_the_lowest(self, ratio: str, top: int) -> None:
        codebook = random_codebook(width=12)
        order = sorted(range(12), key=brute_score(codebook.numpy()).__getitem__, reverse=True)
        everything, kept = self.toc(widths="0.66", ratio=ratio).candidates([codebook])
        assert everything.tolist() == list(range(12))
        assert kept.tolist() == sorted(order[:top] + order[12 - (8 - top) :])

    @pytest.mark.parametrize("ratio", ("1:0", "1:1", "3:1"))
    def test_selections_are_unique_of_the_width_asked_for_and_all_channels_come_first(
        self, ratio: str
    ) -> None:
        codebooks = [random_codebook(), random_codebook(width=7, seed=1)]
        found = self.toc(widths="0.5, 0.05,1,0.5", ratio=ratio).candidates(codebooks)
        assert [len(c) for c in found] == [19, 10, 2]
        assert found[0].tolist() == list(range(19))
        for channels in found:
            assert channels.dtype == torch.int64 and channels.unique().numel() == len(channels)
            assert torch.cat(codebooks, dim=1)[:0, channels].shape == (0, len(channels))

    def test_each_level_is_selected_by_itself(self) -> None:
        codebooks = [random_codebook(), random_codebook(width=6, seed=1)]
        toc = self.toc(widths="0.5")
        both = toc.candidates(codebooks)[1].tolist()
        alone = [toc.candidates([c])[1].tolist() for c in codebooks]
        assert both == alone[0] + [12 + d for d in alone[1]]

    def test_widths_that_select_alike_are_one_candidate(self) -> None:
        assert len(self.toc(widths="0.1,0.2,0.3").candidates([random_codebook(width=3)])) == 2

    @pytest.mark.parametrize("widths", ("0", "1.5", "half", "", "0.5,,1", "nan"))
    def test_widths_that_are_no_shares_are_refused(self, widths: str) -> None:
        with pytest.raises(InvalidRequest, match="toc.widths must be shares above 0 and up to 1"):
            self.toc(widths=widths)

    def test_it_needs_codes(self) -> None:
        with pytest.raises(InvalidRequest, match="codebook_optimizer: toc needs a codebook"):
            small_method(codebook_optimizer="toc", quantizer="none", code_matching="none")
        assert isinstance(small_method(codebook_optimizer="toc"), Method)
