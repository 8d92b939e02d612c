"""Figures in the dashboard: one file each, named by what it shows, so that nothing is stored twice."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from optuna.storages import BaseStorage

from bench.identity import key

FOLDER = "artifacts"
_ATTRIBUTE = re.compile(r"(?:dashboard:artifacts:(\d+):|artifacts:)")


@dataclass(frozen=True)
class Place:
    """Where a figure hangs: a study, or one of its trials.

    A trial that has ended takes no attributes any more, so the figures of trials are named in the
    attributes of their study, where the dashboard looks for them as well.
    """

    storage: BaseStorage
    study: int
    trial: int | None = None

    @property
    def prefix(self) -> str:
        """What the names of its attributes begin with."""
        return "artifacts:" if self.trial is None else f"dashboard:artifacts:{self.trial}:"

    def url(self, artifact: str) -> str:
        """Return the address of a figure in the dashboard."""
        return f"/artifacts/{self.study}/{'' if self.trial is None else f'{self.trial}/'}{artifact}"


def attach(
    place: Place, root: Path, filename: str, shows: object, draw: Callable[[], bytes | None]
) -> str | None:
    """Hang up a figure, drawn only if it is not there yet, and return its address.

    Args:
        place: the study or trial.
        root: folder of the record.
        filename: what the dashboard calls it; a place has one figure of a name.
        shows: what the figure follows from, as JSON can hold it.
        draw: makes the PNG; ``None`` if there is nothing to see.
    """
    name = place.storage.get_study_name_from_id(place.study)
    artifact = key([name, place.study, place.trial, filename, shows], 32)
    path = root / FOLDER / artifact
    before = hung(place.storage, place.study).get(place.trial, {})
    if not path.exists():
        content = draw()
        if content is None:
            return None
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{artifact}.{os.getpid()}")
        beside.write_bytes(content)
        beside.replace(path)
    if before.get(filename) != artifact:
        told = {"artifact_id": artifact, "filename": filename, "mimetype": "image/png", "encoding": None}
        place.storage.set_study_system_attr(place.study, place.prefix + artifact, json.dumps(told))
        if filename in before:
            place.storage.set_study_system_attr(
                place.study, place.prefix + before[filename], json.dumps(None)
            )
            (root / FOLDER / before[filename]).unlink(missing_ok=True)
    return place.url(artifact)


def hung(storage: BaseStorage, study: int) -> dict[int | None, dict[str, str]]:
    """Return the figures of a study: id of the trial, ``None`` for the study's own -> name -> id."""
    found: dict[int | None, dict[str, str]] = {}
    for name, value in storage.get_study_system_attrs(study).items():
        match = _ATTRIBUTE.match(name)
        told = json.loads(value) if match else None
        if match and told:
            trial = int(match[1]) if match[1] else None
            found.setdefault(trial, {})[told["filename"]] = told["artifact_id"]
    return found
