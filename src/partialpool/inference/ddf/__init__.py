"""Degrees of freedom: Satterthwaite, Kenward-Roger, residual, normal."""

from __future__ import annotations

from partialpool.inference.ddf.calibration import Calibration, FTest, joint_test
from partialpool.inference.ddf.choose import DDF, calibrate, is_quick
from partialpool.inference.ddf.estimable import Estimable, estimable

__all__ = [
    "DDF",
    "Calibration",
    "Estimable",
    "FTest",
    "calibrate",
    "estimable",
    "is_quick",
    "joint_test",
]
