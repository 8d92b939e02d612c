"""One inquiry into the lead of some recordings: what is asked, and what was found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bench.data.dataset import Dataset
from bench.data.source import Source
from bench.data.split import SplitSpec, split
from bench.data.windows import WindowSpec
from bench.lead import ESTIMATORS, RECOMMENDED, estimators
from bench.lead.episodes import Episode, episodes
from bench.lead.estimator import Estimator
from bench.lead.evidence import Answer, answer
from bench.lead.moments import Ints, moments
from bench.lead.scan import Scan
from bench.lead.score_scan import ScoreScan
from models.errors import InvalidRequest


@dataclass(frozen=True)
class Inquiry:
    """What is asked.

    Attributes:
        name: the study or data set, as it was named.
        source: where the recordings come from.
        windows: the frames they are cut into.
        split: whose test part is not looked at; None if there is none to spare.
        fold: published fold that the split holds out.
        scan: leads, windows, blocks.
        names: estimators, by name.
        seed: of every draw.
        given: what else was asked for by name: settings, recordings, everything.
    """

    name: str
    source: Source
    windows: WindowSpec
    split: SplitSpec | None
    fold: int | None
    scan: Scan
    names: tuple[str, ...] = ESTIMATORS
    seed: int = 0
    given: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Findings:
    """What was found.

    Attributes:
        inquiry: what was asked.
        recordings: names of the recordings that were looked at.
        left_out: names of those that are too short.
        spared: number of recordings that were not looked at because a test part holds them.
        answers: of each estimator, in the order asked.
        skipped: estimators that could not be asked because the recordings hold one class.
        episodes: the lead of each episode; empty unless the recommended estimator found one.
    """

    inquiry: Inquiry
    recordings: tuple[str, ...]
    left_out: tuple[str, ...]
    spared: int
    answers: tuple[Answer, ...]
    skipped: tuple[str, ...]
    episodes: tuple[Episode, ...]

    @property
    def kinds(self) -> tuple[type[Estimator], ...]:
        """The estimators that answered, in order."""
        return estimators(tuple(each.name for each in self.answers))

    @property
    def headline(self) -> Answer:
        """The answer of the recommended estimator, or of the first that was asked."""
        return next((each for each in self.answers if each.name == RECOMMENDED), self.answers[0])


def inquire(
    inquiry: Inquiry, dataset: Dataset, progress: Callable[[str], None] = lambda name: None
) -> Findings:
    """Ask every estimator.

    Args:
        inquiry: what is asked.
        dataset: the prepared recordings.
        progress: told the name of each estimator before it is asked.

    Raises:
        InvalidRequest: too few or too short recordings, or no estimator can be asked.
    """
    chosen = _spared(inquiry, dataset)
    seen = moments(dataset, inquiry.windows, inquiry.scan, chosen)
    answers: list[Answer] = []
    skipped: list[str] = []
    found: tuple[Episode, ...] = ()
    for kind in estimators(inquiry.names):
        progress(kind.name)
        if kind.labels and not seen.labelled:
            skipped.append(kind.name)
            continue
        estimator = kind(seen, inquiry.seed)
        answers.append(answer(estimator, seen, inquiry.seed))
        if isinstance(estimator, ScoreScan) and answers[-1].word == "found":
            found = episodes(seen, estimator, answers[-1].lead)
    if not answers:
        raise InvalidRequest(
            f"{', '.join(skipped)} learns labels of the video, and these recordings hold one class; name an "
            "estimator that does without (--estimators infonce)"
        )
    names = tuple(dict.fromkeys(strip.name for strip in seen.strips))
    spared = len(dataset.tracks) - len(chosen)
    return Findings(inquiry, names, seen.left_out, spared, tuple(answers), tuple(skipped), found)


def _spared(inquiry: Inquiry, dataset: Dataset) -> Ints:
    """Return the recordings that no test part of the split holds; all where that leaves none."""
    every = np.arange(len(dataset.tracks))
    if inquiry.split is None:
        return every
    windows = dataset.windows(inquiry.windows, 0.0)
    parts = split(inquiry.split, dataset.tracks, windows, seed=0, fold=inquiry.fold)
    rest = np.setdiff1d(every, windows.recording[parts.test])
    return rest if len(rest) else every
