"""Linear recursions driven by noise: the one building block of all slow and fast processes here."""

from __future__ import annotations

import math
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
T = TypeVar("T", bound=np.generic)


def recursion(decay: Floats | float, drive: Floats) -> Floats:
    """Return ``x`` with ``x[t] = decay[t] * x[t-1] + drive[t]`` and ``x[-1] = 0``.

    The coefficient may change at every step, which a fixed filter cannot do; a bidiagonal solve can.

    Args:
        decay: ``(steps,)`` or one number, each in [0, 1).
        drive: ``(steps, ...)``.
    """
    from scipy.linalg import solve_banded  # slow to import

    band = np.ones((2, len(drive)))
    band[1, :-1] = -np.broadcast_to(decay, len(drive))[1:]
    flat = solve_banded((1, 0), band, drive.reshape(len(drive), -1), check_finite=False)
    return np.asarray(flat, dtype=np.float64).reshape(drive.shape)


def wander(rng: np.random.Generator, shape: tuple[int, ...], step: float, time: float) -> Floats:
    """Return stationary Ornstein-Uhlenbeck paths of unit variance: ``shape`` = (steps, ...).

    Args:
        rng: where the noise comes from.
        shape: number of steps first.
        step: length of a step, s.
        time: correlation time, s.
    """
    decay = math.exp(-step / time)
    drive = rng.standard_normal(shape)
    drive[1:] *= math.sqrt(1 - decay**2)
    return recursion(decay, drive)


def hold(redrawn: NDArray[np.bool_], drawn: NDArray[T]) -> NDArray[T]:
    """Return at every step the value drawn at the latest step where ``redrawn`` is true.

    The first step counts as redrawn.
    """
    latest = np.where(redrawn, np.arange(len(redrawn)), 0)
    return drawn[np.maximum.accumulate(latest)]
