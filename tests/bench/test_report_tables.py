"""Which columns and digits are printed, what is bold, and the tables of more than two arms."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_report_evidence import BASE, CHANGE, METRIC, evidence, run, synthetic
from test_report_odd import grid

from bench.compare import Sequential, corrected_t, holm, ranked, seeds_needed, sign_flip
from bench.report.comparison import ALPHA, compare
from bench.report.evidence import ArmInfo
from bench.report.metric import readable
from bench.report.predicted import MOST_READ, Predicted
from bench.report.table import Cell, Column, Table, decimals
from bench.report.table import Table as AnyTable
from bench.report.tables import COLUMNS, factors, looks, new_batches, pairwise, ranks, results, tables
from bench.report.write import terminal


@pytest.mark.parametrize(
    ("uncertainty", "expected"),
    [
        ([0.31], 2),
        ([0.031], 3),
        ([0.0031], 4),
        ([0.00031], 4),
        ([3.1], 2),
        ([0.0996], 2),
        ([0.00996], 3),
        ([0.099], 3),
        ([0.1], 2),
        ([math.nan, 0.0, 0.02], 3),
        ([], 3),
        ([0.5, 0.02, 0.03], 3),
    ],
)
def test_two_digits_of_the_uncertainty_decide(uncertainty: list[float], expected: int) -> None:
    assert decimals(uncertainty) == expected


@settings(deadline=None)
@given(st.lists(st.floats(1e-9, 10), min_size=1, max_size=9))
def test_decimals_stay_readable_and_shrink_as_uncertainty_grows(values: list[float]) -> None:
    assert 2 <= decimals(values) <= 4
    assert decimals([10 * value for value in values]) <= decimals(values)


def test_a_column_has_one_number_of_decimals_that_its_intervals_support() -> None:
    generator = np.random.default_rng(0)
    for spread, expected in ((0.3, 2), (0.02, 3), (0.0004, 4)):
        shared = generator.normal(0.7, spread, 8)
        noise = generator.normal(0, spread, (2, 8))
        drawn = zip(("base", "b"), shared + noise, strict=True)
        rows = [run(arm, s, float(value)) for arm, values in drawn for s, value in enumerate(values)]
        found = compare(evidence(rows, (BASE, CHANGE)))
        assert found.digits.score == expected
        table = results(found).select(["arm", "mean", "sd", "difference"])
        for row in table.texts:
            assert all(len(text.partition(".")[2]) in (0, expected) for text in row[1:])


def names(table: AnyTable) -> list[str]:
    return [column.key for column in table.shown.columns]


def test_columns_are_chosen_and_nothing_is_lost() -> None:
    made = synthetic()
    plain = results(compare(made))
    chosen = results(compare(dataclasses.replace(made, columns=("verdict", "wilcoxon_p", "mean"))))
    assert names(chosen) == ["arm", "verdict", "wilcoxon_p", "mean"]
    assert {c.key for c in chosen.columns} == {c.key for c in plain.columns} == set(COLUMNS)
    shown = terminal(dataclasses.replace(made, columns=("verdict", "wilcoxon_p")))
    assert "Wilcoxon p" in shown and "Skill" not in shown
    assert max(map(len, terminal(dataclasses.replace(made, columns=COLUMNS)).splitlines())) <= 110


def test_details_are_those_of_the_statistics() -> None:
    found = compare(dataclasses.replace(synthetic(), overlap=(0.48, 0.4)))
    arm = found.changes[1]  # triplet: two collapsed units, undecided
    scores = found.evidence.scores(METRIC)
    gaps = (scores["triplet"] - scores["infonce"]).to_numpy()
    corrected = corrected_t(gaps, 0.48, 0.4)
    assert arm.details is not None and arm.paired is not None
    assert arm.details.corrected == corrected
    assert corrected.se > arm.paired.sd / math.sqrt(8), "wider than as if training sets were apart"
    assert arm.seeds_needed == seeds_needed(arm.paired.sd, 0.01, ALPHA, family=5)
    assert [a.seeds_needed is None for a in found.changes] == [True, False, True, True, True]
    assert "corrected_interval" not in names(results(found))
    assert any("training sets overlap" in note for note in results(found).notes)


def test_bold_is_decided_by_the_test_and_not_by_digits() -> None:
    rows = [run("base", s, 0.60 + 0.01 * s) for s in range(8)]
    rows += [run("same", s, 0.80 + 0.010 * s + 0.001 * (-1) ** s) for s in range(8)]
    rows += [run("ahead", s, 0.80 + 0.010 * s) for s in range(8)]
    arms = (BASE, ArmInfo("same", "change"), ArmInfo("ahead", "change"))
    table = results(compare(evidence(rows, arms))).select(["arm", "mean"])
    assert {row[0].value: row[1].strong for row in table.rows} == {"base": False, "same": True, "ahead": True}
    # One against one: 8 pairs of the same sign have p = 2 / 256, told apart.
    rows = [run("base", s, 0.60) for s in range(8)] + [run("b", s, 0.60 + 1e-4 * (s + 1)) for s in range(8)]
    assert [a.best for a in compare(evidence(rows, (BASE, CHANGE))).learned] == [False, True]


def test_the_best_are_those_that_holm_leaves() -> None:
    made = synthetic()
    scores = made.scores(METRIC)
    others = [arm.name for arm in made.arms[:6] if arm.name != "cwcl"]
    generator = np.random.default_rng(0)
    p = [sign_flip((scores[n] - scores["cwcl"]).dropna(), generator).p for n in others]
    expected = {"cwcl", *(n for n, adjusted in zip(others, holm(p), strict=True) if adjusted > 0.05)}
    assert {arm.info.name for arm in compare(made).learned if arm.best} == expected


def values(table: Table) -> list[dict[str, object]]:
    keys = [column.key for column in table.columns]
    return [dict(zip(keys, [cell.value for cell in row], strict=True)) for row in table.rows]


def test_ranks_and_pairs_are_those_of_the_complete_units() -> None:
    found = compare(synthetic())
    scores = found.evidence.scores(METRIC)[[a.info.name for a in found.learned]]
    expected = ranked(scores.to_numpy(), np.random.default_rng(9))
    assert found.ranks is not None and found.ranks.units == 7, "one unit lacks an arm"
    rows = values(ranks(found))
    assert [row["arm"] for row in rows] == [found.ranked_arms[i] for i in expected.order]
    assert [row["rank"] for row in rows] == pytest.approx([expected.mean[i] for i in expected.order])
    pairs = values(pairwise(found))
    assert len(pairs) == 15
    assert [row["holm_p"] for row in pairs] == pytest.approx(list(expected.pairs.holm))
    assert {row["apart"] for row in pairs} == {"no"}, "7 units cannot tell 15 pairs apart"
    two = compare(evidence([run(a, s, 0.7) for a in ("base", "b") for s in range(4)], (BASE, CHANGE)))
    assert ranks(two).rows == pairwise(two).rows == ()


def test_a_letter_joins_what_no_test_tells_apart() -> None:
    generator = np.random.default_rng(1)
    arms = (BASE, *(ArmInfo(name, "change") for name in ("near", "far")))
    level = {"base": 0.6, "near": 0.6, "far": 0.8}
    rows = [run(a, s, x + float(generator.normal(0, 0.01))) for a, x in level.items() for s in range(10)]
    found = {row["arm"]: str(row["groups"] or "") for row in values(ranks(compare(evidence(rows, arms))))}
    assert set(found["base"]) & set(found["near"])
    assert not set(found["far"]) & set(found["base"])


def test_factors_are_those_of_the_grid_alone() -> None:
    made = grid()
    found = compare(made)
    rows = values(factors(found))
    whole = {row["factor"]: row for row in rows if row["what"] == "any effect"}
    assert set(whole) == {"steps", "contrast", "steps × contrast"}
    assert float(str(whole["steps"]["holm_p"])) < 0.001
    contrasts = {row["level"]: row["effect"] for row in rows if row["what"] == "level − first level"}
    scores = made.scores(METRIC)
    levels = {a.name: a.levels for a in made.arms}
    mean = {x: scores[[n for n in levels if levels[n]["steps"] == x]].mean().mean() for x in (1, 3, 5)}
    assert contrasts["5"] == pytest.approx(mean[5] - mean[1], abs=1e-12)
    assert found.effects is not None
    assert found.effects.levels["contrast"] == ("infonce", "cwcl"), "the level of the baseline is the first"
    assert factors(compare(synthetic())).rows == (), "one factor at a time is no grid"


def test_looks_follow_the_declared_plan() -> None:
    made = dataclasses.replace(synthetic(), looks=(4, 6, 8))
    found = compare(made)
    scores = made.scores(METRIC)
    gaps = [(scores[a.info.name] - scores["infonce"]).dropna().to_numpy() for a in found.changes]
    expected = Sequential((4, 6, 8)).family(gaps)
    assert [look for _, look in found.looks] == list(expected)
    rows = values(looks(found))
    assert [row["arm"] for row in rows] == [a.info.name for a in found.changes]
    assert [row["found"] for row in rows] == ["yes" if look.reject else "no" for look in expected]
    assert looks(compare(synthetic())).rows == ()


def predicted(arms: int = 2, units: int = 6) -> tuple[dict[str, object], list[dict[str, object]]]:
    """Return predictions whose balanced accuracy is the score of the run."""
    generator = np.random.default_rng(0)
    stored: dict[str, object] = {}
    rows = []
    for arm in ("base", "b", "c")[:arms]:
        for seed in range(units):
            label, group = np.tile([0, 1], 60), np.repeat(np.arange(12), 10)
            score = 0.5 + 0.2 * generator.normal(size=120) + (0.1 + 0.05 * (arm == "b")) * (label - 0.5)
            called = score > 0.5
            both = float((called[label == 1].mean() + (~called[label == 0]).mean()) / 2)
            rows.append(run(arm, seed, both))
            stored[str(rows[-1]["key"])] = {"score": score, "label": label, "group": group}
    return stored, rows


def test_new_batches_are_wider_than_new_seeds_and_have_the_same_mean() -> None:
    stored, rows = predicted()
    found = compare(evidence(rows, (BASE, CHANGE), predictions=stored.get))
    row = values(new_batches(found))[0]
    pair = found.changes[0].paired
    assert pair is not None
    assert row["difference"] == pytest.approx(pair.mean, abs=1e-12)
    low, high = row["batches"]  # type: ignore[misc]
    assert low < pair.mean < high
    assert (row["units"], row["recordings"]) == (6, 12)
    assert not found.unread


def test_predictions_that_are_not_those_of_the_score_are_left_out() -> None:
    stored, rows = predicted()
    rows = [{**row, METRIC: float(str(row[METRIC])) + 0.05} for row in rows]
    assert compare(evidence(rows, (BASE, CHANGE), predictions=stored.get)).new_batches == ()


def test_a_large_study_is_read_on_the_arms_that_differ_most(monkeypatch: pytest.MonkeyPatch) -> None:
    stored, rows = predicted(arms=3)
    monkeypatch.setattr("bench.report.predicted.MOST_READ", 12)
    made = evidence(rows, (BASE, CHANGE, ArmInfo("c", "change")), predictions=stored.get)
    found = compare(made)
    size = {arm.info.name: abs(arm.paired.mean) for arm in found.changes if arm.paired}
    kept, left = sorted(size, key=lambda name: -size[name])
    assert [each.arm for each in found.new_batches] == [kept]
    assert found.left_out == (left,)
    assert any(f"Left out to keep the report quick: {left}," in note for note in new_batches(found).notes)
    assert MOST_READ > 12 and Predicted(made, found.learned, np.random.default_rng(0)).arms == ("base", kept)


def test_choosing_keeps_the_first_column_and_the_order() -> None:
    columns = (Column("a", "A"), Column("b", "B", detail=True), Column("c", "C"))
    table = Table("t", "c", columns, ((Cell("x"), Cell("y"), Cell("z")),)).choose(("c", "b"))
    assert names(table) == ["a", "c", "b"]
    assert [cell.value for cell in table.rows[0]] == ["x", "z", "y"]
    assert names(table.choose(())) == ["a", "c", "b"]


def test_every_table_has_a_section_and_every_row_its_cells() -> None:
    from bench.report.sections import section_title

    for made in (synthetic(), dataclasses.replace(grid(), looks=(4, 8))):
        for table in tables(compare(made)):
            assert section_title(table.key)
            assert table.rows


def test_the_score_that_decides_has_one_column() -> None:
    def shown(metric: str) -> list[str]:
        rows = [
            {**run(name, s, 0.7 + 0.01 * s), "current.auroc": 0.8, metric: 0.7 + 0.01 * s}
            for name in ("base", "b")
            for s in range(4)
        ]
        found = compare(evidence(rows, (BASE, CHANGE), metric=metric))
        return [column.title for column in results(found).shown.columns]

    assert shown(METRIC).count("AUROC") == shown("current.auroc").count("AUROC") == 1
    assert readable("current.auroc") == "AUROC on current"
