"""A linear model of scores that come in units: fixed effects, and one random intercept a unit."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from bench.compare.paired import SAME

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Fit:
    """Estimates of the model score = mean + X slopes + unit + rest.

    Attributes:
        mean: the intercept.
        slopes: coefficients of the columns of X, shape (columns,).
        covariance: of the slopes, shape (columns, columns); zero where the rest has no spread.
        sd_unit: standard deviation of the unit's intercept.
        sd_rest: standard deviation of the rest; NaN without degrees of freedom.
        df: degrees of freedom within units: scores - units - columns.
    """

    mean: float
    slopes: Floats
    covariance: Floats
    sd_unit: float
    sd_rest: float
    df: int


def fit_units(columns: Floats, score: Floats, unit: Ints, same_rows: bool) -> Fit:
    """Fit the model by REML (Patterson & Thompson 1971; Pinheiro & Bates 2000, section 2.2).

    Only the ratio of the two variances has to be searched for; given it the rest is least squares on scores
    from which a part of the unit's mean is taken. Where all units have the same rows, all of the mean may be
    taken: slopes and their covariance do not depend on the ratio.

    Assumes independent units and a normal rest of one spread. The standard errors take the ratio as known,
    which matters where few cells are left in many units.

    Args:
        columns: X without intercept, of full rank together with it, shape (scores, columns).
        score: shape (scores,).
        unit: number of the unit of each score, 0 ... units - 1, shape (scores,).
        same_rows: whether every unit has the same rows of X.
    """
    size = np.bincount(unit)
    df = max(0, score.size - size.size - columns.shape[1])
    level = float(score.mean())  # taken off first: rounding is then that of the differences
    centred = score - level
    of_columns, of_score = _unit_means(columns, unit, size), _unit_means(centred[:, None], unit, size)[:, 0]
    if same_rows:
        within = columns - of_columns[unit]
        slopes, rss = _least_squares(within, centred - of_score[unit])
        variance = _variance(rss, df, score)
        covariance = variance * _inverse(within)
        left = of_score - of_columns @ slopes
        between = float(left.var(ddof=1)) - (variance / size[0] if df > 0 else 0.0)
        return Fit(level + float(left.mean()), slopes, covariance, _root(between), _root(variance), df)
    ratio = _ratio(columns, centred, unit, size)
    kept = 1 / np.sqrt(1 + size * ratio)
    part = (1 - kept)[unit]
    design = np.column_stack([np.ones(score.size), columns])
    means = np.column_stack([np.ones(size.size), of_columns])[unit]
    design = design - part[:, None] * means
    found, rss = _least_squares(design, centred - part * of_score[unit])
    variance = _variance(rss, score.size - design.shape[1], score)
    covariance = variance * _inverse(design)[1:, 1:]
    return Fit(level + float(found[0]), found[1:], covariance, _root(ratio * variance), _root(variance), df)


def _ratio(columns: Floats, score: Floats, unit: Ints, size: Ints) -> float:
    """Return the ratio of the variances, unit to rest, that maximises the restricted likelihood."""
    design = np.column_stack([np.ones(score.size), columns])
    both = np.column_stack([design, score])
    product, means = both.T @ both, _unit_means(both, unit, size)
    width = design.shape[1]
    free = score.size - width

    def deviance(ratio: float) -> float:
        taken = size * (size * ratio / (1 + size * ratio))
        crossed = product - (means * taken[:, None]).T @ means
        inner, edge = crossed[:width, :width], crossed[:width, width]
        rss = max(float(crossed[width, width] - edge @ np.linalg.solve(inner, edge)), np.finfo(float).tiny)
        log_det = float(np.linalg.slogdet(inner)[1])
        return float(free * math.log(rss) + np.log1p(size * ratio).sum() + log_det)

    found = optimize.minimize_scalar(
        lambda log: deviance(math.exp(log)), bounds=(-16.0, 16.0), method="bounded", options={"xatol": 1e-10}
    )
    return float(math.exp(found.x)) if found.fun < deviance(0.0) else 0.0


def _unit_means(values: Floats, unit: Ints, size: Ints) -> Floats:
    total = np.zeros((size.size, values.shape[1]))
    np.add.at(total, unit, values)
    return total / size[:, None]


def _least_squares(design: Floats, score: Floats) -> tuple[Floats, float]:
    found: Floats = np.linalg.lstsq(design, score, rcond=None)[0].astype(np.float64)
    return found, float(np.sum((score - design @ found) ** 2))


def _inverse(design: Floats) -> Floats:
    return np.linalg.inv(design.T @ design).astype(np.float64)


def _variance(rss: float, free: int, score: Floats) -> float:
    """Return the variance of the rest: NaN without freedom, exactly 0 where only rounding is left."""
    if free < 1:
        return math.nan
    rounding = (SAME * float(np.abs(score).max())) ** 2 * score.size
    return 0.0 if rss <= rounding else rss / free


def _root(variance: float) -> float:
    return math.sqrt(variance) if variance > 0 else (math.nan if math.isnan(variance) else 0.0)
