"""Notes below the results: what many arms share is said once."""

from __future__ import annotations

from test_report_evidence import BASE, evidence, run

from bench.report.comparison import compare
from bench.report.evidence import ArmInfo
from bench.report.lang import speaking
from bench.report.tables import results
from bench.report.tables.results import folded


def test_a_note_is_said_once_with_the_arms_it_is_on() -> None:
    few = [("a", "one"), ("b", ""), ("c", "two"), ("d", "one")]
    assert list(folded(few)) == [("a and d", "one"), ("c", "two")]
    many = [(f"arm {i}", "one") for i in range(13)]
    assert list(folded(many)) == [("13 arms", "one")]
    assert list(folded(many[1:]))[0][0].startswith("arm 1, arm 2")
    with speaking("zh"):
        assert list(folded(many)) == [("13 个方案", "one")]


def test_hundreds_of_undecided_arms_take_one_line() -> None:
    infos = (BASE, *(ArmInfo(f"g{i:03}", "grid", note="looks at labels") for i in range(300)))
    rows = [
        run(a.name, s, 0.6 + 0.0001 * i + 0.01 * s * (i % 3)) for i, a in enumerate(infos) for s in (0, 1, 2)
    ]
    table = results(compare(evidence(rows, infos)))
    assert len(table.notes) < 12
    assert any(note.startswith("300 arms: looks at labels") for note in table.notes)
    told = [row[-1].value for row in table.rows[1:]]
    assert all(told), "each arm's note is in report.csv"
