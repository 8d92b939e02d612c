"""Which alarms warn, which come late and which are false."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.warning.clock import Floats, Ints
from bench.warning.episodes import Watch


@dataclass(frozen=True, eq=False)
class Judged:
    """Alarms of several rules against the episodes.

    An alarm is an event: the moment it is raised. It *meets* an episode if that moment lies from ``horizon``
    seconds before the onset to before the end. The first alarm that meets an episode decides: before the
    onset the episode is *warned* of, and in any case it is *caught*. One alarm may meet two episodes that are
    nearer than the horizon. An alarm is *false* if it meets none. One that is still on counts for nothing
    new: stuck, it warns once.

    Attributes:
        alarms: ``(rules, stretches)`` alarms raised while watched.
        false: ``(rules, stretches)`` those of them that meet no episode.
        seconds: ``(rules, episodes)`` of the counted episodes: onset minus the first alarm that meets it,
            negative if it came late, NaN if none came.
    """

    alarms: Ints
    false: Ints
    seconds: Floats

    def take(self, index: NDArray[np.int64] | list[int]) -> Judged:
        """Return some of the rules."""
        return Judged(self.alarms[index], self.false[index], self.seconds[index])


def judge(raised: NDArray[np.bool_], known: Floats, watch: Watch) -> Judged:
    """Judge alarms.

    Args:
        raised: ``(rules, stretches, steps)`` where alarms are raised.
        known: ``(stretches, steps)`` when, s, ascending.
        watch: episodes and the time that is watched.
    """
    watched = (known >= watch.first[:, None]) & (known <= watch.last[:, None])
    excused = np.zeros(known.shape, dtype=bool)
    seconds = np.full((len(raised), len(watch.onset)), np.nan)
    for episode, (row, onset, end) in enumerate(zip(watch.stretch, watch.onset, watch.end, strict=True)):
        low, high = np.searchsorted(known[row], (onset - watch.horizon, end), side="left")
        excused[row, low:high] = True
        if watch.counted[episode] and high > low:
            own = raised[:, row, low:high]
            moment = onset - known[row, low + own.argmax(axis=1)]
            seconds[:, episode] = np.where(own.any(axis=1), moment, np.nan)
    alarms, false = ((raised & where).sum(axis=2) for where in (watched, watched & ~excused))
    return Judged(alarms, false, seconds[:, watch.counted])


def by_chance(alarms: Ints, stretch: Ints, watch: Watch) -> float:
    """Return the share of episodes that as many alarms raised at random times would warn of; NaN for none.

    Each alarm falls anywhere in its stretch's watched time alike and apart from the others, so an episode is
    warned of with probability ``1 - (1 - horizon / watched)^alarms``.

    Args:
        alarms: ``(stretches,)`` raised while watched.
        stretch: ``(episodes,)`` of the counted episodes.
        watch: the time that is watched.
    """
    if not len(stretch):
        return float("nan")
    share = np.minimum(watch.horizon / np.maximum(watch.hours[stretch] * 3600, watch.horizon), 1.0)
    return float(np.mean(1 - (1 - share) ** alarms[stretch]))
