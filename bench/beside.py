"""Which studies are laid beside one: named in its file or by the command."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench import identity
from bench.grid import find_study
from bench.study import Study, load
from models.errors import InvalidRequest

_LONGEST = 80  # characters of a folder's name


@dataclass(frozen=True)
class Asked:
    """What the command asks to lay beside a study: studies, data and settings of theirs.

    Without a study it is the same one, on other data or with other settings.
    """

    studies: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.studies or self.data or self.settings)

    @property
    def words(self) -> list[str]:
        """The options as they are typed, without the paths of this machine."""
        from pathlib import Path

        typed = [word for name in self.studies for word in ("--compare", Path(name).stem)]
        named = [item.partition("=")[0] for item in self.data]
        typed += [word for name in named for word in ("--compare-data", f"{name}=PATH")]
        return typed + [word for item in self.settings for word in ("--compare-set", item)]


def others(study: Study, path: str, asked: Asked) -> tuple[Study, ...]:
    """Return the studies to lay beside one: each that is named, on each data set that is named.

    A study beside itself keeps its own settings; another one has only those of ``--compare-set``.

    Raises:
        InvalidRequest: a study or data set cannot be read, or it is the very study it should lie beside.
    """
    names = asked.studies or (path,)
    data = [dict([_pair(item)]) for item in asked.data] or [{}]
    found = []
    for name in names:
        own = study.settings_given if not asked.studies else ()
        for each in data:
            other = load(find_study(name), data=each, settings=(*own, *asked.settings))
            if other.name == study.name and _same(other, study):
                raise InvalidRequest(
                    f"a study can be laid beside another one, other data or other settings, and {name!r} is "
                    "the study itself; name other data with --compare-data or settings with --compare-set"
                )
            found.append(other)
    return tuple(found)


def declared(study: Study) -> tuple[Study, ...]:
    """Return the studies that the file of a study names to lie beside it."""
    return tuple(load(find_study(name)) for name in study.reporting.compare)


def folder_of(own: str, found: Sequence[str]) -> str:
    """Return the name of the folder of a report beside others, which keeps their own reports as they are."""
    name = "-".join([own, "beside", *found])
    return name if len(name) <= _LONGEST else f"{own}-beside-{identity.key(list(found), 6)}"


def _same(one: Study, two: Study) -> bool:
    return list(_keys(one)) == list(_keys(two))


def _keys(study: Study) -> Iterator[str]:
    return (cell.key for cell in study.cells())


def _pair(item: str) -> tuple[str, str]:
    name, sign, path = item.partition("=")
    if not sign or not name or not path:
        raise InvalidRequest(
            f"--compare-data must read NAME=PATH, got {item!r}; write --compare-data skab=PATH"
        )
    return name, path
