import pytest

from bench.arms import resolve, resolve_arms
from models import registry
from models.catalog import RECIPE
from models.errors import InvalidRequest


def arms(baseline=None, changes=None, grid=None, controls=(), references=(), lead=240.0):
    return resolve_arms(baseline or {}, changes or {}, grid or {}, controls, references, lead=lead)


def test_every_slot_of_the_baseline_is_registered():
    for slot, name in RECIPE.items():
        assert registry.lookup(slot, name).slot == slot


def test_baseline_has_every_parameter_filled_in():
    (baseline,) = arms()
    assert baseline.config["lead"] == 240.0
    assert baseline.config["quantizer"]["name"] == "mm_ema"
    assert {"codes", "video_share", "current_share", "decay"} <= set(baseline.config["quantizer"])


def test_a_component_named_again_keeps_the_values_of_the_baseline():
    found = arms(
        {"quantizer": {"name": "mm_ema", "codes": 32}},
        {"teacher": {"quantizer": {"name": "mm_ema", "video_share": 1.0}}},
    )
    assert found[1].config["quantizer"]["codes"] == 32
    assert found[1].config["quantizer"]["video_share"] == 1.0


def test_dotted_keys_change_one_parameter():
    found = arms(changes={"small": {"quantizer.codes": 32}})
    expected = {**found[0].config, "quantizer": {**found[0].config["quantizer"], "codes": 32}}
    assert found[1].config == expected


def test_another_component_starts_from_its_own_defaults():
    found = arms(changes={"cwcl": {"contrast": "cwcl"}})
    assert found[1].config["contrast"] == registry.resolve("contrast", "cwcl")


def test_grid_is_the_factorial_without_the_baseline_point():
    found = arms(grid={"quantizer.codes": [32, 100], "alignment.steps": [1, 3, 5]})
    default = found[0].config["quantizer"]["codes"], found[0].config["alignment"]["steps"]
    assert default in {(c, s) for c in (32, 100) for s in (1, 3, 5)}
    assert len(found) == 6
    assert found[0].levels == {"quantizer.codes": default[0], "alignment.steps": default[1]}
    assert all(arm.levels["quantizer.codes"] == arm.config["quantizer"]["codes"] for arm in found)


def test_controls_share_the_configuration_of_the_baseline():
    found = arms(controls=("no_pretraining",), references=("clock",))
    assert [arm.treatment for arm in found] == ["method", "no_pretraining", "clock"]
    assert found[1].config == found[0].config


def test_resolving_twice_changes_nothing():
    (baseline,) = arms()
    assert resolve(baseline.config, {}) == baseline.config


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"changes": {"x": {"contrast": "infonec"}}}, "did you mean 'infonce'"),
        ({"changes": {"x": {"contrst": "infonce"}}}, "did you mean 'contrast'"),
        ({"changes": {"x": {"quantizer.code": 3}}}, "did you mean 'codes'"),
        ({"changes": {"x": {"quantizer.codes": 0}}}, "must lie in"),
        ({"changes": {"x": {"quantizer.codes": "many"}}}, "must be of type int"),
        ({"changes": {"x": {"lead": "soon"}}}, "number of seconds"),
        ({"changes": {"x": {}}}, "the same as"),
        ({"changes": {"x": "cwcl"}}, "mapping of slots"),
        ({"changes": {"x": {"contrast": "cwcl"}, "y": {"contrast": "cwcl"}}}, "'y' is the same as 'x'"),
        ({"changes": {"baseline": {"contrast": "cwcl"}}}, "name of its own"),
        ({"grid": {"quantizer.codes": 32}}, "list of levels"),
        ({"grid": {"quantizer.codes": []}}, "list of levels"),
        ({"grid": {"quantizer.colour": [1]}}, "unknown key in quantizer"),
        ({"controls": ("shuffled",)}, "did you mean 'shuffled_pairs'"),
        ({"references": ("supervised",)}, "did you mean"),
    ],
)
def test_wrong_requests_name_the_cure(wrong, said):
    with pytest.raises(InvalidRequest, match=said):
        arms(**wrong)
