"""What a run called, counted by recording: any score at a threshold follows from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from models.errors import InvalidRequest

Floats = NDArray[np.float64]
Metric = Callable[[Floats, Floats, Floats, Floats], Floats]
"""True positives, false negatives, true negatives, false positives -> score."""


@dataclass(frozen=True, eq=False)
class Confusion:
    """Calls of one run, counted in each recording; from them follows any metric at a threshold.

    Attributes:
        names: the recordings, sorted, shape (recordings,).
        counts: true positives, false negatives, true negatives, false positives, shape (recordings, 4).
    """

    names: NDArray[Any]
    counts: Floats

    @classmethod
    def count(cls, group: ArrayLike, label: ArrayLike, called: ArrayLike) -> Confusion:
        """Count test predictions.

        Args:
            group: recording or case of each sample, shape (samples,).
            label: 1 = abnormal, 0 = normal, shape (samples,).
            called: 1 = warned, 0 = not, shape (samples,).

        Raises:
            InvalidRequest: the three differ in length.
        """
        names, member = np.unique(np.asarray(group), return_inverse=True)
        truth, warned = np.asarray(label) == 1, np.asarray(called) == 1
        if not member.shape == truth.shape == warned.shape:
            raise InvalidRequest(
                f"group, label and called must have one entry a sample, got lengths {member.size}, "
                f"{truth.size} and {warned.size}; store them together"
            )
        cells = (truth & warned, truth & ~warned, ~truth & ~warned, ~truth & warned)
        counted = [np.bincount(member, weights=cell, minlength=names.size) for cell in cells]
        return cls(names, np.stack(counted, axis=1))


def balanced_accuracy(tp: Floats, fn: Floats, tn: Floats, fp: Floats) -> Floats:
    """Return the mean of recall on both classes; NaN where a class is missing."""
    with np.errstate(invalid="ignore"):
        return (tp / (tp + fn) + tn / (tn + fp)) / 2
