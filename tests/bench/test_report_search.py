"""What the report says of searches: numbers by hand, one rule for all arms, and nothing without a search."""

from __future__ import annotations

import hashlib
import itertools
import math
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from report_searches import EPOCHS, SEEDS, changed, named, rows, searched_evidence, without_search
from scipy import stats
from test_report_evidence import METRIC, evidence, run

from bench.report.comparison import compare
from bench.report.evidence import ArmInfo, Evidence
from bench.report.render import markdown
from bench.report.search import search_figures, search_findings, search_methods, search_tables, trials_table
from bench.report.search.budget import quicker
from bench.report.search.pareto import non_dominated
from bench.report.searched import ArmSearch, Searched
from bench.report.style import style
from bench.report.tables import results, tables
from bench.report.words import findings
from bench.report.write import terminal, write
from models.errors import InvalidRequest

REFERENCE = Path("results/reference/contrastive_loss/simulated-furnace-hard-seed-0")
SCRIPT = """
import sys; sys.path.insert(0, {here!r})
from report_searches import searched_evidence
from bench.report.write import write
import bench.report.search.landscape as landscape
landscape.RESAMPLES = 3
write(searched_evidence(("infonce", "cwcl"), repeats=3, samplers=("random", "tpe")), sys.argv[1])
assert not {{"torch", "ray"}} & set(sys.modules)
"""


@pytest.fixture(autouse=True)
def _few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Importances are tested where they are computed; here they only have to be there."""
    monkeypatch.setattr("bench.report.search.landscape.RESAMPLES", 3)


@pytest.fixture(scope="module")
def once() -> Evidence:
    return searched_evidence(samplers=("tpe", "random"))


@pytest.fixture(scope="module")
def thrice() -> Evidence:
    return searched_evidence(("infonce", "cwcl"), repeats=3, samplers=("random", "tpe"))


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_a_report_without_a_search_is_what_it_was() -> None:
    """The committed report, from its committed runs: its tables are the same to the byte."""
    runs = pd.read_csv(REFERENCE / "runs.csv", dtype={"message": str}).fillna({"message": ""})
    committed = (REFERENCE / "report.md").read_text(encoding="utf-8")
    plain = committed.replace("\\", "")
    changes = dict(re.findall(r"^\| (\w+) \| ([^|]+?) \| \d+/\d+ \|", plain, flags=re.M))
    kinds = dict.fromkeys(runs["arm"], "reference") | {"baseline": "baseline"}
    kinds |= dict.fromkeys(("cwcl", "triplet", "triplet_hard", "no_contrast"), "change")
    kinds |= dict.fromkeys(("no_pretraining", "shuffled_pairs"), "control")
    arms = tuple(ArmInfo(name, kind, changes.get(name, "")) for name, kind in kinds.items())
    found = replace(
        evidence(runs.to_dict("records"), arms),
        study="contrastive_loss",
        data="simulated furnace (hard, seed 0)",
        overlap=(0.48, 0.4),
    )
    comparison = compare(found)
    assert search_tables(comparison) == []
    assert list(search_figures(comparison)) == []
    assert markdown(results(comparison)).strip() in committed
    made = {table.key: markdown(table).strip() for table in tables(comparison)}
    assert made["controls"] in committed
    assert made["cost"] in committed
    for sentence in findings(comparison)[:8]:
        assert sentence in plain


def test_arms_as_declared_are_outside_of_the_family(once: Evidence) -> None:
    assert rows(results(compare(once))) == rows(results(compare(without_search(once))))


def test_tuning_is_paired_with_the_arm_as_declared(once: Evidence) -> None:
    scores, fresh = once.scores(METRIC), once.scores(f"validation.{METRIC}")
    assert once.search is not None
    for row in rows(named(once)["tuning"]):
        arm = row["arm"]
        own, plain = scores[arm], scores[f"{arm}, as declared"]
        reference = stats.ttest_rel(own, plain)
        best = once.search.of(arm)[0].scored["value"].max()
        assert row["promised"] == best
        assert row["fresh"] == pytest.approx(fresh[arm].mean())
        assert row["tuned"] == pytest.approx(own.mean())
        assert row["declared"] == pytest.approx(plain.mean())
        assert row["optimism"] == pytest.approx(best - own.mean())
        assert row["selection"] == pytest.approx(best - fresh[arm].mean())
        assert row["shift"] == pytest.approx(fresh[arm].mean() - own.mean())
        assert row["difference"] == pytest.approx((own - plain).mean())
        assert row["interval"] == pytest.approx(tuple(reference.confidence_interval()))
        assert row["n"] == (8, 8)


def test_verdicts_without_tuning_are_those_of_the_arms_as_declared_alone(once: Evidence) -> None:
    plain = [
        run("base" if arm == "infonce, as declared" else arm, row["seed"], row[METRIC])
        for arm, row in zip(once.runs["arm"], once.runs.to_dict("records"), strict=True)
        if arm.endswith("as declared")
    ]
    arms = (
        ArmInfo("base", "baseline"),
        *(ArmInfo(f"{a}, as declared", "change") for a in ("cwcl", "triplet")),
    )
    alone = [arm.verdict.word for arm in compare(evidence(plain, arms)).changes if arm.verdict]
    tuned = [arm.verdict.word for arm in compare(once).changes if arm.verdict]
    shown = rows(named(once)["tuning"])
    assert [row["verdict_declared"] for row in shown] == ["", *alone]
    assert [row["verdict"] for row in shown] == ["", *tuned]
    assert alone != tuned
    said = " ".join(search_findings(compare(once)))
    for arm, before, after in zip(("cwcl", "triplet"), alone, tuned, strict=True):
        assert (f"{arm}: {before} as declared → {after} tuned" in said) == (before != after)


@pytest.mark.slow
def test_repeats_are_averaged_and_every_caption_says_so(thrice: Evidence, tmp_path: Path) -> None:
    assert thrice.search is not None
    for row in rows(named(thrice)["tuning"]):
        bests = [each.scored["value"].max() for each in thrice.search.of(row["arm"])]
        assert row["promised"] == pytest.approx(np.mean(bests))
    write(thrice, tmp_path)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    captions = re.findall(r"<figcaption[^>]*>(.*?)</figcaption>", page, flags=re.S)
    assert len(captions) >= 12
    assert all("very unit is a whole search" in caption for caption in captions)
    assert terminal(thrice).startswith("contrastive_loss") and "whole search" in terminal(thrice, 200)
    assert "whole search" not in terminal(searched_evidence(), 200)
    assert "intervals contain the luck of the search" in " ".join(search_methods(compare(thrice)))


def test_search_table_counts_what_the_trials_say(once: Evidence) -> None:
    assert once.search is not None
    shown = rows(named(once)["search"])
    assert [(r["arm"], r["sampler"]) for r in shown[:2]] == [
        ("infonce", "tpe (decides)"),
        ("infonce", "random"),
    ]
    for row, each in zip(shown, once.search.searches, strict=True):
        states = list(each.trials["state"])
        assert [row[s] for s in ("complete", "pruned", "failed")] == [
            states.count(s) for s in ("complete", "pruned", "failed")
        ]
        assert row["broken"] == sum(f == "diverged" for f in each.trials["failure"])
        assert row["epochs"] == sum(each.trials["epochs"])
        assert row["share"] == pytest.approx(sum(each.trials["epochs"]) / (14 * EPOCHS * SEEDS))
    assert any(row["broken"] for row in shown)
    assert any(row["pruned"] for row in shown)


def test_a_search_that_keeps_what_is_declared_is_said() -> None:
    found = searched_evidence()
    runs = found.runs.copy()
    own, plain = (runs["arm"] == name for name in ("cwcl", "cwcl, as declared"))
    for column in ("key", METRIC):
        runs.loc[own, column] = runs.loc[plain, column].to_numpy()
    kept = replace(found, runs=runs)
    said = search_findings(compare(kept))
    assert "The search found nothing better than what is declared for cwcl." in said
    assert not any("nothing better" in sentence for sentence in search_findings(compare(found)))


def test_how_soon_a_sampler_reaches_the_best_of_random(once: Evidence) -> None:
    assert once.search is not None
    shares = []
    for arm in once.search.arms:
        (tpe,), (random,) = once.search.of(arm, "tpe"), once.search.of(arm, "random")
        target, spent, reached = random.scored["value"].max(), 0, math.inf
        for trial in tpe.trials.to_dict("records"):
            spent += trial["epochs"]
            if trial["number"] in set(tpe.scored["number"]) and trial["value"] >= target:
                reached = min(reached, spent / random.trials["epochs"].sum())
        shares.append(reached)
    assert quicker(once.search, "tpe") == (np.median(shares), np.isfinite(shares).sum(), 3)
    assert math.isnan(quicker(once.search, "tpe", "gp")[0])


def test_winners_beside_what_is_declared(once: Evidence, thrice: Evidence) -> None:
    assert once.search is not None and thrice.search is not None
    shown = {row["parameter"]: row for row in rows(named(once)["winners"])}
    winner = once.search.of("cwcl")[0]
    won = winner.trials.set_index("number").loc[winner.winner]
    assert shown["optimizer.rate"]["arm_cwcl"] == f"{won['param:optimizer.rate']:.4g} (0.0005)"
    assert shown["specific_encoder.kind"]["arm_cwcl"] == f"{won['param:specific_encoder.kind']} (mlp)"
    assert shown["(trial)"]["arm_cwcl"] == str(winner.winner)
    many = {row["parameter"]: row for row in rows(named(thrice)["winners"])}
    rates = sorted(each.params["optimizer.rate"] for each in thrice.search.of("cwcl"))
    low, middle, high = (f"{rate:.3g}" for rate in rates)
    assert many["optimizer.rate"]["arm_cwcl"] == f"{middle} [{low} … {high}] (0.0005)"
    kinds = [each.params["specific_encoder.kind"] for each in thrice.search.of("cwcl")]
    if len(set(kinds)) > 1:
        assert f"{kinds[0]} × {kinds.count(kinds[0])}" in many["specific_encoder.kind"]["arm_cwcl"]
    assert "(trial)" not in many
    twice = searched_evidence(("infonce", "cwcl"), repeats=2)
    assert twice.search is not None
    both = {row["parameter"]: row for row in rows(named(twice)["winners"])}
    first, second = (each.params["optimizer.rate"] for each in twice.search.of("cwcl"))
    assert first != second
    assert both["optimizer.rate"]["arm_cwcl"] == f"{first:.4g}, {second:.4g} (0.0005)"
    assert "what both searches chose" in named(twice)["winners"].notes[0]


def test_front_is_that_of_a_loop() -> None:
    generator = np.random.default_rng(1)
    for directions in (("maximize", "minimize"), ("maximize", "minimize", "maximize")):
        values = generator.integers(0, 5, (40, len(directions))).astype(float)
        signs = [1 if way == "maximize" else -1 for way in directions]

        def beats(a: np.ndarray, b: np.ndarray, signs: list[int] = signs) -> bool:
            gains = [s * (x - y) for s, x, y in zip(signs, a, b, strict=True)]
            return all(g >= 0 for g in gains) and any(g > 0 for g in gains)

        slow = [not any(beats(other, one) for other in values) for one in values]
        assert list(non_dominated(values, directions)) == slow


def test_several_objectives_have_a_front_in_table_figure_and_words() -> None:
    found = searched_evidence(("infonce", "cwcl"), objectives=(METRIC, "parameters"))
    shown = rows(named(found)["pareto"])
    assert found.search is not None
    for arm in ("infonce", "cwcl"):
        scored = found.search.of(arm)[0].scored
        best = scored.loc[scored["value"].idxmax()]
        own = [row for row in shown if row["arm"] == arm]
        assert own[0]["trial"] == best["number"], "the best on the first objective leads the front"
        assert [row["winner"] for row in own] == ["yes", *[""] * (len(own) - 1)]
        assert all(a["objective_0"] >= b["objective_0"] for a, b in itertools.pairwise(own))
        assert all(a["objective_1"] > b["objective_1"] for a, b in itertools.pairwise(own))
    with style():
        assert "search_front" in [name for name in (each.name for each in search_figures(compare(found)))]
    assert "2 objectives" in " ".join(search_methods(compare(found)))
    assert "pareto" not in named(searched_evidence())


def test_every_number_of_a_search_names_its_trials_or_runs(once: Evidence) -> None:
    assert once.search is not None
    trials = trials_table(once.search)
    assert trials["trial"].is_unique
    assert len(trials) == 6 * 14
    assert list(trials)[:2] == ["search", "trial"]
    assert list(trials["search"]) == [each.key for each in once.search.searches for _ in range(14)]
    assert list(trials.loc[trials["winner"] & trials["decides"], "arm"]) == ["infonce", "cwcl", "triplet"]
    known = set(trials["trial"]) | set(once.runs["key"])
    for table in named(once).values():
        for row in table.rows:
            for column, cell in zip(table.columns, row, strict=True):
                assert set(cell.runs) <= known
                if column.kind in ("score", "signed", "signed_interval", "p", "percent"):
                    assert cell.value is None or cell.runs, (table.key, column.key)


@pytest.mark.slow
def test_same_searches_same_bytes_in_two_processes(thrice: Evidence, tmp_path: Path) -> None:
    other = "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"
    script = SCRIPT.format(here=str(Path(__file__).parent))
    environment = {**os.environ, "PYTHONHASHSEED": other}
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "a")], check=True, env=environment)
    write(thrice, tmp_path / "b")
    first, second = digests(tmp_path / "a"), digests(tmp_path / "b")
    assert first == second
    names = ("tuning", "search_arms", "search_samplers", "search_importance", "search_slices")
    assert {f"figures/{name}.svg" for name in names} | {"trials.csv", "tuning.csv"} <= set(first)


def empty(one: ArmSearch) -> ArmSearch:
    return replace(one, trials=one.trials.iloc[:0], winner=None)


def failed(one: ArmSearch) -> ArmSearch:
    return replace(
        one, trials=one.trials.assign(state="failed", value=math.nan, failure="killed"), winner=None
    )


def worst(one: ArmSearch) -> ArmSearch:
    return replace(
        one, trials=one.trials.assign(state="complete", value=0.0, failure="diverged"), winner=None
    )


@pytest.mark.parametrize(
    ("spoil", "objectives"), [(empty, (METRIC,)), (failed, (METRIC,)), (worst, (METRIC, "parameters"))]
)
def test_searches_that_found_nothing_still_make_a_report(
    spoil: Any, objectives: tuple[str, ...], tmp_path: Path
) -> None:
    found = searched_evidence(("infonce", "cwcl"), objectives=objectives, parameters=2, seeds=3)
    assert found.search is not None
    bad = tuple(spoil(each) for each in found.search.searches)
    runs = found.runs[~found.runs["arm"].isin(["infonce", "cwcl"])]
    for searches in (bad, (found.search.searches[0], bad[1])):
        spoiled = replace(found, search=replace(found.search, searches=searches), runs=runs)
        write(spoiled, tmp_path)
        page = (tmp_path / "report.html").read_text(encoding="utf-8")
        visible = re.sub(r"<[^>]+>|<style>.*?</style>", " ", page, flags=re.S)
        assert not re.search(r"\b(nan|inf)\b", visible)
        assert "Importance of parameters is shown only from searches with at least 10" in visible
        assert "nan" not in terminal(spoiled).lower()


def test_several_without_a_front_have_no_stray_figure(tmp_path: Path) -> None:
    """Every figure that is written stands in the page and in the Markdown."""
    write(searched_evidence(("infonce", "cwcl"), objectives=(METRIC, "parameters")), tmp_path)
    drawn = {path.stem for path in (tmp_path / "figures").glob("*.svg")}
    told = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert {*re.findall(r"figures/(\w+)\.svg", told)} == drawn
    assert (tmp_path / "report.html").read_text(encoding="utf-8").count("<svg") == len(drawn)


@pytest.mark.parametrize(
    ("declared", "message"),
    [({}, "must be what a tuned arm was"), ({"infonce": "shuffled_pairs"}, "must be what a tuned arm was")],
)
def test_declared_arms_must_belong_to_tuned_ones(
    once: Evidence, declared: dict[str, str], message: str
) -> None:
    assert once.search is not None
    with pytest.raises(InvalidRequest, match=message):
        replace(once, search=replace(once.search, declared=declared))


def test_only_compared_arms_are_tuned(once: Evidence) -> None:
    with pytest.raises(InvalidRequest, match="only an arm that is compared can be tuned"):
        changed(once, 0, arm="shuffled_pairs")


def crowded(arms: int, repeats: int, objectives: tuple[str, ...]) -> Evidence:
    names = tuple(f"arm {i} {'without specific encoder ' * (i % 2)}steps {i}" for i in range(arms))
    found = searched_evidence(
        names, trials=12, parameters=5, repeats=repeats, samplers=("tpe", "random"), objectives=objectives
    )
    data = "real arcs of a plant with a very long name, two campaigns, five folds by recording (version 12)"
    return replace(found, data=data)


@pytest.mark.parametrize(
    ("arms", "repeats", "objectives"),
    [(2, 1, (METRIC, "parameters", "lead")), (3, 3, (METRIC,)), (11, 1, (METRIC,))],
)
def test_no_text_of_a_search_figure_overlaps_or_leaves_it(
    arms: int, repeats: int, objectives: tuple[str, ...]
) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.text import Text

    with style():
        drawn = list(search_figures(compare(crowded(arms, repeats, objectives))))
        assert len(drawn) >= 3
        for name, figure in ((each.name, each.figure) for each in drawn):
            FigureCanvasAgg(figure).draw()
            unseen = []
            for axes in figure.axes:
                for axis in (axes.xaxis, axes.yaxis):
                    low, high = sorted(axis.get_view_interval())
                    ticks = [*axis.get_major_ticks(), *axis.get_minor_ticks()]
                    unseen += [tick.label1 for tick in ticks if not low <= tick.get_loc() <= high]
            boxes = [
                (t.get_text(), t.get_window_extent())
                for t in figure.findobj(Text)
                if isinstance(t, Text) and t.get_visible() and t.get_text().strip() and t not in unseen
            ]
            canvas = figure.bbox
            for said, box in boxes:
                inside = box.x0 >= -1 and box.y0 >= -1 and box.x1 <= canvas.x1 + 1 and box.y1 <= canvas.y1 + 1
                assert inside, (name, said)
            for (one, a), (other, b) in itertools.combinations(boxes, 2):
                width, height = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
                assert width <= 1 or height <= 1, (name, one, other)


def test_searches_are_told_apart_by_arm_and_sampler(once: Evidence) -> None:
    assert isinstance(once.search, Searched)
    assert once.search.samplers == ("tpe", "random")
    assert [each.sampler for each in once.search.of("cwcl")] == ["tpe"]
    assert [each.arm for each in once.search.deciding] == list(once.search.arms)
