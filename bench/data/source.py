"""What a data source must offer; the embedded furnace and every reader of files implement it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.data.finding import Finding
from bench.data.recording import Recording, Signal
from bench.data.split import SplitSpec
from bench.data.windows import Track, Windows, WindowSpec

Floats = NDArray[np.float32]
#: Told how much of a long look is done, as a share between 0 and 1.
Share = Callable[[float], None]


class Source(ABC):
    """A named origin of recordings, registered in the slot ``dataset``.

    Built as ``Source(parameters, path)``. Building it validates the request (the path exists, the
    files have their columns) and reads nothing large.

    Attributes:
        title: what every table and figure calls the data; says plainly if it is simulated.
        simulated: whether the recordings are generated.
        windows: how recordings are cut when a study does not say.
        split: how they are divided when a study does not say.
        lead: seconds by which the current is taken to precede the video when a study does not say.
        folds: the folds of the published protocol, empty if there is none.
        published: whether its recordings say which part of a published split each frame belongs to.
        count: number of recordings, for progress, before holes break some in two; None if only reading
            tells.
        metadata: names of the process metadata of its recordings, with units; empty if there are none.
    """

    title: str
    simulated: bool = False
    windows: WindowSpec
    split: SplitSpec
    lead: float = 0.0
    folds: tuple[int, ...] = ()
    published: bool = False
    count: int | None = None
    metadata: tuple[str, ...] = ()

    @abstractmethod
    def fingerprint(self) -> str:
        """Return a hash of all that determines the recordings: parameters, version or file bytes."""

    @abstractmethod
    def recordings(self) -> Iterator[Recording]:
        """Yield the recordings one at a time, so that one video at a time is in memory."""

    @abstractmethod
    def current_features(self, signal: Signal, seconds: float) -> Floats:
        """Return ``(frames, features)`` of the weak signal, one row a step of ``seconds``.

        A row depends on the samples of its own step (and earlier ones) only.
        """

    @abstractmethod
    def video_features(self, signal: Signal, seconds: float) -> Floats:
        """Return ``(frames, features)`` of the strong signal, one row a step of ``seconds``.

        A row depends on the samples of its own step only: a long video is given in pieces.
        """

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """Return whether what lies at a path is laid out as this source reads it; cheap, and never raises."""
        return False

    @classmethod
    def check(cls, parameters: Any, path: Path, progress: Share = lambda share: None) -> Iterator[Finding]:
        """Look at all there is at a path and yield what is found, in the order a reader wants it.

        Nothing is raised for what is wrong with the files: that is what is looked for. Unless a source
        says more, every recording is read and held against :mod:`bench.data.contract`, its features too.
        """
        from bench.data.check import findings  # it builds sources

        yield from findings(cls, parameters, path, progress)

    def ceiling(
        self, tracks: tuple[Track, ...], windows: Windows, spec: WindowSpec
    ) -> dict[str, NDArray[Any]]:
        """Return P(positive | what a method may see) per window, by name of the observer.

        Empty unless the world is simulated and its posterior can be computed. The observer called
        ``window_u`` sees what a method sees; it is the ceiling that *skill* refers to.
        """
        return {}
