import pytest

from bench.reading import load_yaml, overridden
from models.errors import InvalidRequest


def _write(tmp_path, text):
    path = tmp_path / "study.yaml"
    path.write_text(text)
    return path


def test_reads_a_mapping(tmp_path):
    assert load_yaml(_write(tmp_path, "a: 1\nb: {c: [1, 2]}\n")) == {"a": 1, "b": {"c": [1, 2]}}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [1, 2", "plain YAML"),
        ("- 1\n- 2\n", "mapping of keys"),
        ("just words", "mapping of keys"),
        ("a: 1\nb: 2\na: 3\n", "line 3: a key may stand once, got 'a' twice"),
        ("outer:\n  a: 1\n  a: 2\n", "line 3"),
        ("1: a\n", "must be text"),
        ("a: !!python/object/apply:os.system ['touch executed']\n", "without tags"),
        ("a: !!python/name:os.system\n", "without tags"),
        ("a: \x00\n", "plain YAML"),
    ],
)
def test_refuses_in_one_sentence(tmp_path, monkeypatch, text, said):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidRequest, match=said) as caught:
        load_yaml(_write(tmp_path, text))
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "executed").exists()


def test_missing_file(tmp_path):
    with pytest.raises(InvalidRequest, match="there is none"):
        load_yaml(tmp_path / "nothing.yaml")


def test_overrides_do_not_touch_the_original():
    raw = {"budget": {"epochs": 6}}
    assert overridden(raw, ("budget.epochs=2", "dataset.seed=7")) == {
        "budget": {"epochs": 2},
        "dataset": {"seed": 7},
    }
    assert raw == {"budget": {"epochs": 6}}


def test_override_of_a_name_keeps_the_name():
    assert overridden({"dataset": "furnace"}, ("dataset.seed=7",)) == {
        "dataset": {"name": "furnace", "seed": 7}
    }


@pytest.mark.parametrize("setting", ["seeds", "=4", "seeds=[1", "seeds.a=1"])
def test_bad_override(setting):
    with pytest.raises(InvalidRequest):
        overridden({"seeds": 8}, (setting,))
