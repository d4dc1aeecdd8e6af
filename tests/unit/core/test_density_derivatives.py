"""Derivatives of log-densities against differences of the order below, and what they satisfy."""

from __future__ import annotations

import numpy as np
import pytest

from partialpool.core import Density
from tests.unit.core.densities import PAIRS, Case, case

STEP = 1e-3


def pair(a, b):
    a, b = sorted((a, b))
    return b * (b + 1) // 2 + a


def triple(a, b, c):
    a, b, c = sorted((a, b, c))
    return c * (c + 1) * (c + 2) // 6 + pair(a, b)


def differences(rows: Case, order: int, a: int):
    """Differences of sixth order in predictor a of the derivatives of this order."""
    density, total = rows.density(), 0.0
    for step, share in ((1, 45.0), (2, -9.0), (3, 1.0)):
        for sign in (1, -1):
            eta = [x + sign * step * STEP * (b == a) for b, x in enumerate(rows.eta)]
            total = total + sign * share * density.evaluate(eta, 2, True)[order]
    return total / (60.0 * STEP)


def assert_close(found, expected):
    # Differences of order six with this step keep eight to eleven digits.
    np.testing.assert_allclose(found, expected, rtol=2e-7, atol=2e-7)


@pytest.mark.parametrize(("family", "link"), PAIRS)
def test_derivatives_are_those_of_the_order_below(family, link):
    rows = case(family, link)
    d = len(rows.eta)
    _, first, second, third = rows.density().evaluate(rows.eta, 3, True)
    for a in range(d):
        assert_close(first[a], differences(rows, 0, a))
        slope = differences(rows, 1, a)
        curve = differences(rows, 2, a)
        for b in range(d):
            assert_close(second[pair(a, b)], slope[b])
            for c in range(b + 1):
                assert_close(third[triple(a, b, c)], curve[pair(b, c)])


@pytest.mark.parametrize(("family", "link"), PAIRS)
def test_the_mean_alone_gives_the_same_derivatives(family, link):
    rows = case(family, link)
    every = rows.density().evaluate(rows.eta, 3, True)
    alone = rows.density().evaluate(rows.eta, 3, False)
    for found, expected in zip(alone, every, strict=True):
        row = np.atleast_2d(found)[0]
        np.testing.assert_allclose(row, np.atleast_2d(expected)[0], rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize(("family", "link"), PAIRS)
@pytest.mark.parametrize("order", [0, 1, 2])
def test_a_lower_order_gives_the_same_numbers(family, link, order):
    rows = case(family, link)
    full = rows.density().evaluate(rows.eta, 3, True)
    less = rows.density().evaluate(rows.eta, order, True)
    for k in range(order + 1):
        np.testing.assert_allclose(less[k], full[k], rtol=1e-12, atol=1e-13)
    assert all(less[k].size == 0 for k in range(order + 1, 4))


@pytest.mark.parametrize("family", ["nbinom2", "student_t"])
def test_slopes_in_a_vanishing_dispersion_keep_their_digits(family):
    # Far out the log-density approaches its limit as exp(-dispersion): slope, curvature and third
    # derivative are one number with changing signs. Differences of log-gammas would be noise.
    rows = case(family, "log")
    last = len(rows.eta) - 1
    eta = [*rows.eta[:-1], np.full(len(rows.y), 18.0)]
    _, first, second, third = rows.density().evaluate(eta, 3, True)
    slope = first[last]
    assert np.median(np.abs(slope)) > 1e-9
    np.testing.assert_allclose(second[pair(last, last)], -slope, rtol=1e-5, atol=1e-12)
    np.testing.assert_allclose(third[triple(last, last, last)], slope, rtol=1e-5, atol=1e-12)


EXPECTED = [
    (family, link)
    for family, link in PAIRS
    if family in ("gaussian", "gamma", "inverse_gaussian", "binomial", "poisson", "nbinom2")
]


@pytest.mark.parametrize(("family", "link"), EXPECTED)
def test_the_slope_of_the_expected_information_is_its_derivative(family, link):
    rows = case(family, link)
    density = rows.density()

    def at(step):
        return density.expected([rows.eta[0] + step, *rows.eta[1:]])

    slope = at(0.0)[1]
    differences = (8 * (at(STEP)[0] - at(-STEP)[0]) - (at(2 * STEP)[0] - at(-2 * STEP)[0])) / (
        12 * STEP
    )
    np.testing.assert_allclose(slope, differences, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize(
    ("family", "link"), [p for p in EXPECTED if p[0] in ("binomial", "poisson", "nbinom2")]
)
def test_the_expected_information_is_the_mean_of_the_observed(family, link):
    rows = case(family, link, n=1)
    trials = None if rows.trials is None else np.array([6.0])
    y = np.arange(7.0) if trials is not None else np.arange(2000.0)
    many = Case(
        family,
        link,
        y,
        None if trials is None else np.full(len(y), 6.0),
        tuple(np.full(len(y), eta[0]) for eta in rows.eta),
        rows.logpdf,
    )
    second = many.density().evaluate(many.eta, 2, False)[2][0]
    mean = -np.sum(np.exp(many.reference()) * second)
    found = Density(family, link, y[:1], trials, None).expected(rows.eta)[0][0]
    assert found == pytest.approx(mean, rel=1e-8)


@pytest.mark.parametrize("family", ["gaussian", "gamma", "inverse_gaussian"])
@pytest.mark.parametrize("link", ["identity", "log", "inverse"])
def test_the_expected_information_of_a_continuous_family_is_an_integral(family, link):
    rows = case(family, link, n=1)
    y = (
        np.linspace(-60.0, 60.0, 400_001)
        if family == "gaussian"
        else np.linspace(1e-7, 300, 400_001)
    )
    many = Case(family, link, y, None, tuple(np.full(len(y), e[0]) for e in rows.eta), rows.logpdf)
    first = many.density().evaluate(many.eta, 2, False)[1][0]
    mean = np.trapezoid(np.exp(many.reference()) * first**2, y)
    assert rows.density().expected(rows.eta)[0][0] == pytest.approx(mean, rel=1e-5)


@pytest.mark.parametrize("family", ["nbinom1", "beta", "zi_poisson", "student_t", "ordinal"])
def test_other_families_have_no_expected_information(family):
    link = "logit" if family in ("beta", "ordinal") else "log"
    rows = case(family, link)
    assert rows.density().expected(rows.eta) is None
