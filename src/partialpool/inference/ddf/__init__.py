"""Degrees of freedom: Satterthwaite, Kenward-Roger, residual, normal."""

from __future__ import annotations

from partialpool.inference.ddf.calibration import Calibration, FTest, joint_test
from partialpool.inference.ddf.choose import DDF, calibrate
from partialpool.inference.ddf.estimable import Estimable, estimable

__all__ = ["DDF", "Calibration", "Estimable", "FTest", "calibrate", "estimable", "joint_test"]
