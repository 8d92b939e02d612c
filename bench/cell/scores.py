"""Scores of one set of predictions; every one is recorded, the study names the one it judges by."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

NAMES = (
    "balanced_accuracy",
    "accuracy",
    "f1",
    "mcc",
    "auroc",
    "auprc",
    "recall",
    "false_alarm_rate",
)

LOWER_IS_BETTER = "false_alarm_rate"
PEEKED = "peeked."
"""Begins the names of scores of the test part that are kept of every epoch, see :mod:`bench.cell.peek`."""


def scores(label: NDArray[Any], probability: NDArray[Any], threshold: float = 0.5) -> dict[str, float]:
    """Return every score of predicted probabilities against 0/1 labels.

    AUROC stands beside balanced accuracy on purpose: a high AUROC with a balanced accuracy of .5 is
    an offset between the modalities, an AUROC below .5 a wrong orientation, .5 no signal.

    Args:
        label: ``(n,)`` of 0 and 1; both must occur.
        probability: ``(n,)``, P(positive).
        threshold: a window is called positive above it.
    """
    from sklearn import metrics  # slow to import, and reports only read scores

    truth = np.asarray(label).astype(int)
    called = (np.asarray(probability) > threshold).astype(int)
    negatives = truth == 0
    return {
        "balanced_accuracy": float(metrics.balanced_accuracy_score(truth, called)),
        "accuracy": float(metrics.accuracy_score(truth, called)),
        "f1": float(metrics.f1_score(truth, called, zero_division=0.0)),
        "mcc": float(metrics.matthews_corrcoef(truth, called)),
        "auroc": float(metrics.roc_auc_score(truth, probability)),
        "auprc": float(metrics.average_precision_score(truth, probability)),
        "recall": float(called[~negatives].mean()),
        "false_alarm_rate": float(called[negatives].mean()),
    }


def named(prefix: str, values: dict[str, float]) -> dict[str, float]:
    """Return scores under names that say what they are of."""
    return {f"{prefix}.{name}": value for name, value in values.items()}


def code_diagnostics(current: NDArray[Any], video: NDArray[Any], codes: int) -> dict[str, float]:
    """Describe how the two modalities use the shared codebook.

    Perplexity is exp(entropy) of the code histogram; agreement is the share of paired steps with
    equal codes, kappa the same corrected for chance (Cohen); overlap is the shared mass of the two
    histograms. None of them is a quality score: any shared nuisance raises agreement.

    Args:
        current: ``(n, steps)`` code indices.
        video: ``(n, steps)`` code indices of the paired windows; steps may differ in number.
        codes: size of the codebook.
    """
    share = [np.bincount(index.ravel(), minlength=codes) / index.size for index in (current, video)]
    entropy = [float(-(p[p > 0] * np.log(p[p > 0])).sum()) for p in share]
    matched = nearest_steps(current, video.shape[1])
    equal = float((matched == video).mean())
    chance = float((share[0] * share[1]).sum())
    return {
        "perplexity.current": float(np.exp(entropy[0])),
        "perplexity.video": float(np.exp(entropy[1])),
        "equal_codes": equal,
        "kappa": (equal - chance) / (1 - chance) if chance < 1 else 0.0,
        "overlap": float(np.minimum(share[0], share[1]).sum()),
        "active_codes": float(((share[0] + share[1]) > 0).sum()),
    }


def nearest_steps(index: NDArray[Any], steps: int) -> NDArray[Any]:
    """Return indices ``(n, steps)``: of each step of the other modality, the own one at the same time."""
    own = index.shape[1]
    return index[:, ((np.arange(steps) + 0.5) * own / steps).astype(int)]
