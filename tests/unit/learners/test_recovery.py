"""Parameters of simulated data are found again; merf's residual variance is not."""

import numpy as np
import pytest
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import SplineTransformer

from partialpool import MixedEffectsRegressor

SIGMA, D = 1.0, np.array([[1.0, 0.3], [0.3, 0.5]])
GROUPS, SIZE = 150, 20


def draw(seed):
    """A nonlinear sum, random intercepts and slopes."""
    rng = np.random.default_rng(seed)
    codes = np.repeat(np.arange(GROUPS), SIZE)
    x = rng.uniform(-1, 1, (len(codes), 3))
    Z = np.column_stack([np.ones(len(codes)), x[:, 0]])
    b = rng.multivariate_normal(np.zeros(2), D, GROUPS)
    f = np.sin(3 * x[:, 0]) + 2 * np.abs(x[:, 1]) + np.exp(x[:, 2])
    return x, Z, codes, f + (Z * b[codes]).sum(axis=1) + rng.normal(size=len(codes)) * SIGMA


@pytest.mark.slow
def test_sigma_and_covariances_are_found_within_monte_carlo_error():
    splines = make_pipeline(SplineTransformer(8, knots="quantile"), Ridge(1e-3))
    forest = RandomForestRegressor(30, random_state=0, n_jobs=1)
    ours, merf = [], []
    for seed in range(20):
        x, Z, codes, y = draw(seed)
        model = MixedEffectsRegressor(splines).fit(x, y, groups=codes, Z=Z)
        cov = model.varcorr_.terms[0].cov
        ours.append([model.sigma_, cov[0, 0], cov[0, 1], cov[1, 1]])
        em = MixedEffectsRegressor(forest, variance="em", max_iter=8)
        merf.append(em.fit(x, y, groups=codes, Z=Z).sigma_)
    ours = np.array(ours)
    truth = np.array([SIGMA, D[0, 0], D[0, 1], D[1, 1]])
    error = ours.std(axis=0, ddof=1) / np.sqrt(len(ours))
    # The learner's own error adds to sigma: 30 coefficients of 3000 rows, half a percent.
    own = np.array([0.005, 0.0, 0.0, 0.0])
    assert np.all(np.abs(ours.mean(axis=0) - truth - own) < 3.5 * error)
    assert np.mean(merf) < 0.7 * SIGMA
