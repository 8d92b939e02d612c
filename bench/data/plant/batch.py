"""One recording of a plant: its files read and put on one clock, and the recordings it becomes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf

from bench.data.plant.current import Current, read_current
from bench.data.plant.even import Stretch
from bench.data.plant.labels import Intervals, read_labels
from bench.data.plant.layout import Place
from bench.data.plant.metadata import Metadata, read_metadata
from bench.data.plant.video import Video, read_video
from bench.data.recording import Recording, Signal
from models.errors import InvalidRequest


@dataclass(frozen=True)
class Batch:
    """Signals and labels of one recording; second 0 is the first sample of the current."""

    place: Place
    current: Current
    video: Video
    labels: Intervals
    metadata: Metadata | None

    def pieces(self, shortest: float) -> list[tuple[Stretch, Stretch]]:
        """Return what is recorded without a hole: a stretch of the current, and one of the video.

        A hole in the video leaves the current whole, so that what came before the hole can still be
        looked at. After a hole in the current the video is that of the next stretch, so that no
        picture stands in two pieces. Those of less than ``shortest`` seconds are left out.
        """
        long = [each for each in self.current.stretches if each.seconds >= shortest]
        later = [each.start for each in long[1:]]
        pairs = (
            (current, shown.between(low, high))
            for current, low, high in zip(long, [-inf, *later], [*later, inf], strict=False)
            for shown in self.video.stretches
        )
        return [(current, shown) for current, shown in pairs if len(shown) and shown.seconds >= shortest]

    def recordings(self, shortest: float, clock: float) -> Iterator[Recording]:
        """Yield the pieces as recordings of one group.

        Args:
            shortest: pieces of less than this many seconds are left out.
            clock: seconds from the beginning of the group to second 0.

        Raises:
            InvalidRequest: there is no such piece.
        """
        pieces = self.pieces(shortest)
        if not pieces:
            raise InvalidRequest(
                f"{self.place.folder} has no {shortest:g} s without a hole in current or video; leave it "
                "out, give current.rate and video.rate, which bridge holes, or lower dataset.shortest"
            )
        for number, (current, shown) in enumerate(pieces):
            signal = self.video.signal(shown)
            label = self.labels.label(shown.start, shown.rate, len(shown))
            yield Recording(
                name=self.place.name if len(pieces) == 1 else f"{self.place.name}.{number}",
                group=self.place.group,
                current=self.current.signal(current),
                video=signal,
                label=Signal(label, shown.rate, shown.start),
                fold=self.place.settings.fold,
                clock=clock,
                metadata=self.metadata.signal(current) if self.metadata else None,
            )


def read_batch(place: Place, metadata: tuple[str, ...]) -> Batch:
    """Read the files of one recording; of the video only what tells its clock and size.

    Args:
        place: the files.
        metadata: the metadata that all recordings have; empty where they have none.

    Raises:
        InvalidRequest: whatever is wrong with a file, in one sentence that names it.
    """
    settings, beside = place.settings, str(place.current)
    if place.labels is None:
        raise InvalidRequest(f"{place.folder} must hold labels.csv to be learnt from, and has none; add it")
    current = read_current(place.current, settings)
    zero = current.clock
    video = read_video(place.video, place.listed, settings, zero, beside)
    _require_overlap(current, video)
    labels = read_labels(place.labels, settings, zero, beside, video.start)
    _require_within(labels, video)
    known = None
    if metadata and place.metadata is not None:
        known = read_metadata(place.metadata, metadata, settings, zero, beside)
    return Batch(place, current, video, labels, known)


def _require_overlap(current: Current, video: Video) -> None:
    first, last = current.stretches[0].start, current.stretches[-1].end
    begin, end = video.stretches[0].start, video.stretches[-1].end
    if min(last, end) <= max(first, begin):
        how, far = ("before", first - end) if end <= first else ("after", begin - last)
        edge = "begins" if end <= first else "has ended"
        raise InvalidRequest(
            f"{video.path} must be of the same time as the current, but lies {far:.0f} s {how} it {edge}; "
            "correct video.start, video.offset or time_zone"
        )


def _require_within(labels: Intervals, video: Video) -> None:
    begin, end = video.stretches[0].start, video.stretches[-1].end
    if len(labels) and labels.outside(begin, end)[1] == len(labels):
        raise InvalidRequest(
            f"{labels.path}: all {len(labels)} intervals lie outside the video, which runs from second "
            f"{begin:.0f} to {end:.0f}, the first from {labels.begin[0]:.0f} to {labels.end[0]:.0f}; correct "
            "their times, or say labels: {clock: video}"
        )
