"""The epoch that is best on validation."""

from __future__ import annotations

from models.registry import NoParameters, component


@component("checkpoint", "best")
class BestEpoch:
    """The epoch with the best balanced accuracy of the current on the validation part; the first of equals.

    Selection on validation makes the validation score of the kept epoch optimistic; the test score
    is not. It needs a validation part.
    """

    def __init__(self, parameters: NoParameters) -> None:
        pass

    def keeps(self, epoch: int, score: float | None, best: float | None) -> bool:
        """Return whether an epoch is better than the best before it; without scores, none is kept."""
        return score is not None and (best is None or score > best)
