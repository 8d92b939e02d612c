"""Small plants whose lead is known, without a furnace."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from bench.data.dataset import Dataset
from bench.data.windows import Track, WindowSpec
from bench.lead.moments import Moments, moments
from bench.lead.scan import Scan

SPEC = WindowSpec(current_seconds=60, current_steps=6, video_seconds=60, video_steps=6)
SCAN = Scan(low=-100.0, high=300.0, step=20.0, window=40.0)


def course(generator: np.random.Generator, seconds: int) -> np.ndarray:
    """0/1, second by second, switching about every 150 s."""
    switched = generator.random(seconds) < 1 / 150
    return (np.cumsum(switched) + generator.integers(2)) % 2


def plant(
    lead: float | None,
    *,
    recordings: int = 20,
    seconds: int = 2000,
    noise: float = 1.0,
    nuisance: float = 0.0,
    seed: int = 0,
) -> Dataset:
    """Return recordings in which the current knows the video's course ``lead`` seconds before; None: never.

    A slow nuisance, if any, enters both modalities at once.
    """
    generator = np.random.default_rng(seed)
    current, video, label, tracks = [], [], [], []
    for index in range(recordings):
        whole = course(generator, seconds + 1200)
        own = whole if lead is not None else course(generator, seconds + 1200)
        late = round(lead or 0)
        shared = np.repeat(generator.standard_normal(-(-seconds // 250)), 250)[:seconds]
        now, seen = own[600 : 600 + seconds], whole[600 - late : 600 - late + seconds]
        frames = [each.reshape(-1, 10).mean(axis=1) for each in (now, seen, shared)]
        count = len(frames[0])
        for side, signal, sd in ((current, frames[0], noise), (video, frames[1], 0.3)):
            own = signal[:, None] + sd * generator.standard_normal((count, 3))
            other = nuisance * frames[2] + 0.3 * generator.standard_normal(count)
            side.append(np.column_stack([own, other]))
        label.append(np.stack([frames[1], frames[1]], axis=1))
        first, name = index * count, f"r{index:02d}"
        tracks.append(Track(name, name, -1, 0.0, 0.0, first, count, 0.0, first, count, 0.0))
    arrays = [np.concatenate(each).astype(np.float32) for each in (current, video, label)]
    return Dataset(Path(), tuple(tracks), *arrays)


def seen(lead: float | None, step: float = 20.0, **options: float) -> Moments:
    """Return such a plant at its moments."""
    return moments(plant(lead, **options), SPEC, replace(SCAN, step=step))  # type: ignore[arg-type]
