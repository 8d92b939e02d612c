"""What every result is read against: supervised ceilings and baselines that need no method."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from bench.cell.inputs import Inputs, as_rows, batches, batches_in
from bench.data.split import Split
from bench.data.windows import Track, Windows
from models import registry

CLOCK_BINS = 20
Floats = NDArray[np.float64]


def reference(
    name: str, arm: dict[str, Any], inputs: Inputs, windows: Windows, tracks: tuple[Track, ...], parts: Split,
    budget: dict[str, Any], generator: torch.Generator,
) -> Floats:  # fmt: skip
    """Return P(positive) of the test windows according to a reference.

    ``name`` is one of :data:`bench.arms.REFERENCES`; the supervised ones use the encoder, the
    optimiser and the budget of ``arm``, so that they spend what the method spends.
    """
    if name == "always_positive":
        return np.ones(len(parts.test))
    if name == "clock":
        return _clock(windows, tracks, parts)
    kind, _, modality = name.partition("_")
    if kind == "logistic":
        return _logistic(modality, inputs, parts)
    return _supervised(modality, arm, inputs, parts, budget, generator)


def _clock(windows: Windows, tracks: tuple[Track, ...], parts: Split) -> Floats:
    """Label frequency in twenty quantile bins of the clock; prior counts of one half each."""
    origin = np.array([track.clock for track in tracks])
    time = origin[windows.recording] + windows.end
    edges = np.unique(np.quantile(time[parts.train], np.linspace(0, 1, CLOCK_BINS + 1)[1:-1]))
    bins = np.searchsorted(edges, time, side="right")
    label = windows.label[parts.train]
    positive = np.bincount(bins[parts.train], weights=label, minlength=len(edges) + 1)
    negative = np.bincount(bins[parts.train], weights=1 - label, minlength=len(edges) + 1)
    # Balanced, so that one half is the threshold whatever the base rate.
    high, low = (positive + 0.5) / (label.sum() + 1), (negative + 0.5) / ((1 - label).sum() + 1)
    share: Floats = high / (high + low)
    return share[bins[parts.test]]


def _logistic(modality: str, inputs: Inputs, parts: Split) -> Floats:
    from sklearn.linear_model import LogisticRegression  # slow to import

    device = inputs.label.device

    def mean(rows: NDArray[np.int64]) -> NDArray[Any]:
        parts_ = [window.mean(dim=1) for window in inputs.chunks(modality, as_rows(rows, device))]
        return torch.cat(parts_).cpu().numpy()

    model = LogisticRegression(C=0.1, class_weight="balanced", max_iter=2000)
    model.fit(mean(parts.train), inputs.label.cpu().numpy()[parts.train])
    probability: Floats = model.predict_proba(mean(parts.test))[:, 1]
    return probability


def _supervised(
    modality: str,
    arm: dict[str, Any],
    inputs: Inputs,
    parts: Split,
    budget: dict[str, Any],
    generator: torch.Generator,
) -> Floats:
    """The arm's own encoder, mean over steps and a linear layer, trained on balanced labels."""
    device = inputs.label.device
    slot = f"{modality}_encoder"
    encoder = registry.build(
        slot,
        arm[slot],
        features=inputs.frames[modality].shape[1],
        steps=inputs.steps[modality],
        shape=inputs.shape[modality],
        generator=generator,
    )
    net = nn.ModuleDict({"encoder": encoder, "head": nn.Linear(encoder.width, 1)}).to(device)
    steps = budget["epochs"] * batches_in(budget["windows"], arm["optimizer"]["batch"])
    optimizer = registry.build("optimizer", arm["optimizer"], net.parameters(), steps=steps)
    rows = as_rows(parts.train, device)
    share = inputs.label[rows].float().mean()
    for _ in range(budget["epochs"]):
        for batch in batches(rows, budget["windows"], arm["optimizer"]["batch"], generator):
            label = inputs.label[batch].float()
            logit = net["head"](net["encoder"](inputs.window(modality, batch)).mean(dim=1)).squeeze(1)
            weight = torch.where(label > 0, 0.5 / share, 0.5 / (1 - share))
            loss = nn.functional.binary_cross_entropy_with_logits(logit, label, weight)
            optimizer.step(loss)
    net.eval()
    with torch.no_grad():
        test = as_rows(parts.test, device)
        logits = [
            net["head"](net["encoder"](x).mean(dim=1)).squeeze(1) for x in inputs.chunks(modality, test)
        ]
    probability: Floats = torch.cat(logits).sigmoid().double().cpu().numpy()
    return probability
