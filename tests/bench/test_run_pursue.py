import multiprocessing
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from run_agendas import Chains

from bench.run import Event, Options, Standing, pursue
from bench.run.guard import only_driver
from bench.run.job import Plan
from bench.store import Record, Store
from models.errors import InvalidRequest

LOCAL = Options(engine="local", workers=2, target="run_targets:run", preload=())
RAY = Options(engine="ray", target="run_targets:run")


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path)


def chains(root: Path, *cells: dict, **common) -> Chains:
    return Chains([[{"does": "fine", "n": n, **common, **cell}] for n, cell in enumerate(cells)], root)


def test_an_agenda_with_nothing_to_do_starts_no_engine(store, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)  # importing it now fails
    store.put(Record("cell-000", 0, "done", scores={"current.auroc": 1.0}))
    assert not pursue(Plan([]), store, options=RAY)
    recorded = chains(tmp_path, {})
    assert not recorded.finished and not pursue(recorded, store, options=RAY) and recorded.finished
    with pytest.raises(ImportError):
        pursue(chains(tmp_path, {}, {}), store, options=RAY)


def test_listeners_hear_after_the_agenda(store, tmp_path):
    heard: list[tuple[str, bool]] = []
    agenda = chains(tmp_path, {})
    interrupted = pursue(
        agenda, store, options=LOCAL, on_event=lambda event: heard.append((event.kind, agenda.finished))
    )
    assert not interrupted
    assert heard == [("start", False), ("epoch", False), ("end", True)]


def test_the_standing_is_shown_on_standard_error(store, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("bench.run.progress._PLAIN_SECONDS", 0.0)
    agenda = chains(tmp_path, {}, {}, {})
    pursue(agenda, store, options=LOCAL, standing=lambda: Standing(3, len(list(store.records()))))
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.splitlines()[-1].startswith("3/3 trials, 0 running")


def test_an_agenda_may_be_made_when_no_other_driver_can_write(store, tmp_path):
    def make() -> Chains:
        with pytest.raises(InvalidRequest, match="one driver at a time"), only_driver(tmp_path):
            pass
        return chains(tmp_path, {})

    assert not pursue(make, store, options=LOCAL)
    assert store.done() == {"cell-000"}


def test_a_store_has_one_driver(store, tmp_path):
    with only_driver(tmp_path), pytest.raises(InvalidRequest, match="one driver at a time"):
        pursue(chains(tmp_path, {}), store, options=LOCAL)
    assert list(store.records()) == []


@pytest.mark.parametrize("change", [{"engine": "rey"}, {"workers": 0}, {"target": "run_targets"}])
def test_options_that_cannot_be_are_refused_first(store, tmp_path, change):
    with pytest.raises(InvalidRequest):
        pursue(chains(tmp_path, {}), store, options=replace(LOCAL, **change))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["start", "epoch", "end"])
def test_an_agenda_that_raises_ends_the_run_and_its_cells(store, tmp_path, kind):
    class Broken(Chains):
        def hear(self, event: Event) -> bool:
            if event.kind == kind:
                raise RuntimeError("no more")
            return super().hear(event)

    agenda = Broken(
        [[{"does": "fine", "n": 0}], [{"does": "fine", "n": 1, "epochs": 500, "seconds": 0.1}]], tmp_path
    )
    with pytest.raises(RuntimeError, match="no more"):
        pursue(agenda, store, options=LOCAL)
    assert multiprocessing.active_children() == []


def test_an_agenda_that_waits_for_nothing_is_an_error(store, tmp_path):
    class Waits(Plan):
        def next(self) -> None:
            return None

    with pytest.raises(RuntimeError, match="no job while none is running"):
        pursue(Waits([]), store, options=LOCAL)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_no_end_and_no_record_of_what_was_running(store, tmp_path, number):
    agenda = chains(tmp_path, {"stop": 1}, {"stop": 3}, epochs=500, seconds=0.1)
    told: list[tuple[str, str]] = []

    def note(event: Event) -> None:
        told.append((event.job.key, event.kind))
        if event.kind == "end":
            os.kill(os.getpid(), number)

    assert pursue(agenda, store, options=LOCAL, on_event=note)
    assert [(record.key, record.outcome) for record in store.records()] == [("cell-000", "pruned")]
    assert ("cell-001", "end") not in told and told.count(("cell-000", "end")) == 1
    assert multiprocessing.active_children() == []
    rest = chains(tmp_path, {"stop": 1}, {"stop": 3}, epochs=500, seconds=0.01)
    assert not pursue(rest, store, options=LOCAL)
    assert [record.outcome for record in store.records()] == ["pruned", "pruned"]


def test_what_a_cell_does_after_its_stop_is_not_told(store, tmp_path):
    told: list[int] = []
    agenda = chains(tmp_path, {"stop": 2}, epochs=20)  # ends by itself long before the answer

    def note(event: Event) -> None:
        if event.kind == "epoch":
            told.append(event.payload["epoch"])

    pursue(agenda, store, options=LOCAL, on_event=note)
    record = store.get("cell-000")
    assert record is not None and record.outcome == "pruned" and store.predictions("cell-000") is None
    assert told == [1, 2] == [epoch["epoch"] for epoch in record.curve]
