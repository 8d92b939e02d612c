"""Which epoch is read, and what each way to choose it claims."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.cell.scores import PEEKED
from bench.compare import Paired, paired_difference
from bench.report.comparison import Comparison
from bench.report.evidence import LEARNED
from bench.report.lang import template

HONEST = template("best on validation: test score")
LAST = template("last: test score")
OPTIMISM = template("best on validation: validation score")
COMMON = template("best on test on average, one for all runs: test score (peeked)")
OWN = template("best on test, each run its own: test score (peeked)")
LUCKY = template("best on test of all runs: test score (peeked)")


@dataclass(frozen=True, eq=False)
class Courses:
    """An arm whose test part was scored after every epoch.

    Attributes:
        arm: its name.
        units: the units, in the order of the report.
        validation: ``(units, epochs)`` score on validation.
        test: ``(units, epochs)`` score on the test part, which nothing was chosen by.
        runs: the runs behind it.
    """

    arm: str
    units: tuple[str, ...]
    validation: NDArray[np.float64]
    test: NDArray[np.float64]
    runs: tuple[str, ...]

    @property
    def chosen(self) -> NDArray[np.int64]:
        """Return of each unit the place of the first epoch that is best on validation."""
        return np.asarray(self.validation.argmax(axis=1), dtype=np.int64)

    @property
    def peeked(self) -> NDArray[np.int64]:
        """Return of each unit the place of the first epoch that is best on test."""
        return np.asarray(self.test.argmax(axis=1), dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Choice:
    """One way to choose the epoch of an arm, and what it would report.

    Attributes:
        arm: name of the arm.
        what: which epoch and which score, in words.
        epochs: least, median and largest epoch chosen.
        scores: by unit; one value for the best of all runs.
        claims: scores minus the honest choice (:data:`HONEST`) by unit; None for that choice itself, and for
            the best of all runs, which has no units to pair.
        excess: mean of ``claims``, or the best of all runs minus the mean of the honest choice.
        runs: the runs behind it.
    """

    arm: str
    what: str
    epochs: tuple[float, float, float]
    scores: pd.Series
    claims: Paired | None
    excess: float
    runs: tuple[str, ...]


def courses(comparison: Comparison) -> list[Courses]:
    """Return the arms that have peeked in every finished run, with validation scores beside."""
    evidence = comparison.evidence
    found = []
    for arm in evidence.of_kind(*LEARNED):
        runs = ((unit, key) for unit in evidence.units for key in evidence.runs_of(arm.name, [unit])[:1])
        units, validation, test, keys = [], [], [], []
        for unit, key in runs:
            kept = evidence.predictions(key)
            name = f"{PEEKED}{evidence.metric}"
            if kept is None or name not in kept:
                break
            told = [epoch.get(f"validation.{evidence.metric}") for epoch in evidence.curve(key)]
            if not told or None in told or len(told) != len(kept[name]):
                break
            units.append(unit)
            keys.append(key)
            validation.append(told)
            test.append(kept[name])
        else:
            lengths = {len(each) for each in test}
            if len(lengths) == 1 and lengths.pop() > 1:
                found.append(
                    Courses(arm.name, tuple(units), np.array(validation, float), np.array(test), tuple(keys))
                )
    return found


def choices(course: Courses) -> list[Choice]:
    """Return every way to choose the epoch, the honest one first."""
    rows = np.arange(len(course.units))
    epochs = course.test.shape[1]
    chosen, peeked = course.chosen, course.peeked
    common = int(course.test.mean(axis=0).argmax())
    honest = pd.Series(course.test[rows, chosen], index=list(course.units))
    ways = (
        (HONEST, chosen, course.test[rows, chosen]),
        (LAST, np.full(len(rows), epochs - 1), course.test[:, -1]),
        (OPTIMISM, chosen, course.validation[rows, chosen]),
        (COMMON, np.full(len(rows), common), course.test[:, common]),
        (OWN, peeked, course.test[rows, peeked]),
    )
    generator = np.random.default_rng(0)
    found = []
    for what, at, values in ways:
        scores = pd.Series(values, index=list(course.units))
        claims = None if what == HONEST else paired_difference(scores, honest, generator)
        excess = claims.mean if claims else float("nan")
        spread = (float(at.min() + 1), float(np.median(at) + 1), float(at.max() + 1))
        found.append(Choice(course.arm, what, spread, scores, claims, excess, course.runs))
    unit, epoch = np.unravel_index(int(course.test.argmax()), course.test.shape)
    lucky = pd.Series([course.test[unit, epoch]], index=[course.units[unit]])
    excess, only = float(lucky.iloc[0] - honest.mean()), float(epoch + 1)
    found.append(Choice(course.arm, LUCKY, (only, only, only), lucky, None, excess, (course.runs[unit],)))
    return found
