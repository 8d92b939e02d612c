import pytest

from bench.search.spec import SearchSettings, read_search
from models.errors import InvalidRequest

METRIC = "current.balanced_accuracy"


def test_nothing_said_is_the_defaults():
    spec = read_search({}, METRIC)
    assert spec.settings == SearchSettings()
    assert spec.sampler == {"name": "tpe", "startup": 10, "pruning": True}
    assert (spec.against, spec.objectives, spec.directions, spec.space) == ((), (METRIC,), ("maximize",), {})


def test_a_key_with_nothing_after_it_says_nothing():
    block = {"space": None, "against": None, "objectives": None}
    assert read_search(block, METRIC) == read_search({}, METRIC)


def test_everything_said():
    spec = read_search(
        {
            "trials": 64,
            "seed": 3,
            "race": 0,
            "sampler": {"name": "tpe", "startup": 5},
            "against": ["random", {"name": "gp", "pruning": False}],
            "objectives": [METRIC, "lead", "cpu_seconds", "parameters"],
            "space": {"quantizer.codes": [32, 64]},
        },
        METRIC,
    )
    assert (spec.settings.trials, spec.settings.seed, spec.settings.race) == (64, 3, 0.0)
    assert [each["name"] for each in spec.samplers] == ["tpe", "random", "gp"]
    assert [each["pruning"] for each in spec.samplers] == [True, False, False]
    assert spec.directions == ("maximize", "maximize", "minimize", "minimize")
    assert spec.space == {"quantizer.codes": [32, 64]}


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ({"trails": 3}, "did you mean 'trials'"),
        ({"trials": 0}, "search.trials must lie in 1 … .*, got 0"),
        ({"trials": 2.5}, "search.trials must be of type int"),
        ({"seeds_per_trial": 0}, "search.seeds_per_trial"),
        ({"reduction": 1}, "search.reduction"),
        ({"race": 0.9}, "search.race"),
        ({"sampler": "tpee"}, "did you mean 'tpe'"),
        ({"sampler": {"name": "tpe", "startups": 3}}, "did you mean 'startup'"),
        ({"sampler": {"name": "tpe", "startup": 0}}, "sampler.tpe.startup must lie in"),
        ({"sampler": {"name": "random", "pruning": "yes"}}, "sampler.random.pruning must be of type bool"),
        ({"against": "random"}, "must be a list of samplers"),
        ({"against": ["tpe"]}, "name each sampler once"),
        ({"space": [1]}, "must be a mapping of dotted keys"),
        ({"space": []}, "must be a mapping of dotted keys"),
        ({"against": {}}, "must be a list of samplers"),
        ({"objectives": []}, "must be a list of names"),
        ({"objectives": METRIC}, "must be a list of names"),
        ({"objectives": ["current.accuracy"]}, "must be the study's metric"),
        ({"objectives": [METRIC, METRIC]}, "name each once"),
        ({"objectives": [METRIC, "current.auro"]}, "did you mean 'current.auroc'"),
        ({"objectives": [METRIC, "current.false_alarm_rate"]}, "unknown objective"),
        ({"objectives": [METRIC, "lead"], "sampler": "cmaes"}, "'cmaes' works on one objective"),
        ({"objectives": [METRIC, "lead"], "against": ["cmaes"]}, "'cmaes' works on one objective"),
    ],
)
def test_a_wrong_block_is_one_sentence(block, message):
    with pytest.raises(InvalidRequest, match=message) as caught:
        read_search(block, METRIC)
    assert "\n" not in str(caught.value)
