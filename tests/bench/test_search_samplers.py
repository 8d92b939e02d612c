import statistics
from dataclasses import replace

import cmaes
import numpy as np
import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from search_toys import SPACE

from bench.search.ask import propose
from bench.search.log import Trial
from bench.search.samplers import _seed_of
from bench.search.space import draw, place, share_of
from models import registry
from models.errors import InvalidRequest

SLOW_GP = pytest.param("gp", marks=pytest.mark.slow)
NAMES = ("random", "tpe", "gp", "cmaes")
LEARNING = ("tpe", "gp", "cmaes")
BOTH = ("maximize", "minimize")
NUMBERS = {key: each for key, each in SPACE.items() if key != "loss"}


def sampler(name, **parameters):
    return registry.build("sampler", registry.resolve("sampler", {"name": name, **parameters}))


def height(params):
    value = 1 - (np.log10(params["lr"]) + 2) ** 2 / 4 - (params["steps"] - 6) ** 2 / 25
    return float(value - (np.log2(params["codes"]) - 6) ** 2 / 9 - 0.2 * (params.get("loss") == "triplet"))


def grown(name, count, *, seed=0, space=SPACE, directions=("maximize",), **parameters):
    """Trials of a search that runs one after another."""
    found = []
    for number in range(count):
        params = propose(sampler(name, **parameters), space, directions, found, seed, number)
        values = (height(params), float(params["codes"]))[: len(directions)]
        found.append(Trial(number, params, (), "complete", values))
    return found


@pytest.mark.parametrize("name", NAMES)
def test_each_is_a_component_with_its_paper(name):
    component = registry.lookup("sampler", name)
    assert component.origin and component.summary
    assert component.factory.several_objectives is (name != "cmaes")
    assert sampler(name).pruning is (name != "random")
    assert sampler(name, pruning=name == "random").pruning is (name == "random")


@pytest.mark.parametrize("name", NAMES)
def test_first_trials_are_the_draws_that_every_sampler_shares(name):
    parameters = {} if name == "random" else {"startup": 4}
    for trial in grown(name, 4, seed=7, **parameters):
        assert trial.params == draw(SPACE, 7, trial.number)


@pytest.mark.parametrize("name", LEARNING)
def test_later_ones_are_not_but_lie_in_the_space(name):
    for trial in grown(name, 7, startup=3)[3:]:
        assert trial.params != draw(SPACE, 0, trial.number)
        for key, value in trial.params.items():
            assert SPACE[key]._contains(SPACE[key].to_internal_repr(value))


@pytest.mark.parametrize("name", LEARNING)
def test_a_proposal_is_a_function_of_what_it_is_given(name):
    trials = grown(name, 6, startup=3)
    ask = lambda seed=0, number=6, known=trials: propose(  # noqa: E731
        sampler(name, startup=3), SPACE, ("maximize",), known, seed, number
    )
    assert ask() == ask()
    best = max(trials[:3], key=lambda trial: trial.values[0])
    assert ask(known=[replace(best, values=(-9.0,)) if each is best else each for each in trials]) != ask()
    if name != "gp":  # it maximises, the others draw
        assert len({str(ask()), str(ask(seed=1)), str(ask(number=7))}) == 3


def test_adding_a_parameter_shifts_no_other():
    more = {**SPACE, "a": FloatDistribution(0, 1), "z": CategoricalDistribution(("x", "y"))}
    for number in range(5):
        drawn = propose(sampler("tpe"), dict(sorted(more.items())), ("maximize",), [], 0, number)
        assert {key: drawn[key] for key in SPACE} == draw(SPACE, 0, number)


@pytest.mark.parametrize("name", ["tpe", SLOW_GP])
def test_rebuilt_for_each_trial_it_proposes_what_a_living_study_of_optuna_does(name):
    study = optuna.create_study(direction="maximize")
    ours = grown(name, 7, startup=4)
    for trial in ours:
        study.sampler = sampler(name, startup=4).build(0, trial.number, SPACE)
        asked = study.ask(SPACE)
        assert asked.params == trial.params
        study.tell(asked, height(asked.params))


def test_cmaes_proposes_what_one_optimizer_told_generation_by_generation_does():
    startup, trials = 4, grown("cmaes", 30, startup=4, space=NUMBERS)
    points = [np.array([share_of(NUMBERS[key], t.params[key]) for key in NUMBERS]) for t in trials]
    best = max(range(startup), key=lambda number: trials[number].values[0])
    living = cmaes.CMA(points[best], 1 / 6, np.array([[0.0, 1.0]] * 3), n_max_resampling=30, seed=1)
    told = []
    for number in range(startup, 30):
        living.reseed_rng(_seed_of(0, number))
        expected = [place(NUMBERS[k], share) for k, share in zip(NUMBERS, living.ask(), strict=True)]
        assert list(trials[number].params.values()) == expected
        told.append((points[number], -trials[number].values[0]))
        if len(told) == living.population_size:
            living.tell(told)
            told = []
    assert living.generation == 26 // living.population_size


def test_cmaes_draws_choices_and_refuses_a_space_of_choices_alone():
    for trial in grown("cmaes", 8, startup=3)[3:]:
        assert trial.params["loss"] == draw(SPACE, 0, trial.number)["loss"]
    sampler("cmaes").check(SPACE)
    with pytest.raises(InvalidRequest, match="needs a parameter that is a number, got loss; use tpe"):
        sampler("cmaes").check({"loss": SPACE["loss"]})
    for name in ("random", "tpe", "gp"):
        sampler(name).check({"loss": SPACE["loss"]})


@pytest.mark.parametrize("name", LEARNING)
def test_what_was_pruned_is_learned_from(name):
    trials = [
        replace(t, state="pruned", values=(), steps={"1": 0.9 * t.values[0]}) for t in grown("random", 9)
    ]
    other = [replace(t, steps={"1": -t.steps["1"]}) for t in trials]
    asked = [propose(sampler(name, startup=2), SPACE, ("maximize",), each, 0, 9) for each in (trials, other)]
    assert asked[0] != asked[1]


@pytest.mark.parametrize("name", ["tpe", SLOW_GP])
def test_what_runs_elsewhere_is_kept_clear_of(name):
    trials = grown("random", 12)
    alone = propose(sampler(name), SPACE, ("maximize",), trials, 0, 13)
    beside = [*trials, Trial(12, alone, ())]
    assert propose(sampler(name), SPACE, ("maximize",), beside, 0, 13) != alone


@pytest.mark.parametrize("name", LEARNING)
@pytest.mark.parametrize("state", ["failed", "proposed"])
def test_with_nothing_to_learn_from_it_still_proposes(name, state):
    trials = [replace(t, state=state, values=()) for t in grown("random", 5)]
    asked = propose(sampler(name, startup=2), SPACE, ("maximize",), trials, 0, 5)
    assert set(asked) == set(SPACE)


@pytest.mark.parametrize("name", ["random", "tpe", SLOW_GP])
def test_several_objectives(name):
    trials = grown(name, 8, directions=BOTH, **({} if name == "random" else {"startup": 4}))
    far = replace(trials[2], values=(0.0, 1e15), failure="diverged")
    near = replace(trials[2], values=(0.0, max(t.values[1] for t in trials if t is not trials[2])))
    asked = [
        propose(sampler(name), SPACE, BOTH, [*trials[:2], each, *trials[3:]], 0, 8)
        for each in (far, replace(near, failure="diverged"))
    ]
    assert asked[0] == asked[1]  # the far value that stands for a failure is nowhere to be felt


def test_nothing_is_said(capfd):
    before = optuna.logging.get_verbosity()
    for name in NAMES:
        grown(name, 4, **({} if name == "random" else {"startup": 2}))
    assert capfd.readouterr() == ("", "")
    assert optuna.logging.get_verbosity() == before


def test_parameters_are_plain_values():
    for name in NAMES:
        for trial in grown(name, 5, **({} if name == "random" else {"startup": 2})):
            assert {type(value) for value in trial.params.values()} <= {int, float, str}


@pytest.mark.parametrize("name", ["tpe", "cmaes"])
def test_learning_beats_drawing(name):
    """Median best of 40 trials over 7 seeds: at most half as far from the optimum."""
    space = {f"x{n}": FloatDistribution(0, 1) for n in range(3)} | {"k": IntDistribution(1, 64, log=True)}

    def best(which, seed):
        found = []
        for number in range(40):
            params = propose(sampler(which), space, ("maximize",), found, seed, number)
            value = (
                -sum((params[f"x{n}"] - 0.3) ** 2 for n in range(3)) - (np.log2(params["k"]) / 6 - 0.5) ** 2
            )
            found.append(Trial(number, params, (), "complete", (float(value),)))
        return max(trial.values[0] for trial in found)

    learned, drawn = ([best(which, seed) for seed in range(7)] for which in (name, "random"))
    assert statistics.median(learned) > statistics.median(drawn) / 2
