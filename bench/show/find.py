"""Which recordings the test parts on record hold, and what an arm has read of one."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from bench.report.lang import join
from bench.report.timeline import Timeline, recordings, timeline
from bench.store import Store
from bench.study import Cell, Study, Unit
from models.errors import InvalidRequest, unknown

MOST = 4
"""Arms that are shown where none is named."""
_LEARNED = ("baseline", "change", "grid")


class Shelf:
    """The runs of a study, asked for by recording.

    Args:
        study: the study.
        store: its record.
    """

    def __init__(self, study: Study, store: Store) -> None:
        self.study, self.store = study, store
        # Of several shuffles of one control, the first.
        self._cells: dict[tuple[str, Unit], Cell] = {}
        for cell in study.cells():
            self._cells.setdefault((cell.arm, cell.unit), cell)
        self._read: dict[tuple[str, Unit], Mapping[str, Any] | None] = {}

    def arms(self, named: Sequence[str]) -> list[str]:
        """Return the arms that are named, or the first learned ones, the baseline first.

        Raises:
            InvalidRequest: the study has no such arm.
        """
        known = [arm.name for arm in self.study.arms]
        for name in named:
            if name not in known:
                raise unknown("arm", name, known)
        learned = [arm.name for arm in self.study.arms if arm.kind in _LEARNED]
        return list(dict.fromkeys(named)) or learned[:MOST]

    def arrays(self, arm: str, unit: Unit) -> Mapping[str, Any] | None:
        """Return what the run of an arm on a unit has left; None if it has not ended well."""
        if (arm, unit) not in self._read:
            key = self._cells[arm, unit].key
            record = self.store.get(key)
            self._read[arm, unit] = self.store.arrays(key) if record is not None and record.done else None
        return self._read[arm, unit]

    @cached_property
    def units(self) -> list[Unit]:
        """All units, seeds first."""
        return sorted(self.study.units, key=lambda unit: (unit.seed, -1 if unit.fold is None else unit.fold))

    def held(self, arm: str) -> dict[str, list[Unit]]:
        """Return the recordings of the test parts that an arm has read, each with its units."""
        found: dict[str, list[Unit]] = {}
        for unit in self.units:
            for name in recordings(self.arrays(arm, unit) or {}):
                found.setdefault(name, []).append(unit)
        return dict(sorted(found.items()))

    def choose(self, held: Mapping[str, list[Unit]], recording: str, seed: int | None) -> tuple[str, Unit]:
        """Return the recording that is meant, and the first unit whose test part holds it.

        Raises:
            InvalidRequest: no test part holds it, or not that of the seed.
        """
        name = _named(held, recording, self.study.name)
        units = [unit for unit in held[name] if seed in (None, unit.seed)]
        if units:
            return name, units[0]
        known = sorted({unit.seed for unit in self.study.units})
        if seed not in known:
            raise InvalidRequest(
                f"--seed must be one of the study's, {known[0]} to {known[-1]}, got {seed}; name another"
            )
        seeds = sorted({unit.seed for unit in held[name]})
        raise InvalidRequest(
            f"the test part of seed {seed} does not hold {name!r}; "
            f"{'that' if len(seeds) == 1 else 'those'} of {join([f'seed {each}' for each in seeds])} "
            f"{'does' if len(seeds) == 1 else 'do'}: name one of them, or no seed"
        )

    def timeline(self, arm: str, unit: Unit, recording: str) -> Timeline | None:
        """Return a recording as an arm has read it on a unit; None where it has not."""
        arrays = self.arrays(arm, unit)
        known = recordings(arrays or {})
        if arrays is None or recording not in known or "score" not in arrays:
            return None
        found = next(each for each in self.study.arms if each.name == arm)
        reads = "video" if found.kind == "reference" and found.treatment.endswith("video") else "current"
        lead = float(found.config["lead"])
        return timeline(arrays, recording, known[recording], arm, unit.name, lead, reads)


def _named(held: Mapping[str, list[Unit]], recording: str, study: str) -> str:
    """Return the name that is meant: in full, or by the number it ends in where that is one recording's."""
    if recording in held:
        return recording
    stem, number = _ending(recording)
    ends = [name for name in held if number is not None and _means(_ending(name), (stem, number))]
    if len(ends) == 1:
        return ends[0]
    near = difflib.get_close_matches(recording, held, n=3, cutoff=0.6)
    hint = f"did you mean {' or '.join(map(repr, near))}?" if near else f"there is {next(iter(held))!r}"
    raise InvalidRequest(
        f"no test part of {study} on record holds a recording {recording!r}; {hint} "
        f"(`precursor show`, with the study alone, lists all {len(held)})"
    )


def _means(name: tuple[str, int | None], typed: tuple[str, int]) -> bool:
    return name[1] == typed[1] and typed[0] in ("", name[0])


def _ending(name: str) -> tuple[str, int | None]:
    """Return a name without the number it ends in, and that number.

    >>> _ending("batch-007"), _ending("7"), _ending("spring")
    (('batch-', 7), ('', 7), ('spring', None))
    """
    stem = name.rstrip("0123456789")
    return stem, int(name[len(stem) :]) if name != stem else None
