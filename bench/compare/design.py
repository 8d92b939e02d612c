"""A grid as the columns of a linear model: factors coded as deviations from the mean of their levels."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Term = tuple[str, ...]  # one factor: its main effect; two: their interaction
At = tuple[int, ...]  # the level of each factor of a term, by its place


class Design:
    """Cells of a grid, in the order of their units and levels.

    Attributes:
        levels: factor -> its levels.
        names: the factors.
        codes: place of the level of each factor, shape (cells, factors).
        units: number of units.
        unit: number of the unit of each cell, shape (cells,).
        score: shape (cells,).
        balanced: whether every unit has the same combinations.
    """

    def __init__(self, cells: pd.DataFrame, levels: Mapping[str, tuple[Any, ...]]) -> None:
        self.levels, self.names = levels, list(levels)
        self.codes: NDArray[np.int64] = (
            cells.iloc[:, 1:-1].to_numpy(dtype=np.int64).reshape(len(cells), len(levels))
        )
        names, self.unit = np.unique(cells["unit"].to_numpy(dtype=str), return_inverse=True)
        self.units = int(names.size)
        self.score: Floats = cells["score"].to_numpy(dtype=float)
        self.combinations = math.prod(map(len, levels.values()))
        self._coding = {name: _deviations(len(found)) for name, found in levels.items()}
        rows = {self.codes[self.unit == i].tobytes() for i in range(self.units)}
        self.balanced = len(rows) == 1

    def width(self, term: Term) -> int:
        """Return the degrees of freedom of a term."""
        return math.prod(len(self.levels[name]) - 1 for name in term)

    def at(self, term: Term) -> Iterator[At]:
        """Yield every combination of the levels of a term."""
        return product(*(range(len(self.levels[name])) for name in term))

    def crossed(self, term: Term) -> bool:
        """Return whether every combination of the levels of a term occurs."""
        places = [self.names.index(name) for name in term]
        return len(np.unique(self.codes[:, places], axis=0)) == math.prod(len(self.levels[n]) for n in term)

    def columns(self, terms: Sequence[Term]) -> Floats:
        """Return the columns of the terms, side by side, shape (cells, degrees of freedom)."""
        return self._columns(terms, self.codes)

    def block(self, terms: Sequence[Term]) -> Floats:
        """Return the columns of one unit of a balanced design, shape (cells, degrees of freedom)."""
        return self._columns(terms, self.codes[: self.score.size // self.units])

    def aliased(self, terms: Sequence[Term]) -> bool:
        """Return whether some effect cannot be told from the others or from the mean."""
        combinations = np.unique(self.codes, axis=0)
        columns = np.column_stack([np.ones(len(combinations)), self._columns(terms, combinations)])
        return bool(np.linalg.matrix_rank(columns) < columns.shape[1])

    def weights(self, term: Term, at: At) -> Floats:
        """Return what the coefficients of a term are multiplied by to give its effect at some levels."""
        own: Floats = np.ones(1)
        for name, code in zip(term, at, strict=True):
            own = np.outer(own, self._coding[name][code]).ravel()
        return own

    def by_unit(self, terms: Sequence[Term]) -> Floats:
        """Return the coefficients of the terms in each unit alone, of a balanced design, (units, columns)."""
        scores = self.score.reshape(self.units, -1)
        centred = scores - scores.mean(axis=1, keepdims=True)  # first: rounding is then that of differences
        block = np.column_stack([np.ones(centred.shape[1]), self.block(terms)])
        found: Floats = (centred @ np.linalg.pinv(block).T)[:, 1:]
        return found

    def _columns(self, terms: Sequence[Term], codes: NDArray[np.int64]) -> Floats:
        parts = []
        for term in terms:
            part = np.ones((len(codes), 1))
            for name in term:
                own = self._coding[name][codes[:, self.names.index(name)]]
                part = (part[:, :, None] * own[:, None, :]).reshape(len(codes), -1)
            parts.append(part)
        return np.concatenate(parts, axis=1)


def _deviations(levels: int) -> Floats:
    """Return the coding under which the effects of a factor sum to 0, shape (levels, levels - 1)."""
    return np.concatenate([np.eye(levels - 1), -np.ones((1, levels - 1))])
