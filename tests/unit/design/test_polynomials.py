from __future__ import annotations

import numpy as np

from partialpool.design.polynomials import apply_poly, learn_poly

DAYS = np.tile(np.arange(10.0), 18)


# model.matrix(~ poly(Days, 2), sleepstudy)[1:3, -1] in R 4.2.2.
def test_orthogonal_polynomials_are_r_s():
    wanted = [
        [-0.116774841624229, 0.123091490979336],
        [-0.0908248768188443, 0.0410304969931108],
        [-0.0648749120134603, -0.0205152484965556],
    ]
    np.testing.assert_allclose(apply_poly(DAYS, learn_poly(DAYS, 2))[:3], wanted, atol=1e-15)


def test_columns_are_orthonormal_and_sum_to_zero():
    x = np.random.default_rng(0).normal(size=50) + 1e3
    basis = apply_poly(x, learn_poly(x, 5))
    np.testing.assert_allclose(basis.T @ basis, np.eye(5), atol=1e-10)
    np.testing.assert_allclose(basis.sum(axis=0), 0, atol=1e-9)


def test_new_rows_get_the_polynomials_of_the_rows_fitted():
    state = learn_poly(DAYS, 3)
    np.testing.assert_array_equal(apply_poly(DAYS[:5], state), apply_poly(DAYS, state)[:5])


def test_raw_polynomials_are_powers():
    x = np.array([2.0, 3.0])
    np.testing.assert_array_equal(apply_poly(x, learn_poly(x, 2, raw=True)), [[2, 4], [3, 9]])
