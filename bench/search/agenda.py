"""Several searches side by side, as one list of cells for an engine."""

from __future__ import annotations

from collections.abc import Sequence

from bench.run.job import Event, Job
from bench.run.progress import Standing
from bench.search.course import Course, Ongoing
from bench.store import Record, Store


class SearchAgenda:
    """The cells that searches need next; an :class:`bench.run.job.Agenda`.

    Trials that have begun come first, then a new one of the search that has begun the fewest. A cell
    that two trials need runs once: the second waits, and reads the record.

    Args:
        courses: the searches.
        store: the record of cells, which serves as a memo of learning curves.
        ahead: trials of one search that run at a time; only with one is a search repeatable.
    """

    def __init__(self, courses: Sequence[Course], store: Store, ahead: int = 1) -> None:
        self.courses, self._store, self._ahead = tuple(courses), store, ahead
        self._running: dict[str, tuple[Course, Ongoing]] = {}

    @property
    def finished(self) -> bool:
        """Whether every trial of every search has ended."""
        return all(course.finished for course in self.courses)

    def next(self) -> Job | None:
        """Return a cell to run now; ``None`` if none can begin before a running one has ended."""
        while True:
            for course in self.courses:
                for run in list(course.ongoing.values()):
                    if job := self._job(course, run):
                        self._running[job.key] = (course, run)
                        return job
            open_ = [each for each in self.courses if not each.exhausted and len(each.ongoing) < self._ahead]
            if not open_:
                return None
            min(open_, key=lambda course: course.begun).begin()

    def hear(self, event: Event) -> bool:
        """Take note of an event; return whether the cell it is about must stop now."""
        course, run = self._running[event.job.key]
        if event.kind == "epoch":
            return course.hear(run, event.payload)
        if event.kind == "end":
            del self._running[event.job.key]
            course.settle(run, Record(**event.payload), ran=True)
        return False

    def stop(self) -> None:
        """Say that the searches are interrupted; what runs goes on another time."""
        for course in self.courses:
            course.interrupt()

    def standing(self) -> Standing:
        """Return how the searches stand, all together."""
        ended = [trial for course in self.courses for trial in course.ended]
        best = [(each.task.header.arm, each.best.values[0]) for each in self.courses if each.best]
        return Standing(
            total=sum(course.task.trials for course in self.courses),
            ended=len(ended),
            running=sum(len(course.ongoing) for course in self.courses),
            pruned=sum(trial.state == "pruned" for trial in ended),
            failed=sum(bool(trial.failure) for trial in ended),
            best=max(best, key=lambda pair: pair[1], default=None),
        )

    def _job(self, course: Course, run: Ongoing) -> Job | None:
        """Return the cell that a trial needs next, after reading what is on record.

        ``None`` if the trial ends by what is on record, or if its cell runs already.
        """
        while not run.ended and run.cell not in self._running:
            record = self._store.get(run.cell)
            if record is None or not course.settle(run, record, ran=False):
                attempt, content = self._store.attempts(run.cell), run.contents[len(run.done)]
                return Job(run.cell, attempt, content, course.task.data)
        return None
