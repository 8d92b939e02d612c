"""Which leads are tried, and on what windows."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from models.errors import InvalidRequest
from models.registry import param

#: Fewer moments than this tell nothing of how two signals move together.
FEWEST_MOMENTS = 12
MOST_LEADS = 1000


@dataclass(frozen=True)
class Scan:
    """Which leads are tried, and on what."""

    low: float = param(-120.0, low=-36_000.0, high=36_000.0, help="smallest lead tried, s")
    high: float = param(720.0, low=-36_000.0, high=36_000.0, help="largest lead tried, s")
    step: float = param(20.0, low=1e-3, high=3600.0, help="seconds between leads, and between moments")
    window: float = param(60.0, low=1e-3, high=3600.0, help="length of both windows, s")
    block: float | None = param(
        None, low=1e-3, help="cut recordings into blocks of this length, s, that count as recordings"
    )

    @cached_property
    def leads(self) -> NDArray[np.float64]:
        """The leads, s: ``(leads,)``, in rising order.

        Raises:
            InvalidRequest: fewer than five of them, or more than a thousand.
        """
        count = int(np.floor((self.high - self.low) / self.step + 1e-9)) + 1
        if not 5 <= count <= MOST_LEADS:
            raise InvalidRequest(
                f"a scan needs 5 to {MOST_LEADS} leads, got {max(count, 0)} from {self.low:g} to "
                f"{self.high:g} s every {self.step:g} s; change --from, --to or --step"
            )
        return self.low + self.step * np.arange(count, dtype=np.float64)

    @property
    def needed(self) -> float:
        """How long a recording must be to hold enough moments at every lead, s."""
        return self.window + max(self.high, 0.0) - min(self.low, 0.0) + FEWEST_MOMENTS * self.step

    def within(self, seconds: float, shortest: float) -> Scan | None:
        """Return this scan made smaller all over, so that recordings of ``seconds`` s are long enough.

        None if there is no such scan with windows of at least ``shortest`` s.
        """
        window = max(_rounded(self.window * seconds / self.needed), shortest)
        share = (seconds - window) / (self.needed - self.window)
        if share <= 0:
            return None
        low, high, step = (_rounded(each * share) for each in (self.low, self.high, self.step))
        smaller = replace(self, low=low, high=high, step=step, window=window)
        try:
            _ = smaller.leads
        except InvalidRequest:
            return None
        return smaller


def _rounded(value: float) -> float:
    """Return two digits of a number, towards zero.

    >>> _rounded(-11.37), _rounded(0.947), _rounded(0.0)
    (-11.0, 0.94, 0.0)
    """
    if not value:
        return 0.0
    unit = 10.0 ** (math.floor(math.log10(abs(value))) - 1)
    return round(math.trunc(value / unit + math.copysign(1e-9, value)) * unit, 9)
