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
from bench.run.progress import Display


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


def test_a_terminal_gets_one_live_line_that_goes_away(tmp_path, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    master, slave = os.openpty()
    drawn = bytearray()

    def read() -> None:  # all along: a display that is not read fills the terminal and blocks
        with contextlib.suppress(OSError):
            while piece := os.read(master, 1 << 16):
                drawn.extend(piece)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()

    def plain() -> str:
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", drawn.decode(errors="ignore"))

    with os.fdopen(slave, "w") as terminal:
        with display(stream=terminal) as shown:
            shown(event("start", 1, tmp_path))
            shown(event("epoch", 1, tmp_path, epoch=3))
            shown(end(0, tmp_path, validation=0.7))
            for _ in range(1000):  # the display is drawn some times a second
                if "1/4" in plain():
                    break
                time.sleep(0.01)
            live = plain()
    reader.join(5)
    os.close(master)
    assert "1/4" in live
    assert "\n" not in live.strip() and "cells" in live
