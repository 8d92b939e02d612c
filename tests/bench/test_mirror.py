"""The mirror shows what the record says, whatever happens to it."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import optuna
import pytest
from optuna.distributions import (
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
    distribution_to_json,
)
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from bench.run.guard import only_driver
from bench.search.journal import FILE, Journal
from bench.search.log import Header, Trial, TrialLog
from bench.search.mirror import Mirror

SPACE = {
    "quantizer.codes": distribution_to_json(IntDistribution(8, 512, log=True)),
    "optimizer.rate": distribution_to_json(FloatDistribution(1e-4, 1e-1, log=True)),
    "contrast.name": distribution_to_json(CategoricalDistribution(("infonce", "cwcl", None))),
}
HEADER = Header(
    "a1b2c3d4e5f60718", "losses", "simulated furnace (hard, seed 0)", "cwcl", "tpe", 0,
    ("current.balanced_accuracy",), ("maximize",), SPACE,
)  # fmt: skip
PARAMS = {"quantizer.codes": 32, "optimizer.rate": 0.01, "contrast.name": None}


def proposal(number: int, **parts) -> Trial:
    return Trial(number, {**PARAMS, "quantizer.codes": 8 + number}, (f"c{number}a", f"c{number}b"), **parts)


STEPS = {"1": 0.6, "2": 0.65, "4": 0.7}
ENDED = [
    proposal(0).ended("complete", values=(0.7,), seeds=(0.69, 0.71), steps=STEPS, epochs=4),
    proposal(1).ended("pruned", seeds=(), steps={"1": 0.5}, epochs=1, message="behind at epoch 1"),
    proposal(2).ended("failed", failure="error", message="KeyError: 'x'", epochs=2),
    proposal(3).ended("complete", values=(0.0,), failure="diverged", message="loss is nan", epochs=1),
    proposal(4, same_as=0).ended(
        "complete", values=(0.7,), seeds=(0.69, 0.71), steps=STEPS, epochs=4, reused=4
    ),
]  # fmt: skip


def live(mirror: Mirror, log: TrialLog, header: Header, trial: Trial) -> None:
    """Tell of a trial as a search does: on file, begun, its steps, on file, ended."""
    start = Trial(trial.number, trial.params, trial.cells, same_as=trial.same_as)
    log.propose(start)
    mirror.begun(header, start)
    done: dict[str, float] = {}
    for step, value in trial.steps.items():
        mirror.stepped(header, replace(start, steps=done), int(step), value)
        done[step] = value
    log.end(trial)
    mirror.ended(header, trial)


def start_log(root: Path, header: Header = HEADER) -> TrialLog:
    log = TrialLog(root, header.key)
    log.describe(header)
    return log


def shown(root: Path, name: str = HEADER.title) -> list[tuple]:
    """What anybody who opens the journal with Optuna sees, without any code of the project."""
    study = optuna.load_study(study_name=name, storage=_plain(root))
    return [
        (t.number, t.state, t.values, t.params, t.distributions, t.intermediate_values, t.user_attrs)
        for t in study.get_trials()
    ]


def _plain(root: Path) -> JournalStorage:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return JournalStorage(JournalFileBackend(str(root / FILE)))


def states(root: Path) -> list[TrialState]:
    return [row[1] for row in shown(root)]


def test_a_mirror_written_live_equals_one_rebuilt_from_the_record(tmp_path):
    mirror, log = Mirror(tmp_path), start_log(tmp_path)
    for trial in ENDED:
        live(mirror, log, HEADER, trial)
    seen = shown(tmp_path)
    (tmp_path / FILE).unlink()
    assert Mirror(tmp_path).reconcile() is None
    assert shown(tmp_path) == seen
    assert mirror.failures == 0 and mirror.complaint() is None
    assert [row[1].name for row in seen] == ["COMPLETE", "PRUNED", "FAIL", "COMPLETE", "COMPLETE"]
    assert [row[2] for row in seen] == [[0.7], [0.5], None, [0.0], [0.7]]
    assert seen[0][3] == {**PARAMS, "quantizer.codes": 8}
    assert seen[0][5] == {1: 0.6, 2: 0.65, 4: 0.7}
    assert (seen[0][6]["seed 0"], seen[0][6]["seed 1"], seen[4][6]["same as trial"]) == (0.69, 0.71, 0)
    assert (seen[2][6]["failure"], seen[2][6]["message"]) == ("error", "KeyError: 'x'")


def test_the_study_says_what_it_is(tmp_path):
    start_log(tmp_path)
    Mirror(tmp_path).reconcile()
    (study,) = optuna.get_all_study_summaries(storage=_plain(tmp_path))
    assert study.study_name == HEADER.title
    assert study.user_attrs["arm"] == "cwcl" and study.user_attrs["sampler"] == "tpe"
    loaded = optuna.load_study(study_name=HEADER.title, storage=_plain(tmp_path))
    assert loaded.metric_names == ["current.balanced_accuracy"]
    assert loaded.direction.name == "MAXIMIZE"


def test_several_objectives(tmp_path):
    header = replace(HEADER, objectives=("current.auroc", "parameters"), directions=("maximize", "minimize"))
    mirror, log = Mirror(tmp_path), start_log(tmp_path, header)
    live(mirror, log, header, proposal(0).ended("complete", values=(0.8, 1200.0), steps={"1": 0.7}, epochs=1))
    ((_, state, values, _, _, steps, attributes),) = shown(tmp_path)
    assert (state, values, steps) == (TrialState.COMPLETE, [0.8, 1200.0], {})
    assert attributes["current.auroc by epochs"] == {"1": 0.7}
    assert mirror.failures == 0


def test_an_interrupted_trial_waits_and_goes_on_under_its_number(tmp_path):
    mirror, log = Mirror(tmp_path), start_log(tmp_path)
    start = proposal(0)
    log.propose(start)
    mirror.begun(HEADER, start)
    mirror.stepped(HEADER, start, 1, 0.6)
    assert states(tmp_path) == [TrialState.RUNNING]
    mirror.stopped(HEADER, start)
    assert states(tmp_path) == [TrialState.WAITING]
    live(Mirror(tmp_path), log, HEADER, ENDED[0])
    assert states(tmp_path) == [TrialState.COMPLETE]
    assert shown(tmp_path)[0][5] == {1: 0.6, 2: 0.65, 4: 0.7}


def test_a_trial_that_is_pruned_earlier_than_it_got_before_shows_the_record(tmp_path):
    mirror, log = Mirror(tmp_path), start_log(tmp_path)
    live(mirror, log, HEADER, ENDED[0])
    for step in (1, 2, 3):
        mirror.stepped(HEADER, proposal(1), step, 0.5)
    log.propose(proposal(1))
    mirror.stopped(HEADER, proposal(1))
    live(mirror, log, HEADER, ENDED[1])
    assert [row[5] for row in shown(tmp_path)] == [{1: 0.6, 2: 0.65, 4: 0.7}, {1: 0.5}]
    assert mirror.failures == 0


def test_running_trials_stay_while_a_driver_is_at_work_and_wait_when_it_is_gone(tmp_path):
    mirror, log = Mirror(tmp_path), start_log(tmp_path)
    log.propose(proposal(0))
    mirror.begun(HEADER, proposal(0))
    with only_driver(tmp_path):
        Mirror(tmp_path).reconcile()
        assert states(tmp_path) == [TrialState.RUNNING]
    Mirror(tmp_path).reconcile()
    assert states(tmp_path) == [TrialState.WAITING]
    mirror.stepped(HEADER, proposal(0), 1, 0.6)
    assert states(tmp_path) == [TrialState.RUNNING]


def test_no_trial_runs_of_a_search_that_is_no_longer_on_record(tmp_path):
    other = replace(HEADER, key="f" * 16, arm="gone")
    Mirror(tmp_path).begun(other, proposal(0))
    start_log(tmp_path)
    Mirror(tmp_path).reconcile()
    assert [row[1] for row in shown(tmp_path, other.title)] == [TrialState.WAITING]


def test_what_the_dashboard_changed_is_put_right(tmp_path):
    mirror, log = Mirror(tmp_path), start_log(tmp_path)
    for trial in ENDED:
        live(mirror, log, HEADER, trial)
    seen = shown(tmp_path)
    optuna.delete_study(study_name=HEADER.title, storage=_plain(tmp_path))
    Mirror(tmp_path).reconcile()
    assert shown(tmp_path) == seen

    storage = _plain(tmp_path)  # a trial of ours that was told something else
    study = optuna.load_study(study_name=HEADER.title, storage=storage)
    log.propose(proposal(5))
    mirror.begun(HEADER, proposal(5))
    study.tell(5, 0.99)
    last = proposal(5).ended("complete", values=(0.5,), epochs=4)
    log.end(last)
    mirror.ended(HEADER, last)
    assert shown(tmp_path)[5][2] == [0.5]
    assert shown(tmp_path)[:5] == seen

    study = optuna.load_study(study_name=HEADER.title, storage=storage)
    study.enqueue_trial({"quantizer.codes": 9})  # a trial that is not ours
    Mirror(tmp_path).reconcile()
    assert len(shown(tmp_path)) == 6


def test_a_study_deleted_or_renamed_under_a_live_search_goes_on(tmp_path):
    mirror, log = Mirror(tmp_path), start_log(tmp_path)
    live(mirror, log, HEADER, ENDED[0])
    optuna.delete_study(study_name=HEADER.title, storage=_plain(tmp_path))
    live(mirror, log, HEADER, ENDED[1])
    assert states(tmp_path) == [TrialState.COMPLETE, TrialState.PRUNED]
    storage = _plain(tmp_path)
    optuna.copy_study(
        from_study_name=HEADER.title, from_storage=storage, to_storage=storage, to_study_name="mine"
    )
    optuna.delete_study(study_name=HEADER.title, storage=storage)
    live(mirror, log, HEADER, ENDED[2])
    assert [row[1].name for row in shown(tmp_path, "mine")] == ["COMPLETE", "PRUNED", "FAIL"]
    assert mirror.failures == 0


def test_a_journal_deleted_or_replaced_under_a_live_search_is_made_again(tmp_path):
    mirror, log = Mirror(tmp_path), start_log(tmp_path)
    for n, trial in enumerate(ENDED):
        live(mirror, log, HEADER, trial)
        if n in (0, 2):
            (tmp_path / FILE).unlink()
    assert [state.name for state in states(tmp_path)] == [
        "COMPLETE", "PRUNED", "FAIL", "COMPLETE", "COMPLETE",
    ]  # fmt: skip
    assert mirror.failures == 0


def test_trials_missing_in_between_are_added_with_the_next_one(tmp_path):
    log = start_log(tmp_path)
    for trial in ENDED[:3]:
        log.end(trial)
    live(Mirror(tmp_path), log, HEADER, ENDED[3])
    assert [row[0] for row in shown(tmp_path)] == [0, 1, 2, 3]


def test_a_torn_last_line_is_cut_and_said(tmp_path):
    mirror, log = Mirror(tmp_path), start_log(tmp_path)
    for trial in ENDED:
        live(mirror, log, HEADER, trial)
    seen, path = shown(tmp_path), tmp_path / FILE
    path.write_bytes(path.read_bytes()[:-25])
    said = Mirror(tmp_path).reconcile()
    assert said is not None and "torn" in said and str(path) in said
    assert shown(tmp_path) == seen
    assert Mirror(tmp_path).reconcile() is None


def test_a_writer_that_meets_a_torn_line_does_not_spoil_the_journal(tmp_path):
    mirror, log = Mirror(tmp_path), start_log(tmp_path)
    live(mirror, log, HEADER, ENDED[0])
    with open(tmp_path / FILE, "ab") as file:
        file.write(b'{"op_code":4,"worker_id":"x","stu')
    live(mirror, log, HEADER, ENDED[1])
    assert states(tmp_path) == [TrialState.COMPLETE, TrialState.PRUNED]


@pytest.mark.parametrize(
    "content",
    [
        b"SQLite format 3\x00\x10\x00\x01\x01",
        b'{"op_code":77,"worker_id":"x"}\n',
        b'{"op_code":0,"worker_id":"x","new_key":1}\n',
        b'{"op_code":0,"worker\n{"op_code":1}\n',
        b"[1, 2]\n",
        b'{"op_code":0,"study_name":"a","directions":[2],"worker_id":"x"}\nnot json\n',
        b'{"op_code":0,"study_na',
    ],
)  # fmt: skip
def test_a_file_that_is_no_journal_is_set_aside_and_kept(tmp_path, content):
    log = start_log(tmp_path)
    for trial in ENDED:
        log.end(trial)
    (tmp_path / FILE).write_bytes(content)
    said = Mirror(tmp_path).reconcile()
    assert len(states(tmp_path)) == 5
    aside = tmp_path / f"{FILE}.damaged-1"
    if content.startswith(b'{"op_code":0,"study_na') and not content.endswith(b"\n"):
        assert said is not None and "torn" in said  # the only line, torn: there is nothing to keep
    else:
        assert said is not None and aside.name in said
        assert aside.read_bytes() == content
    (tmp_path / FILE).write_bytes(b"again\n")
    Mirror(tmp_path).reconcile()
    assert len(states(tmp_path)) == 5
    assert len(list(tmp_path.glob(f"{FILE}.damaged-*"))) == (2 if aside.read_bytes() == content else 1)


def test_a_mirror_that_cannot_write_never_raises_and_says_so_once(tmp_path):
    (tmp_path / f".{FILE}.turn").mkdir()
    mirror = Mirror(tmp_path)
    start_log(tmp_path)
    mirror.reconcile()
    mirror.begun(HEADER, proposal(0))
    mirror.stepped(HEADER, proposal(0), 1, 0.5)
    mirror.ended(HEADER, ENDED[0])
    mirror.stopped(HEADER, proposal(1))
    assert mirror.failures == 5
    sentence = mirror.complaint()
    assert sentence is not None and "missed 5 updates" in sentence


def test_the_best_so_far_is_told(tmp_path):
    told = []
    mirror = Mirror(tmp_path, on_best=lambda storage, header, trial: told.append(trial.number))
    log = start_log(tmp_path)
    for number, value in enumerate((0.6, 0.5, 0.7, 0.7, 0.8)):
        live(mirror, log, HEADER, proposal(number).ended("complete", values=(value,), epochs=1))
    assert told == [0, 2, 4]


def test_the_best_so_far_is_never_one_that_failed(tmp_path):
    told = []
    mirror = Mirror(tmp_path, on_best=lambda storage, header, trial: told.append(trial.number))
    log = start_log(tmp_path)
    for number, failure in enumerate(("diverged", "", "oom")):
        live(mirror, log, HEADER, proposal(number).ended("complete", values=(0.0,), failure=failure))
    live(mirror, log, HEADER, proposal(3).ended("complete", values=(0.6,), epochs=1))
    assert told == [1, 3]
    assert mirror.failures == 0


def test_a_directory_in_the_journals_place_is_set_aside(tmp_path):
    log = start_log(tmp_path)
    for trial in ENDED:
        log.end(trial)
    (tmp_path / FILE / "inside").mkdir(parents=True)
    said = Mirror(tmp_path).reconcile()
    assert said is not None and "(not a file) and is now optuna.journal.damaged-1" in said
    assert (tmp_path / f"{FILE}.damaged-1" / "inside").is_dir()
    assert len(states(tmp_path)) == 5


def test_an_older_journal_put_back_under_a_live_search_is_read_anew(tmp_path):
    mirror, log = Mirror(tmp_path), start_log(tmp_path)
    live(mirror, log, HEADER, ENDED[0])
    older = (tmp_path / FILE).read_bytes()
    for trial in ENDED[1:3]:
        live(mirror, log, HEADER, trial)
    (tmp_path / FILE).write_bytes(older)
    live(mirror, log, HEADER, ENDED[3])
    assert [state.name for state in states(tmp_path)] == ["COMPLETE", "PRUNED", "FAIL", "COMPLETE"]
    assert mirror.failures == 0


def test_reading_a_folder_without_searches_shows_nothing(tmp_path):
    assert Mirror(tmp_path).reconcile() is None
    assert Journal(tmp_path).storage().get_all_studies() == []


def _write_many(root: str, arm: int, trials: int) -> None:
    header = replace(HEADER, key=f"{arm:016x}", arm=f"arm {arm}")
    mirror, log = Mirror(Path(root)), start_log(Path(root), header)
    for number in range(trials):
        ended = proposal(number).ended("complete", values=(number / 100,), steps={"1": 0.5}, epochs=1)
        live(mirror, log, header, ended)
    assert mirror.failures == 0, mirror.complaint()


def _together(root: Path, writers: int, trials: int) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_write_many, args=(str(root), n, trials)) for n in range(writers)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * writers


@pytest.mark.slow
def test_eight_writers_at_once_lose_nothing(tmp_path):
    _together(tmp_path, 8, 30)
    studies = optuna.get_all_study_summaries(storage=_plain(tmp_path))
    assert len(studies) == 8
    for study in studies:
        rows = shown(tmp_path, study.study_name)
        assert [row[0] for row in rows] == list(range(30))
        assert [row[2] for row in rows] == [[n / 100] for n in range(30)]
        assert all(row[1] == TrialState.COMPLETE and row[5] == {1: 0.5} for row in rows)
    seen = {study.study_name: shown(tmp_path, study.study_name) for study in studies}
    assert Mirror(tmp_path).reconcile() is None
    assert seen == {name: shown(tmp_path, name) for name in seen}


@pytest.mark.slow
def test_killed_writers_leave_nothing_that_blocks_or_runs(tmp_path):
    program = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import test_mirror; "
        f"test_mirror._write_many({str(tmp_path)!r}, 0, 10**6)"
    )
    for delay in (0.05, 0.11, 0.02, 0.2, 0.07, 0.14):
        before = (tmp_path / FILE).stat().st_size if (tmp_path / FILE).exists() else 0
        process = subprocess.Popen([sys.executable, "-c", program])
        while not (tmp_path / FILE).exists() or (tmp_path / FILE).stat().st_size <= before:
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(delay)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert "torn" in (Mirror(tmp_path).reconcile() or "torn")
        header = replace(HEADER, key=f"{0:016x}", arm="arm 0")
        rows, logged = shown(tmp_path, header.title), TrialLog(tmp_path, header.key).trials()
        assert [row[0] for row in rows] == [trial.number for trial in logged]
        assert not any(row[1] == TrialState.RUNNING for row in rows)
        assert [row[1] == TrialState.COMPLETE for row in rows] == [t.state == "complete" for t in logged]
