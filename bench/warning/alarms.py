"""From a score to alarms, by rules of the kind that a control room sets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.warning.clock import Floats, Ints

Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Rules:
    """Alarm rules, one an entry; all arrays ``(rules,)``.

    An alarm is *raised* at the first score at which at least ``k`` of the last ``n`` scores reach
    ``threshold``. It stays on, as one alarm, until fewer than ``k`` of the last ``n`` reach ``clear`` (the
    hysteresis), and for ``refractory`` seconds after its end none is raised. At the begin of a stretch the
    last ``n`` are those there are.

    Attributes:
        threshold: in the unit of the score; ``inf`` never rings.
        clear: at most ``threshold``.
        k: at least 1.
        n: at least ``k``.
        refractory: s.
    """

    threshold: Floats
    clear: Floats
    k: Ints
    n: Ints
    refractory: Floats

    def __len__(self) -> int:
        return len(self.threshold)

    def take(self, index: NDArray[np.int64] | list[int]) -> Rules:
        """Return some of the rules."""
        return Rules(*(getattr(self, name)[index] for name in self.__dataclass_fields__))

    @property
    def table(self) -> Floats:
        """The rules as ``(rules, 5)``, columns in the order of the attributes."""
        columns = [getattr(self, name) for name in self.__dataclass_fields__]
        return np.stack(columns, axis=-1).astype(np.float64)

    @classmethod
    def of(cls, table: Floats) -> Rules:
        """Return the rules that :attr:`table` gave."""
        threshold, clear, k, n, refractory = np.asarray(table, dtype=np.float64).T
        return cls(threshold, clear, k.astype(np.int64), n.astype(np.int64), refractory)


def alarms(rules: Rules, score: Floats, known: Floats) -> Bools:
    """Return whether the alarm of each rule is on after each score: ``(rules, stretches, steps)``.

    Args:
        rules: what is tried.
        score: ``(stretches, steps)``; NaN reaches no threshold.
        known: ``(stretches, steps)`` when each score is known, s, ascending.
    """
    reached = _enough(rules, rules.threshold, score)
    quiet = ~_enough(rules, rules.clear, score)
    state = np.zeros(reached.shape, dtype=bool)
    on = np.zeros((len(rules), len(score)), dtype=bool)
    silent_until = np.full(on.shape, -np.inf)
    refractory = rules.refractory[:, None]
    for step, now in enumerate(known.T):
        ends = on & quiet[:, step]
        np.copyto(silent_until, now + refractory, where=ends)
        begins = reached[:, step] & ~on & (now >= silent_until)
        on = (on ^ ends) | begins
        state[:, step] = on
    return state.transpose(0, 2, 1)


def raised(on: Bools) -> Bools:
    """Return where alarms begin: ``(rules, stretches, steps)``; one that stays on is raised once."""
    before = np.zeros_like(on)
    before[..., 1:] = on[..., :-1]
    return on & ~before


def _enough(rules: Rules, level: Floats, score: Floats) -> Bools:
    """Return whether at least k of the last n scores reach the level: ``(rules, steps, stretches)``."""
    levels, which = np.unique(level, return_inverse=True)
    steps = score.shape[1]
    above = score.T >= levels[:, None, None]
    total = np.zeros((len(levels), steps + 1, len(score)), dtype=np.int16)
    np.cumsum(above, axis=1, out=total[:, 1:])
    found = np.empty((len(level), steps, len(score)), dtype=bool)
    for n in np.unique(rules.n):
        recent = total[:, 1:].copy()
        recent[:, n:] -= total[:, 1 : max(steps + 1 - n, 1)]
        for k in np.unique(rules.k[rules.n == n]):
            own = np.flatnonzero((rules.n == n) & (rules.k == k))
            found[own] = (recent >= k)[which[own]]
    return found
