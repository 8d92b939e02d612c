"""What a report knows of the searches that chose its configurations."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

PARAM = "param:"
"""What the columns of parameters begin with."""


@dataclass(frozen=True, eq=False)
class ArmSearch:
    """One search of one arm by one sampler on one split.

    Attributes:
        arm: name of the arm.
        sampler: name of the sampler.
        repeat: number of the search over the splits, from 0.
        deciding: whether its winner is confirmed (else it is there to compare samplers).
        trials: one row a trial, by number: ``number``, ``state`` (``complete``, ``pruned`` or
            ``failed``), ``value`` (first objective on validation; NaN unless complete), ``epochs`` the
            trial stands for, ``reused`` ones of them, ``same_as`` (NaN or number of an equal trial),
            ``failure`` (kind, empty if none; a complete trial that has one was told the worst value),
            ``steps`` (JSON: epochs spent in the trial -> value of the first objective then), every
            objective under its name, and a column ``param:<dotted key>`` for each searched parameter.
        space: dotted key -> distribution as Optuna writes it in JSON.
        winner: number of the trial that won, ``None`` if none is complete.
        own: dotted key -> what the arm declares for a searched parameter.
        key: content key of the search, by which its log is found.
        startup: trials the sampler draws at random before it learns from those that ended; 0 if it never
            learns or nothing is known.
        pruning: whether its trials may be stopped early.
    """

    arm: str
    sampler: str
    repeat: int
    deciding: bool
    trials: pd.DataFrame
    space: Mapping[str, str]
    winner: int | None
    own: Mapping[str, Any] = field(default_factory=dict)
    key: str = ""
    startup: int = 0
    pruning: bool = True

    @property
    def scored(self) -> pd.DataFrame:
        """The complete trials that ran as they should: those whose value is a measured one."""
        rows = self.trials
        return rows[(rows["state"] == "complete") & (rows["failure"] == "") & rows["value"].notna()]

    @property
    def drawn(self) -> bool:
        """Whether a sampler that learns has come to propose nothing: each trial is one it draws at random."""
        return self.startup > 0 and not (self.trials["number"] >= self.startup).any()

    @property
    def stopped(self) -> bool:
        """Whether a trial was stopped early."""
        return bool((self.trials["state"] == "pruned").any())

    @property
    def best(self) -> float:
        """The winner's value on validation; NaN if there is no winner."""
        won = self.trials.loc[self.trials["number"] == self.winner, "value"]
        return float(won.iloc[0]) if len(won) else math.nan

    @property
    def params(self) -> Mapping[str, Any]:
        """The winner's parameters by dotted key; empty if there is no winner."""
        won = self.trials[self.trials["number"] == self.winner]
        return {key: won.iloc[0][PARAM + key] for key in self.space} if len(won) else {}

    def name(self, number: int) -> str:
        """Return the name of a trial in ``trials.csv``."""
        return f"{self.arm}/{self.sampler}/{self.repeat}/{number}".replace(" ", "_")


@dataclass(frozen=True)
class Searched:
    """All searches of a study, in the order of arms, samplers and repeats.

    Attributes:
        searches: every search.
        objectives: names of the objectives, the first decides.
        directions: ``maximize`` or ``minimize`` for each.
        trials: trials every search was given.
        seeds_per_trial: seeds a configuration is judged by.
        epochs: epochs of one complete trial, all its seeds together.
        repeats: whole searches per arm.
        confirm_seeds: fresh seeds each winner is retrained on.
        repeatable: whether the same command gives the same proposals again.
        declared: arm -> name of the arm as declared (untuned), run on the same units.
    """

    searches: tuple[ArmSearch, ...]
    objectives: tuple[str, ...]
    directions: tuple[str, ...]
    trials: int
    seeds_per_trial: int
    epochs: int
    repeats: int
    confirm_seeds: int
    repeatable: bool
    declared: Mapping[str, str]

    @property
    def arms(self) -> tuple[str, ...]:
        """The arms that were tuned, in order."""
        return tuple(dict.fromkeys(each.arm for each in self.searches))

    @property
    def samplers(self) -> tuple[str, ...]:
        """The samplers, the deciding one first."""
        ordered = sorted(self.searches, key=lambda each: not each.deciding)
        return tuple(dict.fromkeys(each.sampler for each in ordered))

    @property
    def deciding(self) -> tuple[ArmSearch, ...]:
        """The searches whose winners are confirmed."""
        return tuple(each for each in self.searches if each.deciding)

    @property
    def budget(self) -> int:
        """Epochs of one search if no trial is stopped early."""
        return self.trials * self.epochs

    @property
    def maximize(self) -> bool:
        """Whether more of the first objective is better."""
        return self.directions[0] == "maximize"

    def of(self, arm: str, sampler: str | None = None) -> tuple[ArmSearch, ...]:
        """Return the searches of an arm; the deciding ones if no sampler is named."""
        return tuple(
            each
            for each in self.searches
            if each.arm == arm and (each.deciding if sampler is None else each.sampler == sampler)
        )


def spent(search: ArmSearch) -> Mapping[str, Any]:
    """Return what a search spent: trials by state, epochs, epochs read from the record, equal proposals."""
    rows = search.trials
    return {
        **{state: int((rows["state"] == state).sum()) for state in ("complete", "pruned", "failed")},
        "epochs": int(rows["epochs"].sum()),
        "reused": int(rows["reused"].sum()),
        "repeated": int(rows["same_as"].notna().sum()),
    }
