"""What every engine must do with an agenda; each engine runs one of all kinds of cells."""

import json
import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from bench.store import Record, Store

HERE = Path(__file__).parent
FAILURES = {
    "raises": ("error", "KeyError: 'no such thing'"),
    "invalid": ("invalid", "codes must be at least 2, got 1; raise it"),
    "diverges": ("diverged", "FloatingPointError: loss is nan after epoch 1"),
    "nan": ("diverged", "scores that are not finite: current.auroc"),
    "silent": ("error", "RuntimeError: run_targets:run ended without scores"),
    "exits": ("error", "the process ended with exit code 3 before it gave its scores"),
    "crashes": ("error", "the process was ended by SIGSEGV"),
    "exhausts": ("oom", "MemoryError"),
    "hoards": ("oom", "the cell used"),
    "hangs": ("timeout", "the cell ran longer than its limit of 3 s"),
    "dies": ("killed", "the process was ended by SIGKILL"),
}
FINE, LONG = {"does": "fine", "epochs": 3}, {"does": "fine", "epochs": 10_000, "seconds": 0.02, "stop": 2}


def numbered(chains: list[list[dict]]) -> list[list[dict]]:
    number = iter(range(1000))
    return [[{**cell, "n": next(number)} for cell in chain] for chain in chains]


CHAINS = numbered(
    [
        [FINE, FINE, LONG, FINE],  # 0 .. 3
        [{**FINE, "after": 0}, {**FINE, "stop": 1}, {**FINE, "stop": 3}],  # 4 .. 6
        [{"does": "dies_once"}],  # 7
        [{"does": does} for does in FAILURES],  # 8 ..
        [{"does": "fine", "epochs": 2, "seconds": 0.2}] * 3,
        [{"does": "fine", "epochs": 2, "seconds": 0.2}] * 3,
    ]
)
CELLS = {f"cell-{cell['n']:03d}": cell for chain in CHAINS for cell in chain}


def drive(root: Path, chains: list[list[dict]], **options) -> subprocess.CompletedProcess[str]:
    plan = json.dumps({"root": str(root), "chains": chains, "workers": 2, **options})
    environment = {**os.environ, "PYTHONPATH": str(HERE.parents[1])}
    return subprocess.run(
        [sys.executable, "-W", "error", HERE / "run_agendas.py", plan],
        env=environment, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip


def events(root: Path) -> list[dict]:
    return [json.loads(line) for line in (root / "events").read_text().splitlines()]


@pytest.fixture(scope="class")
def ran(request, tmp_path_factory):
    """The finished driver, the store and the events, one run for all tests of an engine."""
    root = tmp_path_factory.mktemp(request.cls.engine)
    done = drive(root, CHAINS, engine=request.cls.engine, timeout=3, memory=300)
    return done, Store(root), events(root)


class Engine:
    """The conformance tests; a subclass names the engine."""

    engine: str

    def attempts(self, ran, number: int) -> list[Record]:
        return [record for record in ran[1].records() if record.key == f"cell-{number:03d}"]

    def only(self, ran, number: int) -> Record:
        (record,) = self.attempts(ran, number)
        return record

    def told(self, ran) -> dict[tuple[str, int], list[dict]]:
        found = defaultdict(list)
        for event in ran[2]:
            found[event["key"], event["attempt"]].append(event)
        return found

    def test_the_driver_ends_well_and_prints_nothing(self, ran):
        assert (ran[0].returncode, ran[0].stdout, ran[0].stderr) == (0, "", "")

    def test_every_cell_has_a_record_and_none_is_damaged(self, ran):
        assert {record.key for record in ran[1].records()} == set(CELLS)
        assert ran[1].damaged() == []

    def test_every_attempt_is_told_from_one_start_over_its_epochs_to_one_end(self, ran):
        told = self.told(ran)
        assert set(told) == {(record.key, record.attempt) for record in ran[1].records()}
        for record in ran[1].records():
            first, *epochs, last = told[record.key, record.attempt]
            assert first["kind"] == "start"
            assert [event["kind"] for event in epochs] == ["epoch"] * len(epochs)
            assert [event["epoch"] for event in epochs] == list(range(1, len(epochs) + 1))
            assert (last["kind"], last["outcome"]) == ("end", record.outcome)
            assert {event["worker"] for event in epochs} <= {first["worker"]} == {last["worker"]}
            assert [epoch["epoch"] for epoch in record.curve] == [event["epoch"] for event in epochs]

    @pytest.mark.parametrize(("number", "epochs"), [(2, 2), (5, 1), (6, 3)])
    def test_a_stopped_cell_is_recorded_with_exactly_the_epochs_that_were_told(self, ran, number, epochs):
        record = self.only(ran, number)
        assert (record.outcome, record.message) == ("pruned", "stopped before its end, as asked")
        assert [epoch["epoch"] for epoch in record.curve] == list(range(1, epochs + 1))
        assert record.curve[-1]["loss"] == pytest.approx(1 / epochs)
        assert record.cell["n"] == number and record.scores == {}
        assert 0 < record.cost["wall_seconds"] < 60
        assert record.provenance["engine"] == self.engine and record.provenance["host"]
        assert record.provenance["started"].endswith("+00:00")

    def test_a_cell_depends_on_the_one_before(self, ran):
        assert [self.only(ran, n).cell["before"] for n in (0, 1, 2, 3)] == [None, 0.5, 0.501, None]

    def test_a_chain_that_has_to_wait_begins_when_the_other_has_ended(self, ran):
        order = [(event["kind"], event["key"]) for event in ran[2]]
        assert order.index(("start", "cell-004")) > order.index(("end", "cell-003"))

    def test_a_good_cell_is_recorded_whole(self, ran):
        record = self.only(ran, 0)
        assert (record.outcome, record.attempt, record.message) == ("done", 0, "")
        assert record.scores == {"current.auroc": 0.5, "validation.current.auroc": 0.9}
        assert [epoch["epoch"] for epoch in record.curve] == [1, 2, 3]
        predictions = ran[1].predictions("cell-000")
        assert predictions is not None and predictions["score"].tolist() == [0, 1, 2, 3, 4]

    @pytest.mark.parametrize("number", range(8, 8 + len(FAILURES)))
    def test_a_failure_is_recorded_with_its_kind_and_tried_again_where_that_may_help(self, ran, number):
        outcome, message = FAILURES[CELLS[f"cell-{number:03d}"]["does"]]
        found = self.attempts(ran, number)
        assert [record.outcome for record in found] == [outcome] * (1 + (outcome in {"timeout", "killed"}))
        assert [record.attempt for record in found] == list(range(len(found)))
        assert all(record.message.startswith(message) for record in found)

    def test_a_cell_killed_once_is_done_in_the_end(self, ran):
        assert [record.outcome for record in self.attempts(ran, 7)] == ["killed", "done"]

    def test_two_cells_run_at_a_time_and_never_more_and_workers_are_used_again(self, tmp_path):
        # The first two wait for each other, however late the second worker is.
        pair = [{"does": "meets", "n": 0, "other": 1}, {"does": "meets", "n": 1, "other": 0}]
        rest = [{**FINE, "n": n} for n in range(2, 8)]
        rest[0]["stop"] = 1
        chains = [[cell, *rest[number::2]] for number, cell in enumerate(pair)] + [[{**FINE, "n": 8}]]
        done = drive(tmp_path, chains, engine=self.engine)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        running, most, workers = set(), set(), set()
        for event in events(tmp_path):
            if event["kind"] == "start":
                assert event["worker"] not in running
                running.add(event["worker"])
                workers.add(event["worker"])
            elif event["kind"] == "end":
                running.remove(event["worker"])
            most.add(len(running))
        assert most == {0, 1, 2}
        assert len(workers) == 2
        assert {record.outcome for record in Store(tmp_path).records()} == {"done", "pruned"}


class TestLocal(Engine):
    engine = "local"


@pytest.mark.slow
class TestRay(Engine):
    engine = "ray"


@pytest.mark.slow
def test_ray_pursues_an_agenda_silently_and_leaves_nothing(tmp_path):
    temporary = Path(os.environ.get("TMPDIR", "/tmp"))
    before = set(temporary.glob("precursor-ray-*"))
    chains = numbered([[FINE, {**FINE, "stop": 1}, FINE], [FINE]])
    done = drive(tmp_path, chains, engine="ray")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert [record.outcome for record in Store(tmp_path).records()] == ["done", "pruned", "done", "done"]
    assert {path.name for path in tmp_path.iterdir()} == {"records", "driver.lock", "log", "events"}
    assert set(temporary.glob("precursor-ray-*")) <= before
