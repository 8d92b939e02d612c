"""What all recordings of a plant have in common, and the refusal of those that have not."""

from __future__ import annotations

from pathlib import Path

from bench.data.plant.current import phases
from bench.data.plant.layout import Place
from bench.data.plant.metadata import columns_of
from bench.data.plant.settings import Settings
from bench.data.plant.table import header
from models.errors import InvalidRequest


def require_some(root: Path, places: list[Place]) -> None:
    """Refuse a folder without a labelled recording."""
    if not places:
        raise InvalidRequest(
            f"{root} must hold a folder for each recording, with current.csv, video.mp4 and labels.csv, and "
            "has none; see docs/own-data.md"
        )
    if all(place.labels is None for place in places):
        raise InvalidRequest(
            f"{root} must hold labels.csv in the folder of at least one recording, and has none; list the "
            "intervals in which something was abnormal on video"
        )


def title_of(settings: Settings) -> str:
    """Return what reports call the data: it says so if they are not a plant's, and never where they lie."""
    if settings.simulated:
        return f"simulated plant{settings.name and f' {settings.name}'} ({settings.simulated})"
    return f"{settings.name or 'own data'} (plant)"


def alike(places: tuple[Place, ...]) -> tuple[str, ...]:
    """Return the metadata that all recordings have; empty unless every one has some.

    Raises:
        InvalidRequest: a recording has other phases or other metadata than the first.
    """
    first = places[0]
    expected = currents_of(first)
    known = [place for place in places if place.metadata is not None]
    names = _metadata_of(known[0]) if len(known) == len(places) else ()
    for place in places:
        found = currents_of(place)
        # Phases that recording.yaml names are the same by that; others are the same by their names.
        if len(found) != len(expected) or (found != expected and not place.settings.current.columns):
            raise InvalidRequest(
                f"{place.current} must have the phases of {first.current} ({', '.join(expected)}), got "
                f"{', '.join(found)}; name the same in current: {{columns: [...]}}"
            )
        if names and _metadata_of(place) != names:
            raise InvalidRequest(
                f"{place.metadata} must have the columns of {first.metadata} ({', '.join(names)}), got "
                f"{', '.join(_metadata_of(place))}; name those that all have in metadata: {{columns: [...]}}"
            )
    return names


def currents_of(place: Place) -> tuple[str, ...]:
    """Return the names of the phases of a recording, from its header."""
    said = place.settings.current
    names = header(place.current, place.settings.csv, (said.time, *said.columns))
    return phases(names, place.settings, place.current)


def _metadata_of(place: Place) -> tuple[str, ...]:
    assert place.metadata is not None
    said = place.settings.metadata
    return columns_of(header(place.metadata, place.settings.csv, (said.time, *said.columns)), place.settings)
