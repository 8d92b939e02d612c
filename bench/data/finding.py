"""What a look at files of recordings finds: facts, oddities, and what makes them unusable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: ``fact``: what is there. ``odd``: usable, but a reader should know. ``wrong``: unusable until it is cured.
Kind = Literal["fact", "odd", "wrong"]


@dataclass(frozen=True)
class Finding:
    """One sentence about one place.

    Attributes:
        kind: how bad it is.
        where: file or folder, relative to the path that was looked at; empty if it is about all of it.
        text: the sentence; of what is wrong it names the cure.
    """

    kind: Kind
    where: str
    text: str
