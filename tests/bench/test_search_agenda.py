import random
from collections import Counter

import pytest
from search_toys import METRIC, Diary, Engine, Killed, agenda, contents, search, smooth, task, trials

from bench.identity import key
from bench.run.job import Agenda
from bench.run.progress import Standing
from bench.search.log import TrialLog
from bench.store import Store


def at(numbers, cell):
    """Whether a cell is one of trials, by the parameters that the first search drew."""
    return cell["arm"]["steps"] in numbers


def test_every_trial_ends_and_the_numbers_are_exact(tmp_path):
    (found,) = search(tmp_path, task(trials=9))
    assert [trial.number for trial in found] == list(range(9))
    assert {trial.state for trial in found} == {"complete", "pruned"}
    assert all(trial.same_as is None for trial in found)


def test_the_total_counts_over_restarts(tmp_path):
    search(tmp_path, task(trials=3))
    (found,) = search(tmp_path, task(trials=5))
    assert len(found) == 5
    engine = Engine(tmp_path)
    engine.run(agenda(tmp_path, task(trials=5)))
    assert not engine.ran
    assert trials(tmp_path, task()) == [found]


def test_one_after_another_is_exactly_repeatable(tmp_path):
    for sampler in ("tpe", "random", "cmaes"):
        tasks = [task(trials=8, sampler={"name": sampler} | ({"startup": 3} if sampler != "random" else {}))]
        assert search(tmp_path / sampler / "a", *tasks) == search(tmp_path / sampler / "b", *tasks)


def test_searches_side_by_side_do_not_change_each_other(tmp_path):
    tasks = [
        task(name, trials=7, sampler={"name": "tpe", "startup": 3})
        for name in ("baseline", "cwcl", "triplet")
    ]
    alone = [search(tmp_path / each.header.key, each)[0] for each in tasks]
    together = search(tmp_path / "all", *tasks, workers=3, rng=random.Random(1))
    assert together == alone


def test_killed_at_any_step_the_search_ends_as_if_nothing_had_happened(tmp_path):
    tasks = [task(trials=5, seeds=3, sampler={"name": "tpe", "startup": 2}, race=0.4)]
    whole = Engine(tmp_path / "whole")
    whole.run(agenda(tmp_path / "whole", *tasks))
    expected = trials(tmp_path / "whole", *tasks)
    assert {trial.state for trial in expected[0]} == {"complete", "pruned"}
    for step in range(1, whole.steps + 1):
        root = tmp_path / str(step)
        with pytest.raises(Killed):
            Engine(root, dies_at=step).run(agenda(root, *tasks))
        Engine(root).run(agenda(root, *tasks))
        assert trials(root, *tasks) == expected, f"killed before step {step}"
        assert Counter(r.key for r in Store(root).records()) == Counter(
            r.key for r in Store(tmp_path / "whole").records()
        )


def test_killed_again_and_again_with_several_workers_the_totals_are_exact(tmp_path):
    rng = random.Random(3)
    tasks = [task(arm, trials=8, sampler=sampler) for arm in ("a", "b") for sampler in ("tpe", "random")]
    deaths = 0
    while True:
        diary, plan = Diary(), None
        try:
            plan = agenda(tmp_path, *tasks, ahead=2, watchers=[diary])
            Engine(tmp_path, workers=3, rng=rng, dies_at=rng.randrange(5, 60)).run(plan)
            break
        except Killed:
            deaths += 1
            plan.stop()
            assert not diary.open
    assert deaths > 3
    for found in trials(tmp_path, *tasks):
        assert [trial.number for trial in found] == list(range(8))
        assert not [trial for trial in found if trial.state == "proposed"]
    done = [record.key for record in Store(tmp_path).records() if record.done]
    assert len(done) == len(set(done))


def test_what_was_proposed_runs_with_the_same_parameters(tmp_path):
    one = task(trials=6, sampler={"name": "tpe", "startup": 2})
    with pytest.raises(Killed):
        Engine(tmp_path, workers=3, rng=random.Random(0), dies_at=25).run(agenda(tmp_path, one, ahead=3))
    before = {t.number: t.params for t in trials(tmp_path, one)[0] if t.state == "proposed"}
    assert before
    diary = Diary()
    Engine(tmp_path).run(agenda(tmp_path, one, watchers=[diary]))
    assert [line[2] for line in diary.lines if line[0] == "begun"][: len(before)] == sorted(before)
    after = {t.number: t.params for t in trials(tmp_path, one)[0]}
    assert {number: after[number] for number in before} == before


def test_a_search_that_has_begun_fewer_trials_comes_first(tmp_path):
    tasks = [task(name, trials=3) for name in ("a", "b")]
    diary = Diary()
    Engine(tmp_path).run(agenda(tmp_path, *tasks, watchers=[diary]))
    begun = [line[1:] for line in diary.lines if line[0] == "begun"]
    assert begun == [(each.header.key, number) for number in range(3) for each in tasks]


@pytest.mark.parametrize("ahead", [1, 3])
def test_no_more_trials_at_a_time_than_ahead(tmp_path, ahead):
    plan = agenda(tmp_path, task(trials=6), ahead=ahead)
    jobs = [job for _ in range(10) if (job := plan.next())]
    assert len(jobs) == ahead
    assert not plan.finished


def test_it_is_an_agenda(tmp_path):
    plan: Agenda = agenda(tmp_path, task(trials=1))
    assert plan.next() is not None


def test_a_cell_that_two_searches_need_runs_once_and_the_second_reads_it(tmp_path):
    tasks = [task(trials=4, sampler=name) for name in ("tpe", "random")]
    engine = Engine(tmp_path, workers=2, rng=random.Random(5))
    engine.run(agenda(tmp_path, *tasks))
    tpe, control = trials(tmp_path, *tasks)
    assert [t.params for t in tpe] == [t.params for t in control]
    assert engine.most == 2
    done = [record for record in Store(tmp_path).records() if record.done]
    assert len({record.key for record in done}) == len(done) == 8
    assert sum(trial.reused for trial in (*tpe, *control)) > 0
    assert sum(t.epochs for t in control) == 4 * 2 * 4
    for trial in (*tpe, *control):
        assert 0 <= trial.reused <= trial.epochs


def test_a_finished_search_is_a_memo_for_another(tmp_path):
    search(tmp_path, task(trials=5, sampler="random"))
    engine = Engine(tmp_path)
    again = task(trials=5, sampler={"name": "random", "pruning": True})
    Engine(tmp_path / "fresh").run(agenda(tmp_path / "fresh", again))
    TrialLog(tmp_path, "elsewhere")
    object.__setattr__(again.header, "key", "elsewhere")
    engine.run(agenda(tmp_path, again))
    assert not engine.ran
    (found,) = trials(tmp_path, again)
    (fresh,) = trials(tmp_path / "fresh", task(sampler="random"))
    assert [(t.state, t.values, t.steps, t.epochs) for t in found] == [
        (t.state, t.values, t.steps, t.epochs) for t in fresh
    ]
    assert [t.reused for t in found] == [t.epochs for t in found]
    assert [t.reused for t in fresh] == [0] * 5
    assert "pruned" in {t.state for t in found}


def test_a_pruned_curve_that_is_too_short_is_run_again_from_the_start(tmp_path):
    pruned = task(trials=6, sampler={"name": "random", "pruning": True})
    (early,) = search(tmp_path, pruned)
    short = [trial for trial in early if trial.state == "pruned"]
    assert short
    whole = task(trials=6, sampler="random", seed=0)
    object.__setattr__(whole.header, "key", "control")
    (found,) = search(tmp_path, whole)
    assert {trial.state for trial in found} == {"complete"}
    for trial in short:
        record = Store(tmp_path).get(trial.cells[0])
        assert record.done and record.attempt == 1
        assert found[trial.number].reused == 0
    assert sum(t.reused for t in found) == sum(t.epochs for t in early if t.state == "complete")


def test_an_interruption_is_told_of_what_runs(tmp_path):
    diary = Diary()
    plan = agenda(tmp_path, task(trials=4), ahead=2, watchers=[diary])
    assert plan.next() and plan.next()
    plan.stop()
    assert [line[0] for line in diary.lines] == ["begun", "begun", "stopped", "stopped"]


@pytest.mark.parametrize("kind", ["killed", "timeout"])
def test_what_the_machine_failed_is_tried_again_once(tmp_path, kind):
    one, tries = task(trials=3, sampler="random"), Counter()

    def fails_once(cell):
        tries[key(cell)] += 1
        return ([0.1], kind) if tries[key(cell)] == 1 else smooth(cell)

    (found,) = search(tmp_path, one, curve=fails_once)
    assert {trial.state for trial in found} == {"complete"}
    assert set(tries.values()) == {2}
    assert [t.epochs for t in found] == [8] * 3


@pytest.mark.parametrize(("kind", "attempts"), [("killed", 2), ("timeout", 2), ("error", 1)])
def test_a_failure_that_is_not_the_configurations_is_told_as_none(tmp_path, kind, attempts):
    one = task(trials=4, sampler="random")
    bad = contents("cwcl", 2)(search(tmp_path / "a", one)[0][1].params)[0]
    (found,) = search(tmp_path, one, curve=lambda cell: ([0.2], kind) if cell == bad else smooth(cell))
    assert [trial.state for trial in found].count("failed") == 1
    failed = found[1]
    assert (failed.state, failed.failure, failed.message, failed.values) == (
        "failed",
        kind,
        f"it was {kind}",
        (),
    )
    assert Store(tmp_path).attempts(failed.cells[0]) == attempts


@pytest.mark.parametrize("kind", ["diverged", "oom", "invalid"])
def test_a_failure_of_the_configuration_is_its_result(tmp_path, kind):
    one = task(trials=4, sampler="random")
    bad = contents("cwcl", 2)(search(tmp_path / "a", one)[0][1].params)[1]
    curve = lambda cell: ([0.2], kind) if cell == bad else smooth(cell)  # noqa: E731
    (found,) = search(tmp_path, one, curve=curve)
    failed = found[1]
    assert (failed.state, failed.failure, failed.values) == ("complete", kind, (0.0,))
    assert len(failed.seeds) == 1 and failed.epochs == 5
    # Never run again: it is a result like any other.
    engine = Engine(tmp_path, curve=curve)
    object.__setattr__(one.header, "key", "again")
    engine.run(agenda(tmp_path, one))
    assert not engine.ran
    assert trials(tmp_path, one)[0][1].failure == kind


def test_a_machines_failure_from_another_search_is_not_this_ones(tmp_path):
    one = task(trials=2, sampler="random")
    search(tmp_path, one, curve=lambda cell: ([], "killed"))
    object.__setattr__(one.header, "key", "again")
    (found,) = search(tmp_path, one)
    assert {trial.state for trial in found} == {"complete"}
    assert METRIC in str(Store(tmp_path).get(found[0].cells[0]).scores)


def test_how_it_stands(tmp_path):
    tasks = [task(arm, trials=3, seeds=1, epochs=1, sampler="random") for arm in ("a", "b")]
    plan = agenda(tmp_path, *tasks)
    assert plan.standing() == Standing(total=6, ended=0)
    assert plan.next()
    assert plan.standing() == Standing(total=6, ended=0, running=1)
    ends = iter([0.6, 0.7, "diverged", 0.5, "error", 0.4])
    plan = agenda(tmp_path, *tasks)
    Engine(tmp_path, lambda cell: ([0.5], next(ends))).run(plan)
    # Trials of the two arms take turns: b has the second.
    assert plan.standing() == Standing(total=6, ended=6, failed=2, best=("b", 0.7))
    fewer = agenda(
        tmp_path, *[task(arm, trials=2, seeds=1, epochs=1, sampler="random") for arm in ("a", "b")]
    )
    assert fewer.finished and fewer.next() is None
    assert (fewer.standing().total, fewer.standing().ended) == (4, 4)


def test_trials_that_began_side_by_side_say_so(tmp_path):
    alone, beside = task("a", trials=4), task("b", trials=4)
    search(tmp_path, alone)
    search(tmp_path, beside, ahead=2, workers=2, rng=random.Random(0))
    assert [[t.beside for t in each] for each in trials(tmp_path, alone, beside)] == [[0] * 4, [0, 1, 1, 1]]


def test_with_fewer_trials_than_have_begun_none_is_begun_and_more_go_on(tmp_path):
    with pytest.raises(Killed):
        Engine(tmp_path, workers=3, rng=random.Random(0), dies_at=3).run(
            agenda(tmp_path, task(trials=6), ahead=3)
        )
    assert [t.state for t in trials(tmp_path, task())[0]] == ["proposed"] * 3
    (found,) = search(tmp_path, task(trials=1))
    assert [t.state for t in found] == ["complete", "proposed", "proposed"]
    (found,) = search(tmp_path, task(trials=4))
    assert [t.state == "proposed" for t in found] == [False] * 4
