"""Two studies, or two data sets, side by side: who is matched, what differs, what is said."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from scipy import stats
from test_report_evidence import BASE, CHANGE, METRIC, evidence, run

from bench.compare import holm, paired_difference, t_interval
from bench.report.besides import beside_findings
from bench.report.comparison import compare
from bench.report.evidence import ArmInfo, Evidence
from bench.report.tables import beside, tables, worlds
from bench.report.words import findings
from bench.report.write import terminal, write

SAME = {"data fingerprint": ("abc",), "split": ("by recording",)}
ARMS = (BASE, CHANGE, ArmInfo("c", "change", "contrast: cwcl", identity="42"))


def made(gains: dict[str, float], units: int = 8, seed: int = 0, **more: object) -> Evidence:
    generator = np.random.default_rng(seed)
    shared = generator.normal(0.7, 0.02, units)
    arms = tuple(arm for arm in ARMS if arm.name in gains)
    rows = [
        run(name, s, float(shared[s] + gain + generator.normal(0, 0.004)))
        for name, gain in gains.items()
        for s in range(units)
    ]
    return evidence(rows, arms, **more)


HERE = {"base": 0.0, "b": 0.05, "c": 0.0}
THERE = {"base": 0.0, "b": -0.05, "c": 0.0005}


def together(paired: bool, **more: object) -> Evidence:
    proven = SAME if paired else {"data fingerprint": ("xyz",)}
    other = made(THERE, seed=1, provenance=proven, data="plant B", **more)
    return dataclasses.replace(made(HERE, provenance=SAME), others=(other,))


def test_other_units_are_two_means() -> None:
    found = compare(together(paired=False))
    here, there = found.evidence, found.evidence.others[0]
    row = found.beside[0].rows[0]
    gaps = [(e.scores(METRIC)["b"] - e.scores(METRIC)["base"]).to_numpy() for e in (here, there)]
    reference = stats.ttest_ind(*gaps, equal_var=False)
    assert row.gap.p == pytest.approx(reference.pvalue, abs=1e-12)
    interval = reference.confidence_interval()
    assert (row.gap.low, row.gap.high) == pytest.approx((interval.low, interval.high), abs=1e-12)
    assert (row.gap.units, row.gap.paired) == (16, False)
    assert any("Welch" in note for note in beside(found).notes)


def test_a_difference_on_some_of_the_units_is_said_to_be_one() -> None:
    other = made(THERE, units=16, seed=1, provenance=SAME, data="plant B")
    found = compare(dataclasses.replace(made(HERE, provenance=SAME), others=(other,)))
    row = found.beside[0].rows[0]
    assert (row.gap.units, row.here.paired.n, row.there.paired.n) == (8, 8, 16)
    note = "the difference of differences is that on the units both have (at least 8)"
    assert any(note in each for each in beside(found).notes)
    assert any("; on the 8 units that both have, +" in sentence for sentence in findings(found))
    alike = compare(together(paired=True))
    assert not any("units both have" in text for text in beside(alike).notes)
    assert not any("units that both have" in text for text in findings(alike))


def test_the_same_units_are_paired() -> None:
    found = compare(together(paired=True))
    here, there = found.evidence, found.evidence.others[0]
    row = found.beside[0].rows[0]
    gaps = [e.scores(METRIC)["b"] - e.scores(METRIC)["base"] for e in (here, there)]
    expected = paired_difference(gaps[0], gaps[1], np.random.default_rng(0))
    assert (row.gap.mean, row.gap.p) == (expected.mean, expected.sign_flip.p)
    assert (row.gap.low, row.gap.high) == pytest.approx(t_interval(gaps[0] - gaps[1]), abs=1e-11)
    assert (row.gap.units, row.gap.paired) == (8, True)
    adjusted = holm([each.gap.p for each in found.beside[0].rows])
    assert [each.gap.holm for each in found.beside[0].rows] == pytest.approx(list(adjusted))


def test_verdicts_are_those_of_each_study_alone() -> None:
    found = compare(together(paired=False))
    alone = {arm.info.name: arm.verdict for arm in compare(found.evidence.others[0]).changes}
    for row in found.beside[0].rows:
        assert alone[row.arm] is not None and row.there.verdict == alone[row.arm].word  # type: ignore[union-attr]
    assert [row.agree for row in found.beside[0].rows] == ["no", "yes"]
    assert [row.here.verdict for row in found.beside[0].rows] == ["better", "equivalent"]
    said = " ".join(beside_findings(found))
    assert "Beside plant B, 2 arms are in both: 1 verdict is the same, 1 is another." in said
    assert "b gains +0.05" in said and "Holm p < 0.001" in said


def test_arms_are_matched_by_name_then_by_configuration() -> None:
    other = made({"base": 0.0, "b": 0.0}, seed=2, data="plant B")
    arms = (BASE, CHANGE, ArmInfo("contrast=cwcl", "grid", "x", identity="42"), ArmInfo("new", "change"))
    rows = [*other.runs.to_dict("records")]
    rows += [run(name, s, 0.7 + 0.001 * s) for name in ("contrast=cwcl", "new") for s in range(8)]
    other = evidence(rows, arms, data="plant B")
    here = dataclasses.replace(made({**HERE}), others=(other,))
    found = compare(here).beside[0]
    assert [(row.arm, row.other) for row in found.rows] == [("b", "b"), ("c", "contrast=cwcl")]
    assert (found.only_here, found.only_there) == ((), ("new",))
    assert any("called contrast=cwcl there" in note for note in found.notes())


def test_one_undecided_side_leaves_it_open_and_nothing_matched_is_said() -> None:
    few = made(THERE, units=3, data="plant B")
    found = compare(dataclasses.replace(made(HERE), others=(few,)))
    assert {row.arm: row.agree for row in found.beside[0].rows}["b"] == "open"
    alone = evidence([run("base", 0, 0.7)], (BASE,), data="plant C")
    empty = compare(dataclasses.replace(made(HERE), others=(alone,)))
    assert "there is nothing to compare" in " ".join(beside_findings(empty))
    assert beside(empty).rows == ()


def test_a_failed_study_beside_gives_dashes_and_no_traceback(tmp_path) -> None:  # type: ignore[no-untyped-def]
    rows = [run(a, s, math.nan, outcome="oom") for a in ("base", "b", "c") for s in range(4)]
    other = evidence(rows, ARMS, data="plant B")
    found = dataclasses.replace(made(HERE), others=(other,))
    write(found, tmp_path)
    assert "nan" not in terminal(found).lower()
    assert {row.agree for row in compare(found).beside[0].rows} == {"open"}
    assert (tmp_path / "beside.csv").exists()


def test_three_data_sets_are_also_read_together() -> None:
    others = tuple(made(THERE, seed=i, data=f"plant {i}") for i in (1, 2))
    found = compare(dataclasses.replace(made(HERE), others=others))
    assert found.worlds is not None
    assert found.worlds.names == ("simulated furnace (hard, seed 0)", "plant 1", "plant 2")
    by_name = {arm.arm: arm for arm in found.worlds.arms}
    assert by_name["base"].improvement is None
    assert by_name["b"].improvement is not None
    assert by_name["b"].improvement.value == pytest.approx(1 / 3), "ahead in every unit of one of three"
    assert len(worlds(found).rows) == 3
    assert [t.key for t in tables(found)][:3] == ["results", "beside", "worlds"]
    assert compare(dataclasses.replace(made(HERE), others=others[:1])).worlds is None
    same = dataclasses.replace(others[1], data=others[0].data, study="again")
    assert compare(dataclasses.replace(made(HERE), others=(others[0], same))).worlds is None


def test_a_report_beside_is_the_same_twice(tmp_path) -> None:  # type: ignore[no-untyped-def]
    for folder in ("a", "b"):
        write(together(paired=False), tmp_path / folder)
    names = sorted(p.relative_to(tmp_path / "a") for p in (tmp_path / "a").rglob("*") if p.is_file())
    assert all((tmp_path / "a" / n).read_bytes() == (tmp_path / "b" / n).read_bytes() for n in names)
