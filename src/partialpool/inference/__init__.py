"""What a fit says beyond its estimates: functions of the protocol `Fit`."""

from __future__ import annotations

from partialpool.inference.bootstrap import Bootstrap, bootstrap
from partialpool.inference.checks import (
    ConditionalAic,
    ExplainedVariance,
    QuantileResiduals,
    conditional_aic,
    explained_variance,
    group_influence,
    quantile_residuals,
    row_influence,
    shares_of,
    variance_shares,
)
from partialpool.inference.conditional import (
    ConditionalEffects,
    Expectation,
    LinearExpectation,
    conditional_effects,
    find_effects,
)
from partialpool.inference.convergence import warn_unless_converged
from partialpool.inference.ddf import DDF, calibrate, is_quick
from partialpool.inference.effects import coefficients, random_effects
from partialpool.inference.fitted import fitted_values, hat_values, residuals
from partialpool.inference.hypotheses import (
    AnovaType,
    LinearTest,
    anova,
    drop_tests,
    linear_test,
)
from partialpool.inference.intervals import ConfintMethod, confint
from partialpool.inference.means import (
    IDENTITY,
    Adjustment,
    ContrastKind,
    Link,
    Scale,
    marginal_means,
    marginal_slopes,
)
from partialpool.inference.power import Power, power
from partialpool.inference.predict import predict
from partialpool.inference.prediction_intervals import Interval, IntervalMethod
from partialpool.inference.profile import Profile, profile
from partialpool.inference.protocol import Estimates, Fit, GaussianFit, WaldFit
from partialpool.inference.robust import RobustKind, cluster_robust, robust_tests
from partialpool.inference.simulate import simulate
from partialpool.inference.variances import (
    PrincipalEffects,
    principal_effects,
    variance_parameters,
    variance_tests,
)
from partialpool.inference.wald import Contrasts, coefficient_tests

__all__ = [
    "DDF",
    "IDENTITY",
    "Adjustment",
    "AnovaType",
    "Bootstrap",
    "ConditionalAic",
    "ConditionalEffects",
    "ConfintMethod",
    "ContrastKind",
    "Contrasts",
    "Estimates",
    "Expectation",
    "ExplainedVariance",
    "Fit",
    "GaussianFit",
    "Interval",
    "IntervalMethod",
    "LinearExpectation",
    "LinearTest",
    "Link",
    "Power",
    "PrincipalEffects",
    "Profile",
    "QuantileResiduals",
    "RobustKind",
    "Scale",
    "WaldFit",
    "anova",
    "bootstrap",
    "calibrate",
    "cluster_robust",
    "coefficient_tests",
    "coefficients",
    "conditional_aic",
    "conditional_effects",
    "confint",
    "drop_tests",
    "explained_variance",
    "find_effects",
    "fitted_values",
    "group_influence",
    "hat_values",
    "is_quick",
    "linear_test",
    "marginal_means",
    "marginal_slopes",
    "power",
    "predict",
    "principal_effects",
    "profile",
    "quantile_residuals",
    "random_effects",
    "residuals",
    "robust_tests",
    "row_influence",
    "shares_of",
    "simulate",
    "variance_parameters",
    "variance_shares",
    "variance_tests",
    "warn_unless_converged",
]
