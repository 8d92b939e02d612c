"""Samplers: who proposes the next configuration. Each is made anew for every trial, from its number."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import ClassVar, Protocol

from optuna.distributions import CategoricalDistribution
from optuna.samplers import BaseSampler, GPSampler, TPESampler

from bench.identity import canonical
from bench.search.cma import Replayed
from bench.search.draws import Draws
from bench.search.space import Space
from models.errors import InvalidRequest
from models.registry import component, param


class Sampler(Protocol):
    """What a sampler is to a search.

    Attributes:
        several_objectives: whether it works on more than one objective.
        ranks_pruned: whether it knows what to make of a trial that was pruned; one that does not is told
            the last value of the trial as if it were the final one.
    """

    several_objectives: ClassVar[bool]
    ranks_pruned: ClassVar[bool]

    @property
    def pruning(self) -> bool:
        """Whether trials of its searches may be stopped early."""

    def check(self, space: Space) -> None:
        """Refuse a space it cannot work on."""

    def build(self, seed: int, number: int, space: Space) -> BaseSampler:
        """Return the sampler of Optuna that proposes trial ``number``."""


@dataclass(frozen=True)
class ControlParameters:
    """Parameters of a sampler that learns nothing."""

    pruning: bool = param(False, help="whether trials may be stopped early")


@dataclass(frozen=True)
class ModelParameters:
    """Parameters of a sampler that learns from earlier trials."""

    startup: int = param(10, low=1, high=10_000, help="trials drawn at random before it starts to learn")
    pruning: bool = param(True, help="whether trials may be stopped early")


class _Sampler:
    several_objectives: ClassVar[bool] = True
    ranks_pruned: ClassVar[bool] = True

    def check(self, space: Space) -> None:
        """Accept every space."""


@component(
    "sampler", "random", parameters=ControlParameters, origin="Bergstra & Bengio 2012, JMLR 13, 281-305"
)
class Random(_Sampler):
    """Random search: every parameter by itself, uniform over its range or the logarithm of it.

    The control: unless asked for, its trials are not pruned, so that its best value is that of as many
    full runs.
    """

    def __init__(self, parameters: ControlParameters) -> None:
        self.pruning = parameters.pruning

    def build(self, seed: int, number: int, space: Space) -> BaseSampler:
        """Return the draws of trial ``number``."""
        return Draws(seed, number)


class _Learning(_Sampler):
    def __init__(self, parameters: ModelParameters) -> None:
        self.startup, self.pruning = parameters.startup, parameters.pruning

    def build(self, seed: int, number: int, space: Space) -> BaseSampler:
        """Return the draws of a first trial, the model's proposal of a later one."""
        draws = Draws(seed, number)
        return draws if number < self.startup else self._model(draws, _seed_of(seed, number), space)

    def _model(self, draws: Draws, seed: int, space: Space) -> BaseSampler:
        raise NotImplementedError


@component("sampler", "tpe", parameters=ModelParameters, origin="Bergstra et al. 2011, NeurIPS 24")
class Tpe(_Learning):
    """Tree-structured Parzen estimator over all parameters jointly.

    The multivariate form of Falkner et al. (2018), ICML, section 4.1: densities of good and of other
    trials are kernel estimates over the whole space. Trials that still run count as bad, so that
    proposals made side by side differ.
    """

    def _model(self, draws: Draws, seed: int, space: Space) -> BaseSampler:
        return TPESampler(seed=seed, n_startup_trials=0, multivariate=True)


@component("sampler", "gp", parameters=ModelParameters, origin="Ament et al. 2023, NeurIPS 36")
class GaussianProcess(_Learning):
    """Gaussian process (Matérn 5/2) with the expected improvement maximised in its logarithm.

    With several objectives, the expected improvement of the hypervolume (Daulton et al. 2020). The
    dearest proposal by far; it pays for few trials that take minutes each.
    """

    ranks_pruned = False

    def _model(self, draws: Draws, seed: int, space: Space) -> BaseSampler:
        return GPSampler(
            seed=seed, n_startup_trials=1, independent_sampler=draws, warn_independent_sampling=False
        )


@component("sampler", "cmaes", parameters=ModelParameters, origin="Hansen 2016, arXiv:1604.00772")
class CmaEs(_Learning):
    """Covariance matrix adaptation over the parameters that are numbers; choices stay random.

    Starts at the best of the first trials. Its state is worked out anew for each proposal, by telling
    it the ended trials in the order of their numbers, a generation at a time: it needs no memory but
    the record.
    """

    several_objectives = False
    ranks_pruned = False

    def check(self, space: Space) -> None:
        """Refuse a space without numbers.

        Raises:
            InvalidRequest: no parameter is a number.
        """
        if not _numeric(space):
            raise InvalidRequest(
                f"sampler 'cmaes' needs a parameter that is a number, got {', '.join(space)}; use tpe"
            )

    def _model(self, draws: Draws, seed: int, space: Space) -> BaseSampler:
        return Replayed(draws, seed, _numeric(space), self.startup)


def _numeric(space: Space) -> Space:
    return {key: each for key, each in space.items() if not isinstance(each, CategoricalDistribution)}


def _seed_of(seed: int, number: int) -> int:
    digest = hashlib.sha256(canonical(["sampler", seed, number]).encode()).digest()
    return int.from_bytes(digest[:4], "big") % (2**31 - 1)
