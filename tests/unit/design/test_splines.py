"""Bases against R 4.2.2's (package splines), and against what makes them what they are."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.interpolate import BSpline

from partialpool.design.splines import apply_bs, apply_ns, b_splines, learn_bs, learn_ns
from partialpool.errors import PartialPoolWarning

DAYS = np.arange(10.0)


# model.matrix(~ ns(Days, df = 3), sleepstudy)[1:4, -1] and the same with bs(Days, df = 4).
def test_a_natural_spline_is_r_s_column_by_column():
    wanted = [
        [0, 0, 0],
        [-0.0756533021308236, 0.245478424910989, -0.163652283273993],
        [-0.0981338642094792, 0.442549740776586, -0.295033160517724],
        [-0.0142689461837986, 0.542806838551396, -0.36187122570093],
    ]
    np.testing.assert_allclose(apply_ns(DAYS, learn_ns(DAYS, 3))[:4], wanted, atol=1e-14)


def test_a_b_spline_is_r_s_column_by_column():
    wanted = [
        [0, 0, 0, 0],
        [0.463648834019204, 0.0631001371742112, 0.00274348422496571, 0],
        [0.598079561042524, 0.208504801097394, 0.0219478737997256, 0],
        [0.518518518518518, 0.37037037037037, 0.0740740740740741, 0],
    ]
    np.testing.assert_allclose(apply_bs(DAYS, learn_bs(DAYS, 4))[:4], wanted, atol=1e-14)


@pytest.mark.parametrize(
    ("degree", "derivative"), [(1, 0), (2, 0), (2, 1), (3, 0), (3, 1), (3, 2), (4, 2)]
)
def test_b_splines_and_derivatives_are_scipy_s(degree, derivative):
    knots = np.r_[[0.0] * (degree + 1), 2.0, 2.5, 7.0, [9.0] * (degree + 1)]
    x = np.linspace(0, 9, 40)
    count = len(knots) - degree - 1
    theirs = BSpline(knots, np.eye(count), degree)
    wanted = theirs.derivative(derivative)(x) if derivative else theirs(x)
    np.testing.assert_allclose(b_splines(x, knots, degree, derivative), wanted, atol=1e-9)


def test_with_the_intercept_b_splines_sum_to_one():
    basis = apply_bs(DAYS, learn_bs(DAYS, 6, include_intercept=True))
    np.testing.assert_allclose(basis.sum(axis=1), 1)


def test_a_natural_spline_is_straight_at_and_beyond_its_bounds():
    state = learn_ns(DAYS, 4)
    for start in (0.0, 9.0):
        outside = start + np.array([-3.0, -2.0, -1.0]) * (1 if start == 0 else -1)
        curvature = np.diff(apply_ns(outside, state), n=2, axis=0)
        np.testing.assert_allclose(curvature, 0, atol=1e-12)
        near = start + np.array([-1e-3, 0.0, 1e-3])
        np.testing.assert_allclose(np.diff(apply_ns(near, state), n=2, axis=0), 0, atol=1e-8)


def test_a_natural_spline_spans_the_straight_lines():
    basis = np.column_stack([np.ones(10), apply_ns(DAYS, learn_ns(DAYS, 4))])
    residual = np.linalg.lstsq(basis, DAYS)[1]
    assert residual[0] < 1e-20


def test_beyond_its_bounds_a_b_spline_goes_on_with_a_warning():
    state = learn_bs(DAYS, 4)
    with pytest.warns(PartialPoolWarning, match=r"1 value\(s\) lie outside .*\[0, 9\] of bs\(\)"):
        beyond = apply_bs(np.array([9.5]), state)
    inside = np.linspace(8, 9, 4)
    cubic = np.polyfit(inside, apply_bs(inside, state), 3)
    np.testing.assert_allclose(beyond[0], np.array([9.5**3, 9.5**2, 9.5, 1]) @ cubic, atol=1e-9)


def test_knots_given_are_the_knots():
    assert learn_bs(DAYS, knots=[3, 6])["knots"] == [0] * 4 + [3, 6] + [9] * 4
    assert learn_ns(DAYS, knots=4, lower_bound=-1, upper_bound=10)["knots"][3:6] == [-1, 4, 10]
