"""A study as a search takes it: what is varied, what is held out, and that no search sees it."""

import shutil

import numpy as np
import pytest
from conftest import TINY

from bench.cell.parts import parts_of
from bench.cell.run import run
from bench.data.dataset import Dataset
from bench.grid import prepare_data
from bench.search.confirm import Winner, confirm_cells, declared_name
from bench.search.log import Trial, best
from bench.search.plan import make_search_plan
from bench.study import load
from models import registry
from models.errors import InvalidRequest


@pytest.fixture
def planned(tmp_path):
    def make(block="", *settings, study=TINY):
        path = tmp_path / "tiny.yaml"
        path.write_text(study + block)
        return make_search_plan(load(path, settings=settings))

    return make


def test_the_space_follows_from_the_components(planned):
    plan = planned()
    spaces = {name: set(space) for name, (space, _) in plan.spaces.items()}
    assert spaces["cwcl"] - spaces["baseline"] == {"contrast.kernel", "contrast.bandwidth"}
    assert spaces["baseline"] < spaces["cwcl"]
    assert {"contrast.temperature", "quantizer.codes", "optimizer.learning_rate"} <= spaces["cwcl"]
    without = planned(study=TINY.replace("cwcl: {contrast: cwcl}", "bare: {alignment: none}"))
    assert not any(key.startswith("alignment.") for key in without.spaces["bare"][0])


def test_what_a_study_compares_is_never_searched(planned):
    plan = planned(study=TINY.replace("cwcl: {contrast: cwcl}", "more: {quantizer.codes: 64}"))
    assert all("quantizer.codes" not in space for space, _ in plan.spaces.values())
    (content, *_) = plan.contents(plan.arms[1], 0, {"contrast.temperature": 0.5})
    assert content["arm"]["quantizer"]["codes"] == 64
    assert content["arm"]["contrast"]["temperature"] == 0.5
    with pytest.raises(InvalidRequest, match="the study compares"):
        planned(
            "search: {space: {quantizer.codes: [32, 64]}}\n",
            study=TINY.replace("cwcl: {contrast: cwcl}", "more: {quantizer.codes: 64}"),
        )


def test_arms_have_equal_budgets_and_seeds(planned):
    plan = planned("search: {trials: 7, seeds_per_trial: 3, against: [random]}\n")
    tasks = plan.tasks("data")
    assert len(tasks) == 4
    assert {(task.trials, task.seed, task.epochs) for task in tasks} == {(7, 0, 2)}
    assert len({task.header.key for task in tasks}) == 4
    seeds = {
        tuple(tuple(sorted(content["seeds"].items())) for content in task.contents(dict(task.first)))
        for task in tasks
    }
    assert len(seeds) == 1
    assert [len(task.contents({})) for task in tasks] == [3] * 4


def test_more_trials_are_the_same_search_and_another_seed_is_another(planned):
    def keys(block):
        return [task.header.key for task in planned(block).tasks("data")]

    assert keys("search: {trials: 3}\n") == keys("search: {trials: 30, confirm_seeds: 2}\n")
    assert not set(keys("search: {seed: 1}\n")) & set(keys("search: {seed: 2}\n"))
    assert not set(keys("search: {race: 0.2}\n")) & set(keys("search: {race: 0.1}\n"))


def test_search_and_confirmation_share_the_test_part_and_nothing_else(planned):
    plan = planned("search: {seeds_per_trial: 3, confirm_seeds: 3, repeats: 2}\n")
    data = prepare_data(plan.study)
    dataset = Dataset.open(data)
    windows = dataset.windows(plan.study.windows, 240.0)
    held = []
    for repeat in range(2):
        searched = plan.contents(plan.arms[0], repeat, {})
        winner = Winner(plan.arms[0], repeat, Trial(0, {}, ()), plan.arms[0].config)
        confirmed = [c.content for c in confirm_cells(plan, [winner]) if c.unit.search == repeat]
        assert not {c["seeds"]["initialisation"] for c in searched} & {
            c["seeds"]["initialisation"] for c in confirmed
        }
        parts = [
            parts_of(content, dataset, windows, plan.study.windows) for content in (*searched, *confirmed)
        ]
        tests = {tuple(part.test) for part in parts}
        assert len(tests) == 1
        held.append(tests.pop())
        seen = np.concatenate([np.concatenate([part.train, part.validation]) for part in parts])
        assert not set(windows.recording[seen]) & set(windows.recording[list(held[-1])])
        assert len({tuple(part.validation) for part in parts}) > 1
    assert held[0] != held[1]


def test_a_search_cell_never_looks_at_test_labels(planned, tmp_path):
    """Every label of the test recordings is turned round: nothing a search sees may change."""
    plan = planned()
    data = prepare_data(plan.study)
    (content, *_) = plan.contents(plan.arms[0], 0, {})
    dataset = Dataset.open(data)
    windows = dataset.windows(plan.study.windows, 240.0)
    test = set(windows.recording[parts_of(content, dataset, windows, plan.study.windows).test])
    turned = tmp_path / "turned"
    shutil.copytree(data, turned)
    label = np.load(turned / "label.npy")
    for number, track in enumerate(dataset.tracks):
        if number in test:
            rows = slice(track.video_first, track.video_first + track.video_count)
            label[rows] = 1 - label[rows]
    np.save(turned / "label.npy", label)
    *epochs, last = run(content, str(data), "cpu")
    *epochs_turned, last_turned = run(content, str(turned), "cpu")
    assert epochs == epochs_turned
    assert last["scores"] == last_turned["scores"]
    assert all(name.startswith("validation.") for name in last["scores"])
    assert last["predictions"]["codebook"].shape[0] == 2
    plain = {name: value for name, value in content.items() if name != "read"}
    assert [*run(plain, str(data), "cpu")][-1]["scores"] != [*run(plain, str(turned), "cpu")][-1]["scores"]


def test_confirmation_runs_winners_and_arms_as_declared_on_the_same_units(planned):
    plan = planned("search: {confirm_seeds: 4}\n")
    tuned = {**plan.arms[1].config, "quantizer": {**plan.arms[1].config["quantizer"], "codes": 33}}
    found = [
        Winner(plan.arms[0], 0, Trial(0, {}, ()), plan.arms[0].config),
        Winner(plan.arms[1], 0, Trial(0, {}, ()), tuned),
    ]
    cells = confirm_cells(plan, found)
    units = {name: [c.unit.name for c in cells if c.arm == name] for name in {c.arm for c in cells}}
    assert set(units) == {
        "baseline",
        "cwcl",
        "no_pretraining",
        declared_name("baseline"),
        declared_name("cwcl"),
    }
    assert all(names == [f"seed {n}" for n in range(4)] for names in units.values())
    assert all("read" not in cell.content for cell in cells)
    own = {c.key for c in cells if c.arm == "baseline"}
    assert own == {c.key for c in cells if c.arm == declared_name("baseline")}  # nothing changed: run once


def test_the_winner_is_the_best_complete_trial_and_the_first_of_equals():
    trials = [
        Trial(0, {}, (), "complete", (0.7,)),
        Trial(1, {}, (), "complete", (0.8,)),
        Trial(2, {}, (), "complete", (0.8,)),
        Trial(3, {}, (), "pruned"),
        Trial(4, {}, (), "complete", (0.9,), failure="diverged"),
    ]
    assert best(trials).number == 1
    assert best(trials[3:]) is None


@pytest.mark.parametrize(
    ("block", "said"),
    [
        ("search: {space: {quantizer.code: [1]}}", "quantizer.codes"),
        ("search: {space: {quantizer.codes: {low: 64, high: 16}}}", "must not be empty"),
        ("search: {space: {quantizer.codes: {low: 1, high: 16}}}", "must lie in"),
        ("search: {space: {quantizer.codes: 1}}", "must lie in"),
        ("search: {space: [1]}", "must be a mapping"),
        ("search: {trials: 0}", "search.trials must lie in"),
        ("search: {trails: 3}", "trials"),
        ("search: {objectives: [current.aurok]}", "current.auroc"),
        ("search: {objectives: [current.auroc]}", "put it first"),
        ("search: {objectives: [current.balanced_accuracy, lead]}", "needs the lead to be searched"),
        ("search: {objectives: [current.balanced_accuracy, parameters], sampler: cmaes}", "one objective"),
        ("search: {sampler: tpee}", "tpe"),
        ("search: {against: [tpe]}", "each sampler once"),
        ("search: 3", "search must be a mapping"),
        ("split: {validation: 0}", "validation part"),
    ],
)
def test_a_wrong_block_is_one_sentence(planned, block, said):
    with pytest.raises(InvalidRequest, match=said) as refused:
        planned(block + "\n")
    assert "\n" not in str(refused.value)


def test_searched_ranges_lie_in_what_is_allowed_and_hold_numbers():
    for slot in registry.slots():
        for component in registry.components(slot).values():
            for name, (_, default, allowed) in registry.fields(component.parameters).items():
                if allowed.search and not allowed.choices:
                    low, *between, high = allowed.search
                    assert sorted({low, *between, high}) == list(allowed.search), (slot, name)
                    assert not between or default in allowed.search, (slot, name)
                    assert (allowed.low or 0) <= low < high <= (allowed.high or np.inf), (slot, name)
                    assert low <= default <= high, (slot, name)
                    assert not allowed.log or low > 0, (slot, name)
