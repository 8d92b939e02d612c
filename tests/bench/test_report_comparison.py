"""From evidence to numbers: hand-computed studies, failures, folds, controls."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests
from test_report_evidence import BASE, CHANGE, METRIC, evidence, run, synthetic

from bench.compare import auroc
from bench.report.comparison import compare
from bench.report.evidence import ArmInfo, failed_runs
from bench.report.levels import by_level
from bench.report.methods import methods
from bench.report.tables import results, tables
from bench.report.words import findings
from bench.report.write import terminal


def test_differences_are_those_of_scipy_and_statsmodels() -> None:
    found = compare(synthetic())
    scores = found.evidence.scores(METRIC)
    p = []
    for arm in found.changes:
        own = scores[[arm.info.name, "infonce"]].dropna()
        reference = stats.ttest_rel(own[arm.info.name], own["infonce"])
        assert arm.paired is not None
        assert arm.paired.t_p == pytest.approx(reference.pvalue, abs=1e-9)
        assert arm.paired.interval() == pytest.approx(tuple(reference.confidence_interval()), abs=1e-9)
        p.append(arm.paired.sign_flip.p)
    assert [arm.holm for arm in found.changes] == pytest.approx(multipletests(p, method="holm")[1], abs=1e-12)
    words = [arm.verdict.word for arm in found.changes if arm.verdict]
    assert words == ["better", "undecided", "equivalent", "equivalent", "worse"]


def test_only_complete_pairs_count_and_counts_are_shown() -> None:
    rows = [run("base", s, 0.70 + 0.01 * s) for s in range(4)]
    rows[3] = run("base", 3, math.nan, outcome="timeout", message="over 60 s")
    rows += [run("b", 1, 0.75), run("b", 2, 0.80), run("b", 3, 0.99), run("b", 0, math.nan, outcome="oom")]
    found = compare(evidence(rows, (BASE, CHANGE)))
    change = found.changes[0]
    assert change.paired is not None
    assert (change.paired.n, change.planned) == (2, 4)
    assert change.paired.mean == pytest.approx((0.04 + 0.08) / 2)
    assert float(change.scores.mean()) == pytest.approx(0.775), "0.99 has no partner"
    assert change.fails.failed == 1
    assert change.paired_runs == ("base--1-1-0", "base--1-2-0", "b--1-1-0", "b--1-2-0")
    bad = failed_runs(found.evidence)
    assert list(zip(bad["arm"], bad["kind"], bad["message"], strict=True)) == [
        ("base", "timeout", "over 60 s"),
        ("b", "oom", ""),
    ]
    assert "Without a score: 2 of 8 runs (1 timeout, 1 oom); they are listed and enter no mean." in findings(
        found
    )


def test_skill_is_paired_with_the_ceiling_of_its_unit() -> None:
    rows = [run("base", s, score) for s, score in enumerate((0.65, 0.655))]  # ceilings .80 and .81
    assert compare(evidence(rows, (BASE,))).baseline.skill == pytest.approx(0.5)
    assert math.isnan(compare(evidence(rows, (BASE,), simulated=False)).baseline.skill)
    assert math.isnan(compare(evidence(rows, (BASE,), metric="current.auroc")).baseline.skill)


def test_controls_say_whether_they_contain_chance() -> None:
    off = ArmInfo("no_pretraining", "control")
    fine = ArmInfo("shuffled_pairs", "control")
    lone = ArmInfo("random_codebook", "control")
    rows = [run("base", s, 0.7) for s in range(4)]
    rows += [run("no_pretraining", s, 0.60 + 0.01 * s) for s in range(4)]
    rows += [run("shuffled_pairs", s, 0.4 + 0.2 * k, permutation=k) for s in range(4) for k in range(2)]
    rows += [run("random_codebook", 0, 0.5)]
    found = compare(evidence(rows, (BASE, off, fine, lone)))
    by_name = {c.info.name: c for c in found.controls}
    assert by_name["no_pretraining"].contains_chance is False
    assert by_name["random_codebook"].contains_chance is None
    assert list(by_name["shuffled_pairs"].scores) == pytest.approx([0.5] * 4), (
        "permutations are averaged first"
    )
    assert by_name["no_pretraining"].interval == pytest.approx(
        stats.t.interval(0.95, 3, loc=0.615, scale=stats.sem([0.60, 0.61, 0.62, 0.63]))
    )
    said = " ".join(findings(found))
    assert "Warning: the interval of no_pretraining does not contain chance" in said
    assert "cannot be told" in said


def test_references_fall_back_to_video_and_are_subtracted() -> None:
    arms = (BASE, ArmInfo("supervised_current", "reference"), ArmInfo("supervised_video", "reference"))
    rows = [run("base", s, 0.70) for s in range(3)]
    rows += [run("supervised_current", s, 0.75 + 0.01 * s) for s in range(3)]
    rows += [run("supervised_video", s, math.nan) for s in range(2)]
    found = {r.name: r for r in compare(evidence(rows, arms)).references}
    assert list(found) == ["supervised_current", "supervised_video", "video of the baseline", "exact ceiling"]
    assert found["supervised_current"].difference.mean == pytest.approx(-0.06)
    assert found["supervised_video"].column == "video.balanced_accuracy"
    assert found["supervised_video"].difference.n == 2
    assert "current window alone, not the history" in found["exact ceiling"].what
    assert float(found["exact ceiling"].scores.mean()) == pytest.approx((0.8 + 0.81 + 0.8) / 3)
    assert failed_runs(evidence(rows, arms)).empty, "a reference may read the video alone"


def test_a_reference_without_a_score_of_both_is_read_from_what_it_has() -> None:
    both, own = "warning.both.episodes_warned", "warning.current.episodes_warned"
    rows = [run("base", s, 0.7, **{both: 0.8 + 0.01 * s, own: 0.7}) for s in range(3)]
    rows += [run("supervised_current", s, 0.75, **{both: math.nan, own: 0.9}) for s in range(3)]
    told = evidence(rows, (BASE, ArmInfo("supervised_current", "reference")), metric=both)
    found = {each.name: each for each in compare(told).references}["supervised_current"]
    assert found.column == own and found.scores.tolist() == [0.9] * 3
    assert failed_runs(told).empty


def test_by_group_rows_average_the_permutations_of_the_control() -> None:
    made = synthetic()
    found = {(g.arm, g.against): g for g in compare(made).by_group}
    assert {against for _, against in found} == {"shuffled_pairs"}
    assert len(found) == 6
    expected = []
    for seed in range(8):
        own = made.predictions(f"cwcl--1-{seed}-0")
        assert own is not None
        controls = [made.predictions(f"shuffled_pairs--1-{seed}-{k}") for k in range(3)]
        chance = np.mean([auroc(c["label"], c["score"]) for c in controls if c is not None])
        expected.append(auroc(own["label"], own["score"]) - chance)
    one = found["cwcl", "shuffled_pairs"].interval
    assert one.mean == pytest.approx(np.mean(expected), abs=1e-12)
    assert one.low < one.mean < one.high
    assert (one.units, one.groups) == (8, 6)
    assert found["codes 400", "shuffled_pairs"].interval.units == 7


def test_folds_add_the_interval_by_recording_against_the_baseline() -> None:
    generator = np.random.default_rng(0)
    rows = [run(arm, s, 0.7 + 0.01 * s, fold=f) for arm in ("base", "b") for f in range(2) for s in range(3)]
    stored = {}
    for row in rows:
        label = np.tile([0, 1], 20)
        skill = 1.0 if row["arm"] == "base" else 1.5
        group = np.repeat([f"{row['fold']}{g}" for g in range(4)], 10)
        stored[row["key"]] = {
            "score": generator.normal(size=40) + skill * label,
            "label": label,
            "group": group,
        }
    made = evidence(rows, (BASE, CHANGE), predictions=stored.get)
    found = compare(made)
    assert made.units[:3] == ("fold0/seed0", "fold0/seed1", "fold0/seed2")
    assert [(g.arm, g.against, g.interval.units, g.interval.groups) for g in found.by_group] == [
        ("b", "base", 6, 8)
    ]
    assert "Seeds share their folds" in methods(found)
    assert "Seeds share" not in methods(compare(synthetic()))


def test_predictions_of_other_samples_are_not_compared() -> None:
    control = ArmInfo("shuffled_pairs", "control")
    label, group = np.tile([0, 1], 20), np.repeat(["a", "b"], 20)
    score = np.arange(40.0)
    stored = {
        "base--1-0-0": {"score": score, "label": label, "group": group},
        "shuffled_pairs--1-0-0": {"score": score[1:], "label": label[1:], "group": group[1:]},
    }
    rows = [run("base", 0, 0.7), run("shuffled_pairs", 0, 0.5)]
    assert compare(evidence(rows, (BASE, control), predictions=stored.get)).by_group == ()


@pytest.mark.parametrize("rows", [[], [run("base", s, math.nan, outcome="diverged") for s in range(3)]])
def test_nothing_finished_is_said_and_not_computed(rows: list[dict[str, object]]) -> None:
    found = compare(evidence(rows, (BASE, CHANGE)))
    assert any("nothing can be compared" in sentence for sentence in findings(found))
    assert "nan" not in terminal(found).lower()
    assert found.changes[0].verdict is not None
    assert found.changes[0].verdict.word == "undecided"


def test_one_arm_alone_and_one_seed() -> None:
    alone = compare(evidence([run("base", s, 0.7 + 0.01 * s) for s in range(3)], (BASE,)))
    assert alone.changes == ()
    assert [table.key for table in tables(alone)] == ["results", "references", "cost"]
    single = compare(evidence([run("base", 0, 0.7), run("b", 0, 0.8)], (BASE, CHANGE)))
    row = results(single).rows[1]
    shown = dict(zip([c.key for c in results(single).columns], [cell.value for cell in row], strict=True))
    assert shown["verdict"] == "undecided"
    assert "one pair" in str(shown["note"])
    assert any("too few pairs" in sentence for sentence in findings(single))
    assert "nan" not in terminal(single).lower()


def test_a_done_run_without_a_score_is_a_failure() -> None:
    rows = [run("base", 0, 0.7), run("base", 1, math.inf), run("b", 0, math.nan)]
    bad = failed_runs(evidence(rows, (BASE, CHANGE)))
    assert list(bad["kind"]) == ["no score", "no score"]


def test_every_number_names_its_runs() -> None:
    found = synthetic()
    known = set(found.runs["key"])
    for table in tables(compare(found)):
        for row in table.rows:
            for column, cell in zip(table.columns, row, strict=True):
                assert set(cell.runs) <= known
                if column.kind in (
                    "score",
                    "signed",
                    "interval",
                    "signed_interval",
                    "p",
                    "percent",
                    "seconds",
                ):
                    empty = cell.value is None or np.isnan(np.asarray(cell.value, dtype=float)).all()
                    assert empty or cell.runs, (table.key, column.key)


def test_terminal_fits_and_tells_the_source() -> None:
    lines = terminal(synthetic()).splitlines()
    assert max(map(len, lines)) <= 110
    assert "simulated furnace (hard, seed 0)" in lines[0]
    assert sum(line.startswith("cwcl") for line in lines) == 1


def factorial() -> tuple[list[dict[str, object]], tuple[ArmInfo, ...]]:
    arms = [ArmInfo("base", "baseline", levels={"steps": 1, "codes": 32})]
    arms += [
        ArmInfo(f"{s}-{c}", "grid", levels={"steps": s, "codes": c})
        for s in (5, 1, 3)
        for c in (32, 100)
        if (s, c) != (1, 32)
    ]
    rows = [
        run(a.name, seed, 0.6 + 0.01 * float(a.levels["steps"]) + 0.001 * float(a.levels["codes"]))
        for a in arms
        for seed in range(2)
    ]
    return rows, tuple(arms)


def test_main_effects_of_a_factorial_average_the_other_factor() -> None:
    rows, arms = factorial()
    made = evidence(rows, arms)
    found = by_level(made, "steps")
    assert list(found) == [1, 3, 5], "numbers in their own order"
    assert [float(v.mean()) for v in found.values()] == pytest.approx(
        [0.6 + 0.01 * s + 0.066 for s in (1, 3, 5)]
    )
    assert list(by_level(made, "codes")) == [32, 100]
    assert by_level(made, "unheard of") == {}


def test_one_factor_at_a_time_stays_at_the_baseline() -> None:
    found = by_level(synthetic(), "codes")
    assert list(found) == [32, 100, 400]
    scores = synthetic().scores(METRIC)
    assert list(found[100]) == list(scores["infonce"]), "arms that change the contrast are not mixed in"
    assert len(found[400]) == 7
    assert list(by_level(synthetic(), "contrast")) == ["infonce", "cwcl"] + ["triplet"]


def test_a_level_missing_in_part_of_the_grid_is_not_averaged() -> None:
    rows, arms = factorial()
    kept = tuple(a for a in arms if a.name != "5-100")
    found = by_level(evidence([r for r in rows if r["arm"] != "5-100"], kept), "steps")
    assert [float(v.mean()) for v in found.values()] == pytest.approx(
        [0.6 + 0.01 * s + 0.032 for s in (1, 3, 5)]
    )


def test_numbers_come_before_words_whatever_the_baseline_is() -> None:
    arms = [ArmInfo("base", "baseline", levels={"recordings": "all"})]
    arms += [ArmInfo(f"r{n}", "grid", levels={"recordings": n}) for n in (16, 2)]
    rows = [run(arm.name, seed, 0.7) for arm in arms for seed in range(2)]
    found = by_level(evidence(rows, tuple(arms)), "recordings")
    assert list(found) == [2, 16, "all"]


@pytest.mark.parametrize("score", [0.7, 0.5])
def test_the_terminal_counts_low_scores_only_where_there_are_some(score: float) -> None:
    rows = [run(arm, seed, score + 0.01 * seed) for arm in ("base", "b") for seed in range(3)]
    shown = terminal(evidence(rows, (ArmInfo("base", "baseline"), ArmInfo("b", "change"))))
    assert ("< 0.6" in shown) is (score < 0.6)
    assert "Failed runs" not in shown
