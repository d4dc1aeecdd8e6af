"""Linear predictors far out: a search passes there, and must find finite numbers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special

from partialpool.core import Density
from tests.unit.core.densities import PAIRS, case

FAR = (-700.0, -300.0, -30.0, 30.0, 300.0, 700.0)
UNBOUNDED = [
    (family, link)
    for family, link in PAIRS
    if link in ("logit", "probit", "cloglog") or (link == "log" and family != "binomial")
]
UNBOUNDED = [p for p in UNBOUNDED if p not in (("beta", "log"), ("betabinomial", "log"))]


def predictors(rows, moved: int, far: float):
    """All predictors moderate, except the one that is moved."""
    eta = [np.full(len(rows.y), 0.3) for _ in rows.eta]
    eta[moved] = np.full(len(rows.y), far)
    if rows.family == "ordinal":
        eta[1], eta[2] = np.full(len(rows.y), 0.8), np.full(len(rows.y), -0.2)
    return eta


@pytest.mark.parametrize(("family", "link"), UNBOUNDED)
@pytest.mark.parametrize("far", FAR)
def test_far_predictors_give_finite_numbers(family, link, far):
    rows = case(family, link)
    # The thresholds of ordinal models are differences: the mean moves for them.
    for moved in range(1 if family == "ordinal" else len(rows.eta)):
        if family == "tweedie" and moved == 2 and abs(far) > 300.0:
            continue  # a power of one or two to the last digit
        for part in rows.density().evaluate(predictors(rows, moved, far), 3, True):
            assert np.all(np.isfinite(part))


def row(family, link, y, eta, trials=None):
    m = None if trials is None else np.array([trials])
    density = Density(family, link, np.array([y]), m, None)
    return [np.ravel(part)[0] for part in density.evaluate([np.array([eta])], 3, False)]


def test_the_logit_keeps_the_digits_of_a_certain_success():
    value, first, second, third = row("binomial", "logit", 1.0, 40.0)
    rare = np.exp(-40.0)
    np.testing.assert_allclose(
        [value, first, second, third], [-rare, rare, -rare, rare], rtol=1e-15
    )


@pytest.mark.parametrize("eta", [-700.0, -30.0])
def test_the_probit_tail_is_a_parabola_with_a_logarithm(eta):
    value, first, second, _ = row("binomial", "probit", 1.0, eta)
    expected = special.log_ndtr(eta)
    assert value == pytest.approx(expected, rel=1e-14)
    assert first == pytest.approx(-eta - 1 / eta, rel=1e-5)
    assert second == pytest.approx(-1.0, abs=2e-3)


def test_the_cloglog_of_a_rare_success_is_its_logarithm():
    value, first, second, _ = row("binomial", "cloglog", 1.0, -300.0)
    assert (value, first) == (-300.0, 1.0)
    assert second == pytest.approx(0.0, abs=1e-100)


def test_growth_ends_where_numbers_would_overflow():
    assert row("poisson", "log", 3.0, 5000.0) == pytest.approx(
        [3.0 * 5000.0 - np.exp(700.0), -np.exp(700.0), -np.exp(700.0), -np.exp(700.0)]
    )


@pytest.mark.parametrize(
    ("family", "link"), [("binomial", "logit"), ("poisson", "log"), ("poisson", "sqrt")]
)
def test_a_predictor_that_is_not_a_number_stays_one(family, link):
    assert np.isnan(row(family, link, 1.0, np.nan)[0])
