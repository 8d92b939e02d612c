"""The median of values that belong to recordings, when whole recordings are resampled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from models.errors import InvalidRequest

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Medians:
    """All that values have to say about their median over any resample of recordings.

    A median does not follow from sums, so every value is kept. Its bootstrap needs more values than that of
    a mean: not to be used with fewer than about twenty.

    Attributes:
        names: the recordings, sorted, shape (recordings,).
        member: place in ``names`` of each value, shape (values,).
        values: ascending, shape (values,).
    """

    names: NDArray[Any]
    member: NDArray[np.int64]
    values: Floats

    @classmethod
    def count(cls, group: ArrayLike, value: ArrayLike, names: ArrayLike) -> Medians:
        """Take values that are finite.

        Args:
            group: recording of each value, shape (values,); each one of ``names``.
            value: what the median is of; what is not finite is left out.
            names: all recordings, with or without a value.

        Raises:
            InvalidRequest: the first two differ in length.
        """
        known, given = np.unique(np.asarray(names)), np.asarray(value, dtype=np.float64)
        member = np.searchsorted(known, np.asarray(group))
        if member.shape != given.shape:
            raise InvalidRequest(
                f"group and value must have one entry a value, got lengths {member.size} and {given.size}; "
                "store them together"
            )
        order = np.argsort(given, kind="stable")
        order = order[np.isfinite(given[order])]
        return cls(known, member[order], given[order])

    @property
    def sizes(self) -> Floats:
        """Values of each recording, shape (recordings,)."""
        return np.bincount(self.member, minlength=self.names.size).astype(np.float64)

    def of(self, weights: Floats) -> Floats:
        """Return the median when recording r is there ``weights[d, r]`` times; NaN where no value is.

        Args:
            weights: shape (draws, recordings), in the order of ``names``.
        """
        if not self.values.size:
            return np.full(len(weights), np.nan)
        total = np.cumsum(weights[:, self.member], axis=1)
        half = total[:, -1:] / 2
        # Of an even number the mean of the two in the middle, as one is used to.
        low, high = (total >= half).argmax(axis=1), (total > half).argmax(axis=1)
        found: Floats = (self.values[low] + self.values[high]) / 2
        return np.where(half[:, 0] > 0, found, np.nan)
