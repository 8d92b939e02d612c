import contextlib
import io
import os
import re
import threading
import time
from types import SimpleNamespace

import pytest
from run_targets import job

from bench.run import Event, progress
from bench.run.progress import Display, SearchDisplay, Standing


@pytest.fixture
def clock(monkeypatch):
    now = SimpleNamespace(seconds=100.0)
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: now.seconds))
    return now


LABELS = {"cell-000": "infonce", "cell-001": "cwcl", "cell-002": "cwcl", "cell-003": "infonce"}


def event(kind, n, tmp_path, **payload) -> Event:
    return Event(kind, job({"does": "fine", "n": n}, tmp_path), payload, "0")


def end(n, tmp_path, validation=None, outcome="done", test=0.9, message="") -> Event:
    scores = {"current.auroc": test}
    if validation is not None:
        scores["validation.current.auroc"] = validation
    return event("end", n, tmp_path, outcome=outcome, scores=scores, message=message)


class Search:
    """A search whose standing is set by hand."""

    def __init__(self, **standing) -> None:
        self.standing = Standing(**{"total": 160, "ended": 0, **standing})

    def __call__(self) -> Standing:
        return self.standing


def display(**changes) -> Display:
    return Display(set(LABELS), LABELS, **{"metric": "current.auroc", "stream": io.StringIO(), **changes})


def test_the_line_counts_and_estimates_from_the_cells_of_this_run(clock, tmp_path):
    shown = display(finished=100)
    shown(event("start", 0, tmp_path))
    shown(event("start", 1, tmp_path))
    assert shown.line() == "2 running"
    clock.seconds += 20
    shown(end(0, tmp_path))
    assert shown.line() == "1 running, about 60 s left"
    shown(end(1, tmp_path, outcome="timeout", message="too long\nmore"))
    assert shown.line() == "0 running, 1 failed, about 20 s left, cwcl timeout: too long"


def test_the_best_arm_is_by_mean_validation_and_never_by_test(clock, tmp_path):
    shown = display()
    shown(end(0, tmp_path, validation=0.7, test=0.99))
    shown(end(1, tmp_path, validation=0.9, test=0.5))
    assert "best on validation: cwcl 0.900" in shown.line()
    shown(end(2, tmp_path, validation=0.4, test=0.5))
    assert "best on validation: infonce 0.700" in shown.line()


def test_without_validation_scores_no_arm_leads(clock, tmp_path):
    shown = display()
    shown(end(0, tmp_path, test=0.99))
    assert "best" not in shown.line() and "0.99" not in shown.line()


def test_a_pipe_gets_a_plain_line_at_most_every_ten_seconds(clock, tmp_path):
    stream = io.StringIO()
    with display(stream=stream, finished=6) as shown:
        for n in range(4):
            clock.seconds += 6
            shown(end(n, tmp_path, validation=0.5))
    lines = stream.getvalue().splitlines()
    assert [line.split(",")[0] for line in lines] == ["8/10 cells", "10/10 cells"]


@contextlib.contextmanager
def terminal(monkeypatch):
    """Yield a terminal to write to, and a function that returns what it shows."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "160")
    master, slave = os.openpty()
    drawn = bytearray()

    def read() -> None:  # all along: a display that is not read fills the terminal and blocks
        with contextlib.suppress(OSError):
            while piece := os.read(master, 1 << 16):
                drawn.extend(piece)

    def plain(awaited: str) -> str:
        for _ in range(1000):  # the display is drawn some times a second
            shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", drawn.decode(errors="ignore"))
            if awaited in shown:
                break
            time.sleep(0.01)
        return shown

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    with os.fdopen(slave, "w") as stream:
        yield stream, plain
    reader.join(5)
    os.close(master)


def test_a_terminal_gets_one_live_line_that_goes_away(tmp_path, monkeypatch):
    with terminal(monkeypatch) as (stream, plain), display(stream=stream) as shown:
        shown(event("start", 1, tmp_path))
        shown(event("epoch", 1, tmp_path, epoch=3))
        shown(end(0, tmp_path, validation=0.7))
        live = plain("1/4")
    assert "1/4" in live
    assert "\n" not in live.strip() and "cells" in live


def test_a_search_on_a_terminal_is_one_live_line(tmp_path, monkeypatch):
    search = Search(ended=36)
    with terminal(monkeypatch) as (stream, plain), SearchDisplay(search, stream=stream) as shown:
        search.standing = Standing(160, 37, 2, best=("cwcl", 0.5))
        shown(event("start", 1, tmp_path))
        live = plain("37/160")
    assert "37/160" in live and "cwcl 0.500" in live
    assert "\n" not in live.strip() and "trials" in live


def test_the_line_of_a_search_says_what_is_there_to_say(clock):
    shown = SearchDisplay(search := Search(), stream=io.StringIO())
    assert shown.line(search.standing) == "0 running"
    clock.seconds += 74
    search.standing = Standing(160, 37, 2, 12, 1, ("cwcl", 0.7812), "infonce #12 pruned")
    assert shown.line(search.standing) == (
        "2 running, 12 pruned, 1 failed, about 4 min left, best on validation: cwcl 0.781, infonce #12 pruned"
    )


def test_the_time_left_of_a_search_takes_the_pace_of_this_run(clock):
    shown = SearchDisplay(search := Search(ended=100), stream=io.StringIO())
    clock.seconds += 10
    search.standing = Standing(160, 100, 1)
    assert shown.line(search.standing) == "1 running"
    search.standing = Standing(160, 110, 1)
    assert shown.line(search.standing) == "1 running, about 50 s left"
    search.standing = Standing(160, 160)
    assert shown.line(search.standing) == "0 running, about 0 s left"


def test_a_search_on_a_pipe_gets_a_plain_line_at_most_every_ten_seconds(clock, tmp_path):
    stream = io.StringIO()
    with SearchDisplay(search := Search(total=4), stream=stream) as shown:
        for n in range(4):
            clock.seconds += 6
            search.standing = Standing(4, n + 1)
            shown(event("epoch", n, tmp_path))
    assert stream.getvalue().splitlines() == [
        "2/4 trials, 0 running, about 12 s left",
        "4/4 trials, 0 running, about 0 s left",
    ]
