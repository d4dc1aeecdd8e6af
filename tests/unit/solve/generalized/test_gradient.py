"""Exact derivatives of the objective against differences of its values."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from partialpool.families import Beta, Binomial, Family, Gamma, Poisson, resolve
from partialpool.solve.generalized import Objective
from tests.dense import gradient as difference
from tests.unit.families.cases import CASES
from tests.unit.solve.generalized import models

OBJECTIVES = {
    "laplace": Objective(),
    "joint": Objective("joint"),
    "restricted": Objective(reml=True),
    "quadrature": Objective(quadrature=5),
}
GEOMETRIC = Family(
    "geometric",
    lambda y, mu: y * np.log(mu) - (y + 1) * np.log1p(mu),
    support="counts",
    simulate=lambda mu, rng: rng.geometric(1 / (1 + mu)) - 1,
)
FAMILIES = CASES | {
    "own": (GEOMETRIC, "none"),
    "binomial-probit": (Binomial("probit"), "none"),
    "binomial-log": (Binomial("log"), "none"),
    "gamma-identity": (Gamma("identity"), "none"),
    "beta-cloglog": (Beta("cloglog"), "none"),
}

ONE_FACTOR = {
    "k = 1": "~ x + (1 | g)",
    "k = 2": "~ x + (1 + x | g)",
    "k = 3": "~ x + (1 + x + z | g)",
    "diagonal": "~ x + (1 + x || g)",
    "cs": "~ x + cs(0 + t | g)",
    "ar1": "~ x + ar1(0 + t | g)",
    "hetar1": "~ x + hetar1(0 + t | g)",
    "toep": "~ x + toep(0 + t | g)",
    "ou": "~ x + ou(0 + as.integer(2 * z) | g)",
    "gau": "~ x + gau(0 + as.integer(z) + as.integer(x) | g)",
    "homdiag": "~ x + homdiag(0 + t | g)",
}
CROSSED = {
    "nested": "~ x + (1 | g / h)",
    "two crossed": "~ x + (1 | g) + (1 | h)",
    "two crossed, k = 2": "~ x + (1 + x | g) + (1 + z | h)",
    "three crossed": "~ x + (1 + x | g) + (1 | h) + (1 | i)",
}
points = pytest.mark.parametrize(
    "point", [models.interior, models.singular], ids=["interior", "singular"]
)


def made(family, zero, terms, *, data=None, **options):
    data = models.drawn(models.table() if data is None else data, family, zero)
    if zero != "none":
        options.setdefault("zero_inflation", "~ 1")
    return models.example(models.response_of(family) + terms, data, family, **options)


def assert_gradient_is_the_slope(example, objective, point):
    at = models.Point(example, objective, point(example))
    value, ours, _ = at.local(at.x)
    assert np.isfinite(value)
    # Along two random lines: what is wrong in any one parameter shows on both.
    lines = np.random.default_rng(3).choice([-1.0, -0.5, 0.5, 1.0], size=(2, len(at.x)))
    slopes = difference(lambda s: at.value(at.x + s @ lines), np.zeros(2), step=1e-3)
    # Differences of fourth order err by some 1e-9 of the objective.
    assert_allclose(lines @ ours, slopes, rtol=1e-7, atol=1e-7 * abs(value))


@pytest.mark.parametrize("objective", OBJECTIVES.values(), ids=OBJECTIVES)
@pytest.mark.parametrize("name", FAMILIES)
def test_the_gradient_is_the_slope_for_every_family(name, objective):
    family, zero = FAMILIES[name]
    example = made(family, zero, "~ x + (1 + x | g)")
    assert_gradient_is_the_slope(example, objective, models.interior)


@pytest.mark.parametrize("objective", [OBJECTIVES["laplace"], OBJECTIVES["restricted"]],
                         ids=["laplace", "restricted"])  # fmt: skip
@pytest.mark.parametrize("name", FAMILIES)
def test_the_gradient_is_the_slope_for_every_family_in_crossed_designs(name, objective):
    family, zero = FAMILIES[name]
    example = made(family, zero, "~ x + (1 | g) + (1 + x | h)")
    assert_gradient_is_the_slope(example, objective, models.interior)


@points
@pytest.mark.parametrize("objective", OBJECTIVES.values(), ids=OBJECTIVES)
@pytest.mark.parametrize("terms", ONE_FACTOR.values(), ids=ONE_FACTOR)
def test_the_gradient_is_the_slope_with_one_factor(terms, objective, point):
    if objective.quadrature > 1 and "t" in terms:
        objective = replace(objective, quadrature=2)  # four dimensions
    example = made(Binomial("cloglog"), "none", terms)
    assert_gradient_is_the_slope(example, objective, point)


@points
@pytest.mark.parametrize("name", ["laplace", "joint", "restricted"])
@pytest.mark.parametrize("terms", CROSSED.values(), ids=CROSSED)
def test_the_gradient_is_the_slope_in_crossed_designs(terms, name, point):
    example = made(Poisson("sqrt"), "none", terms)
    assert_gradient_is_the_slope(example, OBJECTIVES[name], point)


# Random effects and covariates in several parts, of one factor or of several.
PARTS = {
    "dispersion": {"dispersion": "~ z"},
    "random dispersion": {"dispersion": "~ z + (1 | g)"},
    "random dispersion, crossed": {"dispersion": "~ z + (1 | h)"},
    "zero part": {"zero_inflation": "~ z"},
    "random zero part": {"zero_inflation": "~ z + (1 | g)"},
    "random zero part, crossed": {"zero_inflation": "~ z + (1 + z | h)"},
    "three random parts": {"dispersion": "~ (1 | h)", "zero_inflation": "~ z + (1 | g)"},
}
SEVERAL = {
    f"{name}, {family}": (family, options)
    for name, options in PARTS.items()
    for family in ("nbinom2", "truncated_nbinom1", "beta", "student_t")
    if "nbinom" in family or "zero_inflation" not in options
}


@points
@pytest.mark.parametrize("name", ["laplace", "joint", "restricted"])
@pytest.mark.parametrize("model", SEVERAL.values(), ids=SEVERAL)
def test_the_gradient_is_the_slope_with_several_parts(model, name, point):
    family, options = resolve(model[0]), model[1]
    zero = family.zero_for("zero_inflation" in options)
    example = made(family, zero, "~ x + (1 | g)", **options)
    assert_gradient_is_the_slope(example, OBJECTIVES[name], point)


@pytest.mark.parametrize(
    "options",
    [PARTS["random dispersion"], PARTS["random zero part"]
     , {"dispersion": "~ (1 | g)", "zero_inflation": "~ (1 | g)"}],
    ids=["dispersion", "zero part", "both"],
)  # fmt: skip
def test_the_gradient_of_quadrature_is_the_slope_with_several_parts(options):
    zero = "inflated" if "zero_inflation" in options else "none"
    example = made(resolve("nbinom2"), zero, "~ x + (1 | g)", **options)
    assert_gradient_is_the_slope(example, OBJECTIVES["quadrature"], models.interior)


EXPECTED = [
    name
    for name, (family, zero) in FAMILIES.items()
    if family.name in ("gaussian", "gamma", "inverse_gaussian", "binomial", "poisson")
    and zero == "none"
] + ["nbinom2-log-none"]


@pytest.mark.parametrize("method", ["laplace", "joint"])
@pytest.mark.parametrize("terms", ["~ x + (1 + x | g)", "~ x + (1 | g) + (1 + x | h)"],
                         ids=["one factor", "crossed"])  # fmt: skip
@pytest.mark.parametrize("name", EXPECTED)
def test_the_gradient_is_the_slope_with_expected_information(name, terms, method):
    example = made(*FAMILIES[name], terms)
    expected = Objective(method, information="expected")
    assert_gradient_is_the_slope(example, expected, models.interior)


@points
@pytest.mark.parametrize("name", ["laplace", "joint", "restricted"])
@pytest.mark.parametrize("terms", ["~ x + (1 | g) + (1 | h)", "~ x + (1 | g) + (1 + x | h)"])
def test_the_gradient_is_the_slope_where_what_is_left_is_sparse(terms, name, point):
    data = models.table(n=150, levels=(60, 45))
    example = made(Binomial("probit"), "none", terms, data=data)
    assert_gradient_is_the_slope(example, OBJECTIVES[name], point)


@pytest.mark.parametrize("terms", ["~ x + (1 + x | g)", "~ x + (1 | g) + (1 + x | h)"])
@pytest.mark.parametrize("objective", OBJECTIVES.values(), ids=OBJECTIVES)
@pytest.mark.parametrize("family", ["poisson", "gamma"])
def test_the_gradient_is_the_slope_with_weights_offset_and_penalty(family, objective, terms):
    if objective.quadrature > 1 and "h" in terms:
        terms = "~ x + (1 + z || g)"
    offset = np.linspace(-0.5, 0.5, 60)
    example = models.with_weights(made(resolve(family), "none", terms, offset=offset))
    for penalty in (None, 0.3):
        assert_gradient_is_the_slope(example, replace(objective, penalty=penalty), models.interior)
