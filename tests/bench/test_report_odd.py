"""Odd studies end in a clear statement: no traceback, no warning, no wrong star."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from markdown_it import MarkdownIt
from test_report_evidence import BASE, CHANGE, METRIC, evidence, run, synthetic

from bench.compare import holm
from bench.report.comparison import compare
from bench.report.details import _steps
from bench.report.evidence import ArmInfo, Evidence
from bench.report.tables import results
from bench.report.words import findings
from bench.report.write import terminal, write

NASTY = "<script>alert('1')</script> & | *a* _b_ `c` [d](e) \\f {g} 50% $h$ #i ~j^ \"k\" 电弧 é → 🔥"


def study() -> Evidence:
    return synthetic()


def one_arm() -> Evidence:
    return evidence([run("base", s, 0.7 + 0.01 * s) for s in range(4)], (BASE,))


def one_unit() -> Evidence:
    return evidence([run("base", 0, 0.7), run("b", 0, 0.8)], (BASE, CHANGE))


def two_seeds() -> Evidence:
    return evidence([run(a, s, x + 0.01 * s * s) for a, x in (("base", 0.7), ("b", 0.8)) for s in range(2)],
                    (BASE, CHANGE))  # fmt: skip


def ties() -> Evidence:
    return evidence([run(arm, s, 0.7 + 0.01 * s) for arm in ("base", "b") for s in range(8)], (BASE, CHANGE))


def constant() -> Evidence:
    rows = [run(arm, s, x) for arm, x in (("base", 0.7), ("b", 0.75)) for s in range(8)]
    return evidence(rows, (BASE, CHANGE))


def nan_scores() -> Evidence:
    rows = [run("base", s, 0.7 + 0.01 * s) for s in range(6)]
    rows += [run("b", s, math.nan if s % 2 else 0.75 + 0.02 * s) for s in range(6)]
    return evidence(rows, (BASE, CHANGE))


def nothing_but_nan() -> Evidence:
    return evidence([run(arm, s, math.nan) for arm in ("base", "b") for s in range(4)], (BASE, CHANGE))


def failed_arm() -> Evidence:
    rows = [run("base", s, 0.7 + 0.01 * s) for s in range(8)]
    rows += [run("b", s, math.nan, outcome="oom", message="out of memory") for s in range(8)]
    rows += [run("c", s, 0.8 + 0.012 * s) for s in range(8)]
    return evidence(rows, (BASE, CHANGE, ArmInfo("c", "change")))


def failed_baseline() -> Evidence:
    rows = [run("base", s, math.nan, outcome="diverged") for s in range(6)]
    rows += [run("b", s, 0.7 + 0.01 * s) for s in range(6)]
    return evidence(rows, (BASE, CHANGE))


def disjoint() -> Evidence:
    rows = [run("base", s, 0.6 + 0.01 * s) for s in range(4)]
    rows += [run("b", s, 0.9 + 0.01 * s) for s in range(4, 8)]
    return evidence(rows, (BASE, CHANGE), units=tuple(f"seed{s}" for s in range(8)))


def nothing() -> Evidence:
    return evidence([], (BASE, CHANGE))


def awkward() -> Evidence:
    arms = (BASE, ArmInfo(NASTY, "change", NASTY, note=NASTY), ArmInfo("- 1. x", "change", "# y"))
    rows = [run(a.name, s, 0.7 + 0.01 * s * (1 + i)) for i, a in enumerate(arms) for s in range(3)]
    rows.append(run(NASTY, 3, math.nan, outcome="error", message=NASTY))
    rows += [run("base", 3, 0.7)]
    return evidence(rows, arms, question=NASTY, data=NASTY)


def grid() -> Evidence:
    generator = np.random.default_rng(0)
    base = ArmInfo("base", "baseline", levels={"steps": 1, "contrast": "infonce"})
    arms = [base]
    arms += [
        ArmInfo(f"steps={s}, contrast={c}", "grid", levels={"steps": s, "contrast": c})
        for s in (1, 3, 5)
        for c in ("infonce", "cwcl")
        if (s, c) != (1, "infonce")
    ]
    shared = generator.normal(0, 0.02, 8)
    rows = [
        run(a.name, seed, 0.6 + 0.02 * float(a.levels["steps"]) + shared[seed] + generator.normal(0, 0.004))
        for a in arms
        for seed in range(8)
    ]
    return evidence(rows, tuple(arms), factors=("steps", "contrast"))


CASES: dict[str, Callable[[], Evidence]] = {
    "study": study,
    "one arm": one_arm,
    "one unit": one_unit,
    "two seeds": two_seeds,
    "all ties": ties,
    "constant": constant,
    "nan scores": nan_scores,
    "nothing but nan": nothing_but_nan,
    "failed arm": failed_arm,
    "failed baseline": failed_baseline,
    "disjoint units": disjoint,
    "nothing": nothing,
    "awkward names": awkward,
    "grid": grid,
}
SAID = {
    "one unit": "one pair: neither interval nor test exists",
    "two seeds": "2 pairs cannot reach p ≤ 0.05 among 1 comparison: 6 pairs can",
    "all ties": "identical on all 8 pairs: does the change reach the model?",
    "constant": "all 8 differences are equal: no interval exists",
    "nan scores": "Without a score: 3 of 12 runs (3 no score)",
    "nothing but nan": "nothing can be compared",
    "failed arm": "b is undecided: no complete pair",
    "failed baseline": "nothing can be compared",
    "disjoint units": "b is undecided: no complete pair",
    "nothing": "nothing can be compared",
}


@pytest.mark.parametrize("case", CASES)
def test_a_whole_report_without_nan_or_markup(case: str, tmp_path: Path) -> None:
    write(CASES[case](), tmp_path)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<script>alert" not in page, "a name is no script"
    visible = re.sub(r"<(script|style)\b.*?</\1>|<[^>]+>", " ", page, flags=re.S)
    texts = [
        visible,
        *((tmp_path / f"report.{kind}").read_text("utf-8") for kind in ("md", "csv", "json", "tex")),
    ]
    for text in (*texts, terminal(CASES[case]())):
        assert not re.search(r"\b(nan|inf)\b(?!…)", text), case
    assert max(map(len, terminal(CASES[case]()).splitlines())) <= 110 or case == "awkward names"


@pytest.mark.parametrize("case", SAID)
def test_what_is_odd_is_said(case: str) -> None:
    found = compare(CASES[case]())
    assert SAID[case] in " ".join([*findings(found), *results(found).notes])


def words(found: Evidence) -> dict[str, str]:
    return {arm.info.name: arm.verdict.word for arm in compare(found).changes if arm.verdict}


def bold(found: Evidence) -> set[str]:
    return {arm.info.name for arm in compare(found).learned if arm.best}


def test_no_verdict_where_there_is_no_evidence() -> None:
    assert words(one_unit()) == {"b": "undecided"}
    assert words(two_seeds()) == {"b": "undecided"}
    assert words(ties()) == {"b": "equivalent"}
    assert words(constant()) == {"b": "better"}, "8 equal differences of 0.05: the sign flip is certain"
    assert words(disjoint()) == words(failed_baseline()) == words(nothing_but_nan()) == {"b": "undecided"}
    assert words(failed_arm()) == {"b": "undecided", "c": "better"}
    found = compare(failed_arm())
    table = results(found)
    place = [column.key for column in table.columns].index("failed")
    lost = tuple(found.evidence.runs.loc[found.evidence.runs["arm"] == "b", "key"])
    assert {row[0].value: row[place].runs for row in table.rows} == {"base": (), "b": lost, "c": ()}


def test_no_star_without_a_comparison() -> None:
    for found in (one_arm(), one_unit(), disjoint(), failed_baseline(), nothing(), nothing_but_nan()):
        assert bold(found) == set()
    assert bold(two_seeds()) == {"base", "b"}, "two pairs tell nothing apart"
    assert bold(ties()) == {"base", "b"}
    assert bold(constant()) == {"b"}
    assert bold(failed_arm()) == {"c"}, "what failed is no winner, and the baseline is told apart"


def test_worst_case_stands_beside_a_verdict_with_gaps() -> None:
    rows = [run("base", s, 0.70 + 0.001 * s) for s in range(9)]
    rows += [run("b", s, 0.90 + 0.002 * s) for s in range(8)]
    rows += [run("b", 8, math.nan, outcome="oom")]
    change = compare(evidence(rows, (BASE, CHANGE))).changes[0]
    assert change.details is not None and change.details.worst is not None
    worst, seen = change.details.worst, [0.2 + 0.001 * s for s in range(8)]
    # The missing score of b could be 0 or 1 where the baseline has 0.708.
    assert worst.low == pytest.approx((sum(seen) - 0.708) / 9)
    assert worst.high == pytest.approx((sum(seen) + 0.292) / 9)
    table = results(compare(evidence(rows, (BASE, CHANGE))))
    assert "worst_case" in [column.key for column in table.shown.columns]
    assert "worst_case" not in [column.key for column in results(compare(ties())).shown.columns]


@pytest.mark.slow
def test_a_thousand_arms() -> None:
    generator = np.random.default_rng(0)
    arms = (BASE, *(ArmInfo(f"arm {i}", "change") for i in range(1000)))
    rows = [run(arm.name, s, float(generator.normal(0.7, 0.02))) for arm in arms for s in range(4)]
    found = compare(evidence(rows, arms))
    assert {arm.verdict.word for arm in found.changes if arm.verdict} <= {"undecided", "equivalent"}
    assert found.ranks is None, "all pairs of a thousand arms are no table"
    assert len(terminal(found).splitlines()) > 1000


@pytest.mark.slow
def test_a_thousand_arms_are_a_page_of_bounded_size(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    arms = (BASE, *(ArmInfo(f"arm {i}", "change") for i in range(1000)))
    rows = [run(arm.name, s, float(generator.normal(0.7, 0.02))) for arm in arms for s in range(12)]
    write(evidence(rows, arms), tmp_path)
    assert (tmp_path / "report.html").stat().st_size < 5_000_000


def test_numbers_do_not_depend_on_the_order_of_arms_or_rows() -> None:
    made = synthetic()
    turned = dataclasses.replace(made, runs=made.runs.sample(frac=1, random_state=4))
    for one, two in zip(compare(made).changes, compare(turned).changes, strict=True):
        assert one.details == two.details and one.holm == two.holm


def test_metrics_below_zero_have_wider_worst_cases() -> None:
    rows: list[dict[str, Any]] = [run(a, s, 0.5 + 0.01 * s * len(a)) for a in ("base", "b") for s in range(3)]
    rows.append(run("base", 3, 0.5))
    rows = [{**row, "current.mcc": row[METRIC]} for row in rows]
    found = compare(evidence(rows, (BASE, CHANGE), metric="current.mcc")).changes[0]
    assert found.details is not None and found.details.worst is not None
    seen = [0.01 * s * (1 - 4) for s in range(3)]
    assert found.details.worst.low == pytest.approx((sum(seen) + (-1 - 0.5)) / 4)
    assert found.details.worst.high == pytest.approx((sum(seen) + (1 - 0.5)) / 4)


def test_the_markdown_of_awkward_names_holds_no_markup_of_theirs(tmp_path: Path) -> None:
    found = compare(awkward())
    write(found, tmp_path)
    tokens = (
        MarkdownIt("commonmark").enable("table").parse((tmp_path / "report.md").read_text(encoding="utf-8"))
    )
    inside = [child for token in tokens for child in (token.children or ())]
    assert not [t for t in (*tokens, *inside) if t.type in ("html_block", "html_inline")]
    shown = ["".join(child.content for child in token.children or ()) for token in tokens]
    assert sum("<script>alert('1')</script> & | *a* _b_" in text for text in shown) >= 3


def test_steps_of_holm_are_what_it_multiplies_by() -> None:
    p = [0.01, 0.15, math.nan, 0.001, 0.02]
    assert _steps(p).tolist() == [4, 2, 1, 5, 3]
    assert np.allclose(holm(p), np.multiply(p, _steps(p)), equal_nan=True)


def test_verdicts_that_do_not_survive_overlap_are_counted() -> None:
    rows = [run("base", s, 0.6) for s in range(10)]
    rows += [
        run(arm, s, 0.6 + gap + 0.003 * (s % 5)) for arm, gap in (("a", 0.2), ("b", 0.002)) for s in range(10)
    ]
    arms = (BASE, *(ArmInfo(name, "change", name) for name in "ab"))
    told = dataclasses.replace(evidence(rows, arms), rope=0.001, overlap=(0.48, 0.4))
    assert any("1 of 2 would not hold at 0.05" in text for text in findings(compare(told)))
    alone = dataclasses.replace(told, overlap=None)
    assert not any("would not hold" in text for text in findings(compare(alone)))
