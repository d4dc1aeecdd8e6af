"""The numbers are merf 1.0's, as the worked example on rat pups prints them."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression
from sklearn.metrics import mean_absolute_error, r2_score

from partialpool.compat.merf import MERF
from partialpool.errors import DataError
from tests.unit.learners.twin import dense_step, grouped_rows, ratpups

# The document's log lines; twelve digits of each.
LINEAR = [
    *(-250.32226566191966, -275.4248038416475, -278.405863266045, -279.14089177633406),
    *(-279.39470078845005, -279.50761907216946, -279.56454572394097, -279.59504914913975),
    *(-279.6118859892217, -279.62124285234916, -279.6263549945002, -279.62900945894233),
    *(-279.6302331119333, -279.63063176871344, -279.6305682053091, -279.63026066897373),
    *(-279.62983973763113, -279.62938219900144, -279.62893170266136, -279.6285115436138),
]


def test_the_linear_history_is_the_documents():
    X, Z, clusters, y = ratpups()
    merf = MERF(LinearRegression(), max_iterations=20).fit(X, Z, clusters, y)
    # Least squares itself agrees to about 1e-13 between versions.
    np.testing.assert_allclose(merf.gll_history, LINEAR, rtol=1e-10)
    predicted = merf.predict(X, Z, clusters)
    assert mean_absolute_error(y, predicted) == pytest.approx(0.303176, abs=5e-7)
    assert r2_score(y, predicted) == pytest.approx(0.585982, abs=5e-7)


def test_iterations_follow_the_dense_formulas_with_the_same_learner():
    x, Z, codes, y = grouped_rows(2)
    # In leaves of one row, columns tie for the last split, and the last bit chooses.
    learner = RandomForestRegressor(10, min_samples_leaf=5, random_state=1)
    merf = MERF(learner, max_iterations=3).fit(x, Z, pd.Series(codes), y)
    b, D, sigma2 = np.zeros((codes.max() + 1, 2)), np.eye(2), 1.0
    for gll in merf.gll_history:
        target = y - (Z * b[codes]).sum(axis=1)
        forest = clone(learner).fit(x, target)
        b, D, sigma2, dense = dense_step(Z, codes, y - forest.predict(x), D, sigma2)
        assert gll == pytest.approx(dense, rel=1e-8)
    np.testing.assert_allclose(merf.trained_b.sort_index().to_numpy(), b, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(merf.D_hat_history[-1], D, rtol=1e-8)


def test_histories_have_merfs_shapes_and_start_anew():
    x, Z, codes, y = grouped_rows(2)
    merf = MERF(LinearRegression(), max_iterations=3)
    for _ in range(2):
        merf.fit(x, Z, pd.Series(codes), y)
        assert [len(merf.gll_history), len(merf.D_hat_history), len(merf.b_hat_history)] == [
            3,
            4,
            4,
        ]
    frame = merf.get_bhat_history_df()
    assert frame.index.names == ["iteration", "cluster"]
    assert frame.shape == (4 * (codes.max() + 1), 2)
    np.testing.assert_array_equal(frame.loc[0], 0.0)
    np.testing.assert_array_equal(frame.loc[3], merf.trained_b)


def test_validation_rows_give_the_loss_of_each_iteration():
    x, Z, codes, y = grouped_rows(1)
    merf = MERF(LinearRegression(), max_iterations=2)
    merf.fit(x[9:], Z[9:], pd.Series(codes[9:]), y[9:], x[:9], Z[:9], pd.Series(codes[:9]), y[:9])
    last = merf.predict(x[:9], Z[:9], pd.Series(codes[:9]))
    assert merf.val_loss_history[-1] == pytest.approx(np.mean((y[:9] - last) ** 2))
    assert len(merf.val_loss_history) == 2


def test_a_threshold_stops_early():
    X, Z, clusters, y = ratpups()
    merf = MERF(LinearRegression(), gll_early_stop_threshold=1e-3).fit(X, Z, clusters, y)
    changes = np.abs(np.diff(merf.gll_history) / merf.gll_history[:-1])
    assert changes[-1] < 1e-3 <= changes[:-1].min()


def test_the_regressor_passed_in_is_not_fitted_and_clone_works():
    X, Z, clusters, y = ratpups()
    regressor = LinearRegression()
    merf = clone(MERF(regressor, max_iterations=1)).fit(X, Z, clusters, y)
    assert not hasattr(regressor, "coef_")
    assert hasattr(merf.fe_model, "coef_")


def test_an_unknown_cluster_is_predicted_by_the_regressor():
    X, Z, clusters, y = ratpups()
    merf = MERF(LinearRegression(), max_iterations=2).fit(X, Z, clusters, y)
    unknown = pd.Series([999] * len(X))
    np.testing.assert_array_equal(merf.predict(X, Z, unknown), merf.trained_fe_model.predict(X))


def test_missing_clusters_are_refused():
    X, Z, clusters, y = ratpups()
    with pytest.raises(DataError, match=r"clusters are missing in 1 row\(s\), first in row 3"):
        MERF(LinearRegression()).fit(X, Z, clusters.where(clusters.index != clusters.index[3]), y)


def test_missing_numbers_are_refused():
    X, Z, clusters, y = ratpups()
    with pytest.raises(DataError, match=r"y is not a finite number in 1 row\(s\), first 2"):
        MERF(LinearRegression()).fit(X, Z, clusters, y.where(y.index != y.index[2]))


def test_lengths_have_to_agree():
    X, Z, clusters, y = ratpups()
    with pytest.raises(DataError, match="Z has 321 rows, but X has 322"):
        MERF(LinearRegression()).fit(X, Z.iloc[1:], clusters, y)


def test_clusters_have_to_be_a_series():
    X, Z, clusters, y = ratpups()
    with pytest.raises(TypeError, match="pandas Series"):
        MERF(LinearRegression()).fit(X, Z, clusters.to_numpy(), y)


def test_validation_rows_need_all_four():
    X, Z, clusters, y = ratpups()
    with pytest.raises(DataError, match="Z_val is missing"):
        MERF(LinearRegression()).fit(X, Z, clusters, y, X_val=X)
