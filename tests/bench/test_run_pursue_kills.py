"""Real kills while an agenda is pursued: of the driver, of its group by Ctrl-C, of a worker of Ray."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest
from test_run_kills import ENGINES, HERE, Driver, executions, running, until
from test_run_pursue_engines import events, numbered

from bench.store import Store

pytestmark = pytest.mark.slow
SHORT = {"does": "fine", "epochs": 3, "seconds": 0.05}
STOPPED = {"does": "fine", "epochs": 1000, "seconds": 0.05, "stop": 2}
CHAINS = numbered([[SHORT, STOPPED] * 5, [STOPPED, SHORT] * 5])
EXPECTED = {
    f"cell-{cell['n']:03d}": "pruned" if "stop" in cell else "done" for chain in CHAINS for cell in chain
}


class Pursuer(Driver):
    program = "run_agendas.py"
    given = "chains"


@ENGINES
def test_a_driver_killed_at_random_moments_loses_and_repeats_nothing(tmp_path, engine):
    chance, store = random.Random(3), Store(tmp_path)
    for _ in range(5):
        begun = len(executions(tmp_path))
        driver = Pursuer(tmp_path, CHAINS, engine=engine)
        assert until(lambda begun=begun: len(executions(tmp_path)) > begun, 60)
        time.sleep(chance.uniform(0.0, 0.6))
        recorded = {record.key: record.outcome for record in store.records()}
        driver.process.kill()
        assert driver.process.wait() == -signal.SIGKILL
        assert store.damaged() == []
        assert recorded.items() <= EXPECTED.items()
    assert until(lambda: not any(running(pid) for _, pid, _ in executions(tmp_path)), 15)
    assert 0 < len({record.key for record in store.records()}) < len(EXPECTED)
    assert Pursuer(tmp_path, CHAINS, engine=engine).process.wait(timeout=120) == 0
    records = list(store.records())
    assert {record.key: record.outcome for record in records} == EXPECTED and len(records) == len(EXPECTED)
    for record in records:
        epochs = 2 if record.outcome == "pruned" else 3
        assert [epoch["epoch"] for epoch in record.curve] == list(range(1, epochs + 1))


@ENGINES
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_keeps_what_is_finished_and_leaves_no_process(tmp_path, engine, number):
    endless = {**STOPPED, "stop": None}
    chains = numbered([[SHORT, STOPPED, endless], [STOPPED, SHORT, endless]])
    store = Store(tmp_path)
    driver = Pursuer(tmp_path, chains, engine=engine)
    assert until(lambda: len(list(store.records())) == 4 and len(executions(tmp_path)) == 6, 60)
    time.sleep(0.3)
    os.killpg(driver.process.pid, number)
    assert driver.process.wait(timeout=30) == 1
    assert Counter(record.outcome for record in store.records()) == {"done": 2, "pruned": 2}
    assert store.damaged() == [] and until(lambda: not driver.strays(), 10), driver.strays()
    kinds = Counter((event["key"], event["kind"]) for event in events(tmp_path))
    assert [kinds[f"cell-{n:03d}", "end"] for n in range(6)] == [1, 1, 0, 1, 1, 0]


@ENGINES
def test_no_cell_outlives_its_stop_and_no_process_the_run(tmp_path, engine):
    stubborn = {"does": "fine", "epochs": 10_000, "seconds": 0.02, "stop": 1}
    chains = numbered([[stubborn] * 6 + [{"does": "fine", "epochs": 5, "seconds": 0.2}]])
    driver = Pursuer(tmp_path, chains, engine=engine)
    assert until(lambda: len(executions(tmp_path)) == 7, 60)
    *stopped, last = [pid for _, pid, _ in executions(tmp_path)]
    assert not [pid for pid in stopped if running(pid)]
    assert driver.process.wait(timeout=60) == 0
    assert until(lambda: not driver.strays(), 10), driver.strays()
    assert len(set(stopped)) == 6 and last not in stopped


def test_a_worker_of_ray_that_dies_costs_its_running_cell_one_attempt(tmp_path):
    chains = numbered([[SHORT] * 3, [SHORT, {"does": "kills_its_worker"}, STOPPED]])
    driver = Pursuer(tmp_path, chains, engine="ray")
    assert driver.process.wait(timeout=120) == 0
    found = {(record.key, record.attempt): record for record in Store(tmp_path).records()}
    killed = found.pop(("cell-004", 0))
    assert (killed.outcome, killed.message) == ("killed", "the worker that ran the cell died")
    assert killed.cost["wall_seconds"] > 0.5 and killed.provenance["host"]
    assert {name: record.outcome for name, record in found.items()} == {
        ("cell-000", 0): "done", ("cell-001", 0): "done", ("cell-002", 0): "done", ("cell-003", 0): "done",
        ("cell-004", 1): "done", ("cell-005", 0): "pruned",
    }  # fmt: skip
    told = Counter((event["key"], event["attempt"], event["kind"]) for event in events(tmp_path))
    assert all(told[*name, kind] == 1 for name in [*found, ("cell-004", 0)] for kind in ("start", "end"))
    assert len({event["worker"] for event in events(tmp_path)}) >= 2


# The workers look for the store under a name that does not exist; Tune begins anew every two cells.
OUT_OF_REACH = """
import sys
from contextlib import contextmanager
from pathlib import Path

from run_agendas import Chains

from bench.run import Options, desk, pursue, tune
from bench.store import Store

tune._token = contextmanager(lambda store: iter([".not-there"]))
desk._CELLS = 2
root = Path(sys.argv[1])
stopped = {"does": "fine", "epochs": 9, "stop": 3}
deeds = [{"does": "fine"}, {"does": "raises"}, stopped, {"does": "dies_once"}]
agenda = Chains([[{**deed, "n": n} for n, deed in enumerate(deeds)]], root)
assert not pursue(agenda, Store(root), options=Options(workers=2, target="run_targets:run", preload=()))
"""


def test_records_of_workers_that_do_not_reach_the_store_travel_to_the_driver(tmp_path):
    environment = {**os.environ, "PYTHONPATH": f"{HERE.parents[1]}:{HERE}"}
    subprocess.run([sys.executable, "-c", OUT_OF_REACH, tmp_path], env=environment, check=True, timeout=120)
    store = Store(tmp_path)
    assert [(record.key, record.outcome, len(record.curve)) for record in store.records()] == [
        ("cell-000", "done", 1),
        ("cell-001", "error", 1),
        ("cell-002", "pruned", 3),
        ("cell-003", "killed", 0),
        ("cell-003", "done", 1),
    ]
    predictions = store.predictions("cell-003")
    assert predictions is not None and predictions["score"].tolist() == [3, 4, 5, 6, 7]
