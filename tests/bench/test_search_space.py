import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from optuna._transform import _SearchSpaceTransform
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from scipy import stats

import models.catalog  # noqa: F401
from bench.arms import resolve_arms
from bench.cell.rehearsal import rehearse
from bench.search.plan import make_search_plan
from bench.search.space import (
    check_block,
    configure,
    draw,
    draw_one,
    first,
    parameters_of,
    place,
    share_of,
    space_of,
)
from bench.study import load
from models import registry
from models.catalog import RECIPE
from models.errors import InvalidRequest
from models.method import Method, Sizes

NUMBERS = (
    FloatDistribution(-2.0, 3.0),
    FloatDistribution(1e-5, 1e-1, log=True),
    IntDistribution(-3, 4),
    IntDistribution(1, 9),
    IntDistribution(8, 512, log=True),
    IntDistribution(1, 2, log=True),
)


def arm(change=None, name="baseline"):
    changes = {name: change} if change else {}
    return resolve_arms({}, changes, {}, (), (), lead=240.0)[-1]


def searched_whole_numbers():
    """Return slots and components that are searched over whole numbers, which may have to fit others."""
    return [
        (slot, name)
        for slot in RECIPE
        for name, found in registry.components(slot).items()
        if any(kind is int and r.search for kind, _, r in registry.fields(found.parameters).values())
    ]


@pytest.mark.parametrize(("slot", "name"), searched_whole_numbers())
def test_whatever_is_drawn_can_be_built(slot, name):
    found, usual = registry.lookup(slot, name), arm().config[slot]["name"]
    change = {} if name == usual else {slot: name}
    if "raw" in found.needs:
        change[slot.replace("encoder", "input")] = "raw"
    if "causal" in found.lacks:
        change["alignment"] = "none"
    changed = arm(change, name="x")
    space, fixed = space_of(changed, {}, ())
    raw = {m: changed.config.get(f"{m}_input") == "raw" for m in ("current", "video")}
    sizes = Sizes(
        36 if raw["current"] else 24,
        768 if raw["video"] else 64,
        10,
        10,
        current_shape=(12, 3) if raw["current"] else None,
        video_shape=(16, 16, 3) if raw["video"] else None,
        metadata=2,
        step_seconds=(6.0, 6.0),
    )
    for number in range(8):
        config = configure(changed, {**fixed, **draw(space, 0, number)})
        rehearse(config, Method({each: config[each] for each in RECIPE}, sizes, seed=0))


@given(st.sampled_from(NUMBERS), st.floats(0, 1))
def test_a_share_has_a_value_and_a_value_its_share(distribution, share):
    value = place(distribution, share)
    assert distribution._contains(distribution.to_internal_repr(value))
    assert isinstance(value, int) is isinstance(distribution, IntDistribution)
    back = share_of(distribution, value)
    assert 0 <= back <= 1
    assert place(distribution, back) == pytest.approx(value)
    if isinstance(distribution, FloatDistribution):
        assert back == pytest.approx(share, abs=1e-9)


@given(st.sampled_from(NUMBERS), st.floats(0.001, 0.999))
def test_shares_are_those_of_optunas_own_transform(distribution, share):
    transform = _SearchSpaceTransform(
        {"x": distribution}, transform_log=True, transform_step=True, transform_0_1=True
    )
    value = place(distribution, share)
    assert share_of(distribution, value) == pytest.approx(
        float(transform.transform({"x": value})[0]), abs=1e-9
    )
    assume(place(distribution, share - 1e-9) == pytest.approx(place(distribution, share + 1e-9)))  # no tie
    assert transform.untransform(np.array([share]))["x"] == pytest.approx(value)


def test_draws_are_uniform_over_the_range_or_its_logarithm():
    drawn = [draw_one("x", NUMBERS[0], 0, number) for number in range(2000)]
    assert stats.kstest(drawn, stats.uniform(-2, 5).cdf).pvalue > 0.01
    logs = [math.log10(draw_one("x", NUMBERS[1], 0, number)) for number in range(2000)]
    assert stats.kstest(logs, stats.uniform(-5, 4).cdf).pvalue > 0.01
    whole = Counter(draw_one("x", NUMBERS[2], 0, number) for number in range(2000))
    assert sorted(whole) == list(range(-3, 5))
    assert stats.chisquare(list(whole.values())).pvalue > 0.01
    choices = Counter(draw_one("x", CategoricalDistribution(("a", "b", "c")), 0, n) for n in range(2000))
    assert stats.chisquare(list(choices.values())).pvalue > 0.01


def test_draws_of_different_keys_seeds_and_numbers_are_unrelated():
    grid = np.array([[draw_one(key, NUMBERS[0], 0, number) for number in range(500)] for key in "abc"])
    assert np.abs(np.corrcoef(grid) - np.eye(3)).max() < 0.15
    assert draw_one("a", NUMBERS[0], 0, 1) != draw_one("a", NUMBERS[0], 1, 1)


@given(st.sets(st.sampled_from("abcdef"), min_size=1), st.integers(0, 99), st.integers(0, 99))
def test_what_else_is_searched_shifts_no_draw(keys, seed, number):
    every = dict(zip("abcdef", NUMBERS, strict=True))
    some = {key: every[key] for key in sorted(keys)}
    whole = draw(every, seed, number)
    assert draw(some, seed, number) == {key: whole[key] for key in some}


def test_the_declared_values_lie_in_the_space_and_are_the_first():
    base = arm()
    space, fixed = space_of(base, {}, set())
    assert fixed == {}
    own = first(base, space)
    assert configure(base, own) == base.config
    assert list(space) == sorted(space)
    for key in space:
        slot, _, name = key.partition(".")
        assert own[key] == base.config[slot][name]


def test_the_space_follows_from_the_components():
    plain, without = arm(), arm({"disentangle": "none"}, "without")
    more = {key for key in space_of(plain, {}, set())[0]} - {key for key in space_of(without, {}, set())[0]}
    assert more and all(key.startswith("disentangle.") for key in more)


def test_what_is_compared_is_not_searched():
    space, _ = space_of(arm(), {}, {"quantizer.codes"})
    assert "quantizer.codes" not in space
    with pytest.raises(InvalidRequest, match="may not hold 'quantizer.codes', which the study compares"):
        space_of(arm(), {"quantizer.codes": [32, 64]}, {"quantizer.codes"})


def test_a_block_narrows_lists_fixes_and_adds():
    block = {
        "quantizer.codes": {"low": 50, "high": 80},
        "optimizer.batch": [32, 64],
        "optimizer.rate": 0.001,
        "lead": [120, 240],
    }
    known = parameters_of(arm())
    block = {key: said for key, said in block.items() if key in known}
    space, fixed = space_of(arm(), block, set())
    codes = space["quantizer.codes"]
    assert (codes.low, codes.high) == (50, 80)
    assert space["lead"] == CategoricalDistribution((120, 240))
    assert space["optimizer.batch"] == CategoricalDistribution((32, 64))
    assert first(arm(), space)["quantizer.codes"] == 80  # the nearest to 100 that is left
    for key, value in fixed.items():
        assert key not in space and value == block[key]


def test_a_range_is_widened_to_hold_what_the_arm_declares():
    space, _ = space_of(arm({"quantizer.codes": 1000}, "many"), {}, set())
    assert space["quantizer.codes"].high == 1000


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"low": 64, "high": 64}, "must not be empty"),
        ({"low": 80, "high": 64}, "must not be empty"),
        ({"low": 0}, "must lie in"),
        ({"high": "many"}, "two ends that are numbers"),
        ({"low": float("nan")}, "two ends that are numbers"),
        ({"lo": 3}, "did you mean 'low'"),
        ({"log": 1}, "must be true or false"),
        ({"low": 16.5}, "whole"),
        ([], "different values"),
        ([32, 32], "different values"),
        ([{}], "plain values"),
        ([64, 64.0], "different values"),
        (None, "must hold a range, choices or a value, got None"),
        ({}, "must hold a range, choices or a value, got {}"),
    ],
)
def test_a_wrong_range_is_one_sentence(said, message):
    with pytest.raises(InvalidRequest, match=message) as caught:
        space_of(arm(), {"quantizer.codes": said}, set())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("said", [[1], "many", [32, "many"], [32, 1], [32.5, 64], 2.5])
def test_a_value_the_component_does_not_take_is_refused_at_once(said):
    with pytest.raises(InvalidRequest):
        space_of(arm(), {"quantizer.codes": said}, set())


def test_whole_numbers_in_a_list_become_whole():
    space, _ = space_of(arm(), {"quantizer.codes": [32, 64.0]}, set())
    assert [repr(each) for each in space["quantizer.codes"].choices] == ["32", "64"]
    space, _ = space_of(arm(), {"lead": [60.0, 120.5]}, set())
    assert [repr(each) for each in space["lead"].choices] == ["60.0", "120.5"]


@pytest.mark.parametrize("said", [-1, [120, -0.5], {"low": -10, "high": 60}, {"high": -10}])
def test_a_lead_below_0_is_refused(said):
    with pytest.raises(InvalidRequest, match=r"a lead to search must be at least 0 s, got -\d") as caught:
        space_of(arm(), {"lead": said}, set())
    assert "\n" not in str(caught.value)


def test_a_lead_of_0_is_taken():
    for said in ([0, 60], {"low": 0, "high": 60}):
        assert "lead" in space_of(arm(), {"lead": said}, set())[0]
    assert space_of(arm(), {"lead": 0}, set())[1] == {"lead": 0}


def test_what_is_compared_may_not_be_named_with_nothing_either():
    with pytest.raises(InvalidRequest, match="may not hold 'quantizer.codes'"):
        space_of(arm(), {"quantizer.codes": None}, {"quantizer.codes"})


def test_a_key_that_no_arm_has_is_refused():
    with pytest.raises(InvalidRequest, match="did you mean 'quantizer.codes'"):
        check_block([arm()], {"quantizer.code": [1, 2]})
    check_block([arm()], {"quantizer.codes": [1, 2], "lead": [1.0, 2.0]})


@given(st.integers(0, 2**31 - 1), st.integers(0, 10_000))
@settings(max_examples=50, deadline=None)
def test_every_drawn_configuration_is_one_the_components_take(seed, number):
    base = arm()
    space, _ = space_of(base, {}, set())
    drawn = draw(space, seed, number)
    config = configure(base, drawn)
    for key, value in drawn.items():
        slot, _, name = key.partition(".")
        assert config[slot][name] == value


def spaces(tiny, changes, *settings):
    plan = make_search_plan(load(tiny, settings=(f"changes={{{changes}}}", *settings)))
    return {name: set(space) for name, (space, _) in plan.spaces.items()}


def test_a_search_turns_no_preset_into_another_method(tiny):
    found = spaces(
        tiny,
        "local: {preset: align_vsr}, everywhere: {preset: align_vsr_global}, "
        "half: {preset: lupi}, soft: {preset: logit_kd}, clip: {preset: clip}",
    )
    assert not any("bridge.local" in space or "guidance.imitation" in space for space in found.values())
    weights = {"alignment.current_to_video", "alignment.video_to_current"}
    assert not weights & found["clip"] and "contrast.temperature" in found["clip"]
    # What a preset sets of its own alignment holds nobody else's.
    assert weights <= found["baseline"] and weights <= found["local"]


def test_what_the_preset_of_the_baseline_sets_is_searched_nowhere(tiny):
    found = spaces(
        tiny, "cwcl: {contrast: cwcl}", "baseline={preset: align_vsr_global, optimizer: {batch: 64}}"
    )
    assert all("bridge.local" not in space and "contrast.temperature" in space for space in found.values())


def test_plain_changes_are_compared_in_every_arm(tiny):
    found = spaces(tiny, "hot: {contrast.temperature: 0.5}, cwcl: {contrast: cwcl}")
    assert not any("contrast.temperature" in space for space in found.values())


def test_a_block_reaches_the_arms_that_do_not_set_the_key(tiny):
    block = "search={space: {alignment.current_to_video: [0.1, 0.2]}}"
    found = spaces(tiny, "clip: {preset: clip}", block)
    assert "alignment.current_to_video" in found["baseline"] - found["clip"]
    with pytest.raises(InvalidRequest, match="which every arm that has it sets or does not use"):
        spaces(tiny, "clip: {preset: clip}", "baseline={preset: siglip}", block)


@pytest.mark.parametrize(
    ("change", "block", "idle", "acts"),
    [
        ({"alignment": "none"}, {}, "contrast.temperature", False),
        ({}, {}, "contrast.temperature", True),
        ({"alignment.horizon": 60}, {}, "alignment.steps", False),
        ({}, {}, "alignment.steps", True),
        ({}, {"alignment.horizon": 60}, "alignment.steps", False),
        ({}, {"alignment.horizon": {"low": 10, "high": 60}}, "alignment.steps", False),
        ({}, {"alignment.horizon": {"low": 0, "high": 60}}, "alignment.steps", True),
        ({"contrast": "cwcl"}, {}, "contrast.bandwidth", True),  # the kernel is searched too
        ({"contrast": "cwcl"}, {"contrast.kernel": "affine"}, "contrast.bandwidth", False),
        ({"contrast": "cwcl"}, {"contrast.kernel": ["affine", "centred"]}, "contrast.bandwidth", False),
        ({"contrast": "cwcl"}, {"contrast.kernel": "exponential"}, "contrast.bandwidth", True),
    ],
)
def test_what_has_no_effect_is_not_searched(change, block, idle, acts):
    assert (idle in space_of(arm(change, "x"), block, set())[0]) is acts
