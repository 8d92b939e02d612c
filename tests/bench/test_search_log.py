import pytest
from search_toys import task

from bench.search.log import Trial, TrialLog, repeatable, searches

TRIAL = Trial(3, {"lr": 1 / 3, "codes": 64, "loss": "cwcl"}, ("a", "b"), same_as=1, attempts=(0, 2))


def test_a_trial_comes_back_as_it_was(tmp_path):
    log = TrialLog(tmp_path, "key")
    assert log.trials() == [] and log.header() is None
    log.propose(TRIAL)
    assert log.trials() == [TRIAL]
    ended = TRIAL.ended(
        "complete", values=(0.1 + 0.2, -1.0), seeds=(0.5, 2 / 3), steps={"1": 0.1}, epochs=8, reused=4
    )
    log.end(ended)
    assert TrialLog(tmp_path, "key").trials() == [ended]


def test_order_is_by_number_and_what_ended_first_stands(tmp_path):
    log = TrialLog(tmp_path, "key")
    for number in (11, 2, 0, 100_000):
        log.propose(Trial(number, {}, ()))
    log.end(Trial(2, {}, (), "failed", failure="killed"))
    log.end(Trial(2, {}, (), "complete", (1.0,)))
    log.propose(Trial(0, {"other": 1}, ()))
    assert [(trial.number, trial.state) for trial in log.trials()] == [
        (0, "proposed"), (2, "failed"), (11, "proposed"), (100_000, "proposed"),
    ]  # fmt: skip
    assert log.trials()[0].params == {}


@pytest.mark.parametrize("kind", ["proposal", "trial"])
def test_a_torn_file_is_as_if_it_had_not_been_written(tmp_path, kind):
    log = TrialLog(tmp_path, "key")
    log.propose(TRIAL)
    log.end(TRIAL.ended("pruned", steps={"1": 0.5}))
    path = tmp_path / "searches/key/records" / f"{kind}-000003.0.json"
    path.write_bytes(path.read_bytes()[:-9])
    (found,) = TrialLog(tmp_path, "key").trials()
    assert found.state == ("proposed" if kind == "trial" else "pruned")


def test_a_trial_that_is_opened_again_is_a_further_round_and_loses_nothing(tmp_path):
    log = TrialLog(tmp_path, "key")
    log.propose(TRIAL)
    failed = TRIAL.ended("failed", failure="timeout", epochs=3, steps={"1": 0.5})
    log.end(failed)
    again = failed.again(5, (1, 2))
    assert log.trials() == [failed]
    log.propose(again)
    assert again == Trial(
        3, TRIAL.params, ("a", "b"), same_as=1, attempts=(0, 2), known=5, forgiven=(1, 2), round=1
    )
    assert log.trials() == [again]
    log.end(failed)
    log.propose(TRIAL)
    assert log.trials() == [again]
    ended = again.ended("complete", values=(0.5,))
    log.end(ended)
    assert log.trials() == [ended]
    names = {path.name for path in (tmp_path / "searches/key/records").glob("*.json")}
    assert names == {f"{kind}-000003{turn}.0.json" for kind in ("proposal", "trial") for turn in ("", "-1")}
    (tmp_path / "searches/key/records/trial-000003-1.0.json").write_bytes(b"torn")
    assert TrialLog(tmp_path, "key").trials() == [again]


def test_a_tenth_round_comes_after_the_ninth(tmp_path):
    log, trial = TrialLog(tmp_path, "key"), Trial(0, {}, ())
    for _ in range(12):
        log.propose(trial)
        log.end(trial.ended("failed", failure="oom"))
        trial = trial.again(0, ())
    assert [each.round for each in log.trials()] == [11]


@pytest.mark.parametrize(
    ("trials", "objectives", "expected"),
    [
        ([], ["current.auroc"], True),
        ([Trial(0, {}, ()), Trial(1, {}, (), known=1)], ["current.auroc", "parameters"], True),
        ([Trial(1, {}, (), failure="diverged"), Trial(2, {}, (), failure="invalid")], ["lead"], True),
        ([Trial(0, {}, ())], ["current.auroc", "cpu_seconds"], False),
        ([Trial(0, {}, (), beside=1)], ["current.auroc"], False),
        ([Trial(0, {}, ()), Trial(1, {}, (), known=2)], ["current.auroc"], False),
        ([Trial(0, {}, ()).again(1, ())], ["current.auroc"], False),
        ([Trial(1, {}, ()).again(1, ())], ["current.auroc"], True),
        *[([Trial(0, {}, (), failure=kind)], ["current.auroc"], False)
          for kind in ("timeout", "killed", "error", "oom")],
    ],
)  # fmt: skip
def test_what_can_be_repeated_exactly(trials, objectives, expected):
    assert repeatable(trials, objectives) is expected


def test_headers_and_the_list_of_searches(tmp_path):
    assert searches(tmp_path) == []
    headers = [task(arm).header for arm in ("b", "a")]
    for header in headers:
        TrialLog(tmp_path, header.key).describe(header)
    assert [log.header() for log in searches(tmp_path)] == headers[::-1]
    assert len({header.title for header in headers}) == 2
