"""Why glmer's Gamma models are not compared: what it minimises, written out.

With unit deviances d and D = sum d, lme4 1.1-31 finds modes u that minimise D + |u|^2 (a dispersion
of one), and adds to that |u|^2 and the determinant minus twice the Gamma log-likelihood at the
dispersion D / n, and 2 for having estimated it. That is no marginal likelihood of any dispersion.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from tests.reference.generalized_cases import fit, read

both = pytest.mark.parametrize("name", ["glmm_cake_gamma_log", "glmm_sleepstudy_gamma_log"])


@dataclass(frozen=True, slots=True, eq=False)
class Mode:
    """lme4's inner optimum at its own theta and coefficients; curvatures are the diagonal of H."""

    y: NDArray[np.float64]
    mu: NDArray[np.float64]
    u: NDArray[np.float64]
    curvatures: NDArray[np.float64]


def mode(name):
    theirs, design = read(name).reference, fit(name).design
    codes, J = design.random[0].factor.codes, len(design.random[0].factor.levels)
    eta = design.X @ np.array([*theirs["fixef"].values()])
    (theta,) = theirs["theta"]["values"]
    # Scoring: with a log link every row has unit information.
    curvatures, u = 1 + theta**2 * np.bincount(codes), np.zeros(J)
    for _ in range(100):
        mu = np.exp(eta + theta * u[codes])
        u = u + (theta * np.bincount(codes, design.y / mu - 1) - u) / curvatures
    return Mode(design.y, np.exp(eta + theta * u[codes]), u, curvatures)


@both
def test_lme4_s_value_has_a_moment_estimate_in_it(name):
    at = mode(name)
    deviance = 2 * np.sum(at.y / at.mu - 1 - np.log(at.y / at.mu))
    dispersion = deviance / len(at.y)
    rows = stats.gamma.logpdf(at.y, 1 / dispersion, scale=at.mu * dispersion).sum()
    value = 2 - 2 * rows + at.u @ at.u + np.log(at.curvatures).sum()
    # lme4's own inner iterations end at 1e-13 of the deviance.
    assert abs(value - read(name).reference["minus2loglik"]) < 2e-6


@both
def test_lme4_s_sigma_is_another_moment_estimate(name):
    at = mode(name)
    squares = np.sum((at.y / at.mu - 1) ** 2) + at.u @ at.u
    assert abs(np.sqrt(squares / len(at.y)) / read(name).reference["sigma"] - 1) < 1e-6
