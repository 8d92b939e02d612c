"""What may go wrong with what is read in service: named, graded disturbances of the recorded signals."""

from bench.disturb import (
    clipped_phase,
    clock_offset,
    glare,
    missing_phase,
    mist,
    sampling_jitter,
    setpoint_change,
)
from bench.disturb.disturbance import Disturbance
from bench.disturb.request import VERSION, read_disturbances
from bench.disturb.store import disturbed_frames, prepare_disturbed

__all__ = [
    "VERSION",
    "Disturbance",
    "clipped_phase",
    "clock_offset",
    "disturbed_frames",
    "glare",
    "missing_phase",
    "mist",
    "prepare_disturbed",
    "read_disturbances",
    "sampling_jitter",
    "setpoint_change",
]
