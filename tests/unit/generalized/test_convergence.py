"""A fit that isn't converged says so when it is made."""

from __future__ import annotations

import numpy as np
import pytest

import partialpool as pp
from partialpool.errors import ConvergenceWarning, ModelError
from partialpool.inference.parameters import Parameter
from partialpool.inference.profile.held import Spot
from partialpool.inference.profile.tracing import trace


def test_a_search_that_ended_where_the_likelihood_bends_warns():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=60), rng.poisson(2, 60).astype(float)
    y[7] = 1e11
    table = {"y": y, "x": x, "g": np.repeat(np.arange(10), 6)}
    with pytest.warns(ConvergenceWarning, match="optimum was not reached"):
        fit = pp.glmm("y ~ x + (1 | g)", table, family="poisson")
    # The search itself thought that it was done.
    assert fit.solution.converged
    assert not fit.converged


def test_groups_are_not_taken_for_overdispersion():
    # Two groups of few rows have all the large counts, beside zeros.
    counts = {4: 1159, 6: 1327, 15: 25, 19: 6, 21: 5, 22: 9, 23: 4}
    x = [
        *(0.127, 1.24, -0.402, 2.522, 0.423, -0.874, 0.768, -0.011, -1.058, -1.367, 0.203, 0.679),
        *(2.594, -0.955, 2.815, 2.531, -0.028, 1.302, 0.629, -1.374, -0.671, -0.83, 0.615, -1.36),
        *(0.686, 0.062, -0.78, -0.617),
    ]
    table = {"y": [counts.get(i, 0) for i in range(28)], "x": x, "g": np.repeat(np.arange(7), 4)}
    asked = {"zero_inflation": "~ x"}
    simpler = pp.glmm("y ~ x + (1 | g)", table, family="poisson", **asked)
    fit = pp.glmm("y ~ x + (1 | g)", table, family="nbinom2", **asked)
    # The Poisson is the end of the negative binomial's range.
    assert fit.converged
    assert fit.loglik >= simpler.loglik - 1e-5
    assert fit.varcorr.terms[0].sd[0] == pytest.approx(simpler.varcorr.terms[0].sd[0], rel=1e-3)


def test_a_count_that_no_model_has_is_named():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=60), rng.poisson(2, 60).astype(float)
    # At 1e14 it is luck whether the gradient left by rounding is above what no likelihood has.
    y[7] = 2e15
    table = {"y": y, "x": x, "g": np.repeat(np.arange(10), 6)}
    # The log-density is concave: there is no second mode for quadrature to find.
    with pytest.warns(ConvergenceWarning, match=r"y is furthest .* row 7, counted from 0 \(2e\+15"):
        fit = pp.glmm("y ~ x + (1 | g)", table, family="poisson")
    assert "quadrature" not in " ".join(str(fit).split())


@pytest.mark.filterwarnings("ignore::partialpool.errors.ConvergenceWarning")
def test_a_profile_of_no_optimum_says_so_first():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=60), rng.poisson(2, 60).astype(float)
    y[7] = 1e11
    table = {"y": y, "x": x, "g": np.repeat(np.arange(10), 6)}
    fit = pp.glmm("y ~ x + (1 | g)", table, family="poisson")
    with pytest.warns(ConvergenceWarning, match="its profiles are not those of the model"):
        fit.profile("x")


def test_a_profile_that_finds_a_better_point_says_how_to_go_on():
    class Better:
        start = None

        def at(self, value, start):
            return Spot(value, 90.0, 0.0, start)

    slope = Parameter("fixed", "x", component="mean")
    with pytest.raises(ModelError, match=r"10 below.*local optimum at best\. Fit a simpler model"):
        trace(Better(), slope, 1.0, 100.0, 0.1, (-np.inf, np.inf), 2.0)
