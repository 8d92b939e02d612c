"""Prewhitened cross-correlation of one series of each modality."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from bench.lead.estimator import Tabled
from bench.lead.moments import Floats, Moments, divided
from bench.report.lang import template

ORDER = 6


class CrossCorrelation(Tabled):
    """Cross-correlation of dominant directions, prewhitened (Box & Jenkins 1970, chapter 11).

    The first principal component of each modality on half of the recordings; both are filtered by the
    autoregression fitted to the *current* there, so that its memory does not pass for a relation. The
    sign is chosen on that half; the curve is the correlation on the other half.

    *Do not use* where what moves most is not what matters: the dominant direction of a picture is often
    its brightness.
    """

    name: ClassVar[str] = "cross_correlation"
    summary: ClassVar[str] = template("prewhitened cross-correlation of the dominant directions")

    def __init__(self, moments: Moments, seed: int) -> None:
        learnt, self.held = divided(moments, seed)
        cut, strips = len(learnt), [moments.strips[i] for i in (*learnt, *self.held)]
        currents = _dominant([strip.current for strip in strips], cut)
        videos = _dominant([strip.video for strip in strips], cut)
        filter_ = _whitening(currents[:cut])
        # Whitening costs the first rows of either; the leads stay aligned.
        currents = [_filtered(each, filter_) for each in currents]
        videos = [_filtered(each, filter_) for each in videos]
        pairs = _table(currents, videos, len(moments.leads))
        told = np.mean([pairs[i, i] for i in range(cut)], axis=0)
        self.table = np.sign(told[np.abs(told).argmax()]) * pairs[cut:, cut:]


def _dominant(series: list[Floats], cut: int) -> list[Floats]:
    """Return the first principal component of standardised series, learnt on the first ``cut`` of them."""
    scale = np.concatenate(series[:cut]).std(axis=0)
    scaled = [(each - each.mean(axis=0)) / np.where(scale > 1e-8, scale, 1.0) for each in series]
    learnt = np.concatenate(scaled[:cut])
    _, vectors = np.linalg.eigh(learnt.T @ learnt)
    return [each @ vectors[:, -1] for each in scaled]


def _whitening(series: list[Floats]) -> Floats:
    """Return the filter ``(1, -phi_1, ...)`` of the autoregression that fits the series best."""
    slid = np.concatenate([np.lib.stride_tricks.sliding_window_view(each, ORDER + 1) for each in series])
    phi = np.linalg.lstsq(slid[:, :-1], slid[:, -1], rcond=None)[0]
    return np.concatenate([[1.0], -phi[::-1]])


def _filtered(series: Floats, filter_: Floats) -> Floats:
    found: Floats = np.convolve(series, filter_, mode="valid")
    return found


def _table(currents: list[Floats], videos: list[Floats], leads: int) -> Floats:
    """Return the correlation at every lead of every current with every video: ``(n, n, leads)``."""
    found = np.empty((len(currents), len(videos), leads))
    for i, current in enumerate(currents):
        for j, video in enumerate(videos):
            count = min(len(current) - leads + 1, len(video))
            slid = np.lib.stride_tricks.sliding_window_view(current, count)[leads - 1 :: -1]
            x, y = slid - slid.mean(axis=1, keepdims=True), video[:count] - video[:count].mean()
            power = np.sqrt(np.square(x).sum(axis=1) * np.square(y).sum())
            found[i, j] = (x @ y) / np.where(power > 0, power, 1.0)
    return found
