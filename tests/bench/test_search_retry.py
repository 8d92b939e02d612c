"""Trials that the machine or its limits ended are opened again, when that is asked for."""

import random
from collections import Counter

import pytest
from search_toys import Diary, Engine, Killed, agenda, search, smooth, task, trials

from bench.identity import key
from bench.run.progress import Standing
from bench.search.course import Course
from bench.search.log import MACHINE, TrialLog, repeatable
from bench.search.mirror import Mirror, find_study
from bench.search.space import draw
from bench.store import Store

KINDS = sorted(MACHINE)


def failing(one, cells, epochs=4):
    """A curve that fails as told: ``{(trial, seed): kind}``, by the parameters that are drawn."""
    drawn = {trial: one.contents(draw(one.space, one.seed, trial)) for trial, _ in cells}
    bad = {key(drawn[trial][seed]): kind for (trial, seed), kind in cells.items()}
    return lambda cell: ([0.2], bad[key(cell)]) if key(cell) in bad else smooth(cell, epochs)


def told(found):
    return [(t.number, t.params, t.state, t.values, t.seeds, t.steps, t.epochs, t.failure) for t in found]


@pytest.mark.parametrize("kind", KINDS)
def test_a_trial_that_the_machine_ended_ends_anew_and_the_others_stay(tmp_path, kind):
    one = task(trials=4, sampler="random")
    (whole,) = search(tmp_path / "whole", one)
    root = tmp_path / "limited"
    (before,) = search(root, one, curve=failing(one, {(1, 1): kind}))
    assert [t.failure for t in before] == ["", kind, "", ""]

    engine = Engine(root)
    engine.run(agenda(root, one))
    assert not engine.ran and trials(root, one) == [before]  # not unless asked for

    engine = Engine(root)
    engine.run(agenda(root, one, retry=True))
    (after,) = trials(root, one)
    assert engine.ran == [before[1].cells[1]]  # the done cell counts
    assert told(after) == told(whole)
    assert [t.reused for t in after] == [0] * 4
    assert [t.round for t in after] == [0, 1, 0, 0]
    assert [after[n] for n in (0, 2, 3)] == [before[n] for n in (0, 2, 3)]

    engine = Engine(root)
    engine.run(agenda(root, one, retry=True))
    assert not engine.ran and trials(root, one) == [after]


@pytest.mark.parametrize("kind", ["diverged", "invalid"])
def test_the_configurations_own_failure_is_never_retried(tmp_path, kind):
    one = task(trials=3, sampler="random")
    curve = failing(one, {(1, 0): kind})
    (before,) = search(tmp_path, one, curve=curve)
    engine = Engine(tmp_path)
    engine.run(agenda(tmp_path, one, retry=True))
    assert not engine.ran and trials(tmp_path, one) == [before]


@pytest.mark.parametrize(("kind", "tries"), [("killed", 2), ("timeout", 2), ("error", 1), ("oom", 1)])
def test_what_fails_anew_fails_anew_with_all_its_tries(tmp_path, kind, tries):
    one = task(trials=2, sampler="random")
    curve = failing(one, {(0, 0): kind})
    for asked in range(1, 4):
        (found,) = search(tmp_path, one, curve=curve, retry=True)
        assert (found[0].failure, found[0].round) == (kind, asked - 1)
        assert Store(tmp_path).attempts(found[0].cells[0]) == asked * tries
    (found,) = search(tmp_path, one, retry=True)
    assert [(t.state, t.failure, t.reused) for t in found] == [("complete", "", 0)] * 2


def test_another_searchs_failure_at_its_limits_is_tried_once_for_both(tmp_path):
    one = task(trials=3, sampler="random")
    search(tmp_path, one, curve=failing(one, {(1, 0): "oom"}))
    other, third = task(trials=3, sampler="random"), task(trials=3, sampler="random")
    object.__setattr__(other.header, "key", "other")
    object.__setattr__(third.header, "key", "third")
    (found,) = search(tmp_path, other)
    assert found[1].failure == "oom"  # as on record
    engine = Engine(tmp_path)
    engine.run(agenda(tmp_path, one, other, third, retry=True))
    assert len(engine.ran) == 2  # the seed that was on record, and the one that was never reached
    for found in trials(tmp_path, one, other, third):
        assert [(t.state, t.failure) for t in found] == [("complete", "")] * 3


def test_limits_that_are_still_too_low_fail_every_search_that_needs_the_cell_once(tmp_path):
    one, other = (task(trials=2, sampler="random") for _ in range(2))
    object.__setattr__(other.header, "key", "other")
    curve = failing(one, {(1, 0): "oom"})
    search(tmp_path, one, curve=curve)
    found = search(tmp_path, one, other, curve=curve, retry=True)
    assert [each[1].failure for each in found] == ["oom", "oom"]
    assert Store(tmp_path).attempts(found[0][1].cells[0]) == 2


def test_a_proposal_is_on_file_before_it_runs_again(tmp_path):
    one = task(trials=4, sampler="random")
    search(tmp_path, one, curve=failing(one, {(1, 0): "timeout", (2, 0): "oom"}))
    plan = agenda(tmp_path, one, retry=True)
    states = lambda: [t.state for t in trials(tmp_path, one)[0]]  # noqa: E731
    assert states() == ["complete", "failed", "complete", "complete"]
    assert plan.standing() == Standing(total=4, ended=2, best=plan.standing().best)
    job = plan.next()
    assert states() == ["complete", "proposed", "complete", "complete"]
    again = trials(tmp_path, one)[0][1]
    assert (job.key, job.attempt) == (again.cells[0], 2)
    assert (again.round, again.forgiven, again.known) == (1, (2, 0), 3)
    assert not again.steps and not again.failure


@pytest.mark.parametrize("retry", [True, False])
def test_killed_at_any_step_of_a_retry_it_ends_as_if_nothing_had_failed(tmp_path, retry):
    one = task(trials=3, epochs=2, sampler="random")
    sound = lambda cell: smooth(cell, 2)  # noqa: E731
    (whole,) = search(tmp_path / "whole", one, curve=sound)
    curve = failing(one, {(1, 0): "oom", (2, 1): "timeout"}, 2)

    def limited(root):
        search(root, one, curve=curve)
        return root

    rehearsal = Engine(limited(tmp_path / "rehearsal"), sound)
    rehearsal.run(agenda(rehearsal.root, one, retry=True))
    assert told(trials(rehearsal.root, one)[0]) == told(whole)
    for step in range(1, rehearsal.steps + 1):
        root = limited(tmp_path / str(step))
        with pytest.raises(Killed):
            Engine(root, sound, dies_at=step).run(agenda(root, one, retry=True))
        begun = [t.number for t in trials(root, one)[0] if t.round]
        (found,) = search(root, one, curve=sound, retry=retry)
        ended = [0, 1, 2] if retry else [0, *begun]
        assert told(found[n] for n in ended) == told(whole[n] for n in ended)
        assert [t.number for t in found if t.failure] == [n for n in range(3) if n not in ended]
        assert [t.reused for t in found] == [0] * 3
        (found,) = search(root, one, curve=sound, retry=True)
        assert told(found) == told(whole)
        assert Counter(r.key for r in Store(root).records() if r.done) == Counter(
            key for t in whole for key in t.cells
        )


def test_what_was_interrupted_after_its_failure_was_on_record_is_retried_too(tmp_path):
    one = task(trials=2, sampler="random")
    curve = failing(one, {(1, 0): "oom"})
    whole = Engine(tmp_path / "whole", curve)
    whole.run(agenda(tmp_path / "whole", one))
    root = tmp_path / "killed"
    with pytest.raises(Killed):  # the record is there, the end of the trial is not
        Engine(root, curve, dies_at=whole.steps).run(agenda(root, one))
    assert Store(root).get(trials(root, one)[0][1].cells[0]).outcome == "oom"
    (found,) = search(root, one, retry=True)
    assert [(t.state, t.failure) for t in found] == [("complete", "")] * 2
    assert found[1].round == 1


def test_retried_side_by_side_in_several_searches_the_totals_are_exact(tmp_path):
    tasks = [task(arm, trials=7, sampler=name) for arm in ("a", "b") for name in ("tpe", "random")]
    rng = random.Random(4)

    def limited(cell):
        return ([0.3], rng.choice(KINDS)) if rng.random() < 0.4 else smooth(cell)

    search(tmp_path, *tasks, ahead=2, workers=3, rng=rng, curve=limited)
    failed = [t for found in trials(tmp_path, *tasks) for t in found if t.failure]
    assert len(failed) > 5
    diary = Diary()
    plan = agenda(tmp_path, *tasks, ahead=2, watchers=[diary], retry=True)
    Engine(tmp_path, workers=3, rng=rng).run(plan)
    assert plan.finished and not diary.open
    assert sum(line[0] == "begun" for line in diary.lines) == len(failed)
    for found in trials(tmp_path, *tasks):
        assert [t.number for t in found] == list(range(7))
        assert {t.state for t in found} <= {"complete", "pruned"} and not any(t.failure for t in found)
    done = [record.key for record in Store(tmp_path).records() if record.done]
    assert len(done) == len(set(done))


def test_trials_beyond_the_total_are_left_alone(tmp_path):
    one = task(trials=4, sampler="random")
    (before,) = search(tmp_path, one, curve=failing(one, {(1, 0): "oom", (3, 0): "oom"}))
    (found,) = search(tmp_path, task(trials=2, sampler="random"), retry=True)
    assert [t.failure for t in found] == ["", "", "", "oom"]
    assert found[3] == before[3]


def test_the_mirror_shows_the_last_round(tmp_path):
    one = task(trials=3, sampler="random")
    for retry, curve in ((False, failing(one, {(1, 0): "timeout"})), (True, smooth)):
        mirror = Mirror(tmp_path)
        Engine(tmp_path, curve).run(agenda(tmp_path, one, watchers=[mirror], retry=retry))
        assert not mirror.failures
        storage = mirror._journal.storage()
        shown = storage.get_all_trials(find_study(storage, one.header))
        assert [t.state.name for t in shown] == ["COMPLETE", "COMPLETE" if retry else "FAIL", "COMPLETE"]


def test_repeatable_is_what_nothing_came_between(tmp_path):
    metric = task().header.objectives
    one = task(trials=5, sampler={"name": "tpe", "startup": 2})
    (found,) = search(tmp_path / "plain", one)
    assert [t.known for t in found] == [0, 1, 2, 3, 4]
    assert repeatable(found, metric)

    broken = tmp_path / "plain/searches" / one.header.key / "records"
    for kind in ("trial", "proposal"):
        (broken / f"{kind}-000001.0.json").unlink()
    (found,) = search(tmp_path / "plain", one)  # proposed anew, although later ones are known
    assert [t.known for t in found] == [0, 4, 2, 3, 4]
    assert not repeatable(found, metric)

    (found,) = search(tmp_path / "beside", one, ahead=2, workers=2)
    assert not repeatable(found, metric)


@pytest.mark.parametrize(("number", "expected"), [(1, False), (3, True)])
def test_a_retried_search_is_repeatable_if_no_later_trial_knew_the_failure(tmp_path, number, expected):
    one = task(trials=4, sampler={"name": "tpe", "startup": 4, "pruning": False})
    (found,) = search(tmp_path, one, curve=failing(one, {(number, 0): "error"}))
    assert found[number].failure == "error" and not repeatable(found, one.header.objectives)
    (found,) = search(tmp_path, one, retry=True)
    assert {t.state for t in found} == {"complete"}
    assert repeatable(found, one.header.objectives) is expected


def test_opened_again_a_trial_leaves_no_value_of_its_failure_behind(tmp_path):
    one = task(trials=3, seeds=1, grace=1, reduction=2, sampler={"name": "random", "pruning": True})
    (found,) = search(tmp_path, one, curve=failing(one, {(0, 0): "error"}))
    assert found[0].steps == {"1": 0.2}
    course = Course(one, TrialLog(tmp_path, one.header.key), Store(tmp_path), retry=True)
    assert course.trials[0].steps == {} and not course.finished and course.begun == 2
    assert set(course._halving.values[1]) == {1, 2}
