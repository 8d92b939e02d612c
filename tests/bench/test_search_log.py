import pytest
from search_toys import task

from bench.search.log import Trial, TrialLog, searches

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


def test_headers_and_the_list_of_searches(tmp_path):
    assert searches(tmp_path) == []
    headers = [task(arm).header for arm in ("b", "a")]
    for header in headers:
        TrialLog(tmp_path, header.key).describe(header)
    assert [log.header() for log in searches(tmp_path)] == headers[::-1]
    assert len({header.title for header in headers}) == 2
