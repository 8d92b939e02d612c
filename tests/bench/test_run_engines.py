"""What every engine must do with every kind of cell; each engine runs all of them once."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from bench.store import Record, Store

HERE = Path(__file__).parent
DEEDS = (
    "fine hangs raises invalid diverges nan silent objects exits dies dies_once "
    "crashes hoards exhausts leaks leaks leaks loud"
).split()


def drive(root: Path, cells: list[dict], **options) -> subprocess.CompletedProcess[str]:
    plan = json.dumps({"root": str(root), "cells": cells, **options})
    environment = {**os.environ, "PYTHONPATH": str(HERE.parents[1])}
    return subprocess.run(
        [sys.executable, "-W", "error", HERE / "run_targets.py", plan],
        env=environment, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip


@pytest.fixture(scope="class")
def ran(request, tmp_path_factory):
    """The finished driver and the store, one run for all tests of an engine."""
    root = tmp_path_factory.mktemp(request.cls.engine)
    cells = [{"does": does, "n": n, "epochs": 3} for n, does in enumerate(DEEDS)]
    done = drive(root, cells, engine=request.cls.engine, workers=2, timeout=3, memory=300, device="cpu")
    return done, Store(root)


class Engine:
    """The conformance tests; a subclass names the engine."""

    engine: str

    def attempts(self, ran, does: str) -> list[Record]:
        return [record for record in ran[1].records() if record.cell["does"] == does]

    def only(self, ran, does: str) -> Record:
        (record,) = self.attempts(ran, does)
        return record

    def test_every_cell_has_a_record_and_the_exit_code_says_that_some_failed(self, ran):
        assert {record.key for record in ran[1].records()} == {f"cell-{n:03d}" for n in range(len(DEEDS))}
        assert ran[0].returncode == 1

    def test_nothing_is_printed(self, ran):
        assert (ran[0].stdout, ran[0].stderr) == ("", "")

    def test_no_damage(self, ran):
        assert ran[1].damaged() == []

    def test_a_good_cell_is_recorded_whole(self, ran):
        record = self.only(ran, "fine")
        assert (record.key, record.attempt, record.outcome, record.message) == ("cell-000", 0, "done", "")
        assert record.cell == {"does": "fine", "n": 0, "epochs": 3}
        assert record.scores == {"current.auroc": 0.5, "validation.current.auroc": 0.9}
        assert record.diagnostics == {"n": 0, "device": "cpu", "odd": None}
        assert [epoch["epoch"] for epoch in record.curve] == [1, 2, 3]
        assert record.curve[2]["loss"] == pytest.approx(1 / 3)
        assert record.cost["parameters"] == 7
        assert record.cost["wall_seconds"] > 0 and record.cost["cpu_seconds"] > 0
        assert 5 < record.cost["peak_mb"] < 2000
        assert record.provenance["engine"] == self.engine and record.provenance["host"]
        assert record.provenance["started"].endswith("+00:00")
        predictions = ran[1].predictions("cell-000")
        np.testing.assert_array_equal(predictions["score"], np.arange(5))
        assert predictions["label"].dtype == np.int8

    @pytest.mark.parametrize(
        ("does", "outcome", "message"),
        [
            ("raises", "error", "KeyError: 'no such thing'"),
            ("invalid", "invalid", "codes must be at least 2, got 1; raise it"),
            ("diverges", "diverged", "FloatingPointError: loss is nan after epoch 1"),
            ("nan", "diverged", "scores that are not finite: current.auroc"),
            ("silent", "error", "RuntimeError: run_targets:run ended without scores"),
            ("objects", "error", "TypeError: predictions are arrays"),
            ("exits", "error", "the process ended with exit code 3 before it gave its scores"),
            ("crashes", "error", "the process was ended by SIGSEGV"),
            ("exhausts", "oom", "MemoryError"),
            ("hoards", "oom", "the cell used"),
        ],
    )
    def test_a_failure_is_recorded_once_with_its_kind(self, ran, does, outcome, message):
        record = self.only(ran, does)
        assert record.outcome == outcome and record.message.startswith(message)
        assert record.cost["wall_seconds"] >= 0

    def test_the_trace_and_the_curve_of_a_failure_are_kept(self, ran):
        record = self.only(ran, "raises")
        assert "run_targets.py" in record.message and record.curve == [{"epoch": 1}]

    def test_finite_scores_of_a_diverged_cell_are_kept(self, ran):
        assert self.only(ran, "nan").scores == {"current.auroc": None, "video.auroc": 0.75}

    def test_the_memory_limit_is_the_one_asked_for(self, ran):
        assert 300 < self.only(ran, "hoards").cost["peak_mb"] < 1200

    def test_a_hang_with_the_lock_of_the_interpreter_held_is_ended_and_tried_twice(self, ran):
        first, second = self.attempts(ran, "hangs")
        assert (first.outcome, second.outcome, second.attempt) == ("timeout", "timeout", 1)
        assert "limit of 3 s" in first.message and first.curve == [{"epoch": 1}]

    def test_a_killed_cell_is_tried_twice(self, ran):
        assert [record.outcome for record in self.attempts(ran, "dies")] == ["killed", "killed"]
        assert self.attempts(ran, "dies")[0].message == "the process was ended by SIGKILL"

    def test_a_cell_killed_once_is_done_in_the_end(self, ran):
        assert [record.outcome for record in self.attempts(ran, "dies_once")] == ["killed", "done"]

    def test_no_state_passes_from_cell_to_cell(self, ran):
        assert [record.scores["seen"] for record in self.attempts(ran, "leaks")] == [0, 0, 0]

    def test_a_cell_has_one_thread(self, ran):
        assert self.only(ran, "loud").scores == {"threads": 1}


class TestLocal(Engine):
    engine = "local"


@pytest.mark.slow
class TestRay(Engine):
    engine = "ray"


@pytest.mark.slow
def test_ray_runs_cells_silently_and_leaves_nothing(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    plan = {"root": str(tmp_path), "engine": "ray", "workers": 2}
    cells = [{"does": "fine", "n": n} for n in range(5)]
    command = [sys.executable, "-W", "error", HERE / "run_targets.py", json.dumps(plan | {"cells": cells})]
    # Of its own, as other runs may be on this machine; short, as Ray's sockets lie in it.
    with tempfile.TemporaryDirectory(prefix="ray-") as temporary:
        known = {"PYTHONPATH": str(HERE.parents[1]), "HOME": str(home), "TMPDIR": temporary}
        done = subprocess.run(
            command, env={**os.environ, **known}, capture_output=True, text=True, check=False, timeout=120
        )
        left = [path.name for path in Path(temporary).glob("precursor-ray-*")]
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert len(Store(tmp_path).done()) == 5
    assert list(home.iterdir()) == []
    assert {path.name for path in tmp_path.iterdir()} == {"records", "driver.lock", "log", "home"}
    assert left == []
