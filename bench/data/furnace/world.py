"""Every constant of a simulated furnace, and the named worlds.

The constants are fixed: they set how much the current tells about the video, and are not to be
tuned until some method wins.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass, replace

import numpy as np

#: Raised whenever the same parameters would give other bytes.
VERSION = 1

PURPOSES = ("regime", "current", "video", "unrelated regime")
#: Seconds before second 0 in which glow and set-point settle, on top of the longest lead.
SETTLING = 300.0
#: How far the lead of an episode may lie from the mean when a mean is asked for, s.
LEAD_REACH = 60.0
Levels = tuple[float, float, float]


@dataclass(frozen=True)
class World:
    """Constants of a simulated furnace; seconds, kA and shares of the image side (0..1).

    Attributes:
        name: what the world is called; part of every generator's seed.
        step: length of a latent step and of a video frame, s.
        current_rate: samples of the current per second, Hz.
        normal_mean, normal_stages: mean length and Erlang stages of a normal stretch.
        abnormal_mean, abnormal_stages: the same of an abnormal stretch.
        level_normal, level_abnormal: how often each volatility level is drawn in either regime;
            their overlap sets the ceiling, because all that the regime does to the current goes
            through the level.
        level_time: mean time between two draws of the level within a regime.
        noise_sd: innovation deviation of each level at a set-point of 10 kA and gain 1.
        noise_decay: AR(1) coefficient of each level, per sample.
        noise_correlation: correlation of two phases' innovations at each level.
        noise_freedom: degrees of freedom of the multivariate t innovations.
        gain_sd: log deviation of a recording's noise gain.
        setpoint_mean, setpoint_sd, setpoint_time, setpoint_lag: the set-point is redrawn about
            every ``setpoint_time`` and followed with a first-order lag.
        batch_setpoint_sd: deviation of a recording's own mean set-point.
        imbalance_sd: relative deviation of a phase's level.
        drift_sd, drift_time: Ornstein-Uhlenbeck drift of each phase.
        feed_depth, feed_shape, feed_recovery, feed_interval: dips when charge is fed: mean depth,
            shape of its gamma law, recovery time and mean interval.
        lead_mean, lead_sd, lead_low, lead_high: truncated normal law of an episode's lead.
        rise, fall: time constants of the glow after an episode becomes visible, and after it ends.
        severity_sd: log deviation of an episode's severity.
        flicker_sd: relative deviation of the glow from frame to frame.
        mist_opacity: largest opacity of one mist cloud.
        camera_sd: log deviation of a recording's camera gain (half of it per colour channel).
        setpoint_brightness: log brightness per kA of set-point: a nuisance both modalities share.
        glint: probability that a frame holds a warm glint.
        pixel_noise: deviation of the pixel noise, full scale = 1.
        shift: 0 = all recordings are alike. Otherwise every second recording (fold 0) has its gain and
            camera spread widened by ``1 + shift`` and a mean set-point of its own.
    """

    name: str
    step: float = 2.0
    current_rate: float = 2.0
    normal_mean: float = 600.0
    normal_stages: int = 3
    abnormal_mean: float = 420.0
    abnormal_stages: int = 4
    level_normal: Levels = (0.06, 0.30, 0.64)
    level_abnormal: Levels = (0.86, 0.11, 0.03)
    level_time: float = 30.0
    noise_sd: Levels = (0.26, 0.36, 0.50)
    noise_decay: Levels = (0.75, 0.65, 0.55)
    noise_correlation: Levels = (0.35, 0.20, 0.05)
    noise_freedom: float = 4.0
    gain_sd: float = 0.20
    setpoint_mean: float = 10.0
    setpoint_sd: float = 1.2
    setpoint_time: float = 900.0
    setpoint_lag: float = 20.0
    batch_setpoint_sd: float = 0.0
    imbalance_sd: float = 0.04
    drift_sd: float = 0.15
    drift_time: float = 600.0
    feed_depth: float = 1.2
    feed_shape: float = 2.0
    feed_recovery: float = 12.0
    feed_interval: float = 480.0
    lead_mean: float = 240.0
    lead_sd: float = 25.0
    lead_low: float = 180.0
    lead_high: float = 300.0
    rise: float = 40.0
    fall: float = 25.0
    severity_sd: float = 0.25
    flicker_sd: float = 0.10
    mist_opacity: float = 0.55
    camera_sd: float = 0.12
    setpoint_brightness: float = 0.0
    glint: float = 0.04
    pixel_noise: float = 0.05
    shift: float = 0.0

    @property
    def samples(self) -> int:
        """Samples of the current in one latent step."""
        return round(self.step * self.current_rate)

    @property
    def preroll(self) -> int:
        """Steps simulated before second 0: what is visible then began as long ago as the longest lead."""
        return math.ceil((max(self.lead_high, 300.0) + SETTLING) / self.step)

    def leading(self, mean: float) -> World:
        """Return the same furnace with another mean lead, s.

        The law stays symmetric about its mean, so that it is narrower than usual where the mean is
        below a minute.
        """
        reach = min(LEAD_REACH, mean)
        return replace(self, lead_mean=mean, lead_low=mean - reach, lead_high=mean + reach)

    def shifted(self, index: int) -> bool:
        """Return whether recording ``index`` belongs to the shifted half."""
        return self.shift > 0 and index % 2 == 1

    def of(self, index: int) -> World:
        """Return the constants recording ``index`` is drawn with."""
        if not self.shifted(index):
            return self
        return replace(
            self,
            gain_sd=self.gain_sd * (1 + self.shift),
            camera_sd=self.camera_sd * (1 + self.shift),
            batch_setpoint_sd=self.setpoint_sd * self.shift,
        )

    def generator(self, seed: int, index: int, purpose: str) -> np.random.Generator:
        """Return the generator of one recording and purpose; independent of how many others there are."""
        return np.random.default_rng([zlib.crc32(self.name.encode()), seed, index, PURPOSES.index(purpose)])


_HARD = World(
    "hard",
    level_normal=(0.12, 0.34, 0.54),
    level_abnormal=(0.76, 0.19, 0.05),
    mist_opacity=0.65,
    setpoint_brightness=0.10,
)

#: ``std``; ``hard``: levels overlap more, thicker mist, and the set-point brightens the picture;
#: ``shift``: hard, and half of the recordings come from a plant with wider spreads.
WORLDS = {world.name: world for world in (World("std"), _HARD, replace(_HARD, name="shift", shift=1.0))}
