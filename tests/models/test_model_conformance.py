"""Every registered component inherits the tests of its slot."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from models.catalog import RECIPE
from models.conformance import CONFORMANCE
from models.registry import build, components, resolve

#: Contrasts that do not ask which window belongs to which.
PAIRLESS = ("supcon", "jema_style", "coral", "mmd")

for _slot, _class in CONFORMANCE.items():
    for _name in components(_slot):
        _own = {"name": _name, "__doc__": f"{_slot}: {_name}."}
        if _name == "cross_cpc":
            _own["parameters"] = {"steps": 2}  # five do not fit into the short windows of the tests
        if _slot == "contrast":
            _own["compares_pairs"] = _name not in PAIRLESS
        globals()[f"Test_{_slot}_{_name}"] = type(f"Test_{_slot}_{_name}", (_class,), _own)


def test_every_slot_of_an_arm_has_its_tests() -> None:
    assert set(RECIPE) == set(CONFORMANCE) | {"optimizer", "checkpoint"}


@pytest.mark.parametrize("name", components("optimizer"))
def test_optimizer_descends(name: str) -> None:
    p = nn.Parameter(torch.tensor([3.0, -2.0]))
    optimizer = build("optimizer", resolve("optimizer", {"name": name, "learning_rate": 0.1}), [p])
    for _ in range(200):
        optimizer.step((p - torch.tensor([1.0, 1.0])).square().sum())
    torch.testing.assert_close(p.detach(), torch.ones(2), atol=0.05, rtol=0)


@pytest.mark.parametrize(
    ("spec", "kept"),
    [
        ("last", []),
        ("best", [1, 3]),
        ({"name": "at", "epoch": 2}, [2]),
    ],
)
def test_checkpoints_keep_what_they_say(spec: object, kept: list[int]) -> None:
    checkpoint = build("checkpoint", resolve("checkpoint", spec))
    best, found = None, []
    for epoch, score in enumerate((0.6, 0.5, 0.7, None, 0.7), start=1):
        if checkpoint.keeps(epoch, score, best):
            best = score
            found.append(epoch)
    assert found == kept
