"""What tuning promised on validation, what it gave on test, and what would have been said without it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from bench.compare import Paired, Verdict, paired_difference
from bench.report.comparison import Comparison, compare
from bench.report.evidence import LEARNED, Evidence
from bench.report.searched import Searched


@dataclass(frozen=True, eq=False)
class Tuned:
    """One arm before and after its search.

    Attributes:
        arm: its name.
        promised: best value on validation, mean over the repeats; NaN if a repeat has no winner.
        fresh: the same score of the retrained winner, mean over units.
        tuned: test score by unit.
        declared: test score by unit of the arm as declared; empty if that was not run.
        difference: tuned minus declared on the units they share.
        optimism: how much better the promise is than the test score: ``selection`` + ``shift``.
        selection: how much better the promise is than the same score of the retrained winner.
        shift: how much better that score is than the test score.
        before: the verdict on the arm among the arms as declared; ``None`` for the baseline.
        after: the verdict of this report.
        kept: whether every search ended at what the arm declares: the runs are the same.
        trials: names of the winning trials.
        runs: keys of its runs.
        declared_runs: keys of the runs as declared.
    """

    arm: str
    promised: float
    fresh: float
    tuned: pd.Series
    declared: pd.Series
    difference: Paired
    optimism: float
    selection: float
    shift: float
    before: Verdict | None
    after: Verdict | None
    kept: bool
    trials: tuple[str, ...]
    runs: tuple[str, ...]
    declared_runs: tuple[str, ...]


def tuning(comparison: Comparison) -> list[Tuned]:
    """Return every tuned arm in the order of the report; empty without a search."""
    evidence, search = comparison.evidence, comparison.evidence.search
    if search is None:
        return []
    generator = np.random.default_rng(0)
    scores = evidence.scores(evidence.metric)
    fresh = evidence.scores(f"validation.{evidence.metric}")
    untuned = _untuned(evidence, search)
    before = {arm.info.name: arm.verdict for arm in untuned.changes} if untuned else {}
    after = {arm.info.name: arm.verdict for arm in comparison.changes}
    made = []
    for arm in (info.name for info in evidence.of_kind(*LEARNED) if info.name in search.arms):
        found, declared = search.of(arm), search.declared.get(arm, "")
        tuned = scores[arm].dropna()
        plain = scores[declared].dropna() if declared else pd.Series(dtype=float)
        shared = tuned.index.intersection(plain.index, sort=False)
        promised = float(np.mean([each.best for each in found])) if found else math.nan
        kept, test = float(fresh[arm].mean()), float(tuned.mean())
        sign = 1 if search.maximize else -1
        runs, plain_runs = _runs(evidence, arm, tuned.index), _runs(evidence, declared, plain.index)
        made.append(
            Tuned(
                arm,
                promised,
                kept,
                tuned,
                plain,
                paired_difference(tuned[shared], plain[shared], generator),
                sign * (promised - test),
                sign * (promised - kept),
                sign * (kept - test),
                before.get(declared),
                after.get(arm),
                bool(len(tuned)) and runs == plain_runs,
                tuple(each.name(each.winner) for each in found if each.winner is not None),
                runs,
                plain_runs,
            )
        )
    return made


def _untuned(evidence: Evidence, search: Searched) -> Comparison | None:
    """Compare the arms as declared with each other, by the very functions that compare them tuned."""
    if evidence.baseline not in search.declared:
        return None
    kinds = {search.declared[arm.name]: arm.kind for arm in evidence.arms if arm.name in search.declared}
    arms = tuple(replace(arm, kind=kinds[arm.name]) for arm in evidence.arms if arm.name in kinds)
    plain = replace(
        evidence,
        baseline=search.declared[evidence.baseline],
        arms=arms,
        runs=evidence.runs[evidence.runs["arm"].isin(list(kinds))],
        cells={arm.name: evidence.cells[arm.name] for arm in arms},
        search=None,
        predictions=lambda key: None,
    )
    return compare(plain)


def _runs(evidence: Evidence, arm: str, units: pd.Index) -> tuple[str, ...]:
    rows = evidence.finished
    return tuple(rows.loc[(rows["arm"] == arm) & rows["unit"].isin(units), "key"])
