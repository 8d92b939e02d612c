"""What a source and its recordings must be, whoever wrote them: refused before anything trains."""

from __future__ import annotations

import math
from dataclasses import asdict
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bench.data.recording import Recording, Signal
from bench.data.split import SplitSpec
from bench.data.windows import WindowSpec
from models import registry
from models.errors import InvalidRequest

if TYPE_CHECKING:
    from bench.data.source import Source

#: Signal -> the axes it must have, as fewest, most and words, and the signal whose clock it is on.
SIGNALS: dict[str, tuple[int, float, str, str]] = {
    "current": (2, 2, "(samples, channels)", ""),
    "video": (1, math.inf, "(samples, ...)", ""),
    "label": (1, 1, "(samples,)", "video"),
    "metadata": (2, 2, "(samples, values)", "current"),
    "part": (1, 1, "(samples,)", "video"),
}
#: Signals that a recording may be without, if all others of its source are.
OPTIONAL = ("metadata", "part")
#: Kinds of NumPy's types that hold numbers.
NUMBERS = "biuf"


def name_of(source: Source) -> str:
    """Return what a source is called in what is said about its code."""
    return f"source {type(source).__name__}"


def where(source: Source, recording: Recording) -> str:
    """Return the beginning of a sentence about a recording."""
    return f"{name_of(source)}, recording {recording.name!r}"


def require_source(source: Source) -> None:
    """Refuse a source that says of itself what no study could use."""
    title, count = getattr(source, "title", None), source.count
    windows, split = getattr(source, "windows", None), getattr(source, "split", None)
    for holds, rule, got in (
        (_is_text(title), "title must be text that names the data", title),
        (isinstance(windows, WindowSpec), "windows must be a WindowSpec", windows),
        (isinstance(split, SplitSpec), "split must be a SplitSpec", split),
        (_is_finite(source.lead), "lead must be a finite number of seconds", source.lead),
        (count is None or _is_whole(count), "count must be how many recordings there are, or None", count),
    ):
        if not holds:
            raise InvalidRequest(f"{name_of(source)}: {rule}, got {got!r}; mend the class")
    for spec in (source.windows, source.split):
        registry.read(type(spec), asdict(spec), f"{type(source).__name__}.{type(spec).__name__}")


class Contract:
    """What must hold of every recording of a source, by itself and beside those that came before."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._names: set[str] = set()
        self._first: Recording | None = None
        self._rows: dict[str, tuple[int, ...]] = {}

    def require(self, recording: Recording) -> None:
        """Refuse a recording by what can be told without reading its samples."""
        place = where(self._source, recording)
        _require_facts(recording, place)
        for name, (*_, beside) in SIGNALS.items():
            signal = getattr(recording, name)
            if signal is not None or name not in OPTIONAL:
                _require_signal(signal, name, place)
                if beside:
                    _require_one_clock(recording, name, beside, place)
        if recording.name in self._names:
            raise InvalidRequest(f"{place}: names must be unique, and this one was there before; rename it")
        self._names.add(recording.name)
        self._first = self._first or recording
        self._require_alike(recording, self._first, place)

    def require_rows(self, recording: Recording, arrays: dict[str, NDArray[Any]]) -> None:
        """Refuse arrays of steps whose rows have another shape than those that came before."""
        for name, values in arrays.items():
            expected = self._rows.setdefault(name, values.shape[1:])
            if values.shape[1:] != expected:
                raise InvalidRequest(
                    f"{where(self._source, recording)}: every step of {name} must have the shape of those "
                    f"before, {expected}, got {values.shape[1:]}; give all recordings the same channels"
                )

    def _require_alike(self, recording: Recording, first: Recording, place: str) -> None:
        if any((getattr(recording, name) is None) != (getattr(first, name) is None) for name in OPTIONAL):
            raise InvalidRequest(
                "recordings of one source must all have metadata and a published part, or none of them, but "
                f"{recording.name!r} and {first.name!r} differ; mend the source"
            )
        told = 0 if recording.metadata is None else recording.metadata.values.shape[1]
        for name, got, expected in (
            ("current", recording.current.values.shape[1], first.current.values.shape[1]),
            ("metadata", told, len(self._source.metadata)),
        ):
            if got != expected:
                beside = f"as {first.name!r}" if name == "current" else "as the source names"
                raise InvalidRequest(
                    f"{place}: {name} must have {expected} columns, {beside}, got {got}; give all recordings "
                    "the same"
                )


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_finite(value: object) -> bool:
    return isinstance(value, Real) and math.isfinite(value)


def _is_whole(value: object) -> bool:
    return isinstance(value, Integral)


def _is_moment(value: object) -> bool:
    return isinstance(value, Real) and value < math.inf


def _require_facts(recording: Recording, place: str) -> None:
    for name, holds, rule in (
        ("name", _is_text, "text"),
        ("group", _is_text, "text"),
        ("fold", _is_whole, "a whole number"),
        ("clock", _is_finite, "a finite number of seconds"),
        ("scored_from", _is_moment, "a number of seconds, or -inf"),
    ):
        value = getattr(recording, name)
        if not holds(value):
            raise InvalidRequest(f"{place}: {name} must be {rule}, got {value!r}; mend the source")


def _require_signal(signal: object, name: str, place: str) -> None:
    if not isinstance(signal, Signal):
        raise InvalidRequest(f"{place}: {name} must be a Signal, got {signal!r:.80}; mend the source")
    fewest, most, axes, _ = SIGNALS[name]
    values: Any = signal.values
    shape, dtype = getattr(values, "shape", None), getattr(values, "dtype", None)
    if shape is None or dtype is None or np.dtype(dtype).kind not in NUMBERS:
        raise InvalidRequest(
            f"{place}: {name} must be an array of numbers, or an object with shape, dtype, len() and slices, "
            f"got {type(values).__name__ if dtype is None else np.dtype(dtype)}; make it one"
        )
    if not fewest <= len(shape) <= most or len(values) != shape[0]:
        raise InvalidRequest(f"{place}: {name} must be {axes}, got shape {tuple(shape)}; mend the source")
    if not (_is_finite(signal.rate) and signal.rate > 0 and _is_finite(signal.start)):
        raise InvalidRequest(
            f"{place}: {name} must have a rate above 0 Hz and begin at a finite second, got {signal.rate!r} "
            f"Hz from second {signal.start!r}; mend the source"
        )


def _require_one_clock(recording: Recording, name: str, beside: str, place: str) -> None:
    own, other = getattr(recording, name), getattr(recording, beside)
    same = math.isclose(own.rate, other.rate, rel_tol=1e-9) and abs(own.start - other.start) < 1e-6
    if not same or len(own.values) != len(other.values):
        got, wanted = (f"{len(s.values)} at {s.rate:g} Hz from second {s.start:g}" for s in (own, other))
        raise InvalidRequest(
            f"{place}: {name} must have a sample for each of {beside}, {wanted}, got {got}; mend the source"
        )
