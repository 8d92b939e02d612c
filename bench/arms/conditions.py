"""Conditions: what an arm may say beside its components."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from models import registry
from models.errors import InvalidRequest, unknown
from models.method import MODALITIES


@dataclass(frozen=True)
class Condition:
    """What an arm may say beside its components.

    Attributes:
        default: what it is unless an arm says so; None: the study's.
        help: what it means, in a sentence.
        choices: the names it may be.
        values: what it may be, in words, where it is no name.
    """

    default: Any
    help: str
    choices: tuple[str, ...] = ()
    values: str = ""

    def __str__(self) -> str:
        return self.values or " | ".join(self.choices)


CONDITIONS: dict[str, Condition] = {
    "lead": Condition(
        None,
        "How long the current's window ends before the video's.",
        values="a number of seconds",
    ),
    "protocol": Condition(
        None,
        "Whether pre-training sees the windows of the test part too, without labels (transductive).",
        ("inductive", "transductive"),
    ),
    "recordings": Condition(
        "all",
        "How many of the training part are learned from; fewer are some of more.",
        values="a whole number of at least 1, or all",
    ),
    "current_input": Condition(
        "features",
        "What the current's encoder reads: features of each step, or samples.",
        ("features", "raw"),
    ),
    "video_input": Condition(
        "features",
        "What the video's encoder reads: features of each step, or pictures.",
        ("features", "raw"),
    ),
    "leak": Condition(
        "none",
        "The modality whose features are given the label: what a score is where a method cheats.",
        ("none", *MODALITIES),
    ),
    "pairs": Condition(
        "own",
        "Whether pre-training sees current and video of one window or, as the control shuffled_pairs, not.",
        ("own", "shuffled"),
    ),
    "peek": Condition(
        "never",
        "Whether the test part is scored after every epoch too, to show what choosing one by it would claim; "
        "nothing is chosen by it.",
        ("never", "every_epoch"),
    ),
}


def condition(key: str, value: object) -> Any:
    """Return the value of a condition, or refuse it.

    Raises:
        InvalidRequest: it is none of what the condition may be.
    """
    if key == "lead":
        return _seconds(value)
    if key == "recordings":
        if value != "all" and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
            raise InvalidRequest(f"recordings must be a whole number of at least 1 or 'all', got {value!r}")
        return value
    known = CONDITIONS[key].choices
    if not isinstance(value, str):
        raise InvalidRequest(f"{key} must be one name, got {value!r}; choose one of {', '.join(known)}")
    if value not in known:
        raise unknown(key, value, known)
    return value


def _seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e9 or value != value:
        raise InvalidRequest(f"lead must be a number of seconds, got {value!r}")
    return float(value)


def check_inputs(config: Mapping[str, Any]) -> None:
    """Refuse an arm whose encoder needs another input than it is given.

    Raises:
        InvalidRequest: an encoder of samples or pictures is given features, or a leak has none to go into.
    """
    for modality in MODALITIES:
        slot, given = f"{modality}_encoder", config.get(f"{modality}_input", "features")
        name = config[slot]["name"]
        if given != "raw" and "raw" in registry.lookup(slot, name).needs:
            raise InvalidRequest(
                f"{slot}: {name} reads what was recorded, but {modality}_input is {given}; set "
                f"{modality}_input: raw"
            )
    if config.get("leak", "none") != "none" and config.get(f"{config['leak']}_input", "features") == "raw":
        raise InvalidRequest(
            f"a label leaks into features only, but {config['leak']}_input is raw; leave one of them out"
        )
