"""Heads against scikit-learn and by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from helpers_models import generator
from sklearn.linear_model import LogisticRegression

from models.errors import InvalidRequest
from models.heads import CodeTable, CodeTableParameters, LinearHead, LinearHeadParameters


@pytest.mark.parametrize("ridge", (1e-4, 1e-2, 1.0))
@pytest.mark.parametrize("share", (0.5, 0.1))
def test_linear_head_equals_sklearn(ridge: float, share: float) -> None:
    g = generator()
    labels = (torch.rand(300, generator=g) < share).long()
    vectors = torch.randn(300, 4, 6, generator=g) + 0.4 * labels[:, None, None]
    head = LinearHead(LinearHeadParameters(ridge=ridge)).fit(vectors, torch.zeros(300, 4).long(), labels)
    x = vectors.double().mean(1).numpy()
    x = (x - x.mean(0)) / np.sqrt(((x - x.mean(0)) ** 2).mean())
    reference = LogisticRegression(C=1 / (ridge * 300), class_weight="balanced", tol=1e-12, max_iter=10_000)
    expected = reference.fit(x, labels.numpy()).predict_proba(x)[:, 1]
    np.testing.assert_allclose(head.score(vectors, torch.zeros(300, 4).long()).numpy(), expected, atol=1e-6)


def test_linear_head_survives_separable_and_constant_vectors() -> None:
    labels = torch.tensor([0, 0, 1, 1])
    indices = torch.zeros(4, 2).long()
    separable = labels[:, None, None].expand(4, 2, 3).float()
    score = (
        LinearHead(LinearHeadParameters(ridge=1e-8)).fit(separable, indices, labels).score(separable, indices)
    )
    assert torch.equal(score > 0.5, labels == 1)
    constant = torch.ones(4, 2, 3)
    score = LinearHead(LinearHeadParameters()).fit(constant, indices, labels).score(constant, indices)
    torch.testing.assert_close(score, torch.full((4,), 0.5, dtype=torch.float64))


def test_linear_head_is_deterministic() -> None:
    g = generator()
    vectors, labels = torch.randn(50, 3, 6, generator=g), torch.arange(50) % 2
    heads = [LinearHead(LinearHeadParameters()).fit(vectors, vectors, labels) for _ in range(2)]
    assert torch.equal(heads[0].weights, heads[1].weights)


def test_code_table_by_hand() -> None:
    """Code 0: one normal window of two; code 1: both; code 2: the abnormal window; code 3: never."""
    indices = torch.tensor([[0, 0], [0, 1], [1, 2]])
    labels = torch.tensor([0, 0, 1])
    # Balanced weights: 3/4 a normal window, 3/2 the abnormal one, halved over the two steps.
    head = CodeTable(CodeTableParameters(smoothing=1.0), codes=4).fit(torch.empty(0), indices, labels)
    expected = [1 / (3 * 0.375 + 2), (0.75 + 1) / (0.375 + 0.75 + 2), 1.75 / 2.75, 0.5]
    torch.testing.assert_close(head.table, torch.tensor(expected, dtype=torch.float64))
    score = head.score(torch.empty(0), torch.tensor([[0, 2], [3, 3]]))
    torch.testing.assert_close(
        score, torch.tensor([(expected[0] + expected[2]) / 2, 0.5], dtype=torch.float64)
    )
    odds = CodeTable(CodeTableParameters(pool="log_odds"), codes=4).fit(torch.empty(0), indices, labels)
    both = odds.score(torch.empty(0), torch.tensor([[0, 2]]))
    logits = [np.log(p / (1 - p)) for p in (expected[0], expected[2])]
    assert float(both) == pytest.approx(1 / (1 + np.exp(-np.mean(logits))))


@pytest.mark.parametrize("label", (0, 1))
@pytest.mark.parametrize(
    "head", (LinearHead(LinearHeadParameters()), CodeTable(CodeTableParameters(), codes=5))
)
def test_one_class_is_refused(head: LinearHead | CodeTable, label: int) -> None:
    with pytest.raises(InvalidRequest, match="needs windows of both classes"):
        head.fit(torch.ones(4, 2, 3), torch.zeros(4, 2).long(), torch.full((4,), label))
