"""Records of a study without its training: what the tests of reports and of the command read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from bench.store import Record, Store
from bench.study import Study

METRIC = "current.balanced_accuracy"
LABEL = np.tile([0, 0, 1], 40).astype(np.int8)
GROUP = np.repeat(np.arange(6), 20).astype(np.int32)


def record(study: Study, out: Path, score: Callable[[str, int], float], order: int | None = None) -> None:
    """Put a done record for every cell of a study.

    Args:
        study: the study.
        out: where the record is.
        score: arm and seed to the score it is judged by.
        order: seed of the order in which they come in; None for that of the study.
    """
    store, cells = Store(out), study.cells()
    places = range(len(cells)) if order is None else np.random.default_rng(order).permutation(len(cells))
    for place in places:
        cell = cells[place]
        value = score(cell.arm, cell.unit.seed)
        generator = np.random.default_rng([abs(hash_of(cell.arm)), cell.unit.seed])
        guess = 0.5 + 0.5 * np.tanh(generator.normal(2 * (value - 0.5) * (LABEL - 0.3), 0.3))
        store.put(
            Record(
                cell.key,
                0,
                "done",
                cell=cell.content,
                scores={study.settings.metric: value, "current.auroc": min(1.0, value + 0.05)},
                cost={"cpu_seconds": 1.0, "wall_seconds": 1.5},
                provenance={"commit": "0123abc"},
                predictions={"score": guess.astype(np.float32), "label": LABEL, "group": GROUP},
            )
        )


def hash_of(name: str) -> int:
    """Return a number of a name that is the same in every process."""
    return int.from_bytes(name.encode()[:6], "big")
