"""An epoch named beforehand."""

from __future__ import annotations

from dataclasses import dataclass

from models.registry import component, param


@dataclass(frozen=True)
class AtEpochParameters:
    """Parameters of :class:`AtEpoch`."""

    epoch: int = param(16, low=1, high=1000, help="the epoch that is read; at most the budget's")


@component("checkpoint", "at", parameters=AtEpochParameters)
class AtEpoch:
    """The method is read as a given epoch left it, under the step sizes of the whole training."""

    def __init__(self, parameters: AtEpochParameters) -> None:
        self.epoch = parameters.epoch

    def keeps(self, epoch: int, score: float | None, best: float | None) -> bool:
        """Return whether this is the epoch, counted from 1."""
        return epoch == self.epoch
