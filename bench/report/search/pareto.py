"""Which trials no other trial beats on every objective."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from bench.report.searched import ArmSearch, Searched


def non_dominated(values: ArrayLike, directions: Sequence[str]) -> NDArray[np.bool_]:
    """Return which rows no other row beats: at least as good on all objectives and better on one.

    Args:
        values: finite, shape (trials, objectives).
        directions: ``maximize`` or ``minimize`` for each objective.
    """
    signs = [1.0 if direction == "maximize" else -1.0 for direction in directions]
    gain = np.asarray(values, dtype=np.float64) * signs
    as_good = (gain[:, None] >= gain[None]).all(axis=2)
    better = (gain[:, None] > gain[None]).any(axis=2)
    beaten: NDArray[np.bool_] = np.any(as_good & better, axis=0)
    return ~beaten


def front(search: ArmSearch, searched: Searched) -> pd.DataFrame:
    """Return the non-dominated trials of a search, the best on the first objective first."""
    names = list(searched.objectives)
    rows = search.scored.dropna(subset=names)
    rows = rows[non_dominated(rows[names], searched.directions)]
    ascending = [direction == "minimize" for direction in searched.directions]
    return rows.sort_values([*names, "number"], ascending=[*ascending, True])
