"""Maps that close what a loss leaves open, against scikit-learn, SciPy and known maps."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.linalg import orthogonal_procrustes
from sklearn.cross_decomposition import CCA as Reference
from torch import Tensor

from models.calibration import Canonical, CanonicalParameters, Procrustes, Standardise
from models.registry import NoParameters


def paired(count: int = 2000, width: int = 4) -> tuple[Tensor, Tensor]:
    g = torch.Generator().manual_seed(0)
    shared = torch.randn(count, width, generator=g, dtype=torch.float64)
    noise = torch.randn(2, count, width, generator=g, dtype=torch.float64)
    mix = torch.randn(2, width, width, generator=g, dtype=torch.float64)
    strength = torch.tensor([2.0, 1.0, 0.5, 0.0], dtype=torch.float64)
    return (shared * strength + noise[0]) @ mix[0] + 3.0, (shared * strength + noise[1]) @ mix[1] - 1.0


def test_standardise_gives_both_the_same_moments() -> None:
    current, video = paired()
    made = Standardise(NoParameters()).fit(current, video)
    for x, name in ((current, "current"), (video, "video")):
        mapped = made.apply(x, name)
        torch.testing.assert_close(mapped.mean(0), torch.zeros(4, dtype=torch.float64), atol=1e-9, rtol=0)
        torch.testing.assert_close(mapped.std(0, correction=0), torch.ones(4, dtype=torch.float64))
    assert made.apply(torch.zeros(1, 4, dtype=torch.float64), "current").isfinite().all()


def test_procrustes_is_that_of_scipy_and_finds_a_rotation() -> None:
    current, video = paired()
    made = Procrustes(NoParameters()).fit(current, video)
    reference, _ = orthogonal_procrustes((current - current.mean(0)).numpy(), (video - video.mean(0)).numpy())
    np.testing.assert_allclose(made.turn.numpy(), reference, atol=1e-9)
    turn, _ = torch.linalg.qr(
        torch.randn(4, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    )
    made = Procrustes(NoParameters()).fit(video @ turn + 5.0, video)
    torch.testing.assert_close(made.apply(video @ turn + 5.0, "current"), made.apply(video, "video"))


def test_canonical_correlations_are_those_of_scikit_learn() -> None:
    current, video = paired()
    made = Canonical(CanonicalParameters(ridge=1e-8)).fit(current, video)
    c, v = made.apply(current, "current"), made.apply(video, "video")
    found = [float(np.corrcoef(c[:, i], v[:, i])[0, 1]) for i in range(4)]
    reference = Reference(n_components=4, max_iter=5000, tol=1e-12).fit(current.numpy(), video.numpy())
    x, y = reference.transform(current.numpy(), video.numpy())
    expected = [float(np.corrcoef(x[:, i], y[:, i])[0, 1]) for i in range(4)]
    assert found == pytest.approx(expected, abs=1e-4)
    # The video's variates are white, the current's are shrunk to the best guess of them.
    np.testing.assert_allclose(np.cov(v.T, bias=True), np.eye(4), atol=1e-6)
    slopes = [float(np.polyfit(c[:, i], v[:, i], 1)[0]) for i in range(3)]
    assert slopes == pytest.approx([1.0] * 3, abs=1e-6)


def test_canonical_maps_undo_any_linear_map() -> None:
    current, video = paired()
    g = torch.Generator().manual_seed(2)
    other = current @ torch.randn(4, 4, generator=g, dtype=torch.float64)
    made, again = (Canonical(CanonicalParameters(ridge=1e-8)).fit(x, video) for x in (current, other))
    torch.testing.assert_close(
        made.apply(current, "current").abs()[:, :3],
        again.apply(other, "current").abs()[:, :3],
        atol=1e-4,
        rtol=1e-3,
    )
