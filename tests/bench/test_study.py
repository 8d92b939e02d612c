import pytest

from bench.study import load
from models.errors import InvalidRequest


def test_units_are_seeds_and_cells_are_arms_by_units(tiny):
    study = load(tiny)
    assert [unit.name for unit in study.units] == ["seed 0", "seed 1"]
    assert [arm.name for arm in study.arms] == ["baseline", "cwcl", "no_pretraining"]
    assert len({cell.key for cell in study.cells()}) == 6


def test_interrupted_runs_leave_complete_pairs(tiny):
    cells = load(tiny).cells()
    assert [cell.unit.seed for cell in cells] == sorted(cell.unit.seed for cell in cells)


def test_key_is_content_not_name_or_position(tiny):
    before = {cell.key for cell in load(tiny).cells() if cell.arm == "cwcl"}
    renamed = tiny.read_text().replace("  cwcl:", "  more: {quantizer.codes: 32}\n  weighted:")
    other = tiny.with_name("other_name.yaml")
    other.write_text(renamed)
    assert before == {cell.key for cell in load(other).cells() if cell.arm == "weighted"}


@pytest.mark.parametrize(
    "setting",
    [
        "dataset.seed=4",
        "windows.stride=60",
        "split.test=0.5",
        "protocol=transductive",
        "budget.epochs=3",
        "baseline.lead=120",
    ],
)
def test_key_changes_with_whatever_changes_a_number(tiny, setting):
    before = {cell.key for cell in load(tiny).cells()}
    after = {cell.key for cell in load(tiny, settings=(setting,)).cells()}
    assert not before & after


@pytest.mark.parametrize("setting", ["question=Other?", "metric=current.auroc", "rope=0.02"])
def test_key_ignores_how_results_are_judged(tiny, setting):
    assert {c.key for c in load(tiny).cells()} == {c.key for c in load(tiny, settings=(setting,)).cells()}


def test_more_seeds_keep_what_is_there(tiny):
    assert {c.key for c in load(tiny).cells()} < {c.key for c in load(tiny, settings=("seeds=3",)).cells()}


def test_permutations_multiply_what_has_its_pairs_shuffled(tiny):
    study = load(tiny, settings=("controls=[shuffled_pairs]", "permutations=3"))
    assert len(study.cells()) == 2 * (1 + 1 + 3)
    mixed = load(tiny, settings=("baseline.pairs=shuffled", "controls=[no_pretraining]", "permutations=3"))
    cells = mixed.cells()
    assert len(cells) == len({cell.key for cell in cells}) == 2 * (3 + 3 + 1)
    assert {cell.permutation for cell in cells if cell.arm == "cwcl"} == {0, 1, 2}


def test_disturbances_change_the_key_of_what_is_read_under_them_alone(tiny):
    plain = {(c.arm, c.unit.name): c.key for c in load(tiny).cells()}
    asked = {
        (c.arm, c.unit.name): c.key for c in load(tiny, settings=("disturbances={mist: [0.5]}",)).cells()
    }
    same = {place[0] for place in plain if plain[place] == asked[place]}
    assert same == {"no_pretraining"}
    with pytest.raises(InvalidRequest, match="did you mean 'mist'"):
        load(tiny, settings=("disturbances={mst: [0.5]}",))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (("colour=red",), "unknown study key"),
        (("seeds=0",), "study.seeds must lie in 1"),
        (("seeds=many",), "of type int"),
        (("rope=-1",), "rope must lie in"),
        (("metric=current.acuracy",), "did you mean"),
        (("protocol=inductve",), "must be one of"),
        (("dataset.world=soft",), "must be one of"),
        (("dataset.name=furnce",), "did you mean 'furnace'"),
        (("dataset.path=/somewhere",), "simulated"),
        (("split.by=batch",), "must be one of"),
        (("split.by=fold",), "names folds"),
        (("windows.strid=3",), "did you mean 'stride'"),
        (("budget.epochs=0",), "budget.epochs must lie in"),
        (("controls=shuffled_pairs",), "list of names"),
        (("controls=[shuffled_pairs,shuffled_pairs]",), "each entry once"),
        (("baseline=[1]",), "must be a mapping"),
        (("question=3",), "of type str"),
    ],
)
def test_wrong_studies_are_refused_in_one_sentence(tiny, settings, said):
    with pytest.raises(InvalidRequest, match=said):
        study = load(tiny, settings=settings)
        assert study.units


def test_a_contrast_that_is_not_used_needs_nothing(tiny):
    settings = ("baseline.contrast=supcon", "baseline.protocol=transductive", "changes={}")
    with pytest.raises(InvalidRequest, match="contrast: supcon looks at labels"):
        load(tiny, settings=settings)
    assert load(tiny, settings=(*settings, "baseline.alignment=none")).arms


@pytest.mark.parametrize(
    ("changes", "fused", "arm"),
    [
        ("{}", "none", "baseline"),
        ("{without: {fusion: none}}", "self_attention", "without"),
    ],
)
def test_a_fused_score_needs_a_fusion_in_every_arm(tiny, changes, fused, arm):
    settings = (f"changes={changes}", f"baseline.fusion={fused}", "references=[supervised_video]")
    assert load(tiny, settings=settings)
    with pytest.raises(InvalidRequest, match=f"arm '{arm}': the metric fused.auroc needs a fusion"):
        load(tiny, settings=(*settings, "metric=fused.auroc"))


def test_shuffled_pairs_have_one_key_as_condition_and_as_control(tiny):
    settings = ("changes={mixed: {pairs: shuffled}}", "controls=[shuffled_pairs]")
    study = load(tiny, settings=settings)
    keys = {arm.name: [cell.key for cell in study.cells() if cell.arm == arm.name] for arm in study.arms}
    assert keys["mixed"] == keys["shuffled_pairs"] and not set(keys["mixed"]) & set(keys["baseline"])
    more = load(tiny, settings=(*settings, "baseline.pairs=shuffled", "changes={}"))
    assert {cell.key for cell in more.cells()} == set(keys["mixed"])


@pytest.mark.parametrize("missing", ["question", "dataset", "baseline"])
def test_missing_keys(tiny, missing):
    lines = [line for line in tiny.read_text().splitlines() if not line.startswith(missing)]
    tiny.write_text("\n".join(lines))
    with pytest.raises(InvalidRequest, match=f"needs the key '{missing}'"):
        load(tiny)


def test_data_option_replaces_the_source(tiny, tmp_path):
    with pytest.raises(InvalidRequest, match="nowhere"):
        load(tiny, data={"milling": str(tmp_path / "nowhere")})
    with pytest.raises(InvalidRequest, match="one data set at a time"):
        load(tiny, data={"milling": "a", "skab": "b"})
