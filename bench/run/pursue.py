"""Run an agenda to its end: jobs that follow from how earlier ones went."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable

from bench.run.guard import only_driver, stop_on_signal
from bench.run.job import Agenda, Event, Job, OnEvent
from bench.run.options import Options
from bench.run.progress import SearchDisplay, Standing
from bench.store import Store


def pursue(
    agenda: Agenda | Callable[[], Agenda],
    store: Store,
    *,
    options: Options | None = None,
    standing: Callable[[], Standing] | None = None,
    on_event: OnEvent | None = None,
) -> bool:
    """Run the jobs of an agenda until it is finished; return whether a signal stopped it before.

    Each cell is recorded the moment it ends, before the agenda hears of it. Ctrl-C and SIGTERM stop the
    run cleanly: the cells that were running leave no record and no end is told of them. An agenda
    without a job to begin with starts no engine.

    Args:
        agenda: the agenda, or what makes it: called when no other driver can write to the store.
        store: where records go.
        options: how to run.
        standing: says how the search stands; if given, progress is shown on standard error.
        on_event: told of every start, epoch and end, after the agenda.

    Raises:
        InvalidRequest: an option that cannot be, or another driver runs this store.
    """
    how = options or Options()
    how.check()
    from bench.run import local, tune

    on_ray = functools.partial(tune.pursue, address=how.address)
    engine: Callable[..., None] = local.pursue if how.engine == "local" else on_ray
    settings = how.settings()
    listeners: list[OnEvent] = [on_event] if on_event else []
    with contextlib.ExitStack() as stack:
        stack.enter_context(only_driver(store.root))
        stopping = stack.enter_context(stop_on_signal())
        heard = _Heard(agenda() if callable(agenda) else agenda, listeners)
        if not heard.finished:
            if standing:
                listeners.append(stack.enter_context(SearchDisplay(standing)))
            engine(heard, store, settings, workers=how.slots, should_stop=stopping)
        return stopping()


class _Heard:
    """An agenda that others listen to; its first job is asked for at once."""

    def __init__(self, agenda: Agenda, listeners: list[OnEvent]) -> None:
        self._agenda, self._listeners = agenda, listeners
        self._first = None if agenda.finished else agenda.next()

    @property
    def finished(self) -> bool:
        return self._first is None and self._agenda.finished

    def next(self) -> Job | None:
        job, self._first = self._first, None
        return job or self._agenda.next()

    def hear(self, event: Event) -> bool:
        stop = self._agenda.hear(event)
        for listener in self._listeners:
            listener(event)
        return stop
