"""Calibration: maps that bring the frozen vectors of both modalities together, from unlabelled pairs."""

from models.calibration.canonical import Canonical, CanonicalParameters
from models.calibration.none import NoCalibration
from models.calibration.procrustes import Procrustes
from models.calibration.standardise import Standardise

__all__ = ["Canonical", "CanonicalParameters", "NoCalibration", "Procrustes", "Standardise"]
