"""Windows as tensors: scaled frames and the rows that make a batch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench.data.dataset import Dataset
from bench.data.windows import Windows, WindowSpec

CLIP = 6.0
CHUNK = 4096
Scale = tuple[NDArray[Any], NDArray[Any]]


@dataclass(frozen=True)
class Inputs:
    """Scaled frames of both modalities on one device, and the windows that point into them.

    Attributes:
        frames: modality to ``(frames, features)`` float32.
        first: modality to ``(windows,)`` index of the first frame of each window.
        steps: modality to the number of steps of a window.
        label: ``(windows,)`` 0/1.
        shape: modality to the layout of one step of raw input; None for features.
        metadata: ``(windows, values)`` scaled process metadata of the current window; None without.
        scales: modality to the mean and the standard deviation that its frames were scaled by.
    """

    frames: dict[str, Tensor]
    first: dict[str, Tensor]
    steps: dict[str, int]
    label: Tensor
    shape: dict[str, tuple[int, ...] | None]
    metadata: Tensor | None = None
    scales: dict[str, Scale] = field(default_factory=dict)

    def window(self, modality: str, rows: Tensor) -> Tensor:
        """Return ``(len(rows), steps, features)`` of one modality."""
        offsets = torch.arange(self.steps[modality], device=rows.device)
        return self.frames[modality][self.first[modality][rows][:, None] + offsets]

    def chunks(self, modality: str, rows: Tensor) -> Iterator[Tensor]:
        """Yield the windows of one modality in chunks that fit in memory."""
        for part in torch.split(rows, CHUNK):
            yield self.window(modality, part)

    def replaced(self, raw: Mapping[str, NDArray[Any]]) -> Inputs:
        """Return the same windows over other frames, scaled as those that were learnt from."""
        device = self.label.device
        other = {m: torch.from_numpy(_scaled(x, self.scales[m])).to(device) for m, x in raw.items()}
        return replace(self, frames={**self.frames, **other})


def make_inputs(
    dataset: Dataset,
    windows: Windows,
    spec: WindowSpec,
    train: NDArray[np.int64],
    device: torch.device,
    arm: Mapping[str, Any],
) -> Inputs:
    """Scale frames by the mean and standard deviation of the training windows only, clipped to ±6.

    Scaling is per feature and pooled over recordings, so the level and the amplitude of the
    current stay in. The arm says whether a modality is given as features or raw, and whether a
    label leaks into it.
    """
    frames, first, steps, scales = {}, {}, {}, {}
    for modality, count in (("current", spec.current_steps), ("video", spec.video_steps)):
        kind = arm.get(f"{modality}_input", "features")
        raw = as_given(dataset, spec, arm, modality, dataset.frames(modality, kind))
        start = getattr(windows, modality)
        scales[modality] = _scale(raw, np.unique((start[train][:, None] + np.arange(count)).ravel()))
        frames[modality] = torch.from_numpy(_scaled(raw, scales[modality])).to(device)
        first[modality] = torch.from_numpy(start).to(device)
        steps[modality] = count
    label = torch.from_numpy(windows.label).to(device)
    metadata = None
    if dataset.metadata is not None:
        inside = dataset.metadata[windows.current[:, None] + np.arange(spec.current_steps)].mean(axis=1)
        metadata = torch.from_numpy(_scaled(inside, _scale(inside, train))).to(device)
    shape = {m: dataset.shape(m, arm.get(f"{m}_input", "features")) for m in frames}
    return Inputs(frames, first, steps, label, shape, metadata, scales)


def as_given(
    dataset: Dataset, spec: WindowSpec, arm: Mapping[str, Any], modality: str, raw: NDArray[Any]
) -> NDArray[Any]:
    """Return frames as the arm is given them: with the label beside them where it leaks."""
    raw = np.asarray(raw)
    if arm.get("leak") != modality:
        return raw
    return np.concatenate([raw, dataset.leak(modality, spec, arm["lead"])[:, None]], axis=1)


def _scale(raw: NDArray[Any], rows: NDArray[np.int64]) -> Scale:
    deviation = raw[rows].std(axis=0)
    return raw[rows].mean(axis=0), np.where(deviation > 1e-8, deviation, 1.0)


def _scaled(raw: NDArray[Any], scale: Scale) -> NDArray[np.float32]:
    scaled: NDArray[np.float32] = np.clip((raw - scale[0]) / scale[1], -CLIP, CLIP).astype(np.float32)
    return scaled


def batches(rows: Tensor, count: int, size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Yield ``count`` rows in batches of ``size``, going through shuffled ``rows`` again and again.

    Every arm and every data set gets the same number of steps. A rest smaller than half a batch is
    joined to nothing: contrast needs other windows to contrast with.
    """
    rounds = -(-count // len(rows))
    order = torch.cat(
        [rows[torch.randperm(len(rows), generator=generator).to(rows.device)] for _ in range(rounds)]
    )
    for batch in torch.split(order[:count], size):
        if len(batch) * 2 >= min(size, count):
            yield batch


def batches_in(count: int, size: int) -> int:
    """Return how many batches :func:`batches` yields.

    >>> batches_in(5000, 256), batches_in(100, 256)
    (20, 1)
    """
    whole, rest = divmod(count, size)
    return whole + (rest * 2 >= min(size, count) and rest > 0)


def as_rows(rows: NDArray[Any], device: torch.device) -> Tensor:
    """Return window indices as a tensor."""
    return torch.from_numpy(np.asarray(rows, dtype=np.int64)).to(device)
