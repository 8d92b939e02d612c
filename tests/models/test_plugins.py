"""Components from elsewhere work like those that come with the project: the page that says so is run."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from models.plugins import VARIABLE, name_files

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
    precursor(folder, "search", "my_study.yaml", "--engine", engine)
    again = json.loads(precursor(folder, "plan", "my_study.yaml", "--json").stdout)
    assert again["to_run"] == 0
    # An edited loss is another method; the baseline, which does not use it, is not run again.
    path = folder / "my_loss.py"
    path.write_text(path.read_text() + "\n")
    edited = json.loads(precursor(folder, "plan", "my_study.yaml", "--json").stdout)
    assert edited["to_run"] == 2


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("import no_such_module", "ModuleNotFoundError"),
        ("def broken(:", "SyntaxError"),
        (HEAD + '@component("contrast", "infonce")\nclass A:\n    """."""', "twice"),
        (HEAD + '@component("contrast", "a", needs=("labels",))\nclass A:\n    """."""', "mean 'label'"),
    ],
)  # fmt: skip
def test_a_broken_file_is_one_sentence(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "my_loss.py").write_text(content)
    done = run(tmp_path, "-m", "bench.cli", "list", "contrast", "--plugin", "my_loss.py")
    assert done.returncode == 2 and said in done.stderr and done.stderr.strip().count("\n") == 0


def test_files_are_named_once_and_for_children(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "")
    name_files([tmp_path / "a.py"])
    name_files([tmp_path / "b.py", tmp_path / "a.py"])
    assert os.environ[VARIABLE].split(os.pathsep) == [str(tmp_path / "a.py"), str(tmp_path / "b.py")]


def test_a_package_is_found_by_its_entry_point(tmp_path: Path) -> None:
    (tmp_path / "my_package.py").write_text(
        HEAD + '@component("contrast", "packaged")\nclass A:\n    """."""\n'
    )
    info = tmp_path / "my_package-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my_package\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[precursor.components]\nmine = my_package\n")
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}"}
    code = "import models.catalog, models.registry as r; print('packaged' in r.components('contrast'))"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "True", done.stderr
