import numpy as np
import pytest

from partialpool.learners.em import EmState, em_start, em_step, gather
from partialpool.learners.variance import marginal_loglik
from tests.unit.learners.twin import dense_loglik, dense_step, grouped_rows


@pytest.mark.parametrize("k", [1, 2, 3])
def test_steps_are_those_of_the_dense_formulas(k):
    _, Z, codes, y = grouped_rows(k)
    grouped = gather(codes, Z, codes.max() + 1)
    state = em_start(codes.max() + 1, k)
    D, sigma2 = np.eye(k), 1.0
    for _ in range(4):
        state = em_step(grouped, y, state)
        b, D, sigma2, gll = dense_step(Z, codes, y, D, sigma2)
        # Rounding of two ways to compute the same: 1e-15 times condition numbers below 1e4.
        np.testing.assert_allclose(state.b, b, rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(state.D, D, rtol=1e-10)
        np.testing.assert_allclose([state.sigma2, state.gll], [sigma2, gll], rtol=1e-10)


def test_a_covariance_without_a_dimension_needs_no_inverse():
    _, Z, codes, y = grouped_rows(2)
    grouped = gather(codes, Z, codes.max() + 1)
    D = np.array([[1.0, 0.0], [0.0, 0.0]])
    start = em_start(codes.max() + 1, 2)
    state = em_step(grouped, y, EmState(start.b, start.precision_inverse, D, 1.0, 0.0))
    assert np.all(state.b[:, 1] == 0)
    one = em_step(gather(codes, Z[:, :1], codes.max() + 1), y, em_start(codes.max() + 1, 1))
    np.testing.assert_allclose(state.b[:, :1], one.b, rtol=1e-10)


@pytest.mark.parametrize("k", [1, 2])
def test_the_marginal_likelihood_is_that_of_the_dense_covariance(k):
    _, Z, codes, y = grouped_rows(k)
    grouped = gather(codes, Z, codes.max() + 1)
    state = em_step(grouped, y, em_start(codes.max() + 1, k))
    dense = dense_loglik(Z, codes, y, state.D, state.sigma2)
    assert marginal_loglik(grouped, y, state) == pytest.approx(dense, rel=1e-10)
