"""What a fit says beyond its estimates: functions of the protocol `Fit`."""

from __future__ import annotations

from partialpool.inference.bootstrap import Bootstrap, bootstrap
from partialpool.inference.ddf import DDF, calibrate, is_quick
from partialpool.inference.effects import coefficients, random_effects
from partialpool.inference.fitted import fitted_values, hat_values, residuals
from partialpool.inference.predict import predict
from partialpool.inference.profile import Profile, profile
from partialpool.inference.protocol import Estimates, Fit, GaussianFit, WaldFit
from partialpool.inference.simulate import simulate
from partialpool.inference.wald import Contrasts, coefficient_tests, confint

__all__ = [
    "DDF",
    "Bootstrap",
    "Contrasts",
    "Estimates",
    "Fit",
    "GaussianFit",
    "Profile",
    "WaldFit",
    "bootstrap",
    "calibrate",
    "coefficient_tests",
    "coefficients",
    "confint",
    "fitted_values",
    "hat_values",
    "is_quick",
    "predict",
    "profile",
    "random_effects",
    "residuals",
    "simulate",
]
