"""A fit that isn't converged says so when it is made."""

from __future__ import annotations

import numpy as np
import pytest

import partialpool as pp
from partialpool.errors import ConvergenceWarning


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
