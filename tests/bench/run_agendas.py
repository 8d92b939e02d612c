"""An agenda of chains of cells; as a program, a driver that pursues it and writes down what it is told.

python run_agendas.py '{"root": ..., "engine": "local", "chains": [[{"does": "fine", "n": 1}, ...], ...]}'
"""

import json
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

from run_targets import job

from bench.run import Event, Job, Options, pursue, retryable
from bench.store import Store


class Chains:
    """Chains run side by side, the cells of a chain one after another, each told the score before it.

    A cell may say ``stop``: the epoch after which it is stopped; and the chain waits for another one to
    end if its first cell says ``after``. What is on record is not run again.
    """

    def __init__(self, chains: list[list[dict[str, Any]]], root: Path) -> None:
        self.chains = [list(chain) for chain in chains]
        self._root, self._store = root, Store(root)
        self._busy: dict[str, int] = {}
        self._again: list[Job] = []
        self._score: dict[int, float | None] = {}
        self.threads: set[int] = set()

    @property
    def finished(self) -> bool:
        return not any(self.chains) and not self._busy and not self._again

    def next(self) -> Job | None:
        self.threads.add(threading.get_ident())
        if self._again:
            return self._again.pop(0)
        for number, chain in enumerate(self.chains):
            while chain and number not in self._busy.values() and not self._waits(chain[0]):
                cell = {**chain.pop(0), "before": self._score.get(number)}
                offered = job(cell, self._root)
                record = self._store.get(offered.key)
                if record is None or retryable(record.outcome, record.attempt + 1):
                    self._busy[offered.key] = number
                    return replace(offered, attempt=self._store.attempts(offered.key))
                self._score[number] = record.scores.get("current.auroc")
        return None

    def hear(self, event: Event) -> bool:
        self.threads.add(threading.get_ident())
        if event.kind == "end":
            self._end(event)
        return event.kind == "epoch" and event.payload["epoch"] == event.job.cell.get("stop")

    def _waits(self, cell: dict[str, Any]) -> bool:
        after = cell.get("after")
        return after is not None and (bool(self.chains[after]) or after in self._busy.values())

    def _end(self, event: Event) -> None:
        job, payload = event.job, event.payload
        assert self._store.attempts(job.key) > job.attempt, "told of the end before it was on record"
        if retryable(payload["outcome"], job.attempt + 1):
            self._again.append(replace(job, attempt=job.attempt + 1))
        else:
            self._score[self._busy.pop(job.key)] = payload["scores"].get("current.auroc")


def main() -> int:
    plan = json.loads(sys.argv[1])
    root = Path(plan.pop("root"))
    agenda = Chains(plan.pop("chains"), root)
    options = Options(target="run_targets:run", preload=("run_targets",), **plan)

    def note(event: Event) -> None:
        told = {
            "kind": event.kind,
            "key": event.job.key,
            "attempt": event.job.attempt,
            "worker": event.worker,
        }
        told |= {name: event.payload[name] for name in ("epoch", "outcome") if name in event.payload}
        with open(root / "events", "a") as file:
            file.write(json.dumps(told) + "\n")

    interrupted = pursue(agenda, Store(root), options=options, on_event=note)
    assert len(agenda.threads) == 1
    assert interrupted or agenda.finished
    return int(interrupted)


if __name__ == "__main__":
    sys.exit(main())
