import pickle
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
from run_targets import job

from bench.run import Event
from bench.run.desk import Desk
from bench.run.job import Plan, Settings
from bench.run.letters import seal
from bench.store import Record, Store
from models.errors import InvalidRequest

FAR = "node-7:4242"


class Heard(Plan):
    """A plan that keeps what it hears and stops a job after the epochs it is told to."""

    def __init__(self, jobs, stop=()) -> None:
        self.events: list[Event] = []
        super().__init__(jobs, self.events.append)
        self._stop = stop

    def hear(self, event: Event) -> bool:
        super().hear(event)
        return event.kind == "epoch" and event.payload["epoch"] in self._stop

    @property
    def told(self) -> list[str]:
        return [event.kind for event in self.events]


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path)


def jobs(many: int) -> list:
    return [job({"does": "fine", "n": n}, Path("/nowhere")) for n in range(many)]


def desk(agenda, store, workers=2, stopping=lambda: False) -> Desk:
    made = Desk(agenda, store, Settings(provenance={"engine": "ray"}), workers, stopping)
    assert made.open()
    return made


def letter(kind: str, n: int = 0, arrays=None, **payload) -> list[dict]:
    return [seal(Event(kind, jobs(n + 1)[n], payload, "0"), FAR, arrays)]


def end(store: Store, n: int = 0, put: bool = True) -> list[dict]:
    record = Record(f"cell-{n:03d}", 0, "done", scores={"a": 1.0}, predictions={"score": [1.0, 2.0]})
    if put:
        store.put(record)
    return letter("end", n, None if put else record.predictions, **record.payload())


def test_a_job_goes_out_is_heard_of_and_ends(store):
    agenda = Heard(jobs(1))
    at = desk(agenda, store)
    assert at.next("a") == jobs(1)[0] and list(at.out) == ["a"]
    assert [at.hear("a", letter("start")), at.hear("a", letter("epoch", epoch=1))] == [False, False]
    assert at.hear("a", end(store)) and not at.out
    assert agenda.told == ["start", "epoch", "end"] and {event.worker for event in agenda.events} == {FAR}
    assert at.next("b") is None and not at.open() and at.broken is None


def test_no_more_jobs_are_out_than_there_are_workers(store):
    at = desk(Plan(jobs(3)), store)
    assert at.next("a") and at.next("b") and at.next("c") is None
    at.hear("a", letter("start") + end(store))
    assert at.next("c") == jobs(3)[2]


def test_a_stopped_job_is_recorded_before_its_end_is_told_and_later_letters_are_dropped(store):
    agenda = Heard(jobs(1), stop={2})
    at = desk(agenda, store)
    at.next("a")
    letters = letter("start") + [each for n in (1, 2, 3) for each in letter("epoch", epoch=n, loss=1 / n)]
    assert at.hear("a", letters + end(store, put=False))
    assert agenda.told == ["start", "epoch", "epoch", "end"]
    record = store.get("cell-000")
    assert record is not None and record.outcome == "pruned"
    assert record.curve == [{"epoch": 1, "loss": 1.0}, {"epoch": 2, "loss": 0.5}]
    assert record.provenance["host"] == "node-7" and record.provenance["engine"] == "ray"
    assert agenda.events[-1].payload == record.payload()


def test_a_record_that_the_worker_could_not_write_is_written_before_the_end_is_told(store):
    seen = []
    at = desk(Plan(jobs(1), lambda event: seen.append((event.kind, store.done()))), store)
    at.next("a")
    at.hear("a", letter("start") + end(store, put=False))
    assert seen == [("start", set()), ("end", {"cell-000"})]
    predictions = store.predictions("cell-000")
    assert predictions is not None and predictions["score"].tolist() == [1.0, 2.0]


def test_a_worker_that_dies_costs_an_attempt(store):
    agenda = Heard(jobs(1))
    at = desk(agenda, store)
    at.next("a")
    at.hear("a", letter("start") + letter("epoch", epoch=1))
    at.gone("a", "lost")
    record = store.get("cell-000")
    assert record is not None and (record.outcome, record.curve) == ("killed", [{"epoch": 1}])
    assert agenda.told == ["start", "epoch", "end"] and not at.out
    at.gone("a", "lost")  # seen again at every step
    assert len(list(store.records())) == 1 and agenda.told == ["start", "epoch", "end"]


def test_a_worker_that_dies_between_record_and_message_costs_nothing(store):
    agenda = Heard(jobs(1))
    at = desk(agenda, store)
    at.next("a")
    at.hear("a", letter("start"))
    end(store)
    at.gone("a", "lost")
    assert [record.outcome for record in store.records()] == ["done"]
    assert agenda.events[-1].payload["outcome"] == "done" and agenda.told == ["start", "end"]


def test_an_earlier_attempt_on_record_is_not_taken_for_this_one(store):
    store.put(Record("cell-000", 0, "killed"))
    at = desk(Plan([replace(jobs(1)[0], attempt=1)]), store)
    at.next("a")
    at.hear("a", letter("start"))
    at.gone("a", "lost")
    assert [(record.attempt, record.outcome) for record in store.records()] == [(0, "killed"), (1, "killed")]


def test_a_job_whose_worker_dies_before_it_begins_is_handed_out_again_but_not_for_ever(store):
    agenda = Heard(jobs(1))
    at = desk(agenda, store)
    for trial in "abc":
        assert at.broken is None and at.open() and at.next(trial) == jobs(1)[0]
        at.gone(trial, "ModuleNotFoundError: no bench")
    assert isinstance(at.broken, InvalidRequest) and "3 failed before (ModuleNotFoundError" in str(at.broken)
    assert agenda.told == [] and list(store.records()) == [] and at.closed


def test_tune_begins_anew_every_so_many_cells(store):
    at = desk(Plan(jobs(1001)), store, workers=1)
    numbers = count()

    def drain() -> int:
        many = 0
        while at.next(trial := str(next(numbers))):
            many += 1
            at.out.pop(trial)
        return many

    assert [drain(), at.open(), drain(), at.open(), drain(), at.open()] == [500, True, 500, True, 1, False]


def test_what_an_agenda_raises_is_kept_and_nothing_goes_on(store):
    class Broken(Heard):
        def hear(self, event: Event) -> bool:
            raise KeyError(event.kind)

    at = desk(Broken(jobs(2)), store)
    at.next("a")
    at.hear("a", letter("start"))
    assert isinstance(at.broken, KeyError) and at.closed and at.next("b") is None
    at.gone("a", "lost")
    assert list(store.records()) == []


def test_an_agenda_that_waits_for_nothing_is_an_error(store):
    class Waits(Heard):
        def next(self):
            return None

    at = desk(Waits(jobs(1)), store)
    assert at.next("a") is None
    assert isinstance(at.broken, RuntimeError) and "no job while none is running" in str(at.broken)


def test_when_asked_to_stop_nothing_goes_out_and_nobody_is_declared_dead(store):
    stop: list[bool] = []
    agenda = Heard(jobs(2))
    at = desk(agenda, store, stopping=lambda: bool(stop))
    at.next("a")
    at.hear("a", letter("start"))
    stop.append(True)
    assert at.next("b") is None and at.closed and not at.open()
    at.gone("a", "lost")
    assert agenda.told == ["start"] and list(store.records()) == []


def test_a_desk_can_be_pickled_without_what_is_on_it(store):
    made = desk(Plan(iter(jobs(1))), store)
    assert isinstance(pickle.loads(pickle.dumps(made)), Desk)
