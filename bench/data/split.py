"""Which windows may be learnt from, selected on and tested on, and the proof that they are apart."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.data.windows import NEITHER, TEST, TRAIN, Track, Windows
from models.errors import InvalidRequest
from models.registry import param

PARTS = ("train", "validation", "test")
CHUNK = 1024  # held-out windows compared at once with all others: bounds memory, not the result
_VALIDATION = 0x76616C69  # names the random stream of validation parts with a seed of their own


@dataclass(frozen=True)
class SplitSpec:
    """How recordings are divided.

    ``recording`` draws whole groups at random; ``fold`` takes the folds that the source's
    published protocol names; ``time`` cuts every recording into blocks with a guard gap;
    ``published`` takes the frames that the source's published lists name, less the windows that
    see, or come nearer than window + lead to, anything of another part.
    """

    by: str = param("recording", choices=("recording", "fold", "time", "published"), help="what is held out")
    validation: float = param(0.2, low=0.0, high=0.9, help="share of what is not test")
    test: float = param(0.4, low=0.01, high=0.9, help="share held out (by recording, by time)")


@dataclass(frozen=True)
class Split:
    """Rows of each part, as indices into the windows.

    ``train`` may be learnt from with labels of the video; ``validation`` may be selected on;
    ``test`` is read once. ``dropped`` counts the windows of a published split that lie in none of
    them, because what they see reaches across the border or too near to it.
    """

    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    test: NDArray[np.int64]
    dropped: int = field(default=0, kw_only=True)


def split(
    spec: SplitSpec,
    tracks: tuple[Track, ...],
    windows: Windows,
    *,
    seed: int,
    fold: int | None,
    validation: int | None = None,
) -> Split:
    """Divide windows as ``spec`` says and prove the result leak-free.

    Random draws are repeated (deterministically) until each part holds both classes, because a
    part with one class has no balanced accuracy.

    Args:
        spec: how to divide.
        tracks: the recordings.
        windows: what is divided.
        seed: of the draw.
        fold: the published fold that is held out, where ``spec`` says so.
        validation: a seed of its own for what of the rest is validation. The test part then follows
            from ``seed`` (or ``fold``) alone, so that a search may divide the rest again and again
            while what it is judged on stays unseen. Blocks of time are the same for every seed.

    Raises:
        InvalidRequest: no draw gives both classes in every part, or a fold does not exist.
    """
    if spec.by in ("time", "published"):
        drawn = (_by_time if spec.by == "time" else _as_published)(spec, tracks, windows)
        _require_both_classes(drawn, windows)
    else:
        drawn = _by_group(spec, tracks, windows, seed, fold, validation)
    prove_apart(drawn, tracks, windows, by=spec.by)
    return drawn


def folds(tracks: tuple[Track, ...]) -> tuple[int, ...]:
    """Return the folds the source names."""
    return tuple(sorted({track.fold for track in tracks} - {-1}))


def _by_group(
    spec: SplitSpec,
    tracks: tuple[Track, ...],
    windows: Windows,
    seed: int,
    fold: int | None,
    validation: int | None,
) -> Split:
    group = np.array([track.group for track in tracks])[windows.recording]
    names = sorted({track.group for track in tracks})
    held: list[str] = []
    if spec.by == "fold":
        held = sorted({track.group for track in tracks if track.fold == fold})
        if not held:
            raise InvalidRequest(
                f"fold must be one of {folds(tracks)}, got {fold}; split by recording instead"
            )
    elif validation is not None:
        whole = _by_group(replace(spec, validation=0.0), tracks, windows, seed, None, None)
        held = sorted(set(group[whole.test]))
    rest = [name for name in names if name not in held]
    generator = np.random.default_rng(seed if validation is None else [_VALIDATION, validation])
    for _ in range(100):
        order = [rest[i] for i in generator.permutation(len(rest))]
        cut = 0 if held else round(spec.test * len(order))
        test, learn = held or order[:cut], order[cut:]
        kept = round(spec.validation * len(learn))
        parts = (learn[kept:], learn[:kept], test)
        drawn = Split(*(np.flatnonzero(np.isin(group, part)) for part in parts))
        if _one_class(drawn, windows) is None:
            return drawn
    _require_both_classes(drawn, windows)
    return drawn


def _by_time(spec: SplitSpec, tracks: tuple[Track, ...], windows: Windows) -> Split:
    """Blocks in time order within each group: train, then validation, then test."""
    rows: dict[str, list[int]] = {part: [] for part in PARTS}
    group, begin, end = _when(tracks, windows)
    for name in np.unique(group):
        own = np.flatnonzero(group == name)
        first, last, reach = begin[own].min(), end[own].max(), _reach(windows, own)
        learn_until = first + (1 - spec.test) * (last - first)
        train_until = first + (1 - spec.test) * (1 - spec.validation) * (last - first)
        limits = {
            "train": (first, train_until),
            "validation": (train_until + reach, learn_until),
            "test": (learn_until + reach, last),
        }
        for part, (low, high) in limits.items():
            inside = (begin[own] >= low - 1e-9) & (end[own] <= high + 1e-9)
            rows[part].extend(own[inside].tolist())
    return Split(*(np.array(rows[part], dtype=np.int64) for part in PARTS))


def _as_published(spec: SplitSpec, tracks: tuple[Track, ...], windows: Windows) -> Split:
    """Windows of the published parts that are apart; the latest of each group's training ones validate.

    Where two windows are too near to each other, the one to be learnt from goes: the test part is
    the published one, less what sees training frames.
    """
    if windows.part is None or not (windows.part == TEST).any():
        raise InvalidRequest(
            "split.by: published needs frames that are published as test frames, and these recordings have "
            "none; split by recording or by time"
        )
    rows: dict[str, list[int]] = {part: [] for part in PARTS}
    group, begin, end = _when(tracks, windows)
    for name in np.unique(group):
        own = np.flatnonzero(group == name)
        reach = _reach(windows, own)
        test, learn = own[windows.part[own] == TEST], own[windows.part[own] == TRAIN]
        learn = learn[_apart(begin, end, learn, test, reach)]
        learn = learn[np.argsort(end[learn], kind="stable")]
        kept = len(learn) - round(spec.validation * len(learn))
        validation, train = learn[kept:], learn[:kept]
        train = train[_apart(begin, end, train, validation, reach)]
        for part, found in zip(PARTS, (train, validation, test), strict=True):
            rows[part].extend(found.tolist())
    parts = [np.sort(np.array(rows[part], dtype=np.int64)) for part in PARTS]
    named = int((windows.part != NEITHER).sum())
    return Split(*parts, dropped=named - sum(map(len, parts)))


def _apart(
    begin: NDArray[Any], end: NDArray[Any], rows: NDArray[np.int64], held: NDArray[np.int64], reach: float
) -> NDArray[np.bool_]:
    """Which windows of one group come no nearer than ``reach`` seconds to any of those held out."""
    if not len(held):
        return np.ones(len(rows), dtype=bool)
    order = held[np.argsort(begin[held], kind="stable")]
    latest = np.maximum.accumulate(end[order])
    # Held-out windows that begin early enough to be near; the latest end among them says if one is.
    count = np.searchsorted(begin[order], end[rows] + reach - 1e-9)
    return np.asarray((count == 0) | (latest[np.maximum(count - 1, 0)] <= begin[rows] - reach + 1e-9))


def _when(tracks: tuple[Track, ...], windows: Windows) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Group of each window, and when it begins and ends on the clock its group shares, s."""
    group = np.array([track.group for track in tracks])[windows.recording]
    clock = np.array([track.clock for track in tracks])[windows.recording]
    return group, clock + windows.begin, clock + windows.end


def _reach(windows: Windows, own: NDArray[np.int64]) -> float:
    """Longest stretch of a recording that one window sees: window plus lead, s."""
    return float((windows.end[own] - windows.begin[own]).max())


def prove_apart(drawn: Split, tracks: tuple[Track, ...], windows: Windows, *, by: str) -> None:
    """Fail loudly if anything of a held-out window can be seen in another part.

    Checked on the windows themselves, not on how they were drawn: no group stands in two parts
    (unless blocks of time were asked for), and within a group no window of one part comes nearer
    to a window of another than window + lead.

    Raises:
        LeakError: with the group and the gap.
    """
    group, begin, end = _when(tracks, windows)
    for held, other in (("test", "train"), ("test", "validation"), ("validation", "train")):
        one, two = getattr(drawn, held), getattr(drawn, other)
        for name in sorted(set(group[one]) & set(group[two])):
            if by not in ("time", "published"):
                raise LeakError(f"group {str(name)!r} stands in both {other} and {held}")
            mine, theirs = one[group[one] == name], two[group[two] == name]
            guard = _reach(windows, mine)
            gap = min(
                np.maximum(
                    begin[few][:, None] - end[theirs][None, :], begin[theirs][None, :] - end[few][:, None]
                ).min()
                for few in np.array_split(mine, -(-len(mine) // CHUNK))
            )
            if gap < guard - 1e-6:
                raise LeakError(
                    f"{name}: a {other} window comes within {gap:g} s of a {held} window, but window + lead "
                    f"is {guard:g} s"
                )


class LeakError(RuntimeError):
    """Something of the test part is visible outside it: a defect of the harness, never a user's."""


def _one_class(drawn: Split, windows: Windows) -> str | None:
    for part in PARTS:
        rows = getattr(drawn, part)
        rows = rows if part == "train" else rows[windows.scored[rows]]
        if part == "validation" and not len(getattr(drawn, part)):
            continue
        if len(np.unique(windows.label[rows])) < 2:
            return part
    return None


def _require_both_classes(drawn: Split, windows: Windows) -> None:
    part = _one_class(drawn, windows)
    if part is not None:
        raise InvalidRequest(
            f"every part of a split must hold both classes, but {part} holds one; change split.by, "
            "its shares or the data"
        )
