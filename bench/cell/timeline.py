"""What a run leaves so that any recording of its test part can be shown in time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.data.dataset import Dataset
from bench.data.windows import Windows, WindowSpec
from bench.warning import MAIN, Rules, WarningSpec, alarms, keep_watch, known, lay_out, raised
from models import registry
from models.method import MODALITIES

OFF, ON, RAISED = 0, 1, 2
"""An alarm at a window: off, on, or raised just there."""


def moments(
    cell: Mapping[str, Any],
    guesses: Mapping[str, NDArray[Any]],
    dataset: Dataset,
    windows: Windows,
    rows: NDArray[np.int64],
    warned: Mapping[str, NDArray[Any]],
) -> dict[str, NDArray[Any]]:
    """Return when what was scored, shown and rung, for the windows of the test part.

    Args:
        cell: content of a cell.
        guesses: modality to P(positive) of the windows.
        dataset: the data.
        windows: its windows.
        rows: which of them.
        warned: arrays of :func:`bench.cell.warnings.early_warnings`; empty where no rule was chosen.

    Returns:
        ``recording_name``: names of the recordings, in the order of their index; ``moment`` ``(2, n)``:
        second at which the score of current and video is known; ``alarm`` ``(2, n)``: off, on or raised, by
        the rule chosen for the main budget, where one was, and ``alarm_level`` ``(2,)`` its thresholds;
        ``episode`` ``(e, 4)``: index of the recording, onset, end, and whether it counts; ``watched``
        ``(stretches, 3)``: index of the recording, first and last second at which alarms count; ``horizon``
        and ``lead`` ``(1,)``, s.
    """
    spec = registry.read(WarningSpec, cell.get("warning", {}), "warning")
    cut = registry.read(WindowSpec, cell["windows"], "windows")
    layout = lay_out(rows, windows, dataset.tracks, cut)
    watch = keep_watch(layout, dataset.label[:, 0], dataset.tracks, cut.video_step, spec)
    there = layout.place >= 0
    alarm = np.full((len(MODALITIES), len(rows)), OFF, dtype=np.int8)
    level = np.full(len(MODALITIES), np.nan)
    rules = dict(zip(warned.get("warning_source", ()), warned.get("warning_rule", ()), strict=True))
    for row, modality in enumerate(MODALITIES):
        if modality in guesses and modality in rules:
            rule = Rules.of(rules[modality][[MAIN]])
            level[row] = rule.threshold[0]
            on = alarms(rule, layout.lay(guesses[modality].astype(np.float32)), getattr(layout, modality))
            alarm[row, layout.place[there]] = (on.astype(np.int8) + raised(on))[0][there]
    found: dict[str, NDArray[Any]] = {
        "recording_name": np.array([dataset.tracks[i].name for i in np.unique(windows.recording[rows])]),
        "moment": np.stack(known(rows, windows, dataset.tracks, cut)),
        "episode": _rows(layout.recording[watch.stretch], watch.onset, watch.end, watch.counted),
        "watched": _rows(layout.recording, watch.first, watch.last),
        "horizon": np.array([watch.horizon]),
        "lead": np.array([float(cell["arm"]["lead"])]),
    }
    return {**found, "alarm": alarm, "alarm_level": level} if rules else found


def _rows(*columns: NDArray[Any]) -> NDArray[np.float64]:
    return np.stack([np.asarray(column, dtype=np.float64) for column in columns], axis=1)
