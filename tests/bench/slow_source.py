"""A source of one long video, prepared by a process that is told after which chunk to die."""

import os
import signal
import sys
from pathlib import Path

import numpy as np

from bench.data import rendering
from bench.data.dataset import prepare
from bench.data.recording import Recording, Signal, frames_of
from bench.data.source import Source
from bench.data.split import SplitSpec
from bench.data.windows import WindowSpec

SPEC = WindowSpec(
    current_seconds=2.0,
    current_steps=1,
    video_seconds=2.0,
    video_steps=1,
    stride=2.0,
    margin=0.0,
    label="last",
)
STEPS = 25  # of 2 s: 50 pictures of 8 x 8 bytes and 10 steps in a chunk make three chunks a recording
CHUNK = 10 * 2 * 64


class Pictures:
    """Pictures made when asked for; remembers the slices that were."""

    dtype = np.uint8
    shape = (2 * STEPS, 8, 8)

    def __init__(self):
        self.asked = []

    def __len__(self):
        return len(self.grid())

    def grid(self):
        return np.arange(2 * STEPS * 64).reshape(self.shape) % 251

    def __getitem__(self, rows):
        self.asked.append((rows.start, rows.stop))
        return self.grid()[rows].astype(np.uint8)


class Slow(Source):
    """Two recordings; counts the chunks it describes, and kills itself after so many."""

    title, windows, split = "two films", SPEC, SplitSpec()

    def __init__(self, kill_after=None):
        self.kill_after, self.described, self.videos = kill_after, 0, []

    def fingerprint(self):
        return "slow"

    def recordings(self):
        for name in "ab":
            current, label = np.arange(100.0)[:, None], np.arange(50) % 2
            self.videos.append(Pictures())
            yield Recording(
                name, name, Signal(current, 2.0), Signal(self.videos[-1], 1.0), Signal(label, 1.0),
                part=Signal(np.repeat([0, -1, 1], [20, 5, 25]).astype(np.int8), 1.0),
            )  # fmt: skip

    def current_features(self, signal, seconds):
        return frames_of(signal, seconds).mean(axis=1)

    def video_features(self, signal, seconds):
        if self.described == self.kill_after:
            os.kill(os.getpid(), signal_of_death)
        self.described += 1
        return frames_of(signal, seconds).reshape(-1, 128)


signal_of_death = signal.SIGKILL

if __name__ == "__main__":
    rendering.CHUNK_BYTES = CHUNK
    prepare(Slow(int(sys.argv[2])), SPEC, [], Path(sys.argv[1]), raw=frozenset(sys.argv[3:]))
