"""Recordings on one grid of moments, so that a lead is a number of rows.

A moment is an instant at which a video window ends. Its current window ends ``lead`` seconds earlier.
Every lead is judged on the same moments: those whose current windows lie in the recording at every lead.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bench.data.dataset import Dataset
from bench.data.windows import Track, WindowSpec
from bench.lead.scan import FEWEST_MOMENTS, Scan
from models.errors import InvalidRequest

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Fewer recordings than this cannot be divided, permuted and resampled.
FEWEST_RECORDINGS = 8


@dataclass(frozen=True, eq=False)
class Strip:
    """One recording, or a block of one, at its moments.

    Attributes:
        name: of the recording.
        group: what is held out and resampled as one: the batch, or the block.
        current: ``(moments + leads - 1, features)`` means over the windows of the current, oldest first.
        video: ``(moments, features)`` means over the video windows.
        label: ``(moments,)`` share of the video window that is positive, 0..1.
        first: second at which the first moment lies, on the clock of the recording.
    """

    name: str
    group: str
    current: Floats
    video: Floats
    label: Floats
    first: float

    @cached_property
    def by_lead(self) -> Floats:
        """The current at every lead: a view, ``(leads, features, moments)``, the smallest lead first."""
        slid = np.lib.stride_tricks.sliding_window_view(self.current, len(self.label), axis=0)
        return np.asarray(slid[::-1])


@dataclass(frozen=True, eq=False)
class Moments:
    """All recordings at their moments.

    Attributes:
        strips: the recordings.
        leads: ``(leads,)`` the leads tried, s.
        step: seconds between leads and between moments.
        window: length of the windows, s.
        left_out: names of recordings that are too short for the leads tried.
    """

    strips: tuple[Strip, ...]
    leads: Floats
    step: float
    window: float
    left_out: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.strips)

    @cached_property
    def groups(self) -> Ints:
        """Number of each recording's group: ``(recordings,)``."""
        return np.unique([strip.group for strip in self.strips], return_inverse=True)[1]

    @property
    def labelled(self) -> bool:
        """Whether the labels of the video take more than one value."""
        label = np.concatenate([strip.label for strip in self.strips])
        return bool(label.min() < 0.5 < label.max())


def moments(dataset: Dataset, spec: WindowSpec, scan: Scan, chosen: Ints | None = None) -> Moments:
    """Put recordings on the grid of a scan.

    Args:
        dataset: prepared frames; those of the current and the video may differ in length and start.
        spec: how long they are.
        scan: leads, windows and blocks.
        chosen: the recordings that may be looked at, by index; all if not given.

    Raises:
        InvalidRequest: too few recordings are long enough, a window is shorter than a frame, or a block
            shorter than what tells anything.
    """
    coarsest = max(spec.current_step, spec.video_step)
    if scan.window < coarsest - 1e-9:
        raise InvalidRequest(
            f"--window must hold at least one step of {coarsest:g} s, got {scan.window:g} s; lengthen it"
        )
    if scan.block is not None and scan.block < FEWEST_MOMENTS * scan.step:
        raise InvalidRequest(
            f"--block must hold at least {FEWEST_MOMENTS} moments of {scan.step:g} s, got {scan.block:g} s; "
            "lengthen it or lower --step"
        )
    strips, left_out = [], []
    tracks = [dataset.tracks[index] for index in (range(len(dataset.tracks)) if chosen is None else chosen)]
    for track in tracks:
        found = _strips(dataset, track, spec, scan)
        strips += found
        left_out += [] if found else [track.name]
    if len({strip.group for strip in strips}) < FEWEST_RECORDINGS:
        raise _too_few(strips, len(left_out), tracks, spec, scan)
    return Moments(tuple(strips), scan.leads, scan.step, scan.window, tuple(left_out))


def _too_few(
    strips: list[Strip], left_out: int, tracks: list[Track], spec: WindowSpec, scan: Scan
) -> InvalidRequest:
    """Return what is missing, with a scan that would find enough where there is one."""
    if scan.block is not None:
        return InvalidRequest(
            f"a lead needs at least {FEWEST_RECORDINGS} blocks, got {len(strips)} of {scan.block:g} s; "
            f"shorten --block (to {FEWEST_MOMENTS * scan.step:g} s or more) or try fewer leads (--from, --to)"
        )
    groups = len({strip.group for strip in strips})
    got = f"{groups}{f' groups of {len(strips)} recordings' if groups < len(strips) else ''}"
    lengths: dict[str, float] = {}
    for track in tracks:
        lengths[track.group] = max(lengths.get(track.group, 0.0), _seconds(track, spec))
    longest = sorted(lengths.values(), reverse=True)[:FEWEST_RECORDINGS]
    cure = "try fewer leads (--from, --to), or cut long recordings with --block"
    if len(longest) == FEWEST_RECORDINGS:
        fits = scan.within(longest[-1], max(spec.current_step, spec.video_step))
        if fits is not None:
            cure = f"try --from {fits.low:g} --to {fits.high:g} --step {fits.step:g} --window {fits.window:g}"
    return InvalidRequest(
        f"a lead needs at least {FEWEST_RECORDINGS} recordings of {scan.needed:g} s or more, got {got} and "
        f"{left_out} that are too short; {cure}"
    )


def _seconds(track: Track, spec: WindowSpec) -> float:
    """Return for how long a recording has both current and video, s."""
    current_end, video_end = _ends(track, spec)
    return min(current_end, video_end) - max(track.current_start, track.video_start)


def _ends(track: Track, spec: WindowSpec) -> tuple[float, float]:
    """Return the seconds at which the current and the video of a recording end."""
    return (
        track.current_start + track.current_count * spec.current_step,
        track.video_start + track.video_count * spec.video_step,
    )


def _strips(dataset: Dataset, track: Track, spec: WindowSpec, scan: Scan) -> list[Strip]:
    """Return a recording as one strip, or as one a block; none if it is too short."""
    low, high = float(scan.leads[0]), float(scan.leads[-1])
    current_end, video_end = _ends(track, spec)
    first = max(track.video_start, track.current_start + high) + scan.window
    count = int(np.floor((min(video_end, current_end + low) - first) / scan.step + 1e-9)) + 1
    if count < FEWEST_MOMENTS:
        return []
    each = count if scan.block is None else round(scan.block / scan.step)
    own = slice(track.current_first, track.current_first + track.current_count)
    seen = slice(track.video_first, track.video_first + track.video_count)
    current = np.asarray(dataset.current[own], dtype=np.float64)
    video = np.asarray(dataset.video[seen], dtype=np.float64)
    label = np.asarray(dataset.label[seen, :1], dtype=np.float64)
    strips = []
    # A rest shorter than a block is left away, so that blocks weigh the same.
    for begin in range(0, count - each + 1, each):
        ends = first + scan.step * (begin + np.arange(each, dtype=np.float64))
        back = ends[0] - high + scan.step * np.arange(each + len(scan.leads) - 1, dtype=np.float64)
        strips.append(
            Strip(
                name := track.name if scan.block is None else f"{track.name} from {ends[0]:g} s",
                track.group if scan.block is None else name,
                means(current, back - track.current_start, spec.current_step, scan.window),
                means(video, ends - track.video_start, spec.video_step, scan.window),
                means(label, ends - track.video_start, spec.video_step, scan.window)[:, 0],
                float(ends[0]),
            )
        )
    return strips


def divided(moments: Moments, seed: int) -> tuple[Ints, Ints]:
    """Return which recordings to learn from and which to hold out: half of the groups each."""
    order = np.random.default_rng([seed, 1]).permutation(moments.groups.max() + 1)
    learnt = np.isin(moments.groups, order[: len(order) // 2])
    return np.flatnonzero(learnt), np.flatnonzero(~learnt)


def means(frames: Floats, ends: Floats, step: float, seconds: float) -> Floats:
    """Return the mean of frames over windows that need not begin or end at the edge of a frame.

    Args:
        frames: ``(frames, values)``; frame ``i`` covers ``[i step, (i + 1) step)``.
        ends: ``(windows,)`` second at which each window ends; none reaches beyond the frames.
        step: length of a frame, s.
        seconds: length of a window.
    """
    # About the mean, so that the running sum loses no digits.
    centre = frames.mean(axis=0)
    total = np.concatenate([np.zeros((1, frames.shape[1])), np.cumsum(frames - centre, axis=0)])

    def until(time: Floats) -> Floats:
        place = np.clip(time / step, 0, len(frames))
        whole = np.minimum(np.floor(place + 1e-9).astype(np.int64), len(frames) - 1)
        reached: Floats = total[whole] + (place - whole)[:, None] * (frames[whole] - centre)
        return reached

    found: Floats = centre + (until(ends) - until(ends - seconds)) * step / seconds
    return found
