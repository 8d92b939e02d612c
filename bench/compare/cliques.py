"""Which arms belong together: maximal groups in which no test tells two apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike

from models.errors import InvalidRequest


def cliques(order: Sequence[int], joined: ArrayLike) -> tuple[tuple[int, ...], ...]:
    """Return the maximal groups of at least two arms in which every pair is joined.

    The bars of a critical-difference diagram (Demšar 2006). With pairwise tests a group need not be a run
    of neighbours: two arms far apart may be joined while one between them differs from both, so the members
    of a bar are to be marked, not only its ends. All maximal cliques of the graph are found (Bron & Kerbosch
    1973, with the pivot of Tomita, Tanaka & Takahashi 2006). Not to be used for far more than 20 arms: a bar
    joins what was *not decided*, so that many bars say that the study was small, and their number can grow
    exponentially.

    Args:
        order: the arms from best to worst, each once.
        joined: whether no test tells two arms apart, symmetric, shape (arms, arms); the diagonal is not read.

    Returns:
        Groups of arms, each in ``order``; the group whose best member is better comes first.

    Raises:
        InvalidRequest: ``joined`` is not a symmetric square over the arms of ``order``.
    """
    table = np.asarray(joined, dtype=bool)
    if table.shape != (len(order),) * 2 or sorted(order) != list(range(len(order))):
        raise InvalidRequest(
            f"joined must be a square over the arms of order, got shape {table.shape} for {len(order)} arms; "
            "give one row and one column an arm"
        )
    if not np.array_equal(table, table.T):
        raise InvalidRequest("joined must be symmetric, got a pair that is joined one way only; mirror it")
    place = {arm: i for i, arm in enumerate(order)}
    near = {arm: {other for other in order if other != arm and table[arm, other]} for arm in order}
    found = [sorted(group, key=place.__getitem__) for group in _maximal(set(), set(order), set(), near)]
    found = [group for group in found if len(group) > 1]
    return tuple(tuple(group) for group in sorted(found, key=lambda group: [place[arm] for arm in group]))


def _maximal(
    group: set[int], open_: set[int], closed: set[int], near: dict[int, set[int]]
) -> Iterator[set[int]]:
    """Yield the maximal cliques that hold ``group``, something of ``open_`` and nothing of ``closed``."""
    if not open_ and not closed:
        yield group
        return
    pivot = max(sorted(open_ | closed), key=lambda arm: len(near[arm] & open_))
    for arm in sorted(open_ - near[pivot]):
        yield from _maximal(group | {arm}, open_ & near[arm], closed & near[arm], near)
        open_, closed = open_ - {arm}, closed | {arm}
