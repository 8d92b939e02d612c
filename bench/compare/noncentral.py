"""The noncentral t distribution where it matters here: few pairs, far tails."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

Floats = NDArray[np.float64]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(96)
_TAIL = 1e-16


def exceeds(t: ArrayLike, df: int, shift: float) -> Floats:
    """Return P(T > t) of the noncentral t distribution, to about 1e-12.

    T = (Z + shift) / (C / sqrt(df)) with Z ~ N(0, 1) and C ~ chi(df) independent, so T exceeds t exactly
    when Z > t C / sqrt(df) - shift. The normal probability of that is integrated over C (Owen 1968), in
    three panels because it is a step at C = shift sqrt(df) / t, the narrower the larger t. Accurate at one
    degree of freedom and far out, where general routines lose digits or return NaN.

    Args:
        t: points, finite, any shape.
        df: degrees of freedom, >= 1.
        shift: noncentrality; for n pairs of standardised effect d it is d sqrt(n).
    """
    points = np.asarray(t, dtype=np.float64)[..., None]
    low, high = _support(df)
    slope = np.maximum(np.abs(points), 1e-300) / math.sqrt(df)
    step, width = np.sign(points) * shift / slope, 9.0 / slope
    edges = np.concatenate(
        [np.full_like(points, low), step - width, step + width, np.full_like(points, high)], axis=-1
    ).clip(low, high)
    middle, half = (edges[..., 1:] + edges[..., :-1]) / 2, (edges[..., 1:] - edges[..., :-1]) / 2
    chi = middle[..., None] + half[..., None] * _NODES
    found = _density(chi, df) * special.ndtr(shift - np.sign(points)[..., None] * slope[..., None] * chi)
    total: Floats = np.einsum("...pk,k,...p->...", found, _WEIGHTS, half)
    return np.clip(total, 0.0, 1.0)


@lru_cache(maxsize=1024)
def _support(df: int) -> tuple[float, float]:
    return float(stats.chi.ppf(_TAIL, df)), float(stats.chi.isf(_TAIL, df))


def _density(chi: Floats, df: int) -> Floats:
    log = special.xlogy(df - 1, chi) - chi**2 / 2 - (df / 2 - 1) * math.log(2) - special.gammaln(df / 2)
    density: Floats = np.exp(log)
    return density
