"""What a study may say of early warnings, and what it is told where it may not."""

from __future__ import annotations

import pytest

from bench.grid import prepare_data
from bench.study import load
from models.errors import InvalidRequest

WARNED = "metric=warning.current.episodes_warned"


def test_warnings_are_metrics_and_the_usual_definition_changes_no_key(tiny):
    plain, judged = load(tiny), load(tiny, settings=(WARNED,))
    assert [cell.key for cell in plain.cells()] == [cell.key for cell in judged.cells()]
    same = load(tiny, settings=("warning.horizon=300",))
    other = load(tiny, settings=("warning.horizon=240", "warning.false_alarms=0.5"))
    assert same.cells()[0].key == plain.cells()[0].key != other.cells()[0].key
    assert other.cells()[0].content["warning"] == {"horizon": 240.0, "merge": 60.0, "false_alarms": 0.5}
    seconds = load(tiny, settings=("metric=warning.current.warning_seconds", "rope=15"))
    assert seconds.settings.rope == 15


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (("metric=warning.current.warning_seconds",), "write rope: 15"),
        ((WARNED, "rope=15"), "rope must not exceed 1"),
        (("rope=1.5",), "rope must not exceed 1"),
        (("metric=warning.current.false_alarms_per_hour",), "unknown metric"),
        (("metric=warning.video.earlier_than_video",), "unknown metric"),
        ((WARNED, "split.validation=0"), "needs a validation part"),
        (("warning.horizon=0",), "horizon"),
        (("warning.hysteresis=1",), "hysteresis"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(tiny, settings, said):
    with pytest.raises(InvalidRequest, match=said):
        load(tiny, settings=settings)


def test_too_few_episodes_are_refused_before_anything_runs(tiny):
    with pytest.raises(
        InvalidRequest, match=r"at least 10 whole episodes in the validation part.*split\.validation"
    ):
        prepare_data(load(tiny, settings=(WARNED,)))
