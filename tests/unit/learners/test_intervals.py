import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from partialpool import MixedEffectsRegressor
from partialpool.errors import DataError
from partialpool.learners.intervals import Scores
from tests.unit.learners.twin import grouped_rows


def test_the_quantile_is_the_conformal_one():
    n = 19
    scores = Scores(np.arange(1.0, n + 1), np.full(n, 1 / (n + 1)), 1 / (n + 1))
    # Of n + 1 equally likely places, the 18th is the first to cover 90 %.
    assert scores.quantile(0.9) == 18.0
    assert scores.quantile(0.99) == 19.0


def test_the_random_parts_variance_is_exact():
    x, Z, codes, y = grouped_rows(2, J=20, n=400)
    model = MixedEffectsRegressor(LinearRegression()).fit(x, y, groups=codes, Z=Z)
    found = model.predict_interval(x, groups=codes, Z=Z, level=0.8)
    half = (found["conf_high"] - found["conf_low"]) / 2
    part = model._fitted.known.part
    D, sigma2 = part.varcorr.terms[0].cov, part.sigma**2
    variance = np.empty(len(y))
    for j in range(20):
        own = Z[codes == j]
        error = np.linalg.inv(np.linalg.inv(D) + own.T @ own / sigma2)
        variance[codes == j] = np.einsum("ir,rc,ic->i", own, error, own)
    quantile = model._fitted.calibration.known.quantile(0.8)
    np.testing.assert_allclose(half, quantile * np.sqrt(variance + sigma2), rtol=1e-6)


def test_new_groups_have_wider_intervals():
    x, Z, codes, y = grouped_rows(2, J=20, n=400)
    model = MixedEffectsRegressor(LinearRegression()).fit(x, y, groups=codes, Z=Z)
    known = model.predict_interval(x, groups=codes, Z=Z)
    new = model.predict_interval(x, groups=codes + 100, Z=Z)
    assert np.all(new["conf_high"] - new["conf_low"] > known["conf_high"] - known["conf_low"])


@pytest.mark.parametrize("which", ["known", "new"])
def test_intervals_cover_what_they_say(which):
    x, _, codes, y = grouped_rows(1, J=80, n=1600, seed=3)
    rng = np.random.default_rng(1)
    held = rng.random(len(y)) < 0.3 if which == "known" else codes >= 50
    model = MixedEffectsRegressor(LinearRegression()).fit(x[~held], y[~held], groups=codes[~held])
    found = model.predict_interval(x[held], groups=codes[held], level=0.9)
    covered = np.mean((y[held] >= found["conf_low"]) & (y[held] <= found["conf_high"]))
    # Four standard errors of a share of 0.9: 480 rows, or 30 groups that hang together.
    assert covered == pytest.approx(0.9, abs=0.06 if which == "known" else 0.12)


def test_a_level_outside_its_range_is_refused():
    x, _, codes, y = grouped_rows(1)
    model = MixedEffectsRegressor(LinearRegression()).fit(x, y, groups=codes)
    with pytest.raises(DataError, match=r"level must lie between 0 and 1, found 95"):
        model.predict_interval(x, groups=codes, level=95)
