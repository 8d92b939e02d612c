"""What each factor of a grid does, and which two of them act together."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special, stats

from bench.compare.design import At, Design, Term
from bench.compare.family import holm
from bench.compare.grid import Effect, Factorial, Omnibus
from bench.compare.mixed import fit_units
from bench.compare.paired import SAME
from bench.compare.repeated import repeated_measures
from models.errors import InvalidRequest

Floats = NDArray[np.float64]
Level = Any
NO_FACTOR = "no factor has two levels with scores"
FEW_UNITS = "fewer than two units: nothing tells an effect from chance"
ALIASED = "levels of two factors never occur apart: their effects cannot be told from each other"
NO_INTERACTIONS = "some combinations never occur: interactions cannot be estimated for all factors"
GAPS = "most units have gaps: p is too small where units respond differently to a factor"
NO_REST = "as many effects as scores: nothing is left to estimate the spread from"
NO_SPREAD = "the scores follow the effects without any spread: no interval exists"


def factorial(
    frame: pd.DataFrame, factors: Sequence[str], score: str, unit: str, level: float = 0.95
) -> Factorial:
    """Estimate main effects and pairwise interactions of a grid run on shared units.

    Every unit of a balanced grid gives each effect once: effects are then tested and bounded like any paired
    difference, against their own variation between units (repeated-measures analysis of variance; Greenhouse
    & Geisser 1959), and nothing is assumed of spreads. So that this holds, units with a gap are left out
    where at least half of the units (and two) have none. Else all cells are read by the linear mixed model
    score = mean + main effects + pairwise interactions + unit + rest, with the unit as random intercept,
    estimated by REML (Patterson & Thompson 1971), degrees of freedom being those left within units (Pinheiro
    & Bates 2000, section 2.4.2). Interactions of three factors and more count as rest.

    Assumes independent units and roughly normal effects; the mixed model also a rest of one spread in all
    cells. Where units respond differently to a factor that fails: with random slopes of twice the spread of
    the rest, 8 units and no effect it is significant in 41 % of studies (the other test: 4 %). ``mixed_p`` is
    reported for balanced grids too, for whoever expects it.

    *Not to be used* where runs collapse now and then (scores with two humps): a mean difference then mostly
    counts collapses, the spread differs between levels, and an effect on how often a run fails shows up as
    interaction; analyse the fail rate, or show the units. Not for factors whose levels were chosen after a
    look, nor to choose the best combination: that is one arm against another.

    Args:
        frame: one row a cell; rows without a finite score are left out, several of one cell averaged.
        factors: columns of the factors. Numbers are ordered by size, other levels by their text; a
            categorical column keeps its order.
        score: column of the score.
        unit: column that names the unit.
        level: of the intervals, which are for one effect at a time.

    Raises:
        InvalidRequest: a column is missing or named twice.
    """
    wanted = [*factors, unit, score]
    if len(set(wanted)) < len(wanted) or not set(wanted) <= set(frame.columns):
        raise InvalidRequest(
            f"factors, score and unit must be different columns, got {wanted} of {list(frame.columns)}"
        )
    levels = {factor: _levels(frame, factor, score) for factor in factors}
    levels = {factor: found for factor, found in levels.items() if len(found) > 1}
    cells = _cells(frame, levels, score, unit)
    kept = _whole_units(cells)
    design = Design(kept, levels)
    terms, note = _terms(design)
    units = int(cells["unit"].nunique())
    plain = Factorial(
        levels,
        design.units,
        units - design.units,
        design.score.size,
        design.combinations * units - len(cells),
        design.balanced,
        float(design.score.mean()) if design.score.size else math.nan,
        math.nan,
        math.nan,
        note=note,
    )
    return _Reader(design, terms, level).fill(plain) if terms else plain


def _levels(frame: pd.DataFrame, factor: str, score: str) -> tuple[Level, ...]:
    column = frame.loc[np.isfinite(frame[score].astype(float)), factor].dropna()
    seen = list(dict.fromkeys(column.tolist()))
    if isinstance(column.dtype, pd.CategoricalDtype):
        return tuple(each for each in column.cat.categories.tolist() if each in seen)
    numbers = all(isinstance(each, int | float) and not isinstance(each, bool) for each in seen)
    return tuple(sorted(seen) if numbers else sorted(seen, key=str))


def _cells(frame: pd.DataFrame, levels: dict[str, tuple[Level, ...]], score: str, unit: str) -> pd.DataFrame:
    """Return unit, the place of each factor's level, and the score: one row a cell, in canonical order."""
    places: dict[str, pd.Series] = {}
    for i, (factor, found) in enumerate(levels.items()):
        place = {level: code for code, level in enumerate(found)}
        places[f"place{i}"] = frame[factor].astype(object).map(place)
    table = pd.DataFrame({"unit": frame[unit].astype(str), **places, "score": frame[score].astype(float)})
    table = table[np.isfinite(table["score"])].dropna()
    table = table.astype(dict.fromkeys(places, int)).sort_values(list(table.columns), kind="stable")
    return pd.DataFrame(table.groupby(["unit", *places], as_index=False, sort=True)["score"].mean())


def _whole_units(cells: pd.DataFrame) -> pd.DataFrame:
    """Return the units that have every combination any has, if they are at least half; else all."""
    occurring = len(cells.iloc[:, 1:-1].drop_duplicates())
    size = cells["unit"].value_counts()
    whole = size[size == occurring].index
    enough = len(whole) >= max(2, len(size) / 2)
    return cells[cells["unit"].isin(whole)].reset_index(drop=True) if enough else cells


def _terms(design: Design) -> tuple[list[Term], str]:
    """Return the effects that can be estimated, and what stands in the way of others."""
    if not design.names:
        return [], NO_FACTOR
    if design.units < 2:
        return [], FEW_UNITS
    single: list[Term] = [(name,) for name in design.names]
    if design.aliased(single):
        return [], ALIASED
    wanted = list(combinations(design.names, 2))
    both = [pair for pair in wanted if design.crossed(pair)]
    if both and design.aliased([*single, *both]):
        both = []
    return [*single, *both], NO_INTERACTIONS if len(both) < len(wanted) else ""


class _Reader:
    """Reads effects off a design."""

    def __init__(self, design: Design, terms: list[Term], level: float) -> None:
        self.design, self.terms, self.level = design, terms, level
        ends = np.cumsum([0, *(design.width(term) for term in terms)]).tolist()
        self.place = {term: slice(*ends[i : i + 2]) for i, term in enumerate(terms)}
        self.fit = fit_units(design.columns(terms), design.score, design.unit, same_rows=design.balanced)
        self.by_unit = design.by_unit(terms) if design.balanced else None
        self.rounding = SAME * float(np.abs(design.score).max())

    def fill(self, plain: Factorial) -> Factorial:
        fit = self.fit
        gaps = "" if self.design.balanced else GAPS
        note = NO_REST if fit.df < 1 else NO_SPREAD if fit.sd_rest == 0 else plain.note or gaps
        return replace(
            plain,
            mean=fit.mean,
            sd_unit=fit.sd_unit,
            sd_rest=fit.sd_rest,
            effects=tuple(self.effects(1)),
            contrasts=tuple(self.contrasts()),
            interactions=tuple(self.effects(2)),
            means=tuple(self.means()),
            omnibus=tuple(self.tests()),
            note=note,
        )

    def weights(self, term: Term, at: At) -> Floats:
        row = np.zeros(self.fit.slopes.size)
        row[self.place[term]] = self.design.weights(term, at)
        return row

    def effects(self, size: int) -> Iterator[Effect]:
        for term in self.terms:
            if len(term) == size:
                for at in self.design.at(term):
                    yield self.effect(term, at, self.weights(term, at))

    def contrasts(self) -> Iterator[Effect]:
        for name in self.design.names:
            term = (name,)
            first = self.weights(term, (0,))
            for code in range(1, len(self.design.levels[name])):
                yield self.effect(term, (code,), self.weights(term, (code,)) - first)

    def means(self) -> Iterator[Effect]:
        mean = self.fit.mean
        for term in self.terms:
            for at in self.design.at(term):
                weights = self.weights(term, at)
                if len(term) == 2:
                    weights = weights + sum(self.weights((n,), (c,)) for n, c in zip(term, at, strict=True))
                one = self.effect(term, at, weights)
                ends = (one.low + mean, one.high + mean)
                yield Effect(one.factors, one.levels, one.estimate + mean, one.se, one.df, *ends, math.nan)

    def effect(self, term: Term, at: At, weights: Floats) -> Effect:
        levels = tuple(self.design.levels[name][code] for name, code in zip(term, at, strict=True))
        estimate, (se, df) = float(weights @ self.fit.slopes), self.error(weights)
        if df < 1 or not se > self.rounding:
            return Effect(term, levels, estimate, math.nan, df, math.nan, math.nan, math.nan)
        half = float(special.stdtrit(df, (1 + self.level) / 2)) * se
        p = float(2 * special.stdtr(df, -abs(estimate) / se))
        return Effect(term, levels, estimate, se, df, estimate - half, estimate + half, p)

    def error(self, weights: Floats) -> tuple[float, int]:
        """Return standard error and degrees of freedom of a combination of coefficients."""
        if self.by_unit is None:
            return math.sqrt(float(weights @ self.fit.covariance @ weights)), self.fit.df
        units = len(self.by_unit)
        return float((self.by_unit @ weights).std(ddof=1)) / math.sqrt(units), units - 1

    def tests(self) -> list[Omnibus]:
        made = [self.test(term) for term in self.terms]
        adjusted = holm([test.p for test in made])
        return [replace(test, holm=float(p)) for test, p in zip(made, adjusted, strict=True)]

    def test(self, term: Term) -> Omnibus:
        place, free, width = self.place[term], self.fit.df, self.design.width(term)
        f = p = math.nan
        if free > 0 and self.fit.sd_rest > 0:
            slopes, covariance = self.fit.slopes[place], self.fit.covariance[place, place]
            f = float(slopes @ np.linalg.solve(covariance, slopes)) / width
            p = float(stats.f.sf(f, width, free))
        if self.by_unit is None:
            return Omnibus(term, f, width, free, 1.0, p, f, free, p)
        scale = np.linalg.cholesky(self.spread[place, place])
        contrasts = np.linalg.solve(scale, self.by_unit[:, place].T).T
        own = repeated_measures(contrasts.astype(np.float64), self.rounding)
        rest = width * (self.design.units - 1)
        return Omnibus(term, own.f, width, rest, own.epsilon, own.p, f, free, p)

    @cached_property
    def spread(self) -> Floats:
        """Covariance of the coefficients of a unit where all cells have a spread of 1, independently."""
        block = self.design.block(self.terms)
        block = block - block.mean(axis=0)
        return np.linalg.inv(block.T @ block).astype(np.float64)
