"""Features of one step: what the encoders are given instead of raw samples and pixels."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from bench.data.recording import Signal, frames_of
from models.errors import InvalidRequest

GRID = 4
#: Keeps a logarithm finite on a flat signal; far below the arc noise, kA.
FLOOR = 1e-3
Features = NDArray[np.float32]


def current_features(signal: Signal, seconds: float) -> Features:
    """Return eight properties of each phase, of the step's samples alone: ``(frames, 24)`` for three.

    In order, a column a phase: mean (kA), slope (kA/s), log deviation, log deviation of the
    differences, log mean absolute difference, lag-1 autocorrelation, correlations of the phases
    (1-2, 2-3, 3-1; two phases have one, a single phase none), log range.

    Raises:
        InvalidRequest: a step has fewer than four samples, or not a whole number of them.
    """
    frames = frames_of(signal, seconds).astype(np.float64)
    samples = frames.shape[1]
    if samples < 4:
        raise InvalidRequest(
            f"a current step must hold at least 4 samples, got {samples} in {seconds:g} s at "
            f"{signal.rate:g} Hz; lower windows.current_steps"
        )
    mean = frames.mean(axis=1)
    centred = frames - mean[:, None]
    time = (np.arange(samples) - (samples - 1) / 2) / signal.rate
    slope = np.einsum("t,ftk->fk", time, centred) / (time**2).sum()
    power = (centred**2).mean(axis=1)
    differences = np.diff(frames, axis=1)
    lagged = (centred[:, 1:] * centred[:, :-1]).mean(axis=1)
    beside = np.roll(centred, -1, axis=2)
    shared = (centred * beside).mean(axis=1)
    phases = frames.shape[2]
    pairs = phases if phases > 2 else phases - 1
    columns = (
        mean,
        slope,
        np.log(np.sqrt(power) + FLOOR),
        np.log(differences.std(axis=1) + FLOOR),
        np.log(np.abs(differences).mean(axis=1) + FLOOR),
        lagged / (power + FLOOR**2),
        (shared / (np.sqrt(power * np.roll(power, -1, axis=1)) + FLOOR**2))[:, :pairs],
        np.log(np.ptp(frames, axis=1) + FLOOR),
    )
    return np.concatenate(columns, axis=1).astype(np.float32)


def video_features(signal: Signal, seconds: float) -> Features:
    """Return colour and warmth of a 4 x 4 grid, averaged over the pictures of a step: ``(frames, 64)``.

    48 columns are the mean red, green and blue of each cell (row by row, colour fastest), 16 the
    largest red minus blue within each cell; all in shares of full scale. Of a grey picture they are
    16 means and 16 largest values. A rest that does not fill the grid is left out at the right and
    at the bottom.

    Raises:
        InvalidRequest: no pictures, or a step does not hold a whole number of them.
    """
    shape = signal.values.shape
    if len(shape) != 4 or min(shape[1:3]) < GRID or shape[3] not in (1, 3, 4):
        raise InvalidRequest(
            f"pictures must be (samples, height, width, colours), at least {GRID} x {GRID} and with 1 or 3 "
            f"colours, got {tuple(shape)}; turn the axes round, or describe them in video_features"
        )
    pictures = frames_of(signal, seconds)
    count, each, height, width, channels = pictures.shape
    tall, wide = height // GRID, width // GRID
    filled = pictures[:, :, : GRID * tall, : GRID * wide]
    bands = (filled / np.float32(255)).reshape(count * each, GRID, tall, GRID * wide, channels)
    colour = bands.mean(axis=2).reshape(count * each, GRID, GRID, wide, channels).mean(axis=3)
    warmer = (bands[..., 0] - bands[..., 2] if channels > 1 else bands[..., 0]).max(axis=2)
    warmth = warmer.reshape(count * each, GRID, GRID, wide).max(axis=3)
    columns = [part.reshape(count, each, math.prod(part.shape[1:])).mean(axis=1) for part in (colour, warmth)]
    return np.concatenate(columns, axis=1)
