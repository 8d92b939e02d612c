"""A simulated furnace written in the layout of the benchmark: an example, and a test of the reader.

The simulator draws a picture of 16 x 16 every two seconds. Each pixel is repeated to a square, each picture
for all frames of its two seconds, so that averaging brings back what was drawn, bit by bit. The masks mark
the warmest pixels of a picture while the condition is visible; only whether there is one is the truth.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.data.fmf.batch import AMPERE, CURRENT_RATE, OUTSIDE
from bench.data.fmf.layout import VIDEOS
from bench.data.fmf.write import (
    Block,
    Told,
    new_folder,
    second_release,
    write_lists,
    write_mat,
    write_tables,
)
from bench.data.furnace import Furnace, FurnaceParameters
from bench.data.recording import Recording
from bench.data.source import Share
from bench.data.windows import NEITHER, TEST, TRAIN

Ints = NDArray[np.int64]

SIDE = 64
RATE = 25
#: Second at which the first batch begins (2023-05-01 08:00:00); the others begin a day later each.
BEGIN, DAY = 1_682_928_000, 86_400
#: Frames, seconds of current and test frames of the three published batches.
REAL = ((31_826, 1_298, 10_000), (89_937, 3_598, 15_000), (148_158, 5_993, 25_000))
#: Every so many seconds of a batch of real size, a frame slips into the next second.
SLIP = 400
TEST_SHARE, GUARD_SHARE = 0.2, 0.1
#: Frames rendered at once.
FRAMES = 2000


@dataclass(frozen=True)
class Plan:
    """What the files of a batch hold.

    Attributes:
        index: number of the batch in its furnace.
        counts: ``(seconds,)`` frames in each second of video.
        before: seconds of current before the first frame.
        seconds: seconds of current.
        test: frames of the test part at the end of the batch; a tenth as many before it are in neither.
    """

    index: int
    counts: Ints
    before: int
    seconds: int
    test: int

    @property
    def stem(self) -> str:
        """Name of the batch, as a camera would give it."""
        return f"SaveToAvi-{datetime.fromtimestamp(self.begin, UTC):%m-%d-%H_%M_%S}-{len(self.counts)}"

    @property
    def begin(self) -> int:
        """Second of the first row of current."""
        return BEGIN + DAY * self.index

    @property
    def frames(self) -> int:
        """Frames of the video."""
        return int(self.counts.sum())

    @property
    def frame_seconds(self) -> Ints:
        """Second of each frame, the first of current being 0."""
        return np.repeat(np.arange(len(self.counts)) + self.before, self.counts)

    @property
    def frame_times(self) -> NDArray[np.float64]:
        """Time of each frame, s."""
        into = np.arange(self.frames) - np.repeat(np.cumsum(self.counts) - self.counts, self.counts)
        return self.frame_seconds + into / np.repeat(self.counts, self.counts)

    @property
    def parts(self) -> NDArray[np.int8]:
        """Published part of each frame."""
        found = np.full(self.frames, TRAIN, dtype=np.int8)
        found[self.frames - self.test - round(GUARD_SHARE * self.test) :] = NEITHER
        found[self.frames - self.test :] = TEST
        return found


def write_fmf(
    folder: Path,
    parameters: FurnaceParameters,
    *,
    release: int = 2,
    rate: int = RATE,
    real_sizes: bool = False,
    progress: Share = lambda share: None,
) -> str:
    """Write a simulated furnace in the layout of the benchmark, and return its title.

    Args:
        folder: where to; must not exist, or be empty.
        parameters: which furnace; how many batches and how long, unless the sizes are the real ones.
        release: 1 or 2.
        rate: frames a second.
        real_sizes: three batches with as many frames and seconds as the published ones, with seconds that
            hold a frame more or fewer and current before the first frame and after the last.
        progress: told the share that is written.

    Raises:
        InvalidRequest: the folder holds files already or cannot be written.
    """
    plans = real_plans() if real_sizes else even_plans(parameters, rate)
    if real_sizes:
        longest = max(plan.seconds for plan in plans)
        parameters = replace(parameters, recordings=len(plans), hours=-(-longest // 60) / 60)
    new_folder(folder)
    furnace = Furnace(parameters)
    told = Told(sum(plan.frames for plan in plans), progress)
    (_first if release == 1 else _second)(folder, furnace, plans, told)
    return furnace.title


def _first(folder: Path, furnace: Furnace, plans: list[Plan], told: Told) -> None:
    """Write release 1: the current is held until the next row, one value a frame."""
    for plan in plans:
        recording = furnace.recording(plan.index)
        held = _amperes(recording)[(plan.frame_times * CURRENT_RATE + 1e-9).astype(np.int64)]
        index = np.where(plan.parts == NEITHER, OUTSIDE, plan.parts).astype(np.uint8)
        write_mat(
            folder / f"set{plan.index + 1}.mat",
            plan.frames,
            (SIDE, SIDE),
            told.through(_blocks(recording, plan)),
            key="video",
            simulated=furnace.title,
            columns={"current": held, "train_test_index": index[:, None]},
        )


def _second(folder: Path, furnace: Furnace, plans: list[Plan], told: Told) -> None:
    """Write release 2: video, currents, stamps and lists."""
    inner = second_release(folder)
    for plan in plans:
        recording = furnace.recording(plan.index)
        write_mat(
            inner / VIDEOS / f"{plan.stem}.mat",
            plan.frames,
            (SIDE, SIDE),
            told.through(_blocks(recording, plan)),
            key="data",
            simulated=furnace.title,
        )
        rows = np.repeat(np.arange(plan.seconds), CURRENT_RATE)
        amperes = _amperes(recording)[: len(rows)]
        write_tables(inner, plan.stem, amperes, plan.begin + rows, plan.begin + plan.frame_seconds)
    write_lists(inner, {plan.stem: plan.parts for plan in plans})


def _amperes(recording: Recording) -> NDArray[np.float64]:
    return np.asarray(recording.current.values[:], dtype=np.float64) * AMPERE


def even_plans(parameters: FurnaceParameters, rate: int) -> list[Plan]:
    """Plan batches whose video and current begin and end together, every second alike."""
    seconds = int(parameters.hours * 3600 + 1e-9)
    test = round(TEST_SHARE * seconds) * rate
    counts = np.full(seconds, rate)
    return [Plan(index, counts, 0, seconds, test) for index in range(parameters.recordings)]


def real_plans() -> list[Plan]:
    """Plan the three published batches."""
    plans = []
    for index, (frames, seconds, test) in enumerate(REAL):
        counts = np.full(-(-frames // RATE), RATE)
        counts[-1] = frames - RATE * (len(counts) - 1)
        slipped = np.arange(SLIP, len(counts) - 2, SLIP)
        counts[slipped] -= 1
        counts[slipped + 1] += 1
        plans.append(Plan(index, counts, (seconds - len(counts)) // 2, seconds, test))
    return plans


def _blocks(recording: Recording, plan: Plan) -> Iterator[Block]:
    """Yield the frames of a batch: drawn pictures, enlarged and held."""
    pictures = np.asarray(recording.video.values[:])
    drawn = (plan.frame_times * recording.video.rate + 1e-9).astype(np.int64)
    masks = _masks(pictures, np.asarray(recording.label.values[:]))
    times = SIDE // pictures.shape[1]
    for first in range(0, len(drawn), FRAMES):
        wanted, back = np.unique(drawn[first : first + FRAMES], return_inverse=True)
        large, marked = (
            each[wanted].repeat(times, axis=1).repeat(times, axis=2)[back] for each in (pictures, masks)
        )
        yield large, marked


def _masks(pictures: NDArray[np.uint8], label: NDArray[Any]) -> NDArray[np.uint8]:
    """Mark the warmest pixels, red less blue, of the pictures in which the condition is visible."""
    warmth = pictures[..., 0].astype(np.int16) - pictures[..., 2]
    least, most = warmth.min(axis=(1, 2), keepdims=True), warmth.max(axis=(1, 2), keepdims=True)
    warm = 2 * warmth >= least + most
    return np.asarray(warm & (label > 0)[:, None, None], dtype=np.uint8)
