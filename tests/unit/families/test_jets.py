"""Each rule against finite differences of the one below it, and against NumPy's value."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special

from partialpool.errors import ModelError
from partialpool.families.jets import variables
from partialpool.families.rules import RULES

X = np.array([0.15, 0.4, 0.85])
STEP = 1e-5

UFUNCS = {name: getattr(np, name, None) or getattr(special, name) for name in sorted(RULES)}


def derivatives(function, *points, order=3):
    """All derivatives of a function at points, by their variables."""
    value = function(*variables([np.asarray(x) for x in points], order))
    return {(): value.value, **{multi: value.derivative(*multi) for multi in value.terms}}


def differences(function, *points):
    """The same by central differences of the derivatives of one order less."""
    found = {}
    for v in range(len(points)):
        ends = []
        for sign in (1, -1):
            moved = [x + sign * STEP * (i == v) for i, x in enumerate(points)]
            ends.append(derivatives(function, *moved, order=2))
        for multi in {**ends[0], **ends[1]}:
            if all(variable <= v for variable in multi):
                gap = ends[0].get(multi, 0.0) - ends[1].get(multi, 0.0)
                found[(*multi, v)] = gap / (2 * STEP)
    return found


def assert_right(function, *points):
    found = derivatives(function, *points)
    np.testing.assert_allclose(found[()], function(*points), rtol=1e-13)
    for multi, expected in differences(function, *points).items():
        zero = np.zeros_like(expected)
        # Central differences err by step^2 and by rounding / step.
        np.testing.assert_allclose(found.get(multi, zero), expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("ufunc", UFUNCS.values(), ids=UFUNCS.keys())
def test_every_function_has_its_three_derivatives(ufunc):
    assert_right(ufunc, X)


@pytest.mark.parametrize(
    "function",
    [
        lambda x, y: x * y - x / y,
        lambda x, y: x**y,
        lambda x, y: 2.0**x + y**3 + 1 / x,
        lambda x, y: np.logaddexp(x, 3 * y),
        lambda x, y: np.maximum(x, 1 - y) * np.minimum(x, 2 * y),
        lambda x, y: special.xlogy(x, y) + special.xlog1py(y, x),
        lambda x, y: special.betaln(x, y),
        lambda x, y: np.where(x > y, x * y, np.exp(x)),
        lambda x, y: np.exp(x * y) * special.gammaln(x + 2 * y),
        lambda x, y: -np.float64(2.0) * x * (y - np.array([1.0, 2.0, 3.0])),
    ],
)
def test_functions_of_two_variables_are_differentiated_in_both(function):
    assert_right(function, X, np.array([0.3, 0.5, 0.2]))


def test_three_variables_have_a_mixed_third_derivative():
    points = (X, X + 0.3, X + 0.7)
    found = derivatives(lambda x, y, z: np.log(x + y * z), *points)
    x, y, z = points
    expected = 2 * y * z / (x + y * z) ** 3 - 1 / (x + y * z) ** 2
    np.testing.assert_allclose(found[0, 1, 2], expected, rtol=1e-13)
    assert_right(lambda x, y, z: np.log(x + y * z), *points)


def test_powers_of_zero_have_the_derivatives_of_a_polynomial():
    found = derivatives(lambda x: x**2.0, np.zeros(1))
    np.testing.assert_array_equal([found[0,], found[0, 0], found[0, 0, 0]], [[0.0], [2.0], [0.0]])


def test_the_branch_not_taken_leaves_nothing_behind():
    def function(x):
        return np.where(x > 0, np.log(np.maximum(x, 0.0)), 0.0 * x)

    found = derivatives(function, np.array([-1.0, 0.5]))
    np.testing.assert_array_equal(found[0,], [0.0, 2.0])


def test_minus_infinity_is_nothing_beside_another():
    found = derivatives(lambda x: np.logaddexp(-np.inf, x), X)
    np.testing.assert_array_equal(found[()], X)
    np.testing.assert_array_equal(found[0,], np.ones(3))


@pytest.mark.parametrize("x", [-700.0, -30.0, 30.0, 700.0])
@pytest.mark.parametrize("name", ["expit", "log_expit", "log_ndtr", "tanh"])
def test_derivatives_are_numbers_far_out(name, x):
    found = derivatives(UFUNCS[name], np.array([x]))
    assert np.isfinite([value[0] for value in found.values()]).all()


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (lambda x: np.floor(x), "floor"),
        (lambda x: np.add.reduce(x), "add.reduce"),
        (lambda x: np.cumsum(x), "cumsum"),
        (lambda x: np.asarray(x), "plain arrays, as those of scipy.stats"),
        (lambda x: float(x), "single numbers, as those of math"),
        (lambda x: x[0], "an index"),
        (lambda x: list(x), "a loop over rows"),
        (lambda x: np.exp(x, out=np.zeros(3)), r"exp\(..., out=\)"),
    ],
)
def test_what_has_no_derivatives_is_refused_by_name(function, name):
    (x,) = variables([X], 3)
    with pytest.raises(ModelError, match=rf"doesn't work through .*{name}.*derivatives="):
        function(x)
