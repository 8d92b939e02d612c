"""What a report says of the study as planned: runs that are missing, code that differs, grammar."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from test_report_evidence import BASE, CHANGE, METRIC, evidence, run, synthetic

from bench.gather import gather
from bench.report.comparison import compare
from bench.report.evidence import ArmInfo
from bench.report.methods import methods
from bench.report.page import provenance
from bench.report.tables import results, tables
from bench.report.words import findings, summary
from bench.report.write import terminal, write
from bench.store import Record, Store
from bench.study import Study, load

UNITS = tuple(f"seed{s}" for s in range(4))


def unfinished() -> dict[str, object]:
    return {"units": UNITS, "cells": {"base": 4, "b": 4}}


def test_missing_cells_are_the_first_finding_everywhere(tmp_path: Path) -> None:
    rows = [run("base", s, 0.70 + 0.01 * s) for s in range(3)] + [run("b", s, 0.75) for s in range(2)]
    made = evidence(rows, (BASE, CHANGE), **unfinished())
    said = "Unfinished: 3 of 8 cells have not run; the same command runs them."
    found = compare(made)
    assert findings(found)[0] == summary(found)[0] == said
    assert not any("finished." in sentence for sentence in findings(found)[1:])
    assert [row[2].value for row in results(found).rows] == [(3, 4), (2, 4)]
    assert any("mean of 3 of 4 units" in sentence for sentence in findings(found))
    write(made, tmp_path)
    assert f"## Findings\n\n- {said}" in (tmp_path / "report.md").read_text(encoding="utf-8")
    assert f'<ul class="findings">\n<li>{said}' in (tmp_path / "report.html").read_text(encoding="utf-8")
    shown = terminal(made)
    assert shown.index(said) < shown.index("The data are simulated")


def test_one_missing_cell_and_none() -> None:
    rows = [run(arm, s, 0.7) for arm in ("base", "b") for s in range(4)]
    last = compare(evidence(rows[:-1], (BASE, CHANGE), **unfinished()))
    assert findings(last)[0] == "Unfinished: 1 of 8 cells has not run; the same command runs it."
    whole = findings(compare(evidence(rows, (BASE, CHANGE), **unfinished())))
    assert "All 8 runs finished." in whole
    assert not any("nfinished" in sentence for sentence in whole)


def test_nothing_on_record_yet_is_no_finished_study() -> None:
    said = findings(compare(evidence([], (BASE, CHANGE), **unfinished())))
    assert said[0].startswith("Unfinished: 8 of 8 cells")
    assert not any("All" in sentence for sentence in said)


def test_one_run_and_one_failure_in_the_singular() -> None:
    said = findings(compare(evidence([run("base", 0, 0.7)], (BASE,))))
    assert "The only run finished." in said
    assert any("mean of 1 of 1 unit," in sentence for sentence in said)
    rows = [run("base", 0, 0.7), run("base", 1, 0.7, outcome="oom")]
    said = findings(compare(evidence(rows, (BASE,))))
    assert "Without a score: 1 of 2 runs (1 oom); it is listed and enters no mean." in said


@pytest.mark.parametrize(
    ("scores", "one", "two"),
    [
        (
            (0.49, 0.50, 0.51),
            "The 95 % interval of c0 contains chance (0.5), as it must.",
            "The 95 % intervals of c0 and c1 contain chance (0.5), as they must.",
        ),
        (
            (0.60, 0.61, 0.62),
            "Warning: the interval of c0 does not contain chance (0.5); find out why first.",
            "Warning: the intervals of c0 and c1 do not contain chance (0.5); find out why first.",
        ),
        (
            (0.50,),
            "Whether c0 stays at chance cannot be told from these runs.",
            "Whether c0 and c1 stay at chance cannot be told from these runs.",
        ),
    ],
)
def test_controls_in_the_singular_and_the_plural(scores: tuple[float, ...], one: str, two: str) -> None:
    controls = (ArmInfo("c0", "control"), ArmInfo("c1", "control"))
    rows = [run("base", s, 0.7) for s in range(len(scores))]
    rows += [run(c.name, s, score) for c in controls for s, score in enumerate(scores)]
    few = [row for row in rows if row["arm"] != "c1"]
    assert one in findings(compare(evidence(few, (BASE, controls[0]))))
    assert two in findings(compare(evidence(rows, (BASE, *controls))))


@pytest.mark.parametrize(
    ("commits", "dirty", "said"),
    [
        (("a1",), ("no",), []),
        (("a1", "b2"), ("no",), ["The runs come from 2 commits (a1, b2); compare with care."]),
        (("a1",), ("no", "yes"), ["Some runs come from uncommitted code."]),
        (("a1",), ("yes",), ["The runs come from uncommitted code."]),
    ],
)
def test_runs_of_different_code_are_a_finding(
    commits: tuple[str, ...], dirty: tuple[str, ...], said: list[str]
) -> None:
    made = evidence([run("base", 0, 0.7)], (BASE,), provenance={"commit": commits, "dirty": dirty})
    for sentences in (findings(compare(made)), summary(compare(made))):
        assert [s for s in sentences if "commit" in s] == said
    assert ("commit", ", ".join(commits)) in provenance(made)


def test_the_ceiling_is_that_of_what_a_method_sees() -> None:
    found = compare(synthetic())
    skill = next(note for note in results(found).notes if note.startswith("Skill"))
    for text in (skill, methods(found)):
        assert "exact posterior of an observer that sees what a method sees" in text
        assert "current window alone, not the history before it, its gain unknown" in text
    without = found.evidence.runs.drop(columns="ceiling.balanced_accuracy")
    assert "ceiling" not in methods(compare(dataclasses.replace(found.evidence, runs=without)))


def test_predictions_that_cannot_be_read_are_counted() -> None:
    made = synthetic()
    lost = {"cwcl--1-0-0", "shuffled_pairs--1-3-1"}
    partly = compare(
        dataclasses.replace(made, predictions=lambda key: None if key in lost else made.predictions(key))
    )
    said = "The predictions of 2 runs could not be read; they are left out of the comparison by recording."
    table = next(table for table in tables(partly) if table.key == "by_group")
    assert said in table.notes
    assert said in findings(partly)
    assert said in summary(partly)
    assert {g.arm: g.interval.units for g in partly.by_group}["cwcl"] == 7
    assert not any("could not be read" in sentence for sentence in findings(compare(made)))


def test_no_readable_prediction_at_all_is_said_although_the_table_is_gone() -> None:
    rows = [run("base", 0, 0.7), run("shuffled_pairs", 0, 0.5)]
    control = ArmInfo("shuffled_pairs", "control")
    stored = {"base--1-0-0": {part: np.arange(4) % 2 for part in ("group", "label", "score")}}
    found = compare(evidence(rows, (BASE, control), predictions=stored.get))
    assert found.by_group == ()
    assert (
        "The predictions of 1 run could not be read; it is left out of the comparison by recording."
        in findings(found)
    )


@pytest.fixture
def study(tiny: Path) -> Study:
    return load(tiny)


def fill(study: Study, store: Store, count: int) -> None:
    for i, cell in enumerate(study.cells()[:count]):
        provenance = {"commit": "a1", "dirty": "no", "started": f"2026-01-01T00:00:0{i}+00:00"}
        store.put(Record(cell.key, 0, "done", scores={METRIC: 0.7}, provenance=provenance))


def test_gather_counts_what_is_planned_and_not_on_record(study: Study, tmp_path: Path) -> None:
    store = Store(tmp_path / "out")
    fill(study, store, 4)
    made = gather(study, store, "precursor grid tiny.yaml")
    assert made.units == ("seed 0", "seed 1")
    assert made.cells == {"baseline": 2, "cwcl": 2, "no_pretraining": 2}
    assert (made.planned, made.missing) == (6, 2)
    found = compare(made)
    assert findings(found)[0] == "Unfinished: 2 of 6 cells have not run; the same command runs them."
    assert [(arm.scores.size, arm.planned) for arm in found.learned] == [(2, 2), (1, 2)]


def test_gather_keeps_of_provenance_what_runs_share(study: Study, tmp_path: Path) -> None:
    store = Store(tmp_path / "out")
    fill(study, store, 4)
    rest = study.cells()[4:]
    store.put(Record(rest[0].key, 0, "done", scores={METRIC: 0.7}, provenance={"commit": "b2"}))
    store.put(Record(rest[1].key, 0, "error", "the process of the cell could not be started"))
    made = gather(study, store, "precursor grid tiny.yaml")
    assert made.provenance["commit"] == ("a1", "b2"), "a cell that never started has no commit"
    assert made.provenance["dirty"] == ("no", "unknown")
    names = [name for name, _ in provenance(made)]
    assert names.count("data") == 1
    assert "started" not in names
    assert "The runs come from 2 commits (a1, b2); compare with care." in findings(compare(made))
