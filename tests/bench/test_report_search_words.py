"""What the report says of searches in sentences: nothing is credited, equal or lost in silence."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from report_searches import changed, each_search, named, rows, searched_evidence, sound, without_search
from test_report_evidence import METRIC, synthetic

from bench.report.comparison import compare
from bench.report.evidence import Evidence
from bench.report.search import search_findings, search_methods
from bench.report.searched import ArmSearch
from bench.report.table import text
from bench.report.tables import results, tables
from bench.report.write import terminal


@pytest.fixture(scope="module")
def once() -> Evidence:
    return searched_evidence(samplers=("tpe", "random"))


def test_optimism_is_selection_and_shift_arm_by_arm(once: Evidence) -> None:
    assert once.search is not None
    said = {line.split()[0].rstrip(","): line for line in search_findings(compare(once))}
    scores, fresh = once.scores(METRIC), once.scores(f"validation.{METRIC}")
    for arm in once.search.arms:
        best, kept, test = once.search.of(arm)[0].best, fresh[arm].mean(), scores[arm].mean()
        for word, value in (("Selection", best - kept), ("Shift", kept - test), ("Optimism", best - test)):
            assert f"{arm} {text('signed', float(value))}" in said[word], (arm, word)
    assert re.search(
        r"optimism \S+ to \S+ \(selection \S+ to \S+, shift \+0\.004\)", " ".join(terminal(once).split())
    )
    lacking = replace(once, runs=once.runs.drop(columns=f"validation.{METRIC}"))
    begun = {line.split()[0].rstrip(",") for line in search_findings(compare(lacking))}
    assert "Optimism" in begun and not {"Selection", "Shift"} & begun


def test_failed_trials_are_said_by_kind_and_budgets_are_not_called_equal(once: Evidence) -> None:
    whole = each_search(once, sound)
    assert whole.search is not None
    assert "Budgets are equal" in search_findings(compare(whole))[0]
    assert "Without a score" not in " ".join([*search_findings(compare(whole)), terminal(whole)])
    rows_of = whole.search.searches[2].trials.copy()
    complete = list(rows_of.index[rows_of["state"] == "complete"])
    rows_of.loc[complete[:2], ["state", "value", "failure"]] = ["failed", math.nan, "timeout"]
    rows_of.loc[complete[2], ["value", "failure"]] = [0.0, "diverged"]
    bad = changed(whole, 2, trials=rows_of)
    assert bad.search is not None
    name = f"{bad.search.searches[2].arm}/{bad.search.searches[2].sampler}/0"
    said = search_findings(compare(bad))
    assert "Budgets are NOT equal" in said[0]
    assert f"{name} lost 2 trials (2 timeout)" in said[0]
    assert "Without a score: 3 of 84 trials of the search (2 timeout, 1 diverged)" in said[1]
    assert "3 of 84 trials of the search (2 timeout, 1 diverged)" in " ".join(terminal(bad).split())
    assert "All 56 runs of the confirmation finished." in " ".join(terminal(bad).split())
    shown = [row["kinds"] for row in rows(named(bad)["search"])]
    assert shown == ["", "", "2 timeout, 1 diverged", "", "", ""]
    blamed = rows_of.assign(state=rows_of["state"].where(rows_of["state"] == "pruned", "complete"))
    own = search_findings(compare(changed(whole, 2, trials=blamed)))
    assert "Budgets are equal" in own[0] and "3 of 84 trials" in own[1]


def test_a_sampler_that_never_came_to_propose_is_not_credited(once: Evidence) -> None:
    """Ten trials at a startup of ten are ten random draws, whatever the sampler is called."""
    ten = searched_evidence(trials=10, samplers=("tpe", "random"))
    drawn = "all 10 trials were drawn at random (but the first, as declared)"
    methods = " ".join(search_methods(compare(ten)))
    assert f"The sampler tpe learns only after 10 trials and proposed none: {drawn}." in methods
    assert "2 seeds by random draws" in methods and "by tpe" not in methods
    assert f"tpe: {drawn}." in named(ten)["search"].notes
    said = " ".join(search_findings(compare(ten)))
    assert f"{drawn}, so this says nothing of what tpe proposes" in said
    assert drawn in " ".join(terminal(ten).split())
    other = each_search(ten, lambda one: replace(one, own={}))
    assert "all 10 trials were drawn at random." in " ".join(search_methods(compare(other)))
    for learnt in (once, each_search(ten, lambda one: replace(one, startup=0))):
        everything = [*search_methods(compare(learnt)), *search_findings(compare(learnt)), terminal(learnt)]
        assert "drawn at random" not in " ".join(everything)


def test_stopping_early_on_one_side_only_is_said(once: Evidence) -> None:
    said = " ".join(search_findings(compare(once)))
    assert "only trials of tpe were stopped early" in said
    assert "Trials of random are never stopped early." in search_methods(compare(once))

    def whole(one: ArmSearch) -> ArmSearch:
        return replace(one, trials=one.trials[one.trials["state"] != "pruned"])

    def pruned(one: ArmSearch) -> ArmSearch:
        last = one.trials["number"] == one.trials["number"].max()
        return replace(
            one, pruning=True, trials=one.trials.assign(state=one.trials["state"].mask(last, "pruned"))
        )

    for same in (each_search(once, whole), each_search(once, pruned)):
        assert "of random's epochs" in " ".join(search_findings(compare(same)))
        assert "stopped early" not in " ".join(search_findings(compare(same)))
        assert "never stopped early" not in " ".join(search_methods(compare(same)))


def test_budgets_are_said_to_be_equal_or_what_differs(once: Evidence) -> None:
    once = each_search(once, sound)
    said = search_findings(compare(once))[0]
    assert said.startswith(
        "Budgets are equal: 14 trials × 2 seeds × 6 epochs for every search; of these 168 epochs"
    )
    assert once.search is not None
    short = changed(once, 0, trials=once.search.searches[0].trials.iloc[:12])
    assert "Budgets are NOT equal" in search_findings(compare(short))[0]
    assert "infonce/tpe/0 ended 12 trials" in search_findings(compare(short))[0]
    fewer = replace(once, search=replace(once.search, searches=once.search.searches[:-1]))
    assert "triplet by random was not searched" in search_findings(compare(fewer))[0]


def test_methods_state_the_rule_and_whether_it_repeats(once: Evidence) -> None:
    said = " ".join(search_methods(compare(once)))
    for part in ("14 trials × 2 seeds by tpe", "successive halving", "8 fresh seeds", "test was read once"):
        assert part in said, part
    assert "the same command gives the same proposals" in said
    assert "the luck of neither" in said
    assert once.search is not None
    whole = each_search(once, sound).search
    assert whole is not None
    for why, search in (
        ("Trials of a search ran side by side or out of order", whole),
        ("Trials failed by no fault of their configuration", once.search),
        ("An objective is a time that was measured", replace(whole, objectives=("cpu_seconds",))),
    ):
        beside = " ".join(search_methods(compare(replace(once, search=replace(search, repeatable=False)))))
        assert f"{why}, so another run may propose other configurations" in beside
        assert "the same command" not in beside
    alone = compare(replace(synthetic(), search=None))
    assert search_methods(alone) == search_findings(alone) == []


def test_one_test_part_is_said_where_n_is_read(once: Evidence) -> None:
    sentence = "One test part: n counts seeds"
    results_of = results(compare(once))
    assert any(note.startswith(sentence) for note in results_of.notes)
    captions = {table.key: table.caption for table in tables(compare(once))}
    for key in ("results", "tuning"):
        assert captions[key].endswith("; one test part, n counts seeds")
    assert sentence in terminal(once)
    twice = searched_evidence(("infonce", "cwcl"), repeats=2)
    everything = " ".join([terminal(twice), *results(compare(twice)).notes])
    assert "test part" not in everything and "whole search" in terminal(twice, 200)


def test_controls_are_said_to_run_as_the_tuned_baseline(once: Evidence) -> None:
    said = "Controls are not tuned: they run in the baseline's tuned configuration."
    made = {table.key: table for table in tables(compare(once))}
    assert said in made["controls"].notes
    assert not [note for note in made["references"].notes if "tuned" in note], "no reference arm"
    assert said in search_methods(compare(once))
    runs = once.runs.assign(arm=once.runs["arm"].replace("shuffled_pairs", "video"))
    arms = tuple(
        replace(arm, name="video", kind="reference") if arm.kind == "control" else arm for arm in once.arms
    )
    cells = {"video" if name == "shuffled_pairs" else name: n for name, n in once.cells.items()}
    other = compare(replace(once, runs=runs, arms=arms, cells=cells))
    reference = {table.key: table for table in tables(other)}["references"]
    assert said.replace("Controls", "References") in reference.notes
    assert search_methods(compare(without_search(once))) == []


def test_repeats_that_overlap_are_said_to_be_no_independent_ones() -> None:
    thrice = searched_evidence(("infonce", "cwcl"), repeats=3)
    sentence = "test parts overlap, and the t intervals treat them as independent"
    assert sentence not in " ".join(search_methods(compare(thrice))), "folds do not overlap"
    recordings = replace(thrice, runs=thrice.runs.assign(fold=-1))
    assert sentence in " ".join(search_methods(compare(recordings)))


def test_by_recording_counts_whole_searches_as_units() -> None:
    """Two searches, each retrained on three seeds: two units, and an interval that speaks of searches."""
    found = searched_evidence(("infonce", "cwcl"), repeats=2)
    copies = [
        found.runs.assign(permutation=seed, key=[f"{key}-{seed}" for key in found.runs["key"]])
        for seed in range(3)
    ]
    generator = np.random.default_rng(0)
    label, group = np.tile([0, 1], 30), np.repeat(np.arange(12), 5)

    def predictions(key: str) -> dict[str, Any]:
        return {"label": label, "group": group, "score": label + generator.normal(size=60)}

    more = replace(
        found,
        runs=pd.concat(copies, ignore_index=True),
        cells={name: 3 * count for name, count in found.cells.items()},
        predictions=predictions,
    )
    table = {table.key: table for table in tables(compare(more))}["by_group"]
    assert [row["units"] for row in rows(table)] == [2] * len(table.rows)
    assert "the t interval over units of new searches" in table.notes[0]
    assert "whole search" in table.caption


def test_terminal_has_a_line_on_the_search(once: Evidence) -> None:
    said = terminal(once)
    assert "Tuned on validation: 14 trials × 2 seeds × 6 epochs an arm by tpe" in said
    assert max(map(len, said.splitlines())) <= 110
