"""Parameters as they are read: what is allowed is said where something else was given."""

from dataclasses import dataclass

import pytest

from models.errors import InvalidRequest
from models.registry import param, read


@dataclass(frozen=True)
class Said:
    lead: float = param(0.0)
    rate: float | None = param(None, low=0.0)


@pytest.mark.parametrize("key", ["lead", "rate"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_number_is_finite_whatever_its_bounds(key, value):
    with pytest.raises(InvalidRequest, match=f"^the file.{key} must be a finite number, got -?(nan|inf)$"):
        read(Said, {key: value}, "the file")


def test_bounds_are_named_where_there_are_some():
    with pytest.raises(InvalidRequest, match="rate must lie in 0 … , got -1"):
        read(Said, {"rate": -1}, "the file")
    assert read(Said, {"lead": -5}, "the file") == Said(lead=-5.0)
