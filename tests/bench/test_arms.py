import pytest

from bench.arms import resolve, resolve_arms, used
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


def test_a_reference_on_an_arm_of_its_own():
    found = arms({"quantizer.codes": 32}, references=("published_current", "supervised_current"))
    published, own = found[1:]
    assert (published.treatment, own.treatment) == ("supervised_current", "supervised_current")
    assert published.config["current_encoder"]["name"] == "published_current"
    assert published.config["current_input"] == "raw" and "current_input" not in own.config
    assert own.config == found[0].config


def test_a_preset_and_what_is_said_beside_it_are_checked_together():
    # The baseline's toc reads codes, which clip has none of; the change leaves both out at once.
    change = {"preset": "clip", "codebook_optimizer": "none"}
    found = arms(
        {"codebook_optimizer": "toc"},
        {"clip": change, "turned": dict(reversed(change.items())) | {"lead": 60}},
    )
    assert found[1].config["quantizer"]["name"] == "none"
    assert found[2].config == {**found[1].config, "lead": 60.0}
    assert (
        arms(changes={"x": {"bridge.local": 2.0, "preset": "align_vsr_global"}})[1].config["bridge"]["local"]
        == 2
    )


def test_what_a_preset_sets_is_given_but_not_compared_everywhere():
    found = arms(
        {"preset": "asymmetric", "optimizer": {"batch": 64}},
        {
            "half": {"preset": "lupi"},
            "plain": {"quantizer": {"codes": 32}, "alignment.context": "gru"},
            "named": {"contrast": {"name": "cwcl", "kernel": "centred"}},
        },
    )
    base, half, plain, named = found
    assert base.given == {"quantizer.video_share", "quantizer.current_share", "quantizer.current_pull"}
    assert half.given == {"guidance.imitation"} and not half.compared and not base.compared
    assert plain.given == plain.compared == {"quantizer.codes", "alignment.context"}
    assert named.given == {"contrast.kernel"} and not named.compared


def test_presets_are_levels_of_a_grid():
    found = arms(grid={"preset": ["clip", "siglip"], "optimizer.batch": [32, 64]})
    assert [arm.name for arm in found[1:]] == [
        f"preset={name}, optimizer.batch={batch}" for name in ("clip", "siglip") for batch in (32, 64)
    ]
    assert found[0].levels["preset"] == "none"
    assert [arm.config["contrast"]["name"] for arm in found[1::2]] == ["infonce", "sigmoid"]
    found = arms({"preset": "clip"}, grid={"preset": ["clip", "siglip"]})
    assert [arm.levels["preset"] for arm in found] == ["clip", "siglip"]


def test_what_has_no_effect_is_not_used():
    config = arms({"alignment": "none", "contrast": "cwcl"})[0].config
    assert set(config) - set(used(config)) == {"contrast"}
    config = arms({"alignment.horizon": 60, "contrast": "cwcl"})[0].config
    assert set(config["alignment"]) - set(used(config)["alignment"]) == {"steps"}
    assert set(config["contrast"]) - set(used(config)["contrast"]) == {"bandwidth"}
    config = arms({"contrast": {"name": "cwcl", "kernel": "exponential"}})[0].config
    assert used(config) == config
    config = arms({"contrast": "jema_style"})[0].config  # a bandwidth that depends on nothing
    assert used(config) == config


@pytest.mark.parametrize(
    ("wrong", "idle"),
    [
        ({"baseline": {"alignment": "none"}, "changes": {"x": {"contrast": "cwcl"}}}, "contrast"),
        (
            {"changes": {"a": {"alignment": "none"}, "x": {"alignment": "none", "contrast": "cwcl"}}},
            "contrast",
        ),
        ({"baseline": {"alignment": "none"}, "grid": {"contrast": ["infonce", "cwcl"]}}, "contrast"),
        (
            {"baseline": {"alignment.horizon": 60}, "changes": {"x": {"alignment.steps": 2}}},
            "alignment.steps",
        ),
        (
            {"baseline": {"contrast": "cwcl"}, "changes": {"x": {"contrast.bandwidth": 0.5}}},
            "contrast.bandwidth",
        ),
    ],
)
def test_two_arms_that_are_one_run_are_refused(wrong, idle):
    with pytest.raises(InvalidRequest, match=rf"would be the same run as .*no effect there \({idle}\)"):
        arms(**wrong)


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
        ({"changes": {"\u202eevil": {"contrast": "cwcl"}}}, "without control characters"),
        ({"changes": {"two\nlines": {"contrast": "cwcl"}}}, "one line of text"),
        ({"changes": {"x": {"contrast": "infonec"}}}, "^arm 'x': unknown contrast"),
        ({"changes": {"x": "cwcl"}}, "^arm 'x': an arm must be"),
        ({"changes": {"x": {"quantizer": "none"}}}, "^arm 'x': "),
        ({"grid": {"contrast": ["infonec"]}}, "^arm 'contrast=infonec': unknown contrast"),
        ({"grid": {"preset": ["clop"]}}, "^arm 'preset=clop': unknown preset 'clop'; did you mean 'clip'"),
        ({"changes": {"x": {"leak": ["video"]}}}, "leak must be one name, got .'video'.; choose one of none"),
        ({"changes": {"x": {"pairs": True}}}, "pairs must be one name, got True"),
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
