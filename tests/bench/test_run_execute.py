import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from run_targets import job

from bench.run import Event, Options, execute, retryable
from bench.run.child import refused
from bench.run.guard import only_driver, stop_on_signal
from bench.run.job import Settings, classify, classify_exit
from bench.run.tune import bundles
from bench.store import Record, Store
from models.errors import InvalidRequest

ROOT = Path(__file__).parents[2]
LOCAL = Options(engine="local", workers=2, target="run_targets:run", preload=())


def executions(root: Path) -> list[int]:
    log = root / "log"
    return [int(line.split()[0]) for line in log.read_text().splitlines()] if log.exists() else []


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path)


def fine(root, *numbers, **cell):
    return [job({"does": "fine", "n": n, **cell}, root) for n in numbers]


def test_only_what_is_missing_runs(store, tmp_path):
    first = execute(fine(tmp_path, 1, 2, 3), store, options=LOCAL)
    assert first.done == ("cell-001", "cell-002", "cell-003") and not first.failed and not first.missing
    again = execute(fine(tmp_path, 1, 2, 3, 4, 4), store, options=LOCAL)
    assert again.done == ("cell-001", "cell-002", "cell-003", "cell-004")
    assert sorted(executions(tmp_path)) == [1, 2, 3, 4]


def test_with_nothing_to_do_no_engine_is_started(store, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)  # importing it now fails
    jobs = fine(tmp_path, 1)
    store.put(Record("cell-001", 0, "done"))
    outcome = execute(jobs, store, options=Options(engine="ray", target="run_targets:run"))
    assert outcome.done == ("cell-001",)
    assert not (tmp_path / "driver.lock").exists()
    with pytest.raises(ImportError):
        execute(fine(tmp_path, 2), store, options=Options(engine="ray", target="run_targets:run"))


def test_a_job_that_failed_for_good_runs_again_when_it_is_given_again(store, tmp_path):
    jobs = [job({"does": "raises", "n": 1}, tmp_path)]
    assert execute(jobs, store, options=LOCAL).failed == ("cell-001",)
    assert execute(jobs, store, options=LOCAL).failed == ("cell-001",)
    assert [record.attempt for record in store.records()] == [0, 1]


def test_events_tell_start_epochs_and_end_in_order(store, tmp_path):
    events: list[Event] = []
    execute(fine(tmp_path, 7, epochs=2), store, options=LOCAL, on_event=events.append)
    assert [event.kind for event in events] == ["start", "epoch", "epoch", "end"]
    assert {event.job.key for event in events} == {"cell-007"} and {event.worker for event in events} == {"0"}
    assert events[1].payload["epoch"] == 1
    assert events[-1].payload["outcome"] == "done" and "predictions" not in events[-1].payload


def test_no_more_cells_run_at_a_time_than_there_are_workers(store, tmp_path):
    running, most = set(), []

    def watch(event: Event) -> None:
        if event.kind == "start":
            running.add(event.worker)
        elif event.kind == "end":
            running.remove(event.worker)
        most.append(len(running))

    execute(fine(tmp_path, *range(6), seconds=0.05), store, options=LOCAL, on_event=watch)
    assert max(most) == 2


def test_no_process_of_a_cell_outlives_the_run(store, tmp_path):
    execute(fine(tmp_path, *range(4)), store, options=LOCAL)
    assert multiprocessing.active_children() == []


def test_a_listener_that_raises_stops_the_run_and_its_cells(store, tmp_path):
    def broken(event: Event) -> None:
        if event.kind == "epoch":
            raise RuntimeError("listener")

    with pytest.raises(RuntimeError, match="listener"):
        execute(fine(tmp_path, 1, epochs=500, seconds=0.1), store, options=LOCAL, on_event=broken)
    assert multiprocessing.active_children() == [] and list(store.records()) == []


@pytest.fixture
def usual_interrupt():
    """What Ctrl-C usually does; a process started in the background ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_run_and_keeps_what_is_finished(store, tmp_path, number):
    jobs = fine(tmp_path, 0) + fine(tmp_path, 1, 2, 3, epochs=500, seconds=0.1)
    before = signal.getsignal(number)

    def stop(event: Event) -> None:
        if event.kind == "end":
            os.kill(os.getpid(), number)

    outcome = execute(jobs, store, options=LOCAL, on_event=stop)
    assert outcome.interrupted and outcome.done == ("cell-000",)
    assert outcome.missing == ("cell-001", "cell-002", "cell-003") and not outcome.failed
    assert [record.key for record in store.records()] == ["cell-000"]
    assert signal.getsignal(number) == before


def test_a_second_signal_acts_as_usual(usual_interrupt):
    with pytest.raises(KeyboardInterrupt), stop_on_signal() as asked:
        assert not asked()
        os.kill(os.getpid(), signal.SIGINT)
        assert asked()
        os.kill(os.getpid(), signal.SIGINT)


def test_outside_the_main_thread_signals_are_left_alone():
    seen = []

    def run() -> None:
        with stop_on_signal() as asked:
            seen.append(asked())

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [False]


def test_a_store_has_one_driver(store, tmp_path):
    with only_driver(tmp_path), pytest.raises(InvalidRequest, match=f"process {os.getpid()} on .* since"):
        execute(fine(tmp_path, 1), store, options=LOCAL)
    assert executions(tmp_path) == []
    assert execute(fine(tmp_path, 1), store, options=LOCAL).done


def test_the_lock_of_a_dead_driver_is_taken_over(store, tmp_path):
    code = (
        "import os, sys; from pathlib import Path; from bench.run.guard import only_driver\n"
        "with only_driver(Path(sys.argv[1])): os._exit(9)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    died = subprocess.run([sys.executable, "-c", code, str(tmp_path)], env=environment, check=False)
    assert died.returncode == 9 and (tmp_path / "driver.lock").read_text()
    assert execute(fine(tmp_path, 1), store, options=LOCAL).done


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"engine": "rey"}, "unknown engine 'rey'; did you mean 'ray'"),
        ({"workers": 0}, "workers must be above 0, got 0"),
        ({"timeout": -1.0}, "timeout must be above 0"),
        ({"memory": float("nan")}, "memory must be above 0"),
        ({"address": "here:1"}, "an address needs engine 'ray'"),
        ({"target": "run_targets"}, "module:function"),
        ({"target": "no.such.module:run"}, "module:function"),
    ],
)
def test_options_that_cannot_be_are_refused_first(store, tmp_path, change, sentence):
    with pytest.raises(InvalidRequest, match=sentence):
        execute(fine(tmp_path, 1), store, options=replace(LOCAL, **change))
    assert list(store.records()) == [] and executions(tmp_path) == []


def test_a_cell_may_be_told_its_device(store, tmp_path):
    execute(fine(tmp_path, 1), store, options=replace(LOCAL, device="cuda"))
    record = store.get("cell-001")
    assert record is not None and record.diagnostics["device"] == "cuda"


def test_importing_the_engines_imports_neither_ray_nor_torch():
    code = "import sys, bench.run, bench.run.tune; print('ray' in sys.modules, 'torch' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False", "False"]


def test_failures_have_kinds():
    class OutOfMemoryError(RuntimeError):
        pass

    allocator = RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")
    kinds = {
        "invalid": InvalidRequest("no"), "diverged": FloatingPointError(), "error": ValueError(),
        "oom": MemoryError(),
    }  # fmt: skip
    assert {kind: classify(error) for kind, error in kinds.items()} == {kind: kind for kind in kinds}
    assert classify(OutOfMemoryError()) == classify(allocator) == "oom"
    assert [classify_exit(code)[0] for code in (-9, -15, -11, 0, 1, None)] == ["killed"] * 2 + ["error"] * 4


def test_only_what_the_machine_may_have_done_is_tried_again_and_not_for_ever():
    assert [
        kind for kind in ("invalid", "diverged", "oom", "timeout", "killed", "error") if retryable(kind, 1)
    ] == [
        "timeout",
        "killed",
    ]
    assert not retryable("killed", 2)


@pytest.mark.parametrize(("count", "workers"), [(1, 2), (7, 2), (320, 2), (320, 16), (20_000, 3)])
def test_bundles_hold_every_job_once_and_shrink_to_single_jobs(tmp_path, count, workers):
    jobs = [job({"does": "fine", "n": n}, tmp_path) for n in range(count)]
    dealt = bundles(jobs, workers)
    assert [each for bundle in dealt for each in bundle] == jobs
    sizes = [len(bundle) for bundle in dealt]
    assert sizes == sorted(sizes, reverse=True) and sizes[-1] == 1 and len(dealt) <= 1000
    assert len(dealt) >= min(count, 4 * workers)


def test_what_travels_to_workers_can_be_pickled(tmp_path):
    for thing in (job({"does": "fine", "n": 1}, tmp_path), Settings(provenance={"commit": "x"})):
        assert pickle.loads(pickle.dumps(thing)) == thing


def test_the_clock_of_a_cell_starts_when_the_cell_does(store, tmp_path):
    began = time.time()
    execute(fine(tmp_path, 1, epochs=2, seconds=0.1), store, options=LOCAL)
    record = store.get("cell-001")
    assert record is not None and 0.2 <= record.cost["wall_seconds"] <= time.time() - began


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (EOFError("unexpected EOF"), "killed"),
        (BrokenPipeError("gone"), "killed"),
        (ConnectionRefusedError("gone"), "killed"),
        (FileNotFoundError("no such program"), "error"),
        (ImportError("no such module"), "error"),
    ],
)
def test_a_server_that_was_killed_under_a_cell_is_no_error_of_the_cell(tmp_path, error, outcome):
    record = refused(fine(tmp_path, 1)[0], error)
    assert record.outcome == outcome and "could not be started" in record.message
    assert retryable(record.outcome, record.attempt + 1) == (outcome == "killed")
