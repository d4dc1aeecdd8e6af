import numpy as np
import pytest
from arviz_stats.base import array_stats

from partialpool.bayes.diagnostics import diagnose


def chains(rho, draws=501):
    rng = np.random.default_rng(0)
    x = np.zeros((4, draws, 2))
    noise = rng.normal(size=x.shape)
    for i in range(1, draws):
        x[:, i] = rho * x[:, i - 1] + noise[:, i]
    return x


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.95, -0.5])
def test_diagnostics_are_those_of_arviz(rho):
    x = chains(rho)
    found = diagnose(x)
    for i in range(2):
        one = x[:, :, i]
        for ours, theirs in [
            (found.rhat, array_stats.rhat(one)),
            (found.ess_bulk, array_stats.ess(one)),
            (found.ess_tail, array_stats.ess(one, method="tail", prob=0.05)),
            (found.mcse_mean, array_stats.mcse(one)),
            (found.mcse_sd, array_stats.mcse(one, method="sd")),
        ]:
            np.testing.assert_allclose(ours[i], theirs, rtol=1e-10)


def test_chains_that_disagree_have_a_large_rhat():
    x = chains(0.0)
    x[0] += 3
    assert (diagnose(x).rhat > 1.2).all()


def test_what_does_not_move_has_no_diagnostics():
    found = diagnose(np.ones((4, 100, 1)))
    assert np.isnan(found.ess_bulk[0])
    assert np.isnan(found.rhat[0])
