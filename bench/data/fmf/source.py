"""The FMF benchmark as a data source."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

from bench.data.finding import Finding
from bench.data.fmf.alike import apart
from bench.data.fmf.batch import FIRST_RELEASE, Batch, View, read_first, read_second
from bench.data.fmf.layout import Layout, faults, find, looks_right
from bench.data.fmf.lists import read_lists
from bench.data.fmf.mat import Mat, look
from bench.data.furnace import features
from bench.data.recording import Recording, Signal
from bench.data.source import Floats, Share, Source
from bench.data.split import SplitSpec
from bench.data.tables import fingerprint
from bench.data.windows import WindowSpec
from models.errors import InvalidRequest
from models.registry import component, param

#: Raised whenever the same files would give other recordings.
VERSION = 1
#: Fewer batches than this cannot be divided into parts that each hold whole ones.
BATCHES = 5


@dataclass(frozen=True)
class FmfParameters:
    """What of pictures and masks is looked at."""

    side: int = param(16, low=4, high=1024, help="pixels of a side that pictures are averaged down to")
    pictures: float = param(0.0, low=0.0, high=1000.0, help="pictures a second that are looked at; 0 = all")
    label: str = param(
        "frame", choices=("frame", "second"), help="abnormal if the frame is, or any frame of its second"
    )
    rate: int = param(25, low=1, high=1000, help="frames a second of release 1, which holds no clock")


@component("dataset", "fmf", parameters=FmfParameters, origin="Wu et al., FmFormer, IEEE TCSVT 2025")
class Fmf(Source):
    """Fused-magnesia smelting, public benchmark: three-phase current against shell video with pixel masks.

    Both releases. Frames and rows of current carry whole seconds; they are laid on an even grid, second by
    second, and a recording breaks where one of them is missing. A row of current counts as known only
    once its half second is over, so that no window looks ahead. A frame is abnormal if any pixel of its mask
    is; features are those of the simulated furnace. The lists ``train.json`` and ``test.json`` are the
    split ``published``; a batch is a group, so that ``recording`` holds out whole batches.

    The published figures come from windows whose history reaches into the training part and that look
    up to a second ahead; scores here are not comparable with them to the last digit.

    Source: G. Wu, Y. Zhang, L. Deng, J. Zhang, T. Chai, *Cross-modal learning for anomaly detection in
    complex industrial process: methodology and benchmark*, IEEE TCSVT 35(3):2632-2645, 2025.
    """

    lead = 240.0
    windows = WindowSpec(
        current_seconds=120.0,
        current_steps=20,
        video_seconds=60.0,
        video_steps=10,
        stride=6.0,
        margin=300.0,
        label="last",
    )

    def __init__(self, parameters: FmfParameters, path: Path | str | None) -> None:
        """Look at all files and read the tables; no picture is read.

        Args:
            parameters: what of pictures and masks is looked at.
            path: the folder of release 2, of the ``.mat`` files of release 1, or one of these files.

        Raises:
            InvalidRequest: whatever is wrong with the first file that cannot be used.
        """
        if path is None:
            raise InvalidRequest("dataset fmf is read from files, got no path; add dataset.path")
        self.parameters = parameters
        self.layout = find(Path(path).expanduser())
        for fault in faults(self.layout):
            raise InvalidRequest(fault)
        self.batches = tuple(read_batches(self.layout, parameters))
        for fault in apart(self.layout, self.batches):
            raise InvalidRequest(fault)
        for batch in self.batches:
            _fits(batch.mat, parameters.side)
        self.count = sum(len(batch.pieces) for batch in self.batches)
        self.published = any(batch.parts is not None for batch in self.batches)
        made = sorted({batch.mat.simulated for batch in self.batches if batch.mat.simulated})
        self.simulated = bool(made)
        seen = ", seconds labelled" if parameters.label == "second" else ""
        if made:
            self.title = f"{'; '.join(made)}, as FMF release {self.layout.release}{seen}"
        else:
            self.title = f"FMF benchmark (real, release {self.layout.release}{seen})"
        whole = len(self.batches) >= BATCHES or not self.published
        self.split = SplitSpec(by="recording" if whole else "published")

    @cached_property
    def _hash(self) -> str:
        return fingerprint(
            self.layout.files,
            below=self.layout.folder,
            source="fmf",
            version=VERSION,
            parameters=asdict(self.parameters),
        )

    def fingerprint(self) -> str:
        """Return a hash of the bytes of the files, the parameters and the reader's version."""
        return self._hash

    def recordings(self) -> Iterator[Recording]:
        """Yield a recording for each unbroken stretch of a batch; its pictures are read when asked for."""
        chosen = self.parameters
        for batch in self.batches:
            yield from batch.recordings(View(chosen.side, chosen.pictures, chosen.label == "second"))

    def current_features(self, signal: Signal, seconds: float) -> Floats:
        """Return ``(frames, 24)``; see :func:`bench.data.furnace.features.current_features`."""
        return features.current_features(signal, seconds)

    def video_features(self, signal: Signal, seconds: float) -> Floats:
        """Return ``(frames, 64)``; see :func:`bench.data.furnace.features.video_features`."""
        return features.video_features(signal, seconds)

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """Return whether either release seems to lie at a path."""
        return looks_right(path)

    @classmethod
    def check(
        cls, parameters: FmfParameters, path: Path, progress: Share = lambda share: None
    ) -> Iterator[Finding]:
        """Yield what is there, what is odd and what is wrong, file by file; every frame is read once."""
        from bench.data.fmf.check import check  # it builds a source where all is well

        yield from check(parameters, path, progress)


def read_batches(layout: Layout, parameters: FmfParameters) -> Iterator[Batch]:
    """Read the tables of every batch, and join them with its video."""
    if layout.release == 1:
        for stem in layout.stems:
            yield read_first(stem, look(layout.video(stem), FIRST_RELEASE), parameters.rate)
        return
    mats = {stem: look(layout.video(stem)) for stem in layout.stems}
    parts = read_lists(layout.lists, {stem: mat.frames for stem, mat in mats.items()}) or {}
    for stem, mat in mats.items():
        yield read_second(layout, stem, mat, parts.get(stem))


def _fits(mat: Mat, side: int) -> None:
    if mat.height % side or mat.width % side or side % features.GRID:
        raise InvalidRequest(
            f"dataset.fmf.side must divide the pictures of {mat.path} ({mat.height} x {mat.width}) and be a "
            f"multiple of {features.GRID}, got {side}; choose another side"
        )
