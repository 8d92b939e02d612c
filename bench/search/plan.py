"""From a study to its searches: one task for every arm, sampler and repeat, equal in what they may spend."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from optuna.distributions import distribution_to_json

from bench.arms import Arm
from bench.data.asking import fingerprint_of
from bench.identity import key
from bench.search.log import Header
from bench.search.space import Params, Space, check_block, configure, first, parameters_of, space_of
from bench.search.spec import SEARCHED, SearchSpec, read_search
from bench.search.task import Task
from bench.study import Study
from models.catalog import RECIPE
from models.errors import InvalidRequest

FORMAT = 1
FIRST_SEED = 1_000_000
"""Seeds of a search start here, those of its confirmation at 0: the second are fresh."""
SEARCHABLE = ("baseline", "change", "grid")


@dataclass(frozen=True, eq=False)
class SearchPlan:
    """A study as ``precursor search`` takes it.

    Attributes:
        study: the study.
        spec: its ``search`` block, resolved.
        fingerprint: of the data.
        spaces: arm name -> what is searched, and what the block fixes.
    """

    study: Study
    spec: SearchSpec
    fingerprint: str
    spaces: Mapping[str, tuple[Space, Params]]

    @property
    def arms(self) -> tuple[Arm, ...]:
        """The arms that are searched, the baseline first."""
        return tuple(arm for arm in self.study.arms if arm.kind in SEARCHABLE)

    @property
    def epochs(self) -> int:
        """Epochs of one complete trial."""
        return self.study.budget.epochs * self.spec.settings.seeds_per_trial

    @property
    def budget(self) -> str:
        """What every arm may spend, in words."""
        settings = self.spec.settings
        counts = (settings.trials, settings.seeds_per_trial, self.study.budget.epochs)
        named = zip(counts, ("trial", "seed", "epoch"), strict=True)
        each = " x ".join(f"{count} {name}{'s' * (count != 1)}" for count, name in named)
        return f"{each} for each of {len(self.arms)} arms"

    def held_out(self, repeat: int) -> tuple[int, int | None]:
        """Return the split seed and the fold that fix the test part of a repeat."""
        if self.study.split.by != "fold":
            return repeat, None
        return 0, self.study.source.folds[repeat]

    def tasks(self, data: str) -> tuple[Task, ...]:
        """Return every search of the study on prepared data."""
        return tuple(
            self._task(arm, sampler, repeat, data)
            for arm in self.arms
            for sampler in self.spec.samplers
            for repeat in range(self.spec.settings.repeats)
        )

    def seeds(self, repeat: int, trial_seed: int) -> dict[str, int]:
        """Return the seeds of a cell: the test part follows from the repeat, the rest is divided anew."""
        split, _ = self.held_out(repeat)
        return {"split": split, "initialisation": trial_seed, "permutation": 0, "validation": trial_seed}

    def contents(self, arm: Arm, repeat: int, params: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
        """Return the cells of a configuration, one a seed; none of them reads the test part."""
        config = configure(arm, {**self.spaces[arm.name][1], **params})
        _, fold = self.held_out(repeat)
        seeds = [FIRST_SEED + repeat * 1000 + n for n in range(self.spec.settings.seeds_per_trial)]
        return tuple(
            self.study.content(config, "method", fold, self.seeds(repeat, seed), self.fingerprint)
            | {"read": SEARCHED}
            for seed in seeds
        )

    def _task(self, arm: Arm, sampler: Mapping[str, Any], repeat: int, data: str) -> Task:
        space, fixed = self.spaces[arm.name]
        settings = self.spec.settings
        own = first(arm, space) if settings.first == "declared" else None
        distributions = {name: distribution_to_json(each) for name, each in space.items()}
        _, fold = self.held_out(repeat)
        content = self.study.content(
            configure(arm, fixed), "method", fold, self.seeds(repeat, 0), self.fingerprint
        )
        decides = {
            "format": FORMAT,
            "cell": content,
            "space": distributions,
            "first": own,
            "sampler": dict(sampler),
            "settings": [
                settings.seeds_per_trial, settings.seed, settings.reduction, settings.grace, settings.race
            ],
            "objectives": list(self.spec.objectives),
            "repeat": repeat,
        }  # fmt: skip
        header = Header(
            key(decides),
            self.study.name,
            self.study.source.title,
            arm.name,
            str(sampler["name"]),
            repeat,
            self.spec.objectives,
            self.spec.directions,
            distributions,
            self.study.settings.question,
        )
        return Task(
            header=header,
            space=space,
            first=own,
            sampler=sampler,
            settings=settings,
            trials=settings.trials,
            seed=settings.seed * 1000 + repeat,
            epochs=self.study.budget.epochs,
            metric=self.study.settings.metric,
            contents=lambda params: self.contents(arm, repeat, params),
            data=data,
        )


def make_search_plan(study: Study, *, trials: int | None = None) -> SearchPlan:
    """Read the search block of a study and derive the space of every arm.

    Args:
        study: a resolved study.
        trials: replaces ``search.trials``.

    Raises:
        InvalidRequest: whatever is wrong with the block, or data that cannot serve it.
    """
    spec = read_search(study.search, study.settings.metric)
    if trials is not None:
        spec = replace(spec, settings=replace(spec.settings, trials=trials))
    arms = [arm for arm in study.arms if arm.kind in SEARCHABLE]
    compared = {key for arm in arms for key in arm.compared}
    check_block(arms, spec.space)
    spaces = {}
    for arm in arms:
        own = _own(arm, arms)
        known = parameters_of(arm).keys() - (own - compared)
        block = {name: said for name, said in spec.space.items() if name in known}
        spaces[arm.name] = space_of(arm, block, compared | own)
    for name in spec.space:
        if not any(name in space or name in fixed for space, fixed in spaces.values()):
            raise InvalidRequest(
                f"search.space may not hold {name!r}, which every arm that has it sets or does not use; "
                "leave it out"
            )
    if study.split.validation == 0:
        raise InvalidRequest(
            "a search needs a validation part, and split.validation is 0; use --set split.validation=0.3"
        )
    if "lead" in spec.objectives and not all("lead" in space for space, _ in spaces.values()):
        raise InvalidRequest(
            "objective 'lead' needs the lead to be searched, and it is not; "
            "add lead: [120, 180, 240] to search.space"
        )
    folds = study.source.folds if study.split.by == "fold" else None
    if folds is not None and not folds:
        raise InvalidRequest(
            f"split.by: fold needs a source that names folds, and {study.source.title} names none; "
            "split by recording"
        )
    if folds is not None and spec.settings.repeats > len(folds):
        raise InvalidRequest(
            f"search.repeats must be at most the {len(folds)} folds of {study.source.title}, "
            f"got {spec.settings.repeats}; lower it"
        )
    return SearchPlan(study, spec, fingerprint_of(study.source), spaces)


def _own(arm: Arm, arms: list[Arm]) -> set[str]:
    """Return the keys that make an arm what it is, or another one with the same component.

    Searched, they would turn the one method into the other.
    """

    def component(of: Arm, key: str) -> Any:
        slot = key.partition(".")[0]
        return of.config[slot]["name"] if slot in RECIPE else None

    return {key for other in arms for key in other.given if component(arm, key) == component(other, key)}
