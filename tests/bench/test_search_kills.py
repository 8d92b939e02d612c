"""A search is killed again and again, and must end as if nothing had happened."""

import os
import random
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import optuna
import pytest
from conftest import TINY
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from bench.search.log import best, searches
from bench.store import Store

ROOT = Path(__file__).parents[2]
TRIALS = 20
SEARCH = "search: {seeds_per_trial: 2, grace: 1, reduction: 2, confirm_seeds: 2}\n"


@pytest.fixture
def study(tmp_path):
    path = tmp_path / "tiny.yaml"
    path.write_text(TINY.replace("epochs: 2", "epochs: 3") + SEARCH)
    return path


def start(study, out, *words, mark=""):
    command = [sys.executable, "-m", "bench.cli", "search", str(study), "--out", str(out)]
    return subprocess.Popen(
        [*command, "--trials", str(TRIALS), "--no-confirm", *words],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PRECURSOR_TEST": mark},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def records(out):
    folder = out / "records"
    return len(list(folder.glob("*.json"))) if folder.exists() else 0


def told(out):
    """What every search knows in the end, by arm: everything but what was read instead of run."""
    found = {}
    for log in searches(out):
        trials = log.trials()
        found[log.header().arm] = [
            (t.number, dict(t.params), t.state, t.values, t.seeds, dict(t.steps), t.epochs) for t in trials
        ]
    return found


def check_mirror(out):
    storage = JournalStorage(JournalFileBackend(str(out / "optuna.journal")))
    studies = optuna.get_all_study_summaries(storage)
    assert len(studies) == 2
    for summary in studies:
        trials = optuna.load_study(study_name=summary.study_name, storage=storage).trials
        assert [trial.number for trial in trials] == list(range(TRIALS))
        assert all(trial.state.is_finished() for trial in trials)


def check_records(out):
    store = Store(out)
    assert not store.damaged()
    records = list(store.records())
    done = [record.key for record in records if record.done]
    assert len(done) == len(set(done))
    for log in searches(out):
        for trial in log.trials():
            scored = [store.get(key).scores for key in trial.cells[: len(trial.seeds)]]
            assert [s["validation.current.balanced_accuracy"] for s in scored] == list(trial.seeds)


@pytest.mark.slow
@pytest.mark.parametrize(("engine", "kills"), [("ray", 20), ("local", 6)])
def test_killed_at_random_moments_it_ends_as_if_never_killed(study, tmp_path, engine, kills):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    assert start(study, whole, "--engine", "local").wait(600) == 0
    rng, bests = random.Random(5), [0.0]
    for kill in range(kills):
        before = records(broken)
        driver = start(study, broken, "--engine", engine)
        end = time.monotonic() + (rng.uniform(0.5, 5.0) if kill % 4 == 3 else 120.0)
        while driver.poll() is None and time.monotonic() < end and records(broken) == before:
            time.sleep(0.02)
        time.sleep(rng.uniform(0.0, 0.3))
        if driver.poll() is not None:
            break  # cells are quick: there is nothing left to kill
        driver.kill()
        driver.wait()
        values = [trial.values[0] for log in searches(broken) if (trial := best(log.trials()))]
        assert sum(values) >= bests[-1]
        bests.append(sum(values))
    assert len(bests) > kills / 2, "most of them met a search at work"
    assert start(study, broken, "--engine", engine).wait(600) == 0
    assert told(broken) == told(whole)
    check_records(broken)
    check_mirror(broken)


@pytest.mark.slow
def test_workers_are_killed_under_a_search_and_no_trial_is_lost(study, tmp_path):
    out, rng, mark = tmp_path / "out", random.Random(7), uuid.uuid4().hex
    driver = start(study, out, mark=mark)
    killed = 0
    while driver.poll() is None:
        time.sleep(rng.uniform(0.5, 1.5))
        workers = at_work(mark)
        if workers and killed < 5:
            os.kill(rng.choice(workers), signal.SIGKILL)
            killed += 1
    assert killed
    trials = [trial for log in searches(out) for trial in log.trials()]
    assert len(trials) == 2 * TRIALS
    assert all(trial.state != "proposed" for trial in trials)
    assert {trial.failure for trial in trials} <= {"", "killed"}
    check_records(out)
    check_mirror(out)


def at_work(mark):
    """Processes of Ray that this driver started and that run a cell now."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            marked = mark.encode() in (folder / "environ").read_bytes()
            if marked and (folder / "cmdline").read_bytes().startswith(b"ray::ImplicitFunc"):
                found.append(int(folder.name))
        except OSError:
            continue
    return found
