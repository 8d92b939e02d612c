"""Real kills: of the driver at random moments, of its group by Ctrl-C, of a worker of Ray."""

import json
import os
import random
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter
from pathlib import Path

import pytest

from bench.store import Store

HERE = Path(__file__).parent
pytestmark = pytest.mark.slow
ENGINES = pytest.mark.parametrize("engine", ["local", "ray"])


class Driver:
    """A driver in a process group of its own, as a shell starts it; everything it starts carries a mark."""

    program = "run_targets.py"
    given = "cells"

    def __init__(self, root: Path, given: list, **options) -> None:
        self.mark = uuid.uuid4().hex
        plan = json.dumps({"root": str(root), self.given: given, "workers": 2, **options})
        environment = {**os.environ, "PYTHONPATH": str(HERE.parents[1]), "PRECURSOR_TEST": self.mark}
        self.process = subprocess.Popen(
            [sys.executable, HERE / self.program, plan],
            env=environment, start_new_session=True, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def strays(self) -> list[str]:
        """Command lines of living processes that this driver started, directly or not."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if self.mark.encode() in (folder / "environ").read_bytes():
                    found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode())
            except OSError:
                continue
        return found


def until(holds, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not (answer := holds()) and time.monotonic() < end:
        time.sleep(0.05)
    return bool(answer)


def executions(root: Path) -> list[tuple[str, int, float]]:
    lines = (root / "log").read_text().splitlines() if (root / "log").exists() else []
    split = [line.split() for line in lines]
    return [(f"cell-{int(n):03d}", int(pid), float(when)) for n, pid, when in split]


def running(pid: int) -> bool:
    try:
        return "forkserver" in Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return False


@ENGINES
def test_a_driver_killed_at_random_moments_loses_and_repeats_nothing(tmp_path, engine):
    chance = random.Random(7)
    cells = [{"does": "fine", "n": n, "epochs": 3, "seconds": 0.1} for n in range(24)]
    store = Store(tmp_path)
    seen: list[tuple[float, set[str]]] = []
    for _ in range(4):
        seen.append((time.time(), store.done()))
        begun = len(executions(tmp_path))
        driver = Driver(tmp_path, cells, engine=engine)
        assert until(lambda begun=begun: len(executions(tmp_path)) > begun, 60)
        time.sleep(chance.uniform(0.0, 1.0))
        driver.process.kill()
        assert driver.process.wait() == -signal.SIGKILL
        assert store.damaged() == []
    assert until(lambda: not any(running(pid) for _, pid, _ in executions(tmp_path)), 15)
    seen.append((time.time(), store.done()))
    driver = Driver(tmp_path, cells, engine=engine)
    assert driver.process.wait(timeout=120) == 0
    records = list(store.records())
    assert Counter(record.key for record in records) == {f"cell-{n:03d}": 1 for n in range(24)}
    assert all(record.done for record in records) and store.damaged() == []
    assert seen[-1][1]
    for when, done in seen:
        assert not [key for key, _, began in executions(tmp_path) if key in done and began > when]


@ENGINES
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_keeps_what_is_finished_and_leaves_no_process(tmp_path, engine, number):
    cells = [{"does": "fine", "n": n, "epochs": 5, "seconds": 0.1} for n in range(40)]
    store = Store(tmp_path)
    driver = Driver(tmp_path, cells, engine=engine)
    assert until(lambda: len(store.done()) >= 3, 60)
    assert driver.process.poll() is None
    os.killpg(driver.process.pid, number)
    assert driver.process.wait(timeout=30) == 1
    records = list(store.records())
    assert 3 <= len(records) < 40 and all(record.done for record in records) and store.damaged() == []
    assert until(lambda: not driver.strays(), 10), driver.strays()


@ENGINES
def test_the_end_of_a_run_leaves_no_process(tmp_path, engine):
    driver = Driver(tmp_path, [{"does": "fine", "n": n} for n in range(4)], engine=engine)
    assert driver.process.wait(timeout=60) == 0
    assert until(lambda: not driver.strays(), 10), driver.strays()


@ENGINES
def test_a_cell_that_hangs_dies_with_its_driver(tmp_path, engine):
    driver = Driver(tmp_path, [{"does": "hangs", "n": 0}], engine=engine)
    assert until(lambda: executions(tmp_path), 60)
    ((_, pid, _),) = executions(tmp_path)
    assert running(pid)
    driver.process.kill()
    driver.process.wait()
    assert until(lambda: not running(pid), 20)


def test_a_worker_of_ray_that_dies_costs_its_running_cell_one_attempt(tmp_path):
    cells = [{"does": "kills_its_worker" if n == 3 else "fine", "n": n} for n in range(12)]
    driver = Driver(tmp_path, cells, engine="ray")
    assert driver.process.wait(timeout=120) == 0
    found = {(record.key, record.attempt): record.outcome for record in Store(tmp_path).records()}
    assert found.pop(("cell-003", 0)) == "killed" and found.pop(("cell-003", 1)) == "done"
    assert found == {(f"cell-{n:03d}", 0): "done" for n in range(12) if n != 3}
    assert Counter(key for key, _, _ in executions(tmp_path)) == Counter(
        {f"cell-{n:03d}": 2 if n == 3 else 1 for n in range(12)}
    )


# The workers look for the store under a name that does not exist.
OUT_OF_REACH = """
import sys
from contextlib import contextmanager
from pathlib import Path

from run_targets import job

from bench.run import Options, execute, tune
from bench.store import Store

tune._token = contextmanager(lambda store: iter([".not-there"]))
root = Path(sys.argv[1])
deeds = ["fine", "raises", "dies_once", "fine"]
jobs = [job({"does": does, "n": n}, root) for n, does in enumerate(deeds)]
execute(jobs, Store(root), options=Options(workers=2, target="run_targets:run", preload=()))
"""


def test_records_of_workers_that_do_not_reach_the_store_travel_to_the_driver(tmp_path):
    environment = {**os.environ, "PYTHONPATH": f"{HERE.parents[1]}:{HERE}"}
    subprocess.run([sys.executable, "-c", OUT_OF_REACH, tmp_path], env=environment, check=True, timeout=120)
    store = Store(tmp_path)
    assert [(record.key, record.outcome) for record in store.records()] == [
        ("cell-000", "done"),
        ("cell-001", "error"),
        ("cell-002", "killed"),
        ("cell-002", "done"),
        ("cell-003", "done"),
    ]
    predictions = store.predictions("cell-003")
    assert predictions is not None and predictions["score"].tolist() == [3, 4, 5, 6, 7]
