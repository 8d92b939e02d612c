"""Two processes give what one gives: values, order, errors."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import partial
from multiprocessing import get_context

import pytest
from test_report_evidence import synthetic

from bench.report import spread as module
from bench.report.comparison import compare
from bench.report.lang import say, speaking
from bench.report.spread import spread
from bench.report.tables import tables


@pytest.fixture(autouse=True)
def _two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.delitem(sys.modules, "ray", raising=False)


@pytest.fixture
def met() -> Callable[[], int]:
    """A call that returns once two processes have made it."""
    return partial(get_context("fork").Barrier(2).wait, 60)


def test_values_come_back_in_order_and_from_two_processes(met: Callable[[], int]) -> None:
    def call(number: int) -> tuple[int, int]:
        met()
        return number, os.getpid()

    found = spread([partial(call, number) for number in range(4)], worth=True)
    assert [number for number, _ in found] == [0, 1, 2, 3]
    assert len({pid for _, pid in found}) == 2


def test_it_stays_here_where_it_is_not_worth_it_or_beside_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    here = {os.getpid()}
    assert set(spread([os.getpid] * 3, worth=False)) == here
    assert set(spread([os.getpid], worth=True)) == here
    monkeypatch.setitem(sys.modules, "ray", module)
    assert set(spread([os.getpid] * 3, worth=True)) == here


@pytest.mark.parametrize("where", ["own", "other"])
def test_errors_of_either_process_come_out(where: str, met: Callable[[], int]) -> None:
    own = os.getpid()

    def call() -> int:
        met()
        if (os.getpid() == own) == (where == "own"):
            raise ValueError(where)
        return 1

    with pytest.raises(ValueError, match=where):
        spread([call, call], worth=True)


def test_a_second_process_that_is_killed_is_made_up_for() -> None:
    own = os.getpid()

    def call(number: int) -> int:
        if os.getpid() != own:
            os._exit(9)
        return number

    assert spread([partial(call, number) for number in range(5)], worth=True) == [0, 1, 2, 3, 4]


def test_the_second_process_starts_no_third_and_speaks_the_language(met: Callable[[], int]) -> None:
    def call() -> tuple[int, set[int], str]:
        met()
        inner = spread([os.getpid] * 2, worth=os.getpid() != own)
        return os.getpid(), set(inner), say("Arm")

    own = os.getpid()
    with speaking("zh"):
        found = spread([call, call], worth=True)
    assert len({pid for pid, _, _ in found}) == 2
    assert all(inner == {pid} and said == "方案" for pid, inner, said in found)


def test_a_comparison_is_the_same_from_one_process_and_from_two(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = [table.texts for table in tables(compare(synthetic()))]
    monkeypatch.setattr("bench.report.comparison.LARGE", 1)
    assert [table.texts for table in tables(compare(synthetic()))] == alone
