import math

import pytest
from scipy import stats
from search_toys import METRIC, SPACE, Diary, Engine, agenda, search, smooth, task, trials

from bench.identity import key
from bench.search.course import Course
from bench.search.log import TrialLog
from bench.search.objectives import worst_value
from bench.search.space import draw
from bench.store import Store
from models.errors import InvalidRequest

SECOND = "current.auroc"


def by_trial(one, curves):
    """Make a curve function from the curve of each trial and seed: ``{number: [(curve, end), ...]}``."""
    cells = {}
    for number, seeds in curves.items():
        for content, curve in zip(one.contents(draw(one.space, one.seed, number)), seeds, strict=True):
            cells[key(content)] = curve
    return lambda cell: cells[key(cell)]


def scripted(tmp_path, one, curves):
    (found,) = search(tmp_path, one, curve=by_trial(one, curves))
    return found


def test_values_steps_and_epochs_by_hand(tmp_path):
    one = task(trials=1, seeds=3, epochs=3)
    (found,) = scripted(tmp_path, one, {0: [([0.1, 0.2, 0.3], 0.6), ([0.2] * 3, 0.5), ([0.3] * 3, 0.7)]})
    assert found.state == "complete"
    assert found.seeds == (0.6, 0.5, 0.7)
    assert found.values == pytest.approx((0.6,))
    assert found.steps == pytest.approx({"1": 0.1, "2": 0.2, "3": 0.6, "6": 0.55, "9": 0.6})
    assert (found.epochs, found.reused, found.failure, found.message) == (9, 0, "", "")
    assert found.cells == tuple(key(content) for content in one.contents(found.params))


def test_halving_by_hand(tmp_path):
    one = task(trials=4, seeds=1, epochs=4, reduction=2, grace=1, sampler={"name": "random", "pruning": True})
    curves = {
        0: [([0.5, 0.6, 0.7, 0.8], 0.8)],
        1: [([0.4, 0.9, 0.9, 0.9], 0.9)],  # behind at epoch 1
        2: [([0.6, 0.5, 0.9, 0.9], 0.9)],  # ahead at epoch 1, behind at epoch 2
        3: [([0.5, 0.7, 0.8, 0.8], 0.7)],  # the second of four goes on
    }
    found = scripted(tmp_path, one, curves)
    assert [trial.state for trial in found] == ["complete", "pruned", "pruned", "complete"]
    assert [trial.epochs for trial in found] == [4, 1, 2, 4]
    assert found[1].steps == {"1": 0.4} and found[1].values == () and found[1].seeds == ()
    assert found[2].message == "not in the best 1/2 of 2 trials at epoch 2"
    record = Store(tmp_path).get(found[2].cells[0])
    assert record.outcome == "pruned" and len(record.curve) == 2


def test_an_epoch_without_a_score_judges_nobody(tmp_path):
    one = task(trials=2, seeds=1, epochs=3, grace=1, sampler={"name": "random", "pruning": True})
    found = scripted(tmp_path, one, {0: [([0.5, 0.6, 0.7], 0.8)], 1: [([None, 0.1, 0.1], 0.1)]})
    assert [trial.state for trial in found] == ["complete", "complete"]
    assert found[1].steps == {"2": 0.1, "3": 0.1} and found[1].epochs == 3


def test_only_the_first_seed_is_halved(tmp_path):
    one = task(trials=2, seeds=2, epochs=3, race=0.0, sampler={"name": "random", "pruning": True})
    good, late = ([0.5, 0.6, 0.7], 0.7), ([0.0, 0.0, 0.0], 0.9)
    found = scripted(tmp_path, one, {0: [good, good], 1: [([0.6, 0.6, 0.6], 0.6), late]})
    assert [trial.state for trial in found] == ["complete", "complete"]


def test_the_control_is_not_pruned(tmp_path):
    (found,) = search(tmp_path, task(trials=6, seeds=3, sampler="random", race=0.5))
    assert {trial.state for trial in found} == {"complete"}
    assert {trial.epochs for trial in found} == {12}


def racing(tmp_path, seeds, **settings):
    one = task(trials=2, seeds=4, epochs=1, sampler={"name": "random", "pruning": True}, **settings)
    flat = lambda values: [([value], value) for value in values]  # noqa: E731
    return scripted(tmp_path, one, {0: flat([0.80, 0.70, 0.75, 0.70]), 1: flat(seeds)})[1]


def test_a_race_over_seeds_by_hand(tmp_path):
    lost = racing(tmp_path / "lost", [0.70, 0.59, 0.64, 0.9])
    # Differences -.10 -.11: t = -21 on 1 degree of freedom.
    p = stats.ttest_1samp([-0.10, -0.11], 0, alternative="less").pvalue
    assert lost.state == "pruned" and len(lost.seeds) == 2 and lost.epochs == 2
    assert lost.message == f"behind trial 0 on 2 seeds (p = {p:.2g})"
    assert set(lost.steps) == {"1", "2"}
    near = racing(tmp_path / "near", [0.70, 0.72, 0.70, 0.70])
    assert near.state == "complete" and len(near.seeds) == 4
    third = racing(tmp_path / "third", [0.70, 0.65, 0.67, 0.9])
    assert third.state == "pruned" and len(third.seeds) == 3
    off = racing(tmp_path / "off", [0.1, 0.0, 0.05, 0.0], race=0.0)
    assert off.state == "complete"
    worse_by_the_same = racing(tmp_path / "same", [0.70, 0.60, 0.65, 0.9])
    assert worse_by_the_same.state == "pruned" and len(worse_by_the_same.seeds) == 2


def test_the_first_trial_is_the_declared_one(tmp_path):
    declared = {"lr": 0.001, "codes": 100, "steps": 5, "loss": "infonce"}
    tasks = [task(arm, trials=3, first=declared) for arm in ("a", "b")]
    a, b = search(tmp_path, *tasks)
    assert a[0].params == b[0].params == declared
    assert [t.params for t in a[1:]] == [t.params for t in b[1:]] == [draw(SPACE, 0, 1), draw(SPACE, 0, 2)]
    assert a[0].cells != b[0].cells


def test_equal_proposals_are_counted_and_cost_nothing(tmp_path):
    two = {"loss": SPACE["loss"]}
    curve = lambda cell: ([0.5] * 4, 0.6)  # noqa: E731
    one = task(trials=12, space=two, sampler="random")
    engine = Engine(tmp_path, curve)
    engine.run(agenda(tmp_path, one))
    (found,) = trials(tmp_path, one)
    seen = {}
    for trial in found:
        assert trial.same_as == seen.setdefault(trial.params["loss"], trial.number) or trial.same_as is None
        assert trial.epochs == 8
        assert trial.reused == (0 if trial.same_as is None else 8)
        assert trial.state == "complete" and trial.values == pytest.approx((0.6,))
    assert sum(trial.same_as is None for trial in found) == len(seen) <= 3
    assert len(engine.ran) == 2 * len(seen)


def test_parameters_that_do_not_go_together_end_at_once(tmp_path):
    def check(params):
        if params["loss"] == "triplet":
            raise InvalidRequest("triplet needs something else; take cwcl")

    one = task(trials=10, sampler="random", check=check)
    diary = Diary()
    Engine(tmp_path).run(agenda(tmp_path, one, watchers=[diary]))
    (found,) = trials(tmp_path, one)
    invalid = [trial for trial in found if trial.params["loss"] == "triplet"]
    assert invalid and len(found) == 10
    for trial in found:
        assert trial.failure == ("invalid" if trial in invalid else "")
    for trial in invalid:
        assert (trial.state, trial.values, trial.cells, trial.epochs) == ("complete", (0.0,), (), 0)
        assert trial.message == "triplet needs something else; take cwcl"
    assert not diary.open


def test_a_score_that_is_no_number_is_a_failure_with_a_name(tmp_path):
    found = scripted(tmp_path, task(trials=1, seeds=1), {0: [([0.1], math.nan)]})[0]
    assert (found.state, found.failure) == ("failed", "error")
    assert found.message == f"no validation.{METRIC} was scored"


def test_several_objectives_are_means_and_nothing_is_pruned(tmp_path):
    names = (METRIC, "lead", "parameters", "cpu_seconds")
    one = task(trials=6, objectives=names, race=0.5, sampler={"name": "tpe", "startup": 3})
    (found,) = search(tmp_path, one)
    for trial in found:
        assert trial.state == "complete" and trial.epochs == 8
        assert trial.values[1:] == (240.0, 100 * trial.params["codes"], 5.0)
        assert trial.values[0] == pytest.approx(sum(trial.seeds) / 2)


def test_an_objective_that_was_not_recorded_is_a_failure_with_a_name(tmp_path):
    found = search(tmp_path, task(trials=1, objectives=(METRIC, SECOND)))[0][0]
    assert (found.state, found.message) == ("failed", f"no {SECOND} was recorded")


def test_a_failure_is_the_worst_in_every_objective_and_finite():
    for name in (METRIC, "current.mcc", "lead", "parameters", "cpu_seconds"):
        assert math.isfinite(worst_value(name))
    assert worst_value("current.mcc") == -1.0
    assert worst_value("lead") < 0 < worst_value("parameters")


def test_best_is_the_first_of_equals_and_never_a_failure(tmp_path):
    one = task(trials=4, seeds=1, epochs=1, sampler="random")
    curves = {0: [([0.5], 0.0)], 1: [([0.5], 0.7)], 2: [([0.5], 0.7)], 3: [([], "diverged")]}
    scripted(tmp_path, one, curves)
    course = Course(one, TrialLog(tmp_path, one.header.key), Store(tmp_path))
    assert course.finished and course.begun == 4
    assert course.best.number == 1


def test_watchers_hear_of_everything_once(tmp_path):
    diary, one = Diary(), task(trials=2, seeds=2, epochs=2, sampler="random")
    Engine(tmp_path, lambda cell: smooth(cell, 2)).run(agenda(tmp_path, one, watchers=[diary]))
    name = one.header.key
    expected = [
        (word, name, number)
        for number in range(2)
        for word in ("begun", "step 1", "step 2", "step 4", "complete")
    ]
    assert diary.lines == expected


def test_the_search_can_be_shown_without_its_study(tmp_path):
    one = task(trials=1)
    search(tmp_path, one)
    assert TrialLog(tmp_path, one.header.key).header() == one.header


def test_a_sampler_that_cannot_is_refused_before_anything_is_written(tmp_path):
    one = task(space={"loss": SPACE["loss"]}, sampler="cmaes")
    with pytest.raises(InvalidRequest, match="cmaes"):
        agenda(tmp_path, one)
    assert not list(tmp_path.iterdir())
