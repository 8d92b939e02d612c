"""Components from elsewhere work like those that come with the project: the page that says so is run."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import bench.listing
import models.registry
from models.errors import InvalidRequest
from models.plugins import VARIABLE, _is_theirs, check, load, name_files
from models.registry import SLOTS, Range, component, components, param, slots

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "own-components.md").read_text()
HEAD = "from models.registry import component\n"
STUDY = """
question: Is mine as good?
dataset: {name: furnace, world: std, seed: 3, recordings: 12, hours: 0.8}
windows: {margin: 300}
seeds: 2
budget: {epochs: 2, windows: 256}
baseline: {optimizer: {name: adam, batch: 64}}
changes:
  mine: {contrast: my_loss}
search: {trials: 1, seeds_per_trial: 1, confirm_seeds: 2, space: {contrast.margin: {low: 0.05, high: 0.5}}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for block in re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL):
        name = re.match(r"# (\S+)", block)
        assert name
        (tmp_path / name[1]).write_text(block)
    (tmp_path / "my_study.yaml").write_text(STUDY)
    return tmp_path


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    environment.pop(VARIABLE, None)
    return subprocess.run(
        [sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def precursor(folder: Path, verb: str, *words: str) -> subprocess.CompletedProcess[str]:
    plugin = ("--plugin", "my_loss.py")
    done = run(folder, "-m", "bench.cli", verb, *words, *plugin)
    assert done.returncode == 0, done.stderr
    return done


@pytest.mark.slow
def test_a_file_is_listed_and_conforms(folder: Path) -> None:
    assert "my_loss" in precursor(folder, "list", "contrast").stdout
    done = run(folder, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_my_loss.py")
    assert done.returncode == 0 and "passed" in done.stdout, done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["local", "ray"])
def test_a_file_is_planned_run_searched_and_reported(folder: Path, engine: str) -> None:
    plan = json.loads(precursor(folder, "plan", "my_study.yaml", "--json").stdout)
    assert plan["to_run"] == 4
    precursor(folder, "grid", "my_study.yaml", "--engine", engine)
    assert "mine" in precursor(folder, "report", "my_study.yaml").stdout
    (report,) = (folder / "results").glob("my_study/*/report.md")
    assert "precursor grid my_study --plugin my_loss.py" in report.read_text()
    precursor(folder, "search", "my_study.yaml", "--engine", engine)
    again = json.loads(precursor(folder, "plan", "my_study.yaml", "--json").stdout)
    assert again["to_run"] == 0
    # An edited loss is another method; the baseline, which does not use it, is not run again.
    path = folder / "my_loss.py"
    path.write_text(path.read_text() + "\n")
    edited = json.loads(precursor(folder, "plan", "my_study.yaml", "--json").stdout)
    assert edited["to_run"] == 2


OF_NO_USE = {
    "current_encoder": (
        'class Own(nn.Module):\n    """."""\n    def __init__(self, parameters, features):\n'
        "        super().__init__()\n        self.map = nn.Linear(features, 32)\n"
        "    def forward(self, x):\n        return self.map(x)\n",
        "current_encoder: own does not; set an attribute `width`",
    ),
    "contrast": (
        'class Own(nn.Module):\n    """."""\n'
        "    def __init__(self, parameters):\n        super().__init__()\n"
        "    def forward(self, predicted, target, **more):\n        return (predicted * target).sum(-1)\n",
        "with contrast: own it ends in",
    ),
    "head": (
        'class Own:\n    """."""\n    def __init__(self, parameters): ...\n'
        "    def fit(self, *codes, unlabelled):\n        return self\n"
        "    def score(self, vectors, indices):\n        return vectors.mean(-1)[:3, 0]\n",
        "what a head says of windows must have shape (8,), got (3,)",
    ),
}


@pytest.mark.parametrize("slot", OF_NO_USE)
def test_a_component_that_cannot_work_is_refused_before_anything_trains(folder: Path, slot: str) -> None:
    text, said = OF_NO_USE[slot]
    (folder / "own.py").write_text(f'{HEAD}from torch import nn\n\n\n@component("{slot}", "own")\n{text}')
    (folder / "my_study.yaml").write_text(
        STUDY.replace("contrast: my_loss", f"{slot}: own").partition("search:")[0]
    )
    done = run(folder, "-m", "bench.cli", "grid", "my_study.yaml", "--plugin", "own.py", "--out", "out")
    assert done.returncode == 2
    assert done.stderr.count("arm 'mine': ") == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not (folder / "out" / "records").exists()


def test_a_default_lies_in_its_own_range() -> None:
    for wrong in (
        param(5.0, low=0, high=1),
        param("c", choices=("a", "b")),
        param(1.0, low=0, high=1, search=(0, 2)),
    ):

        @dataclass(frozen=True)
        class Wrong:
            value: Any = wrong

        with pytest.raises(InvalidRequest, match=r"searched values of contrast.a.value must lie in"):
            component("contrast", "a", parameters=Wrong)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("import no_such_module", "ModuleNotFoundError"),
        ("def broken(:", "SyntaxError"),
        ("import sys\nsys.exit()", "SystemExit"),
        (HEAD + '@component("contrasts", "a")\nclass A:\n    """."""', "did you mean 'contrast'?"),
        (HEAD + '@component("contrast", "infonce")\nclass A:\n    """."""', "twice"),
        (HEAD + '@component("contrast", "a", needs=("labels",))\nclass A:\n    """."""', "mean 'label'"),
    ],
)  # fmt: skip
def test_a_broken_file_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, said: str
) -> None:
    (tmp_path / "my_loss.py").write_text(content)
    monkeypatch.setenv(VARIABLE, str(tmp_path / "my_loss.py"))
    with pytest.raises(InvalidRequest) as refused:
        load()
    assert said in str(refused.value) and "\n" not in str(refused.value)


@pytest.mark.parametrize("verb", [("status", "smoke"), ("data", "check", "skab=nowhere")])
def test_the_verbs_that_read_take_a_file(tmp_path: Path, verb: tuple[str, ...]) -> None:
    (tmp_path / "my_loss.py").write_text("raise RuntimeError('imported')")
    done = run(tmp_path, "-m", "bench.cli", *verb, "--plugin", "my_loss.py")
    assert done.returncode == 2 and "my_loss.py: RuntimeError: imported" in done.stderr


def test_a_path_with_a_separator_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / f"a{os.pathsep}b"
    folder.mkdir()
    (folder / "my_loss.py").write_text("")
    done = run(folder, "-m", "bench.cli", "list", "--plugin", "my_loss.py")
    assert done.returncode == 2 and f"must not contain {os.pathsep!r}" in done.stderr
    assert done.stderr.strip().count("\n") == 0


@dataclass(frozen=True)
class Plain:
    margin: float = 0.1


@dataclass(frozen=True)
class Required:
    margin: float = field(metadata={"range": Range()})


@dataclass
class Thawed:
    margin: float = param(0.1)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        (dict, "must be a frozen dataclass"),
        (Plain(), "must be a frozen dataclass"),
        (Thawed, "must be a frozen dataclass"),
        (Plain, "made by param.*'margin'"),
        (Required, "made by param.*'margin'"),
    ],
)
def test_parameters_are_a_frozen_dataclass_of_params(parameters: Any, said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        component("contrast", "never", parameters=parameters)


@pytest.mark.parametrize("text", [None, "", " \n "])
def test_a_component_says_what_it_is(text: str | None) -> None:
    with pytest.raises(InvalidRequest, match="docstring"):
        component("contrast", "never")(type("Silent", (), {"__doc__": text}))
    assert "never" not in components("contrast")


def test_every_component_fits_a_slot_that_there_is() -> None:
    assert set(slots()) <= set(SLOTS)


def test_files_are_named_once_and_for_children(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "")
    name_files([tmp_path / "a.py"])
    name_files([tmp_path / "b.py", tmp_path / "a.py"])
    assert os.environ[VARIABLE].split(os.pathsep) == [str(tmp_path / "a.py"), str(tmp_path / "b.py")]


def contrast(name: str, more: str = "") -> str:
    return f'{HEAD}{more}\n\n@component("contrast", "{name}")\nclass A:\n    """."""\n'


def hashes(folder: Path, *names: str, files: tuple[str, ...] = (), first: str = "") -> list[str]:
    """Return the hashes of contrasts in a process that has imported the plugins."""
    code = f"{first}\nfrom models.plugins import foreign, load; load()\n" + "".join(
        f"print(foreign({{'contrast': {{'name': {name!r}}}}})['contrast.{name}'])\n" for name in names
    )
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{folder}"}
    environment[VARIABLE] = os.pathsep.join(str(folder / file) for file in files)
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_a_helper_is_part_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "layers").mkdir()
    (tmp_path / "layers" / "__init__.py").write_text("from .inner import K\n")
    inner, helper, beside = tmp_path / "layers" / "inner.py", tmp_path / "helper.py", tmp_path / "beside.py"
    inner.write_text("K = 1\n")
    helper.write_text("from layers import K\n")
    beside.write_text("")
    (tmp_path / "mine.py").write_text(contrast("mine", "from helper import K"))
    (tmp_path / "also.py").write_text(contrast("also", "import helper"))
    (tmp_path / "alone.py").write_text(contrast("alone"))
    names, files = ("mine", "also", "alone"), ("mine.py", "also.py", "alone.py")
    before = hashes(tmp_path, *names, files=files)
    # Neither the order of the files nor who imports a helper first is part of it, nor a file beside.
    beside.write_text("edited = True\n")
    assert hashes(tmp_path, *names, files=files[::-1], first="import helper") == before
    inner.write_text("K = 22\n")
    after = hashes(tmp_path, *names, files=files)
    assert [old == new for old, new in zip(before, after, strict=True)] == [False, False, True]


def test_the_same_file_has_the_same_hash_in_any_folder(tmp_path: Path) -> None:
    found = []
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "helper.py").write_text("K = 1\n")
        (tmp_path / name / "mine.py").write_text(contrast("mine", "from helper import K\nimport colorsys"))
        found += hashes(tmp_path / name, "mine", files=("mine.py",))
    assert found[0] == found[1]


@pytest.mark.parametrize("place", ["mine/env/site-packages", "elsewhere"])
def test_what_is_installed_or_elsewhere_is_not_part_of_a_file(tmp_path: Path, place: str) -> None:
    folder, other = tmp_path / "mine", tmp_path / place
    folder.mkdir()
    other.mkdir(parents=True)
    (other / "theirs.py").write_text("K = 1\n")
    first = f"import sys; sys.path.append({str(other)!r})"
    (folder / "mine.py").write_text(contrast("mine", "from theirs import K"))
    before = hashes(folder, "mine", files=("mine.py",), first=first)
    (other / "theirs.py").write_text("K = 22\n")
    assert hashes(folder, "mine", files=("mine.py",), first=first) == before


def test_a_helper_that_no_statement_names_is_part_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(contrast("mine", "K = __import__('helper').K"))
    (tmp_path / "helper.py").write_text("K = 1\n")
    before = hashes(tmp_path, "mine", files=("mine.py",))
    (tmp_path / "helper.py").write_text("K = 22\n")
    assert hashes(tmp_path, "mine", files=("mine.py",)) != before


@pytest.mark.parametrize(
    ("file", "theirs"),
    [
        (models.registry.__file__, False),
        (bench.listing.__file__, False),
        (os.__file__, False),
        (__file__, True),
    ],
)
def test_the_project_and_the_standard_library_are_no_part_of_a_file(file: str, theirs: bool) -> None:
    assert _is_theirs(Path(file).resolve(), Path(Path(file).anchor)) is theirs


def install(folder: Path, module: str) -> None:
    info = folder / "mine-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[precursor.components]\nmine = {module}\n")


def test_a_package_is_hashed_as_a_whole(tmp_path: Path) -> None:
    package = tmp_path / "my_package"
    (package / "deep").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "losses.py").write_text(contrast("packaged"))
    install(tmp_path, "my_package.losses")
    before = hashes(tmp_path, "packaged")
    assert hashes(tmp_path, "packaged") == before
    (package / "deep" / "late.py").write_text("K = 1\n")
    after = hashes(tmp_path, "packaged")
    assert after != before
    (package / "deep" / "late.py").rename(package / "late.py")
    assert hashes(tmp_path, "packaged") not in (before, after)


def test_a_cell_does_not_run_with_other_code_than_planned(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(contrast("mine"))
    code = """
from pathlib import Path
from models.errors import InvalidRequest
from models.plugins import check, foreign, load
load()
arm = {"lead": 240.0, "contrast": {"name": "mine"}}
planned = {"arm": arm, "plugins": foreign(arm)}
Path("mine.py").write_text("what is imported already does not change")
check(planned)
for plugins in ({"plugins": {"contrast.mine": "0"}}, {}):
    try:
        check({"arm": arm, **plugins})
    except InvalidRequest as error:
        print(error)
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), VARIABLE: str(tmp_path / "mine.py")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    said = done.stdout.splitlines()
    assert len(said) == 2 and all(
        "contrast.mine" in one and "run the same command again" in one for one in said
    )
    check({"arm": {"contrast": {"name": "infonce"}}})


def test_a_package_is_found_by_its_entry_point(tmp_path: Path) -> None:
    (tmp_path / "my_package.py").write_text(
        HEAD + '@component("contrast", "packaged")\nclass A:\n    """."""\n'
    )
    install(tmp_path, "my_package")
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}"}
    code = "import models.catalog, models.registry as r; print('packaged' in r.components('contrast'))"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "True", done.stderr
