"""What docs/own-data.md shows is what there is, and its adapter runs."""

import os
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import yaml

from bench.data.furnace import Furnace, FurnaceParameters
from bench.data.plant.declared import read_settings
from bench.data.plant.settings import Settings

PAGE = (Path(__file__).parents[2] / "docs" / "own-data.md").read_text()
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", PAGE, re.M | re.S)


def test_all_keys_are_shown_with_their_defaults(tmp_path):
    shown = max((block for language, block in BLOCKS if language == "yaml"), key=len)
    (tmp_path / "plant.yaml").write_text(shown)
    said = yaml.safe_load(shown)
    read_settings(tmp_path / "plant.yaml")
    defaults = Settings()
    assert {*said, "group", "fold"} == {each.name for each in fields(Settings)}
    for section in ("csv", "current", "video", "labels", "metadata"):
        values = getattr(defaults, section)
        assert {*said[section]} | {"start"} == {each.name for each in fields(values)} | {"start"}
        for key, value in said[section].items():
            if key not in ("offset", "crop", "encoding"):
                own = getattr(values, key)
                assert value == own or [str(each) for each in value or ()] == list(own), key


def test_every_yaml_shown_can_be_read(tmp_path):
    for number, block in enumerate(block for language, block in BLOCKS if language == "yaml"):
        path = tmp_path / f"{number}.yaml"
        path.write_text(block)
        read_settings(path)


@pytest.mark.slow
def test_the_adapter_shown_runs_a_grid(tmp_path, tiny):
    (adapter,) = (block for language, block in BLOCKS if language == "python")
    assert len([line for line in adapter.splitlines() if line.strip()]) <= 36
    (tmp_path / "my_furnace.py").write_text(adapter)
    (tmp_path / "exports").mkdir()
    for each in Furnace(FurnaceParameters("std", seed=3, recordings=12, hours=0.8)).recordings():
        signals = {"current": each.current.values, "video": each.video.values, "label": each.label.values}
        np.savez(tmp_path / "exports" / f"{each.name}.npz", video_start=0.0, **signals)

    def run(*words):
        command = [sys.executable, "-m", "bench.cli", *words, "--plugin", "my_furnace.py"]
        ran = subprocess.run(
            command, cwd=tmp_path, env=os.environ, capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout

    assert "my furnace: 12 recordings" in run("data", "check", "my_furnace=exports")
    data = ("--data", "my_furnace=exports", "--engine", "local")
    assert "my furnace" in run("grid", str(tiny), *data)
    assert "0 to run" in " ".join(run("plan", str(tiny), *data[:2]).split())
