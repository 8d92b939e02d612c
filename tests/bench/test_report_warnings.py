"""Early warning in a report: counts, intervals, table and figure, and as the metric judged by."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_report_evidence import evidence, run

from bench.compare import Medians, two_level
from bench.report.comparison import compare
from bench.report.evidence import ArmInfo
from bench.report.figures.warnings import survival
from bench.report.figures.warnings import warnings as figure
from bench.report.tables import new_batches, results, warnings
from bench.report.tables import tables as all_tables
from bench.report.words import findings
from bench.warning import MAIN, MULTIPLES

METRIC = "warning.current.episodes_warned"
ARMS = (
    ArmInfo("base", "baseline"),
    ArmInfo("better", "change"),
    ArmInfo("shuffled_pairs", "control"),
    ArmInfo("supervised_current", "reference"),
)
SOURCES = ("current", "video", "both", "ceiling", "ceiling_window")
GROUPS, EACH, HOURS = 20, 4, 2.0


def arrays(seed: int, skill: float, sources: tuple[str, ...]) -> dict[str, Any]:
    """Return what a run has on record: twenty recordings of two hours, four episodes in each."""
    shared = np.random.default_rng(seed).random(GROUPS * EACH)  # how hard each episode is, for every arm
    own = np.random.default_rng([seed, round(100 * skill)])
    seconds = np.full((len(sources), len(MULTIPLES), GROUPS * EACH), np.nan)
    false = np.zeros((len(sources), len(MULTIPLES), GROUPS), dtype=int)
    for s, source in enumerate(sources):
        able = {"ceiling": 0.95, "ceiling_window": 0.85}.get(source, skill)
        for b, multiple in enumerate(MULTIPLES):
            hit = shared < able * (0.6 + 0.4 * b / len(MULTIPLES))
            ahead = own.normal(-50 if source == "video" else 170, 30, shared.size)
            seconds[s, b] = np.where(hit, ahead, np.nan)
            false[s, b] = own.poisson(multiple * HOURS, GROUPS)
    alarms = np.stack([false + 3, false], axis=-1)
    stretch = np.repeat(np.arange(GROUPS), EACH)
    return {
        "warning_source": np.array(sources),
        "warning_budget": np.array(MULTIPLES),
        "warning_rule": np.zeros((len(sources), len(MULTIPLES), 5)),
        "warning_alarms": alarms.astype(np.int16),
        "warning_seconds": seconds.astype(np.float32),
        "warning_chance": np.full((len(sources), len(MULTIPLES)), 0.2),
        "warning_hours": np.full(GROUPS, HOURS),
        "warning_group": np.arange(GROUPS),
        "warning_episode": np.stack([stretch, 900.0 * stretch, 900.0 * stretch + 300], axis=1),
        "warning_horizon": np.array([300.0]),
    }


def scored(found: dict[str, Any], sources: tuple[str, ...]) -> dict[str, float]:
    seconds = found["warning_seconds"][:, MAIN].astype(float)
    scores = {}
    for s, source in enumerate(sources):
        scores[f"warning.{source}.episodes_warned"] = float((seconds[s] > 0).mean())
        scores[f"warning.{source}.warning_seconds"] = float(np.nanmedian(seconds[s]))
        false = found["warning_alarms"][s, MAIN, :, 1].sum()
        scores[f"warning.{source}.false_alarms_per_hour"] = float(false / (GROUPS * HOURS))
    return scores


def study(metric: str = METRIC, rope: float = 0.02, **more: Any):
    kept, rows = {}, []
    skills = {"base": 0.7, "better": 0.85, "shuffled_pairs": 0.2, "supervised_current": 0.8}
    for arm, skill in skills.items():
        sources = ("current",) if arm == "supervised_current" else SOURCES
        for seed in range(8):
            found = arrays(seed, skill, sources)
            told = {
                f"warning.{s}.{m}": math.nan for s in SOURCES for m in ("episodes_warned", "warning_seconds")
            }
            row = run(arm, seed, 0.7, **{**told, **scored(found, sources)})
            row["diagnostics.warning.validation_episodes"] = 40.0
            kept[row["key"]] = found
            rows.append(row)
    frame = pd.DataFrame(rows)
    frame["warning.current.false_alarms_per_hour"] = frame["warning.current.false_alarms_per_hour"].astype(
        float
    )
    found = evidence(rows, ARMS, predictions=kept.get)
    return dataclasses.replace(found, runs=frame, metric=metric, rope=rope, **more), kept


@pytest.fixture(scope="module")
def made():
    found, kept = study()
    return compare(found), kept


@settings(deadline=None)
@given(st.integers(0, 10**6))
def test_a_weighted_median_is_that_of_repeated_values(seed: int) -> None:
    generator = np.random.default_rng(seed)
    count = int(generator.integers(1, 12))
    group, values = generator.integers(0, 4, count), generator.normal(size=count).round(1)
    values[generator.random(count) < 0.2] = np.nan
    weights = generator.integers(0, 3, (5, 4)).astype(float)
    found = Medians.count(group, values, np.arange(4)).of(weights)
    for own, median in zip(weights, found, strict=True):
        again = np.repeat(values, own[group].astype(int))
        again = again[np.isfinite(again)]
        assert (math.isnan(median) and not again.size) or median == np.median(again)


def test_two_level_takes_medians() -> None:
    generator = np.random.default_rng(1)
    group = np.repeat(np.arange(15), 6)
    rows = []
    for _ in range(6):
        values = generator.normal(0, 20, group.size) + generator.normal(0, 5, 15)[group]
        rows.append([Medians.count(group, values + shift, np.arange(15)) for shift in (10.0, 0.0)])
    (found,) = two_level(rows, generator, [(0, 1)])
    assert found.difference == pytest.approx(10.0) and found.units == 6 and found.recordings == 15
    with_noise = [[Medians.count(group, generator.normal(5 * (i == 0), 20, group.size), np.arange(15))
                   for i in range(2)] for _ in range(6)]  # fmt: skip
    (found,) = two_level(with_noise, generator, [(0, 1)])
    assert found.low < 5 < found.high and found.high - found.low < 30


def test_values_are_means_over_units_with_intervals_around_them(made) -> None:
    comparison, kept = made
    found = {(each.arm, each.source): each for each in comparison.warnings.results}
    assert set(found) == {
        *(("base", source) for source in SOURCES),
        ("better", "current"),
        ("shuffled_pairs", "current"),
        ("supervised_current", "current"),
    }
    own = found["base", "current"]
    seconds = np.stack([kept[f"base--1-{seed}-0"]["warning_seconds"][0, MAIN] for seed in range(8)])
    video = np.stack([kept[f"base--1-{seed}-0"]["warning_seconds"][1, MAIN] for seed in range(8)])
    assert own.values["episodes_warned"].value == pytest.approx((seconds > 0).mean())
    assert own.values["episodes_caught"].value == pytest.approx(np.isfinite(seconds).mean())
    assert own.values["warning_seconds"].value == pytest.approx(np.nanmedian(seconds, axis=1).mean())
    ahead = np.nanmedian((seconds - video).astype(float), axis=1).mean()
    assert own.values["earlier_than_video"].value == pytest.approx(ahead, rel=1e-5)
    false = [kept[f"base--1-{seed}-0"]["warning_alarms"][0, MAIN, :, 1].sum() for seed in range(8)]
    assert own.values["false_alarms_per_hour"].value == pytest.approx(np.mean(false) / (GROUPS * HOURS))
    for estimate in own.values.values():
        assert estimate.low < estimate.value < estimate.high
    assert (own.units, own.recordings, own.episodes, own.chance) == (8, GROUPS, GROUPS * EACH, 0.2)
    assert "earlier_than_video" not in found["base", "video"].values
    assert "earlier_than_video" not in found["supervised_current", "current"].values


def test_the_table_says_it_and_the_sentence(made) -> None:
    comparison, _ = made
    table = warnings(comparison)
    assert [t.key for t in all_tables(comparison)].count("warnings") == 1
    texts = dict(zip([c.key for c in table.columns], table.texts[0], strict=True))
    value = comparison.warnings.results[0].values
    assert texts["warned"] == f"{100 * value['episodes_warned'].value:.0f} %"
    assert texts["seconds"] == f"{value['warning_seconds'].value:.0f}"
    said = [line for line in findings(comparison) if "warns of" in line]
    assert len(said) == 2 and texts["warned"] in said[0] and "exact posterior" in said[1]


def test_a_study_is_judged_by_warnings(made) -> None:
    comparison, _ = made
    (better,) = comparison.changes
    assert better.verdict.word == "better" and comparison.chance is None
    (batch,) = comparison.new_batches
    assert batch.found.low < better.paired.mean < batch.found.high
    assert batch.found.difference == pytest.approx(better.paired.mean)
    references = {each.column for each in comparison.references}
    assert {"warning.video.episodes_warned", "warning.ceiling.episodes_warned"} <= references
    assert len(new_batches(comparison).rows) == 1


def test_seconds_are_judged_in_seconds() -> None:
    found, _ = study("warning.current.warning_seconds", rope=15.0)
    comparison = compare(found)
    (better,) = comparison.changes
    assert better.verdict.word in ("equivalent", "undecided") and abs(better.paired.mean) < 15
    assert comparison.digits.score <= 1 and better.details.worst is None
    (batch,) = comparison.new_batches
    assert batch.found.difference == pytest.approx(better.paired.mean, abs=1e-3)


def test_columns_show_them_beside_another_metric() -> None:
    found, kept = study("current.balanced_accuracy", columns=("mean", "warned", "warning", "false_alarms"))
    table = results(compare(found))
    shown = [column.key for column in table.shown.columns]
    assert shown == ["arm", "mean", "warned", "warning", "false_alarms"]
    own = np.mean([(kept[f"base--1-{s}-0"]["warning_seconds"][0, MAIN] > 0).mean() for s in range(8)])
    assert table.shown.texts[0][2] == f"{100 * own:.0f} %"


def test_runs_without_a_rule_are_told_of_and_old_records_say_nothing() -> None:
    found, _ = study("current.balanced_accuracy")
    few = found.runs.assign(**{"diagnostics.warning.validation_episodes": 4.0})
    told = compare(dataclasses.replace(found, runs=few, predictions=lambda key: None))
    assert told.warnings.ruleless == len(few) and not warnings(told).rows
    assert any("fewer than 10 whole episodes" in line for line in findings(told))
    old = found.runs.drop(columns="diagnostics.warning.validation_episodes")
    silent = compare(dataclasses.replace(found, runs=old, predictions=lambda key: {"score": np.ones(3)}))
    assert silent.warnings is None and not any("alarm" in line for line in findings(silent))


def test_the_figure_draws_what_the_table_says(made) -> None:
    comparison, _ = made
    (sketch,) = figure(comparison)
    drawn = sketch.data
    curve = drawn[(drawn["panel"] == "curve") & (drawn["arm"] == "base") & (drawn["source"] == "current")]
    assert len(curve) == len(MULTIPLES) and curve["table"].sum() == 1
    main = curve[curve["table"]].iloc[0]
    values = comparison.warnings.results[0].values
    assert main["share"] == pytest.approx(values["episodes_warned"].value)
    assert main["false_alarms_per_hour"] == pytest.approx(values["false_alarms_per_hour"].value)
    ahead = drawn[(drawn["panel"] == "ahead") & (drawn["arm"] == "base") & (drawn["source"] == "current")]
    assert ahead.loc[ahead["seconds"] > 0, "share"].max() == pytest.approx(main["share"])


def test_survival_at_zero_is_the_share_warned() -> None:
    seconds = np.array([200.0, 30.0, -10.0, np.nan])
    ahead, share = survival(seconds)
    assert share[np.searchsorted(ahead, 1e-9)] == (seconds > 0).mean()
