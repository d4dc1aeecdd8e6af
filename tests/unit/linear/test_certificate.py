"""Which optimum is called singular, and in which direction."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import partialpool as pp

shifts = pytest.mark.parametrize("shift", [0.0, 1e3, 1e7])


def table(slopes_vary, shift=0.0):
    """20 groups of 10 rows; intercepts vary by group, slopes do or are the same to the digit."""
    rng = np.random.default_rng(8)
    g = np.repeat(np.arange(20), 10)
    x = np.round(rng.normal(size=200) * 2**20) / 2**20  # so that the shift is exact
    b0, b1 = rng.normal(size=(2, 20))
    noise = rng.normal(size=200)
    if not slopes_vary:
        b1 -= b1
        for rows in np.arange(200).reshape(20, 10):
            noise[rows] -= np.polynomial.Polynomial.fit(x[rows], noise[rows], 1)(x[rows])
    return pd.DataFrame({"y": 1 + x + b0[g] + b1[g] * x + noise, "x": x + shift, "g": g})


@shifts
def test_a_covariate_far_from_zero_is_no_singular_fit(shift):
    fit = pp.lmm("y ~ x + (x | g)", table(slopes_vary=True, shift=shift))
    assert not fit.singular
    assert fit.certificate.null_directions == ()


@shifts
def test_a_singular_fit_is_one_wherever_the_covariate_has_its_zero(shift):
    """b0 and b1 x are proportional at the optimum: one dimension is left of two."""
    fit = pp.lmm("y ~ x + (x | g)", table(slopes_vary=False, shift=shift))
    assert fit.singular
    (null,) = fit.certificate.null_directions
    assert (null.group, null.columns, null.rank) == ("g", ("Intercept", "x"), 1)
    variance = null.direction @ fit.varcorr.terms[0].cov @ null.direction
    assert variance < 1e-12 * fit.varcorr.terms[0].cov[0, 0]


def test_the_null_direction_of_independent_effects_is_the_effect_without_variance():
    fit = pp.lmm("y ~ x + (x || g)", table(slopes_vary=False))
    (null,) = fit.certificate.null_directions
    assert_allclose(null.direction, [0.0, 1.0], atol=1e-12)
    assert null.rank == 1
