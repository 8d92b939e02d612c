"""The simulated furnace as a data source."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.data.furnace import current, features, regime, video
from bench.data.furnace.ceiling import OBSERVERS, Observed, ceiling
from bench.data.furnace.current import Current
from bench.data.furnace.regime import Regime
from bench.data.furnace.world import VERSION, WORLDS, World
from bench.data.recording import Recording, Signal
from bench.data.source import Floats, Source
from bench.data.split import SplitSpec
from bench.data.windows import Track, Windows, WindowSpec
from bench.identity import key
from models.errors import InvalidRequest
from models.registry import component, param

#: Recordings filtered at once when the ceiling is computed: enough to be fast, few enough to be small.
BATCH = 16
PREFIX = "batch-"
#: Guards a whole number of steps against rounding.
EPSILON = 1e-9


@dataclass(frozen=True)
class FurnaceParameters:
    """Which furnace, and how much of it."""

    world: str = param("hard", choices=tuple(WORLDS), help="named set of constants")
    seed: int = param(0, low=0, help="another seed is an independent draw of all recordings")
    recordings: int = param(100, low=5, high=10_000, help="production batches")
    hours: float = param(2.0, low=0.1, high=100.0, help="length of a batch, h")
    lead: float | None = param(
        None, low=0.0, high=1200.0, help="mean lead of the current, s; the world's own (240) if not given"
    )
    setpoint_brightness: float | None = param(
        None,
        low=0.0,
        high=1.0,
        help="log brightness of the picture per kA of set-point, which both modalities then share; the "
        "world's own (std 0, hard 0.1) if not given",
    )
    unrelated: bool = param(
        False, help="video and label follow a course of their own, which the current does not know"
    )

    @property
    def told(self) -> dict[str, Any]:
        """What was asked for; what came later and was not asked for is left out, as if it were not there."""
        later = {"lead": None, "setpoint_brightness": None, "unrelated": False}
        return {name: value for name, value in asdict(self).items() if value != later.get(name, ())}

    @property
    def constants(self) -> World:
        """The world with what was asked for put in."""
        world = WORLDS[self.world]
        if self.lead is not None:
            world = world.leading(self.lead)
        if self.setpoint_brightness is not None:
            world = replace(world, setpoint_brightness=self.setpoint_brightness)
        return world

    @property
    def title(self) -> str:
        """What tables and figures call these data."""
        words = [self.world, f"seed {self.seed}"]
        words += [f"{self.recordings} batches"] if self.recordings != 100 else []
        words += [f"{60 * self.hours:g} min each"] if self.hours != 2.0 else []
        words += [f"lead {self.lead:g} s"] if self.lead is not None else []
        if self.setpoint_brightness is not None:
            words.append(f"set-point brightness {self.setpoint_brightness:g}")
        words += ["modalities unrelated"] if self.unrelated else []
        return f"simulated furnace ({', '.join(words)})"


@component("dataset", "furnace", parameters=FurnaceParameters, origin="embedded simulator")
class Furnace(Source):
    """Simulated fused-magnesia furnace: a hot spot on video, 3-5 minutes earlier in the arc current.

    Raises:
        InvalidRequest: a path is given.
    """

    simulated = True
    metadata = ("set-point (kA)", "set-point change (kA/min)")

    def __init__(self, parameters: FurnaceParameters, path: str | None = None) -> None:
        if path is not None:
            raise InvalidRequest(
                f"the furnace is simulated and reads no files, got path {path!r}; remove the path"
            )
        self.parameters = parameters
        self.world = parameters.constants
        self.lead = self.world.lead_mean
        self.title = parameters.title
        self.windows = WindowSpec()
        self.count = parameters.recordings
        # The shifted half is the one fold there is: learn from the ordinary half, test on the other.
        self.folds = (0,) if self.world.shift else ()
        self.split = SplitSpec(by="fold" if self.world.shift else "recording")

    def fingerprint(self) -> str:
        """Return a hash of the parameters, the constants of the world and the simulator's version."""
        return key(["furnace", VERSION, self.parameters.told, asdict(self.world)])

    def recordings(self) -> Iterator[Recording]:
        """Simulate and render one production batch after the other."""
        for index in range(self.parameters.recordings):
            yield self.recording(index)

    def recording(self, index: int) -> Recording:
        """Return one batch; it is the same however many others there are."""
        world, latent, signal = self._simulate(index)
        rate, setpoint = 1 / world.step, signal.setpoint[:: world.samples]
        # As an operator's log has it: the set-point that is followed, and its change over the last minute.
        minute = round(60 * world.current_rate)
        change = signal.setpoint - np.concatenate(
            [signal.setpoint[:1].repeat(minute), signal.setpoint[:-minute]]
        )
        if self.parameters.unrelated:
            latent = self._regime(index, "unrelated regime")
        frames = self.pictures(index, world, latent, setpoint)
        return Recording(
            name=f"{PREFIX}{index:03d}",
            group=f"{PREFIX}{index:03d}",
            current=Signal(signal.values, world.current_rate),
            video=Signal(frames, rate),
            label=Signal(latent.visible[world.preroll :], rate),
            fold=0 if self.world.shifted(index) else -1,
            metadata=Signal(np.stack([signal.setpoint, change], axis=1), world.current_rate),
        )

    def pictures(
        self, index: int, world: World, latent: Regime, setpoint: NDArray[np.float64]
    ) -> NDArray[Any]:
        """Return the frames of one batch; see :func:`bench.data.furnace.video.render`."""
        return video.render(world, latent, setpoint, world.generator(self.parameters.seed, index, "video"))

    def current_features(self, signal: Signal, seconds: float) -> Floats:
        """Return ``(frames, 24)``; see :func:`bench.data.furnace.features.current_features`."""
        return features.current_features(signal, seconds)

    def video_features(self, signal: Signal, seconds: float) -> Floats:
        """Return ``(frames, 64)``; see :func:`bench.data.furnace.features.video_features`."""
        return features.video_features(signal, seconds)

    def ceiling(
        self, tracks: tuple[Track, ...], windows: Windows, spec: WindowSpec
    ) -> dict[str, NDArray[np.float64]]:
        """Return P(video abnormal at the instant that names the window | current), by observer.

        The instant is the middle of the video window for ``majority`` (the same thing unless the
        condition changes twice within the window) and its last frame for ``last``. The observers are
        those of :func:`bench.data.furnace.ceiling.ceiling`; they see the whole latent steps (2 s) that
        the current window touches. There is none where the modalities are unrelated: all that can be
        known is the base rate, and no skill is defined over it.
        """
        if self.parameters.unrelated:
            return {}
        rows = [np.flatnonzero(windows.recording == index) for index in range(len(tracks))]
        asked = [_observed(self.world, tracks[i], windows, spec, own) for i, own in enumerate(rows)]
        steps = int(np.ceil(spec.current_seconds / self.world.step - EPSILON))
        joined = {name: np.empty(len(windows)) for name in OBSERVERS}
        for start in range(0, len(tracks), BATCH):
            batch = slice(start, start + BATCH)
            simulated = [self._simulate(int(track.name.removeprefix(PREFIX))) for track in tracks[batch]]
            worlds, currents = [each[0] for each in simulated], [each[2] for each in simulated]
            found = ceiling(worlds, currents, asked[batch], steps)
            for name, values in found.items():
                joined[name][np.concatenate(rows[batch])] = values
        return joined

    def _simulate(self, index: int) -> tuple[World, Regime, Current]:
        world, latent = self.world.of(index), self._regime(index, "regime")
        drawn = world.generator(self.parameters.seed, index, "current")
        return world, latent, current.simulate(world, latent, drawn)

    def _regime(self, index: int, purpose: str) -> Regime:
        world = self.world.of(index)
        steps = round(self.parameters.hours * 3600 / world.step)
        return regime.simulate(world, steps, world.generator(self.parameters.seed, index, purpose))


def _observed(
    world: World, track: Track, windows: Windows, spec: WindowSpec, rows: NDArray[np.int64]
) -> Observed:
    """Translate the windows of one recording into latent steps."""
    stop = windows.current[rows] - track.current_first + spec.current_steps
    seconds = track.current_start + stop * spec.current_step
    instant = windows.end[rows] - (spec.video_seconds / 2 if spec.label == "majority" else world.step)
    return Observed(
        stop=np.ceil(seconds / world.step - EPSILON).astype(np.int64),
        moment=np.floor(instant / world.step + EPSILON).astype(np.int64),
    )
