"""What a source is asked for, and how it is told where its own code, or what it returns, is at fault."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bench.data.contract import NUMBERS, name_of, require_source, where
from bench.data.recording import Recording, Signal, step_count
from models import registry
from models.errors import InvalidRequest

if TYPE_CHECKING:
    from bench.data.source import Source

_DONE = object()


def source_of(spec: Mapping[str, Any], path: Path | None) -> Source:
    """Build the source that a resolved specification names; see :func:`build_source`."""
    owner = registry.lookup("dataset", spec["name"]).factory
    return build_source(partial(registry.build, "dataset", spec, path), owner)


def build_source(build: Callable[[], Source], owner: type) -> Source:
    """Build a source of a class; one that says of itself what no study could use is refused.

    Raises:
        InvalidRequest: what it says, or what its own code raised.
    """
    with own_code(owner, "be built"):
        source = build()
    require_source(source)
    return source


def fingerprint_of(source: Source) -> str:
    """Return the hash of all that determines the recordings.

    Raises:
        InvalidRequest: the source's own code raised, or it is no text.
    """
    with own_code(type(source), "return a fingerprint"):
        found: object = source.fingerprint()
    if not (isinstance(found, str) and found):
        raise InvalidRequest(
            f"{name_of(source)}: fingerprint() must return text that tells these recordings from all others, "
            f"got {found!r}; hash the files, as bench.data.tables.fingerprint does"
        )
    return found


def recordings_of(source: Source) -> Iterator[Recording]:
    """Yield the recordings of a source as they come.

    Raises:
        InvalidRequest: its own code raised, what it yields is no recording, or there are none or
            fewer than it announced.
    """
    done, after = 0, ""
    with own_code(type(source), "yield its recordings"):
        coming = iter(source.recordings())
    while True:
        with own_code(type(source), f"yield recording {done + 1}{after}"):
            found: Any = next(coming, _DONE)
        if found is _DONE:
            break
        if not isinstance(found, Recording):
            raise InvalidRequest(f"{name_of(source)} must yield Recordings, got {found!r:.80}; mend it")
        done, after = done + 1, f" (after {found.name!r})"
        yield found
    if not done:
        raise InvalidRequest("a data set needs at least one recording, got none; check the path")
    # There may be more: what is announced is counted before holes break some recordings in two.
    if source.count is not None and done < source.count:
        raise InvalidRequest(
            f"{name_of(source)} must yield the {source.count} recordings that its count announces, got "
            f"{done}; count what recordings() yields, or set count to None"
        )


def features_of(
    source: Source, recording: Recording, modality: str, signal: Signal, seconds: float
) -> NDArray[np.float32]:
    """Return the features of all whole steps of a signal, ``(steps, features)``.

    Raises:
        InvalidRequest: the source's own code raised, or the features are no finite numbers, a row a step.
    """
    what = f"{modality}_features"
    with own_code(type(source), f"return {what} of recording {recording.name!r}"):
        found: Any = getattr(source, what)(signal, seconds)
    steps = step_count(signal, seconds)
    array = isinstance(found, np.ndarray)
    if not array or found.dtype.kind not in NUMBERS or found.ndim != 2 or len(found) != steps:
        got = f"{found.dtype} of shape {found.shape}" if array else repr(found)[:80]
        raise InvalidRequest(
            f"{where(source, recording)}: {what} must return an array of numbers (steps, features), here of "
            f"{steps} steps, got {got}; mend {what}"
        )
    values = np.asarray(found, dtype=np.float32)
    require_finite(values, recording, modality)
    return values


def require_finite(values: NDArray[Any], recording: Recording, modality: str) -> None:
    """Refuse features, or samples that are learnt from as they are, which are not finite."""
    if not np.isfinite(values).all():
        raise InvalidRequest(
            f"features must be finite, but recording {recording.name!r} has gaps or broken samples in its "
            f"{modality}; repair or leave out the recording"
        )


def samples_of(
    source: Source,
    recording: Recording,
    name: str,
    read: Callable[[Signal], Signal],
    allowed: tuple[int, ...] = (),
) -> Signal:
    """Return what is read of a signal; where it is said what is allowed, it holds nothing else.

    Raises:
        InvalidRequest: the source's own code raised when it was read, or a value is not allowed.
    """
    with own_code(type(source), f"give the {name} of recording {recording.name!r}"):
        found = read(getattr(recording, name))
    values = np.asarray(found.values)
    wrong = np.flatnonzero(~np.isin(values, allowed)) if allowed else np.empty(0, np.int64)
    if wrong.size:
        at = int(wrong[0])
        raise InvalidRequest(
            f"{where(source, recording)}: {name} must be {' or '.join(map(str, allowed))} in every sample, "
            f"got {values[at]} at second {found.start + at / found.rate:g}; mend it"
        )
    return found


@contextmanager
def own_code(owner: type, what: str) -> Iterator[None]:
    """Tell in one sentence what a source's own code raises; what it refuses itself is told as it is."""
    try:
        yield
    except InvalidRequest:
        raise
    except Exception as error:
        file = getattr(sys.modules.get(owner.__module__), "__file__", None)
        lines = [at.lineno for at in traceback.extract_tb(error.__traceback__) if at.filename == file]
        place = f"line {lines[-1]} of {Path(file).name}" if file and lines else "its own code"
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise InvalidRequest(
            f"source {owner.__name__} must {what}, but {place} raises {reason}; mend it there"
        ) from error
