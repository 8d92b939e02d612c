"""What the batches of one copy must share, and what no two of them may."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations

import numpy as np

from bench.data.finding import Finding
from bench.data.fmf.batch import Batch
from bench.data.fmf.content import Content
from bench.data.fmf.layout import Layout


def apart(layout: Layout, batches: Iterable[Batch]) -> Iterator[str]:
    """Yield why batches cannot be studied together, as far as their tables tell.

    Currents at different rates give steps of different length, and say by their noise which batch they are
    from.
    """
    for one, two in combinations(batches, 2):
        first, second = (_currents(layout, each.stem) for each in (one, two))
        if np.ptp(one.amperes, axis=0).any() and np.array_equal(one.amperes, two.amperes):
            yield _copy(second, "currents", first)
        elif one.current.rate != two.current.rate:
            yield (
                f"{second} must have as many rows a second as {first}, but has {two.current.rate} against "
                f"{one.current.rate}; bring them to one rate, or leave one of the batches out"
            )


def copies(layout: Layout, contents: Iterable[tuple[Batch, Content]]) -> Iterator[Finding]:
    """Yield which batches show the same pictures, whatever their tables say."""
    for (one, seen), (two, again) in combinations(contents, 2):
        if seen.darkest < seen.brightest and seen.digest == again.digest:
            first, second = (layout.name(each.mat.path) for each in (one, two))
            yield Finding("wrong", second, _copy(second, "pictures", first))


def _copy(second: str, what: str, first: str) -> str:
    """Two batches of one signal are one, whose seconds would stand in both parts of a split.

    A signal that never changes tells no two apart; that it does not is odd enough.
    """
    return (
        f"{second} must hold {what} of its own, but has those of {first}: what is learnt from would be "
        "tested on; take the copy away"
    )


def other_rates(layout: Layout, batches: Sequence[Batch]) -> Iterator[Finding]:
    """Yield which batches have another number of frames a second than most."""
    usual = Counter(batch.video.rate for batch in batches).most_common(1)[0][0]
    for batch in batches:
        if batch.video.rate != usual:
            said = f"frames come at {batch.video.rate} Hz, those of other batches at {usual} Hz"
            yield Finding("odd", layout.name(batch.mat.path), said)


def _currents(layout: Layout, stem: str) -> str:
    return layout.name(layout.video(stem) if layout.release == 1 else layout.currents(stem))
