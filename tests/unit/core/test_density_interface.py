"""Densities as objects: weights, chunks, user-written functions, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from partialpool.core import Density
from tests.unit.core.densities import PAIRS, case


@pytest.mark.parametrize(("family", "link"), PAIRS)
def test_weights_multiply_the_log_density(family, link):
    rows = case(family, link)
    weights = np.linspace(0.5, 2.0, len(rows.y))
    plain, weighted = rows.density(), rows.density(weights)
    for one, other in zip(
        plain.evaluate(rows.eta, 3, True), weighted.evaluate(rows.eta, 3, True), strict=True
    ):
        np.testing.assert_allclose(other, one * weights, rtol=1e-14)


@pytest.mark.parametrize(("family", "link"), PAIRS)
def test_rows_of_weight_zero_are_zero_whatever_stands_in_them(family, link):
    rows = case(family, link)
    weights = np.r_[0.0, np.ones(len(rows.y) - 1)]
    eta = [np.r_[np.nan, x[1:]] for x in rows.eta]
    y = np.r_[np.nan, rows.y[1:]]
    density = Density(family, link, y, rows.trials, weights)
    for part in density.evaluate(eta, 3, True):
        np.testing.assert_array_equal(np.atleast_2d(part)[:, 0], 0.0)
        assert np.all(np.isfinite(part))
    assert np.isfinite(density.constant)


@pytest.mark.parametrize(("family", "link"), [("binomial", "logit"), ("poisson", "log")])
def test_a_row_has_the_same_bits_wherever_it_stands(family, link):
    # Loops over blocks: a row may be in a vector or in what is left over after the last one.
    rows = case(family, link, n=301)
    whole = rows.density().evaluate(rows.eta, 3, False)
    for first in range(5):
        part = type(rows)(
            family,
            link,
            rows.y[first:].copy(),
            None if rows.trials is None else rows.trials[first:].copy(),
            (rows.eta[0][first:].copy(),),
            rows.logpdf,
        )
        for one, other in zip(part.density().evaluate(part.eta, 3, False), whole, strict=True):
            np.testing.assert_array_equal(one, other[..., first:])


def test_a_density_counts_its_predictors_and_rows():
    rows = case("zi_nbinom2", "log", n=7)
    assert (rows.density().predictors, rows.density().rows) == (3, 7)


def normal(y):
    """Log-density of a normal with mean eta and log standard deviation delta, by hand."""

    def function(begin, end, eta, order, every):
        z = (y[begin:end] - eta[0]) * np.exp(-eta[1])
        scale, one = np.exp(-eta[1]), np.ones_like(z)
        first = [z * scale, z**2 - 1] if every else [z * scale]
        second = [-(scale**2), -2 * z * scale, -2 * z**2] if every else [-(scale**2)]
        third = [0 * one, 2 * scale**2, 4 * z * scale, 4 * z**2] if every else [0 * one]
        lists = [first, second, third]
        return (-0.5 * z**2 - eta[1], *[lists[k] if k < order else [] for k in range(3)])

    return function


@pytest.mark.parametrize("every", [False, True])
@pytest.mark.parametrize("order", [0, 1, 2, 3])
def test_a_user_written_density_is_evaluated_as_the_core_s_own(order, every):
    rows = case("gaussian", "identity")
    own = Density(normal(rows.y), len(rows.y), 2)
    assert (own.constant, own.predictors, own.rows) == (0.0, 2, len(rows.y))
    for found, expected in zip(
        own.evaluate(rows.eta, order, every),
        rows.density().evaluate(rows.eta, order, every),
        strict=True,
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def test_an_error_raised_in_a_user_s_function_arrives():
    def fails(begin, end, eta, order, every):
        raise ZeroDivisionError(f"rows {begin} to {end}")

    with pytest.raises(ZeroDivisionError, match="rows 0 to 5"):
        Density(fails, 5, 1).evaluate([np.zeros(5)], 2, False)


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (None, r"must return \(value, first, second, third\)"),
        ((np.zeros(4), [], [], []), "an array of length 4 for 3 rows"),
        ((np.zeros(3), [], [], []), "0 first derivatives, but 1 are needed"),
        ((np.zeros(3), [np.zeros(3)], [], []), "0 second derivatives, but 1 are needed"),
    ],
)
def test_what_a_user_s_function_returns_is_checked(returned, message):
    density = Density(lambda *_: returned, 3, 1)
    with pytest.raises(ValueError, match=message):
        density.evaluate([np.zeros(3)], 2, False)


@pytest.mark.parametrize(
    ("family", "link", "message"),
    [
        ("poison", "log", "no family 'poison', but one of gaussian, student_t"),
        (
            "binomial",
            "inverse",
            "'binomial' has no link 'inverse', but one of identity, log, logit",
        ),
        ("gamma", "logit", "'gamma' has no link 'logit'"),
    ],
)
def test_unknown_families_and_links_are_refused(family, link, message):
    with pytest.raises(ValueError, match=message):
        Density(family, link, np.ones(3), None, None)


@pytest.mark.parametrize("name", ["trials", "weights"])
def test_arrays_of_another_length_are_refused(name):
    arrays = {"trials": None, "weights": None, name: np.ones(2)}
    with pytest.raises(ValueError, match=f"{name} has 2 rows, but y has 3"):
        Density("binomial", "logit", np.ones(3), **arrays)


def test_predictors_of_another_number_or_length_are_refused():
    density = case("gaussian", "identity", n=4).density()
    with pytest.raises(ValueError, match="has 2 predictors, but 1 were given"):
        density.evaluate([np.zeros(4)], 0, False)
    with pytest.raises(ValueError, match="predictor 1 has 3 rows, but the density has 4"):
        density.evaluate([np.zeros(4), np.zeros(3)], 0, False)


@pytest.mark.parametrize("order", [-1, 4])
def test_derivatives_of_another_order_are_refused(order):
    with pytest.raises(ValueError, match=f"order must be 0, 1, 2 or 3, found {order}"):
        case("poisson", "log", n=4).density().evaluate([np.zeros(4)], order, False)


@pytest.mark.parametrize("predictors", [0, 4])
def test_a_user_s_density_of_too_many_predictors_is_refused(predictors):
    with pytest.raises(ValueError, match=f"1, 2 or 3 predictors, found {predictors}"):
        Density(lambda *_: None, 5, predictors)


@pytest.mark.parametrize("family", ["nbinom2", "zi_nbinom2", "truncated_nbinom2", "betabinomial"])
@pytest.mark.parametrize("order", [0, 2, 3])
def test_a_dispersion_that_rows_share_gives_the_same_bits(family, order):
    # Sums that only the dispersion and the count enter are remembered from row to row.
    rng = np.random.default_rng(5)
    y, trials = rng.integers(1, 40, 300) * 1.0, None
    if family == "betabinomial":
        trials = y + 3.0
    whole = Density(family, "log" if trials is None else "logit", y, trials, None)
    eta = [rng.normal(size=300), *(np.full(300, 0.4) for _ in range(whole.predictors - 1))]
    together = whole.evaluate(eta, order, True)
    for i in (0, 7, 150, 299):
        link = "log" if trials is None else "logit"
        alone = Density(family, link, y[i : i + 1], None if trials is None else trials[[i]], None)
        parts = alone.evaluate([e[i : i + 1] for e in eta], order, True)
        for part, one in zip(together, parts, strict=True):
            assert np.array_equal(np.atleast_2d(part)[:, i], np.atleast_2d(one)[:, 0])


@pytest.mark.parametrize("order", [0, 1, 2, 3])
def test_a_tweedie_row_has_the_same_bits_whatever_was_evaluated_before(order):
    # Terms that only the shape enters are remembered from row to row: for counts from one to
    # more than the tables hold, and as an integral.
    rng = np.random.default_rng(6)
    y = np.exp(rng.uniform(-3.0, 7.0, 300))
    whole = Density("tweedie", "log", y, None, None)
    for shape in (-5.5, 0.3, 4.0):
        eta = [np.log(y) + 0.2, rng.uniform(-1.0, 1.0, 300), np.full(300, shape)]
        together = whole.evaluate(eta, order, True)
        for i in (0, 7, 150, 299):
            alone = Density("tweedie", "log", y[i : i + 1], None, None)
            row = [e[i : i + 1] for e in eta]
            alone.evaluate([row[0], row[1], row[2] + 1.0], order, True)
            for part, one in zip(together, alone.evaluate(row, order, True), strict=True):
                assert np.array_equal(np.atleast_2d(part)[:, i], np.atleast_2d(one)[:, 0])
