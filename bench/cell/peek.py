"""What the test part would have said after every epoch: for showing what choosing there would claim."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.cell.album import Album
from bench.cell.inputs import Inputs
from bench.cell.pretraining import calibrated
from bench.cell.scores import PEEKED
from bench.data.split import Split
from models.method import Method


class Peek(Album):
    """Scores the test part after every epoch, beside whoever else looks on.

    It sees the test part on purpose, and nothing sees it: no epoch, head, threshold or figure of merit is
    chosen by what it keeps, and what is told of an epoch while training does not hold it. A report sets it
    beside the honest choice to show what a choice by the test part would have claimed.
    """

    def __init__(self, beside: Album, cell: dict[str, Any], inputs: Inputs, parts: Split) -> None:
        self._beside, self._cell, self._inputs, self._parts = beside, cell, inputs, parts
        self._seen: list[dict[str, float]] = []

    def look(self, epoch: int, method: Method) -> None:
        """Read the test part as the end of the cell would if this were the last epoch."""
        self._beside.look(epoch, method)
        if not epoch:
            return
        readout, parts = calibrated(self._cell, method, self._inputs, self._parts), self._parts
        if len(parts.validation):
            readout.select_channels(parts.train, parts.validation)
        self._seen.append(readout.score(self._cell["arm"]["head"], parts.train, parts.test))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return ``peeked.current.<score>`` ``(epochs,)`` of every score."""
        kept = self._beside.arrays()
        for name in self._seen[0] if self._seen else ():
            kept[f"{PEEKED}current.{name}"] = np.array([each[name] for each in self._seen])
        return kept
