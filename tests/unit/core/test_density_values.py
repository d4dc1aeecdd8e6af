"""Log-densities of the core against SciPy's, and in the limits that SciPy doesn't reach."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, special, stats

from partialpool.core import Density
from tests.unit.core.densities import PAIRS, case


@pytest.mark.parametrize(("family", "link"), PAIRS)
def test_the_log_density_is_that_of_scipy(family, link):
    rows = case(family, link)
    density = rows.density()
    # SciPy's own log-gammas cancel to about twelve digits.
    found = density.evaluate(rows.eta, 0, False)[0].sum() + density.constant
    np.testing.assert_allclose(found, rows.reference().sum(), rtol=1e-11)


@pytest.mark.parametrize(("family", "link"), PAIRS)
def test_rows_differ_from_scipy_by_terms_that_no_predictor_enters(family, link):
    rows = case(family, link)
    other = tuple(eta * 0.9 for eta in rows.eta)
    moved = type(rows)(rows.family, rows.link, rows.y, rows.trials, other, rows.logpdf)
    change = (
        rows.density().evaluate(rows.eta, 0, False)[0]
        - (rows.density().evaluate(other, 0, False)[0])
    )
    np.testing.assert_allclose(change, rows.reference() - moved.reference(), rtol=1e-9, atol=1e-11)


def log_density(family, link, y, trials, *eta):
    columns = [np.array([float(x)]) for x in (y, *eta)]
    m = None if trials is None else np.array([float(trials)])
    density = Density(family, link, columns[0], m, None)
    return density.evaluate(columns[1:], 0, False)[0][0] + density.constant


@pytest.mark.parametrize("family", ["nbinom1", "nbinom2"])
@pytest.mark.parametrize("y", [0, 3, 100, 100_000])
def test_negative_binomials_become_the_poisson(family, y):
    mean, dispersion = np.log(y + 2.0), 46.0 if family == "nbinom2" else -46.0
    expected = stats.poisson.logpmf(y, y + 2.0)
    found = log_density(family, "log", y, None, mean, dispersion)
    # y log y less y log y: that is where the digits of a large count go.
    assert found == pytest.approx(expected, rel=1e-12, abs=1e-15 * y * mean)


def test_a_betabinomial_of_great_precision_is_the_binomial():
    found = log_density("betabinomial", "logit", 37, 90, 0.3, 50.0)
    assert found == pytest.approx(stats.binom.logpmf(37, 90, special.expit(0.3)), rel=1e-12)


def test_a_t_of_many_degrees_of_freedom_is_the_normal():
    found = log_density("student_t", "identity", 2.5, None, 1.0, 0.2, 60.0)
    assert found == pytest.approx(stats.norm.logpdf(2.5, 1.0, np.exp(0.2)), rel=1e-13)


def test_a_beta_of_great_precision_is_a_normal_around_its_mean():
    mu, phi = 0.3, np.exp(30.0)
    sd = np.sqrt(mu * (1 - mu) / (1 + phi))
    found = log_density("beta", "identity", mu + sd, None, mu, 30.0)
    assert found == pytest.approx(stats.norm.logpdf(mu + sd, mu, sd), abs=1e-5)


@pytest.mark.parametrize("log_phi", [-9.0, -2.0, 1.0])
@pytest.mark.parametrize("shape", [-2.0, 0.0, 1.5])
def test_a_tweedie_density_and_its_mass_at_zero_sum_to_one(log_phi, shape):
    # The first dispersion needs the integral instead of the sum, or a stride through the sum.
    zero = np.exp(log_density("tweedie", "log", 0.0, None, 0.5, log_phi, shape))
    mean, power = np.exp(0.5), 1 + special.expit(shape)
    sd = np.sqrt(np.exp(log_phi) * mean**power)
    y = np.linspace(max(mean - 12 * sd, 1e-9), mean + 12 * sd, 4001)
    if log_phi > -9.0:
        y = np.exp(np.linspace(-100.0, 8.0, 20_001))
    columns = [np.full(len(y), x) for x in (0.5, log_phi, shape)]
    density = Density("tweedie", "log", y, None, None)
    values = np.exp(density.evaluate(columns, 0, False)[0] - np.log(y))
    assert zero + integrate.simpson(values, x=y) == pytest.approx(1.0, abs=1e-6)


# By mpmath with 60 digits from the series itself: y, log mu, log phi, logit(power - 1); then
# log f and its derivatives in (1), (2), (3), (2, 2), (2, 3), (3, 3), (3, 3, 3).
TWEEDIE = [
    (
        (1.3, 0.4, -0.5, -5.0),
        [
            -0.5058805885742441,
            -0.3154199045575971,
            23.02989840166579,
            0.223069504143103,
            -321.8562033221113,
            -21.26209644580737,
            -0.7324435440548335,
            0.7229846682103078,
        ],
    ),
    (
        (0.7, 0.2, 0.9, -1.0),
        [
            -2.161495291578706,
            -0.200885382104137,
            -2.11145416449563,
            0.9900672837313315,
            -1.500125180700751,
            1.940138701265734,
            -1.348539447164669,
            1.821631462807672,
        ],
    ),
    (
        (3.1, 0.9, -3.5, 0.0),
        [
            -1.581891397891548,
            13.52220087504446,
            1.06117508233438,
            0.23986834335726,
            -1.564411727017344,
            -0.3822090939507605,
            -0.09358101871308659,
            -0.09689781407506867,
        ],
    ),
    (
        (1.3, -0.3, -4.5, 2.0),
        [
            -15.99326983174705,
            65.55952124623435,
            16.57571403854564,
            -0.2282377745196464,
            -17.07760591287792,
            0.2144854110873415,
            0.1679363710184375,
            -0.07112987158096722,
        ],
    ),
    (
        (0.4, 0.5, 0.3, 6.0),
        [
            -0.7498830438516416,
            -0.5617807419159389,
            -0.1121083909947278,
            0.0016210853820064,
            -0.5704186903163652,
            0.0005983173430248935,
            -0.001615626065149741,
            0.001604742129632499,
        ],
    ),
    (
        (2.2, 0.1, -0.7, 9.0),
        [
            -2.006959130442576,
            1.99493326963126,
            0.06808913131918783,
            -2.506431221327947e-5,
            -0.6473283519022431,
            -2.251544717509114e-5,
            2.505814043208097e-5,
            -2.504579896905903e-5,
        ],
    ),
    (
        (0.9, 0.6, 0.5, 14.0),
        [
            -1.313561465399116,
            -0.3069468375252627,
            -0.496015848500344,
            2.163745783332678e-7,
            -0.2115716386362587,
            1.362780026692135e-7,
            -2.163742964689064e-7,
            2.163737327407391e-7,
        ],
    ),
    (
        (5.0, 1.2, -1.5, 20.0),
        [
            -2.229571740828515,
            2.26760497315061,
            -0.08587214263358557,
            -5.090429754007435e-10,
            -0.4509582579127279,
            -1.220509774165282e-9,
            5.090429700910919e-10,
            -5.090429594717887e-10,
        ],
    ),
    # Near the fewest terms that are integrated, where most nodes are needed.
    (
        (2.0, 0.9, -0.68, 3.0),
        [
            -1.338635133473093,
            -0.3849242651659863,
            -0.5007645656733677,
            -0.01414104482505258,
            -0.0820532927162938,
            -0.001090488664475946,
            0.01289374580484478,
            -0.01055695410200627,
        ],
    ),
    # Near the most that are summed one by one.
    (
        (7.5, 1.8, -1.9, 0.2),
        [
            -1.921548392459364,
            3.604220283082692,
            -0.1202111298913029,
            -0.07357118944977781,
            -0.3913585282268404,
            -0.1814207321426473,
            -0.07649808332486407,
            0.09900981172837113,
        ],
    ),
    # More of them than stand in tables.
    (
        (25.0, 3.5, -2.5, -4.9),
        [
            -14.20759126060147,
            -96.3415316005021,
            12.41675611279287,
            0.3112108994039767,
            -12.91731859766503,
            -0.3230345145383592,
            0.298528863430097,
            0.2738274498477148,
        ],
    ),
    # Hardly more than one.
    (
        (0.02, 0.3, 0.6, -0.4),
        [
            -2.543336146670578,
            -0.6470569769378538,
            -1.372921256610345,
            4.582601784795337,
            -1.115338465118388,
            1.820084490512552,
            -5.457901373391552,
            5.185160131717173,
        ],
    ),
]


@pytest.mark.parametrize(("at", "expected"), TWEEDIE)
def test_a_tweedie_density_keeps_its_digits_from_power_1_to_2(at, expected):
    y, *eta = at
    density = Density("tweedie", "log", np.array([y]), None, None)
    parts = density.evaluate([np.array([x]) for x in eta], 3, True)
    value, first, second, third = (np.ravel(part) for part in parts)
    found = [value[0] - np.log(y), *first, second[2], second[4], second[5], third[9]]
    # Third derivatives only steer the gradient of Laplace's determinant.
    np.testing.assert_allclose(found[:-1], expected[:-1], rtol=1e-10)
    assert found[-1] == pytest.approx(expected[-1], rel=1e-8)


def test_fractional_successes_are_as_many_weights():
    y, trials, eta = np.array([2.5, 0.3]), np.array([4.0, 1.0]), np.array([0.2, -0.7])
    p = special.expit(eta)
    found = Density("binomial", "logit", y, trials, None).evaluate([eta], 0, False)[0]
    np.testing.assert_allclose(found, y * np.log(p) + (trials - y) * np.log1p(-p), rtol=1e-14)


@pytest.mark.parametrize(
    ("family", "y"),
    [("truncated_poisson", 0.0), ("truncated_nbinom2", 0.0), ("gamma", 0.0), ("beta", 1.0)],
)
def test_a_response_that_cannot_be_has_no_finite_log_density(family, y):
    link = "logit" if family == "beta" else "log"
    with np.errstate(all="ignore"):
        density = Density(family, link, np.array([y]), None, None)
        eta = [np.zeros(1)] * density.predictors
        assert not np.isfinite(density.evaluate(eta, 0, False)[0][0])


OUTSIDE = [
    *(("poisson", link, eta) for link in ("identity", "inverse") for eta in (-0.5, 0.0)),
    *(
        (family, "identity", eta)
        for family in ("gamma", "nbinom1", "nbinom2")
        for eta in (-2.0, 0.0)
    ),
    *((family, "inverse_squared", -1.0) for family in ("gaussian", "inverse_gaussian")),
    *(("zi_poisson", "identity", eta) for eta in (-0.5, 0.0)),
    *(
        (family, "log", eta)
        for family in ("binomial", "betabinomial", "beta")
        for eta in (0.0, 0.4)
    ),
    *(
        (family, "identity", eta)
        for family in ("binomial", "betabinomial", "beta")
        for eta in (-0.1, 0.0, 1.0, 1.3)
    ),
]


@pytest.mark.parametrize("y", [0.0, 1.0])
@pytest.mark.parametrize(("family", "link", "eta"), OUTSIDE)
def test_a_mean_outside_its_range_has_no_density_whatever_the_response(family, link, eta, y):
    if family == "beta" or family.startswith("g") or family == "inverse_gaussian":
        y = 0.25 + 0.5 * y
    density = Density(family, link, np.array([y]), None, None)
    others = [np.zeros(1)] * (density.predictors - 1)
    for order in (0, 3):
        assert density.evaluate([np.array([eta]), *others], order, True)[0][0] == -np.inf


def test_a_negative_gaussian_mean_has_an_inverse():
    density = Density("gaussian", "inverse", np.array([-2.0]), None, None)
    value = density.evaluate([np.array([-0.4]), np.zeros(1)], 0, True)[0][0]
    assert value == pytest.approx(-0.5 * 0.5**2)


@pytest.mark.parametrize("y", [999.0, 1000.0, 1001.0, 40_000.0])
@pytest.mark.parametrize("size", [0.3, 50.0, 1e4, 1e9])
@pytest.mark.parametrize("share", [0.4, 0.99, 1.7])
def test_large_counts_have_the_same_density_written_otherwise(y, size, share):
    mu = share * y
    poisson = Density("poisson", "log", np.array([y]), None, None)
    value = poisson.evaluate([np.log([mu])], 0, True)[0][0] + poisson.constant
    # SciPy's terms cancel: the log-density has errors in proportion to y log mu.
    assert value == pytest.approx(stats.poisson.logpmf(y, mu), rel=1e-10, abs=1e-14 * y * np.log(y))
    expected = stats.nbinom.logpmf(y, size, size / (size + mu))
    for family, dispersion in (("nbinom2", size), ("nbinom1", mu / size)):
        density = Density(family, "log", np.array([y]), None, None)
        value = density.evaluate([np.log([mu]), np.log([dispersion])], 0, True)[0][0]
        rounding = 1e-15 * size * np.log(size) + 1e-7
        assert value + density.constant == pytest.approx(expected, rel=1e-9, abs=rounding)
