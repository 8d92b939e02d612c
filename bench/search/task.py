"""What one search has to do, and who is told how it goes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from bench.search.log import Header, Trial
from bench.search.space import Params, Space
from bench.search.spec import SearchSettings


@dataclass(frozen=True, eq=False)
class Task:
    """One search: an arm, a sampler and a repeat, resolved.

    Attributes:
        header: what it is; its key names the log.
        space: what is varied.
        first: parameters of the first trial; drawn like the others if ``None``.
        sampler: resolved specification of the sampler.
        settings: the plain values of the search block.
        trials: how many trials it has in all.
        seed: of the draws and of the sampler; the same for every arm of a repeat.
        epochs: epochs of one cell.
        metric: name of the first objective, as ``current.balanced_accuracy``.
        contents: parameters to the contents of the cells, one a seed; raises ``InvalidRequest`` for
            parameters that do not go together.
        data: folder of the prepared data.
    """

    header: Header
    space: Space
    first: Params | None
    sampler: Mapping[str, Any]
    settings: SearchSettings
    trials: int
    seed: int
    epochs: int
    metric: str
    contents: Callable[[Params], tuple[dict[str, Any], ...]]
    data: str


class Watcher(Protocol):
    """Somebody who is told of every trial: the mirror, the display. Must not raise."""

    def begun(self, header: Header, trial: Trial) -> None:
        """A trial begins, or goes on after an interruption."""

    def stepped(self, header: Header, trial: Trial, step: int, value: float) -> None:
        """The trial's first objective after so many epochs."""

    def ended(self, header: Header, trial: Trial) -> None:
        """A trial has ended, as told."""

    def stopped(self, header: Header, trial: Trial) -> None:
        """The search was interrupted while the trial ran; the same command goes on with it."""
