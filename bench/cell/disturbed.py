"""Scores of the test windows as they would be under disturbances; all that was learnt stays as it is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.cell.inputs import Inputs, as_given
from bench.cell.readout import Readout, probability
from bench.cell.scores import named, scores
from bench.data.dataset import Dataset
from bench.data.split import Split
from bench.data.windows import Windows, WindowSpec
from bench.disturb import disturbed_frames
from models.method import MODALITIES

#: P(positive) of the test windows by modality: of inputs, and of those of the named modalities that it reads.
Read = Callable[[Inputs, Collection[str]], Mapping[str, NDArray[np.float64]]]


def disturbed_scores(
    cell: dict[str, Any],
    dataset: Dataset,
    spec: WindowSpec,
    inputs: Inputs,
    windows: Windows,
    parts: Split,
    read: Read,
) -> dict[str, float]:
    """Return ``<disturbance>_<strength>.<modality>.<score>`` of every modality that the disturbance acts on.

    Windows, labels, scaling, method and heads are those of the clean cell, so that its difference from the
    clean score of the same run is what the disturbance did. Nothing where the study asks for none.
    """
    arm = cell["arm"]
    kinds = {m: arm.get(f"{m}_input", "features") for m in MODALITIES}
    found: dict[str, float] = {}
    for label, disturbance in cell.get("disturbances", {}).get("read", {}).items():
        frames = disturbed_frames(dataset.path, disturbance, kinds)
        seen = inputs.replaced({m: as_given(dataset, spec, arm, m, raw) for m, raw in frames.items()})
        for modality, guess in read(seen, frames).items():
            found |= named(f"{label}.{modality}", scores(windows.label[parts.test], guess))
    return found


def by_method(cell: dict[str, Any], readout: Readout, parts: Split) -> Read:
    """Return how a frozen method reads the test windows of other inputs, by heads fitted on clean ones."""
    heads: dict[str, Any] = {}

    def read(inputs: Inputs, modalities: Collection[str]) -> dict[str, NDArray[np.float64]]:
        for m in set(modalities) - set(heads):
            heads[m] = readout.fit(cell["arm"]["head"], parts.train, reads=m)
        other = readout.on(inputs)
        return {m: probability(heads[m], other.codes(m, parts.test)) for m in modalities}

    return read


def by_reference(cell: dict[str, Any], fitted: Callable[[Inputs], NDArray[np.float64]], parts: Split) -> Read:
    """Return how a reference, which reads validation and test part in this order, reads the test part."""
    modality = "video" if cell["treatment"].endswith("video") else "current"

    def read(inputs: Inputs, modalities: Collection[str]) -> dict[str, NDArray[np.float64]]:
        return {m: fitted(inputs)[len(parts.validation) :] for m in modalities if m == modality}

    return read
