"""What the scores of a cell are worth as early warnings: rules chosen on validation, read on test."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.data.dataset import Dataset
from bench.data.split import Split
from bench.data.windows import Windows, WindowSpec
from bench.warning import (
    EARLY,
    FEWEST,
    MAIN,
    SOURCES,
    Judged,
    Layout,
    Rules,
    WarningSpec,
    Watch,
    alarms,
    by_chance,
    choose,
    family,
    judge,
    keep_watch,
    lay_out,
    measured,
    raised,
    ranked,
)
from models import registry
from models.errors import InvalidRequest

Floats = NDArray[np.float64]
#: Observers of the exact posterior, and the source that each is.
OBSERVERS = {"full": "ceiling", "window_u": "ceiling_window"}


@dataclass(frozen=True, eq=False)
class _Part:
    """One part of the data as alarms see it."""

    layout: Layout
    watch: Watch

    def known(self, source: str) -> Floats:
        """Return when the scores of a source are known; both together when the video is."""
        return self.layout.video if source in ("video", "both") else self.layout.current


@dataclass(frozen=True, eq=False)
class Early:
    """What is recorded of a cell.

    Attributes:
        scores: named ``warning.<source>.<measure>``; those that exist, and none without a rule.
        diagnostics: episodes and hours of validation and test part.
        predictions: if rules were chosen, over sources s, budgets b of false alarms, stretches of test
            windows and counted test episodes e: ``warning_source`` ``(s,)``; ``warning_budget`` ``(b,)``;
            ``warning_rule`` ``(s, b, 5)``, columns as of :class:`bench.warning.Rules`; ``warning_alarms``
            ``(s, b, stretches, 2)`` raised and false; ``warning_seconds`` ``(s, b, e)``; ``warning_chance``
            ``(s, b)`` what random alarms would warn of; ``warning_hours`` and ``warning_group``
            ``(stretches,)``; ``warning_episode`` ``(e, 3)`` stretch, onset and end; ``warning_horizon``
            ``(1,)``, s.
    """

    scores: dict[str, float] = field(default_factory=dict)
    diagnostics: dict[str, float] = field(default_factory=dict)
    predictions: dict[str, NDArray[Any]] = field(default_factory=dict)


def early_warnings(
    cell: Mapping[str, Any],
    guesses: Mapping[str, tuple[Floats, Floats]],
    dataset: Dataset,
    windows: Windows,
    parts: Split,
) -> Early:
    """Choose a rule for every source on the validation part and read the test part with it.

    With fewer than :data:`bench.warning.FEWEST` episodes in the validation part no rule is chosen.

    Args:
        cell: content of a cell.
        guesses: modality to P(positive) of the windows of the validation part and of the test part.
        dataset: the data.
        windows: its windows.
        parts: which of them belong where.
    """
    spec = registry.read(WarningSpec, cell.get("warning", {}), "warning")
    cut = registry.read(WindowSpec, cell["windows"], "windows")
    validation, test = (_part(rows, dataset, windows, cut, spec) for rows in (parts.validation, parts.test))
    tried = int(validation.watch.counted.sum())
    told = {
        "warning.validation_episodes": float(tried),
        "warning.validation_hours": float(validation.watch.hours.sum()),
        "warning.episodes": float(test.watch.counted.sum()),
        "warning.hours": float(test.watch.hours.sum()),
    }
    series = _series(cell, guesses, dataset, cut, parts, validation, test)
    if tried < FEWEST or not test.watch.counted.any():
        return Early({}, told)
    rules, found = {}, {}
    for source, (on_validation, on_test) in series.items():
        rules[source] = _chosen(source, on_validation, validation, spec)
        found[source] = _judged(rules[source], on_test, test, source)
    return Early(_scores(found, test), told, _arrays(rules, found, test, dataset, spec))


def require_episodes(
    dataset: Dataset, windows: Windows, parts: Split, cut: WindowSpec, spec: WarningSpec
) -> None:
    """Refuse a split on whose validation part no rule can be chosen.

    Raises:
        InvalidRequest: the validation part has too few episodes, or the test part none.
    """
    for name, rows, fewest in (("validation", parts.validation, FEWEST), ("test", parts.test, 1)):
        rows = rows[windows.scored[rows]]
        found = int(_part(rows, dataset, windows, cut, spec).watch.counted.sum())
        if found < fewest:
            raise InvalidRequest(
                f"early warnings need at least {fewest} whole episodes in the {name} part, and there are "
                f"{found}; raise split.{name} or take more recordings"
            )


def _part(
    rows: NDArray[np.int64], dataset: Dataset, windows: Windows, cut: WindowSpec, spec: WarningSpec
) -> _Part:
    layout = lay_out(rows, windows, dataset.tracks, cut)
    return _Part(layout, keep_watch(layout, dataset.label[:, 0], dataset.tracks, cut.video_step, spec))


def _series(
    cell: Mapping[str, Any],
    guesses: Mapping[str, tuple[Floats, Floats]],
    dataset: Dataset,
    cut: WindowSpec,
    parts: Split,
    validation: _Part,
    test: _Part,
) -> dict[str, tuple[Floats, Floats]]:
    """Return source -> scores of validation and test part, each ``(stretches, steps)``."""
    both = (validation, test)
    # As exact as they are kept, so that alarms can be drawn again from the record.
    given = {
        source: tuple(part.layout.lay(own.astype(np.float32)) for part, own in zip(both, pair, strict=True))
        for source, pair in guesses.items()
    }
    if {"current", "video"} <= set(given):
        current, video = given["current"], given["video"]
        given["both"] = tuple(
            np.fmax(ranked(part.layout.latest_current(c), current[0]), ranked(v, video[0]))
            for part, c, v in zip(both, current, video, strict=True)
        )
    for observer, posterior in dataset.ceiling(cut, cell["arm"]["lead"]).items():
        if observer in OBSERVERS and "video" in given:
            given[OBSERVERS[observer]] = tuple(
                part.layout.lay(posterior[rows])
                for part, rows in zip(both, (parts.validation, parts.test), strict=True)
            )
    return {source: (given[source][0], given[source][1]) for source in SOURCES if source in given}


def _chosen(source: str, score: Floats, part: _Part, spec: WarningSpec) -> Rules:
    """Return the rule of every budget."""
    tried = family(score)
    judged = _judged(tried, score, part, source)
    hours, early = part.watch.hours, source in EARLY
    return tried.take([choose(judged, hours, budget, spec.horizon, early=early) for budget in spec.budgets])


def _judged(rules: Rules, score: Floats, part: _Part, source: str) -> Judged:
    when = part.known(source)
    return judge(raised(alarms(rules, score, when)), when, part.watch)


def _scores(found: Mapping[str, Judged], test: _Part) -> dict[str, float]:
    video = found["video"].seconds[MAIN] if "video" in found else None
    # A score that does not exist, such as the seconds of no warning, is left out: a run is not worse for it.
    return {
        f"warning.{source}.{name}": value
        for source, judged in found.items()
        for name, value in measured(
            judged, test.watch.hours, MAIN, None if source == "video" else video
        ).items()
        if math.isfinite(value)
    }


def _arrays(
    rules: Mapping[str, Rules],
    found: Mapping[str, Judged],
    test: _Part,
    dataset: Dataset,
    spec: WarningSpec,
) -> dict[str, NDArray[Any]]:
    watch = test.watch
    names = sorted({track.group for track in dataset.tracks})
    group = np.array([names.index(track.group) for track in dataset.tracks], dtype=np.int32)
    counted = watch.counted
    return {
        "warning_source": np.array(list(found)),
        "warning_budget": np.array(spec.budgets, dtype=np.float32),
        "warning_rule": np.stack([each.table for each in rules.values()]),
        "warning_alarms": np.stack(
            [np.stack([each.alarms, each.false], axis=-1) for each in found.values()]
        ).astype(np.int16),
        "warning_seconds": np.stack([each.seconds for each in found.values()]).astype(np.float32),
        "warning_chance": np.array(
            [
                [by_chance(own, watch.stretch[counted], watch) for own in each.alarms]
                for each in found.values()
            ]
        ),
        "warning_horizon": np.array([spec.horizon]),
        "warning_hours": watch.hours,
        "warning_group": group[test.layout.recording],
        "warning_episode": np.stack(
            [watch.stretch[counted], watch.onset[counted], watch.end[counted]], axis=1
        ).astype(np.float64),
    }
