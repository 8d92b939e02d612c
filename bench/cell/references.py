"""What every result is read against: supervised ceilings and baselines that need no method."""

from __future__ import annotations

from collections.abc import Callable
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
#: P(positive) of the windows of validation and test part, in this order, of inputs clean or disturbed.
Read = Callable[[Inputs], Floats]


def reference(
    name: str, arm: dict[str, Any], inputs: Inputs, windows: Windows, tracks: tuple[Track, ...], parts: Split,
    budget: dict[str, Any], generator: torch.Generator,
) -> Read:  # fmt: skip
    """Fit a reference and return how it reads the windows of validation and test part.

    ``name`` is one of :data:`bench.arms.REFERENCES`; the supervised ones use the encoder, the
    optimiser and the budget of ``arm``, so that they spend what the method spends.
    """
    if name == "always_positive":
        ones = np.ones(len(_read(parts)))
        return lambda _: ones
    if name == "clock":
        told = _clock(windows, tracks, parts)
        return lambda _: told
    kind, _, modality = name.partition("_")
    if kind == "logistic":
        return _logistic(modality, inputs, parts)
    return _supervised(modality, arm, inputs, parts, budget, generator)


def _read(parts: Split) -> NDArray[np.int64]:
    """Return the windows that a reference is read on."""
    return np.concatenate([parts.validation, parts.test])


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
    return share[bins[_read(parts)]]


def _logistic(modality: str, inputs: Inputs, parts: Split) -> Read:
    from sklearn.linear_model import LogisticRegression  # slow to import

    device = inputs.label.device

    def mean(inputs: Inputs, rows: NDArray[np.int64]) -> NDArray[Any]:
        parts_ = [window.mean(dim=1) for window in inputs.chunks(modality, as_rows(rows, device))]
        return torch.cat(parts_).cpu().numpy()

    model = LogisticRegression(C=0.1, class_weight="balanced", max_iter=2000)
    model.fit(mean(inputs, parts.train), inputs.label.cpu().numpy()[parts.train])

    def read(inputs: Inputs) -> Floats:
        probability: Floats = model.predict_proba(mean(inputs, _read(parts)))[:, 1]
        return probability

    return read


def _supervised(
    modality: str,
    arm: dict[str, Any],
    inputs: Inputs,
    parts: Split,
    budget: dict[str, Any],
    generator: torch.Generator,
) -> Read:
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

    def read(inputs: Inputs) -> Floats:
        chunks = inputs.chunks(modality, as_rows(_read(parts), device))
        with torch.no_grad():
            logits = [net["head"](net["encoder"](x).mean(dim=1)).squeeze(1) for x in chunks]
        probability: Floats = torch.cat(logits).sigmoid().double().cpu().numpy()
        return probability

    return read
