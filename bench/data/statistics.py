"""What one step of a sampled signal says, channel by channel: level, spread, trend and spectrum."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

# Raise when a statistic changes: what was prepared with another version is prepared again.
VERSION = 1
FLOOR = 1e-3
SPECTRAL_SAMPLES = 16


def channel_statistics(frames: NDArray[Any], floor: float = FLOOR) -> NDArray[np.float32]:
    """Describe every step by statistics of its own samples: causal by construction.

    Per channel, in this order: mean, log sd, minimum, maximum, slope (least squares, change over
    the whole step), log mean absolute difference, lag-1 autocorrelation; and, where a step has at
    least 16 samples, the log power in octaves of its spectrum (1 cycle a step, 2-3, 4-7, ...).

    The result is finite for constant steps and for steps of a single sample: logarithms are taken
    above ``floor``, which stands for the resolution of the sensor. Do not compare values between
    step lengths: the spread of a short step leaves out the slow part of the signal.

    Args:
        frames: ``(steps, samples, channels)`` in the units of the channels.
        floor: smallest spread that means anything, in the units of the channels; > 0.

    Returns:
        ``(steps, statistics * channels)`` float32, statistic by statistic.
    """
    x = np.asarray(frames, dtype=np.float64)
    samples = x.shape[1]
    mean = x.mean(axis=1)
    centred = x - mean[:, None]
    sd = np.sqrt((centred**2).mean(axis=1))
    jump = np.abs(np.diff(x, axis=1)).sum(axis=1) / max(samples - 1, 1)
    time = np.linspace(-0.5, 0.5, samples) if samples > 1 else np.zeros(1)
    slope = np.einsum("nsc,s->nc", centred, time) / max(float((time**2).sum()), 1e-12)
    lagged = (centred[:, 1:] * centred[:, :-1]).sum(axis=1)
    echo = lagged / (samples * (sd**2 + floor**2))
    columns = [mean, np.log(sd + floor), x.min(axis=1), x.max(axis=1), slope, np.log(jump + floor), echo]
    if samples >= SPECTRAL_SAMPLES:
        columns += _octaves(centred, floor)
    return np.concatenate(columns, axis=1).astype(np.float32)


def _octaves(centred: NDArray[np.float64], floor: float) -> list[NDArray[np.float64]]:
    """Log power of each octave; by Parseval the powers of one step sum to about its variance."""
    samples = centred.shape[1]
    power = np.abs(np.fft.rfft(centred, axis=1)) ** 2 * (2.0 / samples**2)
    edges = 2 ** np.arange(int(np.log2(power.shape[1] - 1)) + 1)
    bounds = zip(edges, [*edges[1:], power.shape[1]], strict=True)
    return [np.log(power[:, low:high].sum(axis=1) + floor**2) for low, high in bounds]
