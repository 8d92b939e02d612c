"""``plant.yaml``, and the ``recording.yaml`` of one recording: read key by key, each of them checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from bench.data.plant.settings import Box, Names, Plain, Settings, Video
from bench.data.plant.there import require_file
from bench.reading import load_yaml
from models.errors import InvalidRequest, unknown
from models.registry import read

_SECTIONS = ("windows", "csv", "current", "video", "labels", "metadata")
_OWN = ("group", "fold")
_WHOLE = ("name", "simulated", "lead", "windows")


def read_settings(path: Path, base: Settings | None = None) -> Settings:
    """Return what a file says, on top of ``base``; ``base`` (or the defaults) where there is no file.

    Args:
        path: ``plant.yaml``, or the ``recording.yaml`` of one recording.
        base: what holds for all recordings, where the file is of one.

    Raises:
        InvalidRequest: no file that can be read, or the key of it that is unknown or holds what it must not.
    """
    settings = base or Settings()
    if not (path.exists() or path.is_symlink()):
        return settings
    require_file(path)
    said = load_yaml(path) if path.read_text(errors="replace").strip() else {}
    try:
        return _merged(settings, said, of_one=base is not None)
    except InvalidRequest as error:
        raise InvalidRequest(f"{path}: {error}") from None


def _merged(settings: Settings, said: Mapping[str, Any], *, of_one: bool) -> Settings:
    elsewhere, place = (_WHOLE, "plant.yaml") if of_one else (_OWN, "recording.yaml")
    for name in said:
        if name not in {each.name for each in fields(Settings)}:
            raise unknown("key", name, [each.name for each in fields(Settings)])
        if name in elsewhere:
            raise InvalidRequest(f"the key {name!r} belongs into {place}; move it there")
    sections = {
        name: _section(getattr(settings, name), said[name], name) for name in _SECTIONS if name in said
    }
    plain = {name: value for name, value in said.items() if name not in _SECTIONS}
    kept = {each.name: getattr(settings, each.name) for each in fields(Plain)}
    found = read(Plain, {**kept, **plain}, "the file")
    changed = replace(settings, **{**asdict(found), **sections})
    _require_sense(changed)
    return changed


def _section(base: Any, said: object, name: str) -> Any:
    """Return a section with what the file says of it; lists are checked here, the rest by the registry."""
    if not isinstance(said, Mapping):
        raise InvalidRequest(f"{name} must be a mapping of keys to values, got {said!r}")
    values = {key: _plain(value) for key, value in said.items()}
    for key in ("columns", "abnormal", "normal"):
        if key in values and hasattr(base, key):
            values[key] = _names(values[key], f"{name}.{key}")
    if isinstance(base, Video) and "crop" in values:
        values["crop"] = _box(values["crop"])
    if isinstance(base, Video) and isinstance(values.get("start"), int | float):
        values["start"] = repr(values["start"])
    kept = {each.name: getattr(base, each.name) for each in fields(base)}
    return read(type(base), {**kept, **values}, name)


def _plain(value: object) -> object:
    """YAML takes what looks like a time for one; the text it was written as says the same."""
    return value.isoformat() if isinstance(value, datetime | date) else value


def _names(value: object, where: str) -> Names:
    """Return one name or several as text: a class may well be called 1."""
    several = value if isinstance(value, list) else [value]
    if not all(isinstance(each, str | int) and not isinstance(each, bool) for each in several):
        raise InvalidRequest(f"{where} must be a list of names, got {value!r}; quote them")
    return tuple(str(each) for each in several)


def _box(value: object) -> Box:
    whole = isinstance(value, list) and all(type(each) is int and each >= 0 for each in value)
    if not (isinstance(value, list) and whole and len(value) == 4 and value[2] >= 4 and value[3] >= 4):
        raise InvalidRequest(
            f"video.crop must be [left, top, width, height] in pixels, at least 4 x 4, got {value!r}"
        )
    return tuple(value)


def _require_sense(settings: Settings) -> None:
    video = settings.video
    if video.start is not None and video.offset is not None:
        raise InvalidRequest("video.start and video.offset say the same thing; leave out one of them")
    for name in ("current", "video"):
        section = getattr(settings, name)
        if section.gap is not None and section.rate is None:
            raise InvalidRequest(
                f"{name}.gap bridges holes on an even clock, and {name}.rate is not given; give the rate"
            )
    both = set(settings.labels.abnormal) & set(settings.labels.normal)
    if both:
        raise InvalidRequest(f"labels: class {min(both)!r} is both abnormal and normal; leave it out of one")
    try:
        _ = settings.zone
        "".encode(settings.csv.encoding)
    except (LookupError, ValueError, OSError):
        raise InvalidRequest(
            f"time_zone must be a name such as Asia/Shanghai and csv.encoding one such as utf-8 or gbk, got "
            f"{settings.time_zone!r} and {settings.csv.encoding!r}"
        ) from None
