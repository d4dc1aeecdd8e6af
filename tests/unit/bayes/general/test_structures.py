"""Correlations as the general engine makes them, and as priors draw them."""

from __future__ import annotations

from types import SimpleNamespace

import jax
import numpy as np
import numpyro
import pytest

from partialpool.bayes.general.model import _lower
from partialpool.bayes.prior_draws import _toeplitz
from tests import dense


@pytest.mark.parametrize("partial", [[0.5, -0.3, 0.8], [-0.9, 0.1, 0.2]])
def test_correlations_by_lag_follow_from_partial_ones(partial):
    term = SimpleNamespace(
        structure="toep", k=4, correlation=SimpleNamespace(numbers=(2.0,))
    )  # as much of a layout as is read
    with jax.enable_x64(True), numpyro.handlers.trace() as trace:
        with numpyro.handlers.substitute(data={"g.partial": np.array(partial)}):
            lower = np.asarray(_lower("g", term))
        log_factor = float(trace["g.corr"]["fn"].log_factor)
    expected = dense.toeplitz(np.append(1.0, dense.by_lag(partial)), 4)
    np.testing.assert_allclose(lower @ lower.T, expected, rtol=1e-12)
    # |R| to the power of eta - 1.
    np.testing.assert_allclose(log_factor, np.linalg.slogdet(expected)[1], rtol=1e-10)


@pytest.mark.parametrize("eta", [1.0, 2.5])
def test_prior_draws_have_the_moments_of_their_partial_correlations(eta):
    R = _toeplitz(4, eta, 100_000, np.random.default_rng(1))
    first = R[:, 0, 1]
    second = (R[:, 0, 2] - first**2) / (1 - first**2)
    # A symmetric beta distribution on (-1, 1) with both shapes a has variance 1 / (2 a + 1).
    for z, m in ((first, 1), (second, 2)):
        a = (4 - m) * (eta - 1) + 1
        # Four standard errors of a variance of so many draws.
        assert np.mean(z**2) == pytest.approx(1 / (2 * a + 1), rel=0.02)
    assert np.linalg.eigvalsh(R)[:, 0].min() > 0
    np.testing.assert_array_equal(R[:, 0, 2], R[:, 1, 3])
