"""The last epoch."""

from __future__ import annotations

from models.registry import NoParameters, component


@component("checkpoint", "last")
class LastEpoch:
    """The method is read as the last epoch left it."""

    def __init__(self, parameters: NoParameters) -> None:
        pass

    def keeps(self, epoch: int, score: float | None, best: float | None) -> bool:
        """Return no: there is nothing to go back to."""
        return False
