"""Which windows a cell learns from, selects on and is read on."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.data.dataset import Dataset
from bench.data.split import Split, SplitSpec, split
from bench.data.windows import Windows, WindowSpec
from models import registry
from models.errors import InvalidRequest

# Names the random stream that draws which recordings are learnt from.
FEWER = 0x66657772


def parts_of(cell: dict[str, Any], dataset: Dataset, windows: Windows, spec: WindowSpec) -> Split:
    """Divide the windows as the cell says; what is not scored serves for training only."""
    declared = {key: value for key, value in cell["split"].items() if key != "fold"}
    parts = split(
        registry.read(SplitSpec, declared, "split"),
        dataset.tracks,
        windows,
        seed=cell["seeds"]["split"],
        fold=cell["split"]["fold"],
        validation=cell["seeds"].get("validation"),
    )
    counted = [rows[windows.scored[rows]] for rows in (parts.validation, parts.test)]
    count = cell["arm"].get("recordings", "all")
    train = (
        parts.train if count == "all" else fewer(parts.train, dataset, windows, count, cell["seeds"]["split"])
    )
    return Split(train, *counted)


def fewer(
    rows: NDArray[np.int64], dataset: Dataset, windows: Windows, count: int, seed: int
) -> NDArray[np.int64]:
    """Return the windows of ``count`` recordings' groups; a smaller count keeps some of a larger one.

    Raises:
        InvalidRequest: there are not as many, or those drawn hold one class only.
    """
    group = np.array([track.group for track in dataset.tracks])[windows.recording[rows]]
    names = sorted(set(group))
    if count > len(names):
        raise InvalidRequest(
            f"recordings must not exceed those of the training part ({len(names)}), got {count}; lower it or "
            "split.test and split.validation"
        )
    order = np.random.default_rng([FEWER, seed]).permutation(len(names))
    kept = rows[np.isin(group, [names[i] for i in order[:count]])]
    if len(np.unique(windows.label[kept])) < 2:
        raise InvalidRequest(
            f"the recordings learnt from must hold both classes, and the {count} drawn hold one; raise "
            "recordings"
        )
    return kept
