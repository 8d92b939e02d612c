"""Tool wear in milling: spindle-motor current against vibration and acoustic emission (real data)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from bench.data.recording import Recording, Signal, frames_of
from bench.data.source import Floats, Source
from bench.data.split import SplitSpec
from bench.data.statistics import VERSION as STATISTICS_VERSION
from bench.data.statistics import channel_statistics
from bench.data.tables import fingerprint, folder_with, read_numbers, require_columns
from bench.data.windows import WindowSpec
from models.errors import InvalidRequest
from models.registry import component, param

VERSION = 1
RATE = 250.0
# Before row 1 500 the tool enters the work-piece, after row 8 000 it leaves it.
ROWS = slice(1500, 8000)
CURRENT = ("smcAC", "smcDC")
# AE_spindle is left out: in these files it repeats AE.table.
VIDEO = ("vib.table", "vib.spindle", "AE.table")
CUT = ("case", "VB", "time")
# 18 and 95 hold corrupt samples, 106 was interrupted.
DROPPED = frozenset({18, 95, 106})
# The sensors saturate at 10 V.
LIMIT = 1e3
# Cases with the same depth of cut, feed and material; the second ran with the second set of inserts.
CONDITIONS = ((1, 9), (2, 12), (3, 11), (4, 10), (5, 16), (6, 15), (7, 13), (8, 14))


@dataclass(frozen=True)
class MillingParameters:
    """What counts as worn, and which cases are held out together."""

    wear: float = param(0.5, low=0.0, high=2.0, help="flank wear VB from which a tool is worn, mm")
    folds: str = param(
        "replicate",
        choices=("replicate", "condition"),
        help="hold out one set of inserts (2 folds) or one cutting condition (8 folds)",
    )


@dataclass(frozen=True)
class _Cut:
    path: Path
    number: int
    case: int
    wear: float
    minutes: float


@component("dataset", "milling", parameters=MillingParameters, origin="Agogino & Goebel, NASA Ames 2007")
class Milling(Source):
    """Milling cuts of known flank wear: motor current (weak) against vibration and sound (strong).

    One recording a cut, one group a case (a tool from new to worn). Cuts of unknown wear and three
    broken ones are left out: 144 remain, 13 windows each. The label is ``VB >= wear``. The current
    does not lead here; what is early is the cheapness of the sensor, not its clock.

    Source: A. Agogino, K. Goebel, *Milling data set*, NASA Ames Prognostics Data Repository, 2007; the
    files are the copy with one CSV a cut, ``cut_number/cut{n}.csv``.
    """

    windows = WindowSpec(
        current_seconds=2.0,
        current_steps=10,
        video_seconds=2.0,
        video_steps=10,
        stride=2.0,
        margin=0.0,
        label="last",
    )
    split = SplitSpec(by="fold", validation=0.0)

    def __init__(self, parameters: MillingParameters, path: Path | str | None):
        """Find the cuts and read the first row of each.

        Args:
            parameters: what counts as worn, and the folds.
            path: the folder ``cut_number``, or the one that holds it.

        Raises:
            InvalidRequest: no such folder, no cut of known wear in it, a missing column, or a case
                that is not one of the sixteen.
        """
        self.parameters = parameters
        self.title = f"milling (real, VB >= {parameters.wear:g} mm)"
        folder = folder_with(path, ["cut_number"], "milling")
        self.cuts = tuple(cut for cut in _cuts(folder) if not np.isnan(cut.wear))
        if not self.cuts:
            raise InvalidRequest(
                f"dataset.path of milling must hold cut{{n}}.csv files of known wear VB, but {str(folder)!r} "
                "has none; unpack the data there"
            )
        self.folds = tuple(sorted({_fold(cut.case, parameters.folds) for cut in self.cuts}))
        self.count = len(self.cuts)

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """Return whether a folder, or ``cut_number`` in it, holds numbered cuts."""
        return any((place / "cut1.csv").is_file() for place in (path, path / "cut_number"))

    @cached_property
    def _hash(self) -> str:
        versions = [VERSION, STATISTICS_VERSION]
        files = [cut.path for cut in self.cuts]
        return fingerprint(files, source="milling", versions=versions, parameters=asdict(self.parameters))

    def fingerprint(self) -> str:
        """Return a hash of the bytes of the used cuts, the parameters and the loader's version."""
        return self._hash

    def recordings(self) -> Iterator[Recording]:
        """Yield one recording a cut, in the order of their numbers."""
        start, size = ROWS.start / RATE, ROWS.stop - ROWS.start
        for cut in self.cuts:
            values = read_numbers(cut.path, CURRENT + VIDEO, rows=ROWS, limit=LIMIT)
            if len(values) < size:
                raise InvalidRequest(
                    f"{cut.path} must have at least {ROWS.stop} rows, but is shorter; leave out the file"
                )
            label = np.full(size, float(cut.wear >= self.parameters.wear))
            yield Recording(
                name=f"cut-{cut.number:03d}",
                group=f"case-{cut.case:02d}",
                current=Signal(values[:, : len(CURRENT)], RATE, start),
                video=Signal(values[:, len(CURRENT) :], RATE, start),
                label=Signal(label, RATE, start),
                fold=_fold(cut.case, self.parameters.folds),
                clock=cut.minutes * 60.0,
            )

    def current_features(self, signal: Signal, seconds: float) -> Floats:
        """Return statistics of the two current channels; see :func:`channel_statistics`."""
        return channel_statistics(frames_of(signal, seconds))

    def video_features(self, signal: Signal, seconds: float) -> Floats:
        """Return statistics of the three mechanical channels; see :func:`channel_statistics`."""
        return channel_statistics(frames_of(signal, seconds))


def _fold(case: int, scheme: str) -> int:
    if scheme == "replicate":
        return int(case > 8)
    return next(fold for fold, cases in enumerate(CONDITIONS) if case in cases)


def _number(text: str) -> float:
    """Return a finite number, or NaN for anything else."""
    try:
        value = float(text)
    except ValueError:
        return np.nan
    return value if np.isfinite(value) else np.nan


def _cuts(folder: Path) -> Iterator[_Cut]:
    """Every cut that is not dropped, by number, with its wear (NaN where it was not measured)."""
    named = ((re.fullmatch(r"cut(\d+)\.csv", path.name), path) for path in folder.iterdir())
    numbered = {int(found[1]): path for found, path in named if found}
    for number, path in sorted(numbered.items()):
        if number in DROPPED:
            continue
        require_columns(path, CUT + CURRENT + VIDEO)
        row = pd.read_csv(path, usecols=list(CUT), nrows=1, dtype=str, keep_default_na=False)
        said = {name: str(row[name].iloc[0]).strip() if len(row) else "" for name in CUT}
        case, wear, minutes = (_number(said[name]) for name in CUT)
        unmeasured = said["VB"] in ("", "NA", "NaN", "nan")
        if case not in range(1, 17) or not minutes >= 0 or not (unmeasured or wear >= 0):
            raise InvalidRequest(
                f"{path} must name its case (1 to 16), wear VB (mm, or NA) and time (minutes) in row 0, got "
                f"{', '.join(repr(said[name]) for name in CUT)}; replace the file"
            )
        yield _Cut(path, number, int(case), wear, minutes)
