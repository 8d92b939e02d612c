"""Even clocks: which samples make each tick, and where a hole breaks the recording."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from models.errors import InvalidRequest

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: A sample may lie this share of a period off an even clock and still count as evenly spaced.
JITTER = 0.25
#: Two samples further apart than this many periods have a hole between them.
HOLE = 1.5
#: More ticks than this, and more than samples, repeat samples until the memory is full.
MOST_TICKS = 20_000_000
#: Denominators of the rates that a clock is taken to have; whole ones first.
DENOMINATORS = (1, 2, 10, 100, 1000)
#: Rates of television are slower by this than whole ones: 29.97 Hz is 30 000 / 1001.
TELEVISION = (1000, 1001)


@dataclass(frozen=True)
class Stretch:
    """Ticks without a hole; tick ``i`` covers ``[start + i / rate, start + (i + 1) / rate)``.

    Attributes:
        start: second at which the first tick begins.
        rate: ticks per second, Hz.
        first: ``(ticks,)`` first sample that makes a tick.
        stop: ``(ticks,)`` one past its last sample; never later than the end of the tick.
        held: ``(ticks,)`` whether the tick had no sample and repeats the one before it.
    """

    start: float
    rate: float
    first: Ints
    stop: Ints
    held: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.first)

    @property
    def end(self) -> float:
        """Second at which the last tick ends."""
        return self.start + len(self) / self.rate

    @property
    def seconds(self) -> float:
        """How long it lasts, s."""
        return len(self) / self.rate

    def between(self, low: float, high: float) -> Stretch:
        """Return the ticks that begin at ``low`` or later and before ``high``, s; there may be none."""
        bounds = np.ceil((np.array([low, high]) - self.start) * self.rate - 1e-6)
        first, stop = (int(each) for each in np.clip(bounds, 0, len(self)))
        stop = max(first, stop)
        ticks = slice(first, stop)
        start = self.start + first / self.rate
        return Stretch(start, self.rate, self.first[ticks], self.stop[ticks], self.held[ticks])


def spread(times: Floats, stamp: float) -> Floats:
    """Spread rows that share a stamp evenly over the ``stamp`` seconds that it stands for."""
    new = np.concatenate([[True], np.diff(times) != 0])
    first = np.flatnonzero(new)
    count = np.diff(np.append(first, len(times)))
    place = np.arange(len(times)) - np.repeat(first, count)
    spread_out: Floats = times + place / np.repeat(count, count) * stamp
    return spread_out


def require_order(times: Floats, where: str) -> None:
    """Refuse times that do not rise.

    Raises:
        InvalidRequest: with the row at which time goes back or stands still.
    """
    back = np.flatnonzero(np.diff(times) <= 0)
    if not len(back):
        return
    row = int(back[0]) + 1
    if times[row] == times[row - 1]:
        raise InvalidRequest(
            f"{where} has the same time in rows {row - 1} and {row}; if the logger writes whole seconds, say "
            "current: {stamp: 1}, else remove the repetition"
        )
    raise InvalidRequest(
        f"{where} must rise, but row {row} lies {times[row - 1] - times[row]:g} s before row {row - 1}; sort "
        "the rows, or give each run of the logger a folder of its own"
    )


def as_recorded(times: Floats, where: str, cure: str) -> list[Stretch]:
    """Return stretches in which every tick is one sample.

    Args:
        times: ``(samples,)`` rising, s.
        where: what to call them in an error.
        cure: the key that would put them on an even clock.

    Raises:
        InvalidRequest: the samples are not evenly spaced.
    """
    if len(times) < 2:
        raise InvalidRequest(f"{where} must hold at least two samples, got {len(times)}; leave it out")
    period = float(np.median(np.diff(times)))
    pieces = _pieces(times, HOLE * period)
    longest = max(pieces, key=lambda piece: piece[1] - piece[0])
    first, stop = longest
    slope = (stop - first - 1) / (times[stop - 1] - times[first]) if stop - first > 1 else 1 / period
    for rate in _rates(slope):
        if max(_worst(times, piece, rate)[0] for piece in pieces) <= JITTER / rate:
            return [_plain(times, piece, rate) for piece in pieces]
    worst, row = max(_worst(times, piece, 1 / period) for piece in pieces)
    raise InvalidRequest(
        f"{where} must be evenly spaced to be taken as it is, but sample {row} at {times[row]:.6g} s lies "
        f"{worst:.3g} s off an even clock of {1 / period:.6g} Hz; say {cure} to put it on an even clock"
    )


def resampled(times: Floats, rate: float, gap: float | None, where: str = "the samples") -> list[Stretch]:
    """Return stretches on a clock of ``rate`` Hz; no tick looks later than its own end.

    The bins begin half a sample before the first sample of a stretch, so that jitter does not throw
    a sample into its neighbour's bin. An empty bin repeats the one before it.

    Args:
        times: ``(samples,)`` rising, s.
        rate: ticks per second, Hz.
        gap: longest time between two samples that is bridged, s; by default three usual ones or
            two ticks, whichever is longer.
        where: what to call them in an error.

    Raises:
        InvalidRequest: the rate asks for far more ticks than there are samples.
    """
    period = float(np.median(np.diff(times))) if len(times) > 1 else 1 / rate
    bridged = max(3 * period, 2 / rate) if gap is None else gap
    pieces = _pieces(times, bridged)
    ticks = rate * sum(float(times[stop - 1] - times[first]) for first, stop in pieces)
    if ticks > max(len(times), MOST_TICKS):
        raise InvalidRequest(
            f"{where} must not repeat samples to more than {MOST_TICKS:g}, and {rate:g} Hz would make "
            f"{ticks:.3g} of {len(times)}; lower it towards the {1 / period:.3g} Hz that were recorded"
        )
    return [_binned(times, piece, rate, min(period, 1 / rate)) for piece in pieces]


def _pieces(times: Floats, hole: float) -> list[tuple[int, int]]:
    """First and one past last sample of every run without a hole."""
    bounds = [0, *(np.flatnonzero(np.diff(times) > hole * (1 + 1e-9)) + 1).tolist(), len(times)]
    return list(zip(bounds[:-1], bounds[1:], strict=True))


def _rates(slope: float) -> list[float]:
    """Rates that a clock of about ``slope`` Hz may have, the plainest first."""
    above, below = TELEVISION
    near = [float(Fraction(slope).limit_denominator(most)) for most in DENOMINATORS]
    plain = [*near[:3], round(slope * below / above) * above / below, *near[3:]]
    return [*dict.fromkeys(each for each in plain if abs(each / slope - 1) < 0.01), slope]


def _worst(times: Floats, piece: tuple[int, int], rate: float) -> tuple[float, int]:
    """Largest distance of a sample from an even clock, s, and its row."""
    first, stop = piece
    off = np.abs(times[first:stop] - times[first] - np.arange(stop - first) / rate)
    return float(off.max()), first + int(off.argmax())


def _plain(times: Floats, piece: tuple[int, int], rate: float) -> Stretch:
    rows = np.arange(*piece)
    return Stretch(float(times[piece[0]]), rate, rows, rows + 1, np.zeros(len(rows), dtype=bool))


def _binned(times: Floats, piece: tuple[int, int], rate: float, spacing: float) -> Stretch:
    first, stop = piece
    origin = times[first] - spacing / 2
    bins = np.floor((times[first:stop] - origin) * rate + 1e-6).astype(np.int64)
    edges = np.searchsorted(bins, np.arange(bins[-1] + 2))
    begin, after = edges[:-1], edges[1:]
    held = begin == after
    # The latest bin that had a sample; the first one always has.
    source = np.maximum.accumulate(np.where(held, 0, np.arange(len(held))))
    return Stretch(float(times[first]), rate, first + begin[source], first + after[source], held)
