"""What the README says must run."""

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.cli import main
from bench.search.plan import make_search_plan
from bench.study import load

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", README, re.M | re.S)
COMMANDS = sorted(
    {
        line.partition("#")[0].strip()
        for _, block in BLOCKS
        for line in block.splitlines()
        if line.startswith("precursor ")
    }
)


def test_the_study_shown_is_a_study(tmp_path):
    declared, search = [block for language, block in BLOCKS if language == "yaml"]
    path = tmp_path / "shown.yaml"
    path.write_text(declared + search)
    study = load(path)
    assert [arm.name for arm in study.arms][:3] == ["baseline", "cwcl", "bigger"]
    plan = make_search_plan(study)
    assert "current_encoder.hidden" in plan.spaces["baseline"][0]
    assert "quantizer.codes" not in plan.spaces["baseline"][0]


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_shown_are_understood(command):
    _, verb, *words = shlex.split(command)
    if verb == "data":
        verb, words = words[0], words[1:]
        parser = main.commands["data"].commands[verb]
    else:
        parser = main.commands[verb]
    parser.make_context(verb, words)  # an unknown option or a missing argument raises


def test_every_study_shown_is_shipped_and_the_other_way_round():
    shown = set(re.findall(r"^\| `(\w+)` \|", README, re.M))
    assert shown == {path.stem for path in (ROOT / "ablations").glob("*.yaml")}


def test_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def test_make_verbs_shown_exist():
    verbs = set(re.findall(r"^make (\w+)", README, re.M))
    assert verbs and all(re.search(rf"^{verb}:", (ROOT / "Makefile").read_text(), re.M) for verb in verbs)


def test_no_page_is_longer_than_a_screenful_of_options():
    for verb in main.commands:
        assert CliRunner().invoke(main, [verb, "--help"]).exit_code == 0
