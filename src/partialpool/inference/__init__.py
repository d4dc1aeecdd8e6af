"""What a fit says beyond its estimates: functions of the protocol `Fit`."""

from __future__ import annotations

from partialpool.inference.effects import coefficients, random_effects
from partialpool.inference.fitted import fitted_values, hat_values, residuals
from partialpool.inference.predict import predict
from partialpool.inference.protocol import Estimates, Fit, GaussianFit
from partialpool.inference.simulate import simulate

__all__ = [
    "Estimates",
    "Fit",
    "GaussianFit",
    "coefficients",
    "fitted_values",
    "hat_values",
    "predict",
    "random_effects",
    "residuals",
    "simulate",
]
