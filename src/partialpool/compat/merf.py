"""merf's classes with merf's numbers: change the import, keep the script.

>>> from partialpool.compat.merf import MERF
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from partialpool.errors import DataError
from partialpool.extras import require

require("sklearn", extra="ml")

from sklearn.base import BaseEstimator, clone  # noqa: E402
from sklearn.utils.validation import check_is_fitted  # noqa: E402

from partialpool.compat.merf_data import MERFDataGenerator  # noqa: E402
from partialpool.learners.em import EmState, Grouped, em_start, em_step, gather  # noqa: E402

__all__ = ["MERF", "MERFDataGenerator"]

Vector = NDArray[np.float64]

logger = logging.getLogger(__name__)


class MERF(BaseEstimator):  # type: ignore[misc]
    """Mixed-effects random forest, with any regressor in the forest's place.

    The same numbers as merf 1.0, but for what is wrong there: a row without a cluster is an
    error (merf trains it on y = 0), histories start anew with every fit, ``clone`` works, and
    the regressor passed in is left as it was. For standard errors, intervals, several random
    terms and variances that don't shrink, see :class:`partialpool.MixedEffectsRegressor`.

    Parameters
    ----------
    fixed_effects_model
        Any regressor; a random forest of 300 trees by default.
    gll_early_stop_threshold
        Relative change of the generalized log-likelihood at which to stop; None to do
        ``max_iterations``.
    max_iterations
        Most iterations.

    Attributes
    ----------
    trained_fe_model
        The fitted regressor.
    trained_b
        Random effects: a pandas frame with one row for each cluster, the largest first.
    cluster_counts
        Rows of every cluster, the largest first.
    gll_history
        Generalized log-likelihood after every iteration: minus twice a joint log-density, so
        that smaller is better.
    b_hat_history, sigma2_hat_history, D_hat_history
        Random effects, residual variance and covariance, the starting values first.
    val_loss_history
        Mean squared error on the validation rows after every iteration.

    Examples
    --------
    >>> import partialpool as pp
    >>> from sklearn.linear_model import LinearRegression
    >>> sleep = pp.load_dataset("sleepstudy")
    >>> merf = MERF(LinearRegression(), max_iterations=5)
    >>> merf = merf.fit(sleep[["Days"]], sleep[["Days"]], sleep["Subject"], sleep["Reaction"])
    >>> merf.trained_b.shape
    (18, 1)

    References
    ----------
    Hajjem, Bellavance & Larocque (2014), Journal of Statistical Computation and Simulation
    84(6), 1313-1328.
    """

    def __init__(
        self,
        fixed_effects_model: Any = None,
        gll_early_stop_threshold: float | None = None,
        max_iterations: int = 20,
    ) -> None:
        self.fixed_effects_model = fixed_effects_model
        self.gll_early_stop_threshold = gll_early_stop_threshold
        self.max_iterations = max_iterations

    @property
    def fe_model(self) -> Any:
        """The regressor: fitted, once there has been a fit."""
        return getattr(self, "trained_fe_model", self._regressor())

    def fit(
        self,
        X: Any,
        Z: Any,
        clusters: pd.Series,
        y: Any,
        X_val: Any = None,
        Z_val: Any = None,
        clusters_val: pd.Series | None = None,
        y_val: Any = None,
    ) -> MERF:
        """Fit by expectation and maximisation.

        Parameters
        ----------
        X : (n, p)
            Covariates of the regressor.
        Z : (n, k)
            Covariates of the random effects; a column of ones for a random intercept.
        clusters : (n,) pandas Series
            Each row's cluster.
        y : (n,)
            Response.
        X_val, Z_val, clusters_val, y_val
            Rows for the validation loss.

        Raises
        ------
        DataError
            If clusters or numbers are missing, or lengths differ.
        TypeError
            If the clusters aren't a pandas Series.
        """
        rows = _read(X, Z, clusters, y)
        validation = _validation(X_val, Z_val, clusters_val, y_val)
        self.cluster_counts = clusters.value_counts()
        names = self.cluster_counts.index
        codes = names.get_indexer(pd.Index(clusters)).astype(np.int32)
        grouped = gather(codes, rows["Z"], len(names))
        self._start(em_start(*grouped.products.shape[:2]), names)
        state = em_start(*grouped.products.shape[:2])
        for iteration in range(1, self.max_iterations + 1):
            state = self._iterate(X, rows["y"], grouped, state)
            logger.info("Training GLL is %s at iteration %s.", state.gll, iteration)
            self._keep(state, names)
            if validation:
                self._validate(validation, iteration)
            if self._settled():
                break
        return self

    def predict(self, X: Any, Z: Any, clusters: pd.Series) -> Vector:
        """Predict rows; those of an unknown cluster by the regressor alone.

        Parameters
        ----------
        X, Z, clusters
            As for :meth:`fit`.

        Raises
        ------
        TypeError
            If the clusters aren't a pandas Series.
        """
        _check_series(clusters)
        check_is_fitted(self, "trained_fe_model")
        mean = np.asarray(self.trained_fe_model.predict(X), dtype=np.float64).ravel()
        codes = self.trained_b.index.get_indexer(pd.Index(clusters))
        b = np.where(codes[:, None] < 0, 0.0, self.trained_b.to_numpy()[codes])
        return np.asarray(mean + np.einsum("ij,ij->i", _columns(Z), b))

    def get_bhat_history_df(self) -> pd.DataFrame:
        """Put the histories of the random effects under each other, by iteration and cluster."""
        index = pd.MultiIndex.from_product(
            [range(len(self.b_hat_history)), self.b_hat_history[0].index],
            names=("iteration", "cluster"),
        )
        return pd.DataFrame(np.vstack([b.to_numpy() for b in self.b_hat_history]), index=index)

    def _regressor(self) -> Any:
        if self.fixed_effects_model is not None:
            return self.fixed_effects_model
        from sklearn.ensemble import RandomForestRegressor

        return RandomForestRegressor(n_estimators=300, n_jobs=-1)

    def _start(self, state: EmState, names: pd.Index) -> None:
        self.b_hat_history = [pd.DataFrame(state.b, index=names)]
        self.sigma2_hat_history = [state.sigma2]
        self.D_hat_history = [state.D]
        self.gll_history: list[float] = []
        self.val_loss_history: list[float] = []

    def _iterate(self, X: Any, y: Vector, grouped: Grouped, state: EmState) -> EmState:
        random = np.einsum("ij,ij->i", grouped.basis, state.b[grouped.codes])
        self.trained_fe_model = clone(self._regressor()).fit(X, y - random)
        fixed = np.asarray(self.trained_fe_model.predict(X), dtype=np.float64).ravel()
        return em_step(grouped, y - fixed, state)

    def _keep(self, state: EmState, names: pd.Index) -> None:
        self.trained_b = pd.DataFrame(state.b, index=names)
        self.b_hat_history.append(self.trained_b)
        self.sigma2_hat_history.append(state.sigma2)
        self.D_hat_history.append(state.D)
        self.gll_history.append(state.gll)

    def _validate(self, rows: Mapping[str, Any], iteration: int) -> None:
        predicted = self.predict(rows["X"], rows["Z"], rows["clusters"])
        loss = float(np.mean((np.asarray(rows["y"], dtype=np.float64) - predicted) ** 2))
        logger.info("Validation MSE Loss is %s at iteration %s.", loss, iteration)
        self.val_loss_history.append(loss)

    def _settled(self) -> bool:
        if self.gll_early_stop_threshold is None or len(self.gll_history) < 2:
            return False
        before, now = self.gll_history[-2:]
        return abs((now - before) / before) < self.gll_early_stop_threshold


def _read(X: Any, Z: Any, clusters: Any, y: Any) -> dict[str, Vector]:
    _check_series(clusters)
    n = len(X)
    for name, values in (("Z", Z), ("clusters", clusters), ("y", y)):
        if len(values) != n:
            raise DataError(f"{name} has {len(values)} rows, but X has {n}.")
    gone = np.flatnonzero(clusters.isna())
    if len(gone):
        raise DataError(
            f"clusters are missing in {len(gone)} row(s), first in row {gone[0]}. Leave these rows "
            "out, or give them a cluster of their own. (merf would train them on y = 0.)"
        )
    values = {"Z": _columns(Z), "y": np.array(y, dtype=np.float64).ravel()}
    for name, array in values.items():
        bad = np.flatnonzero(~np.isfinite(array.reshape(n, -1)).all(axis=1))
        if len(bad):
            raise DataError(f"{name} is not a finite number in {len(bad)} row(s), first {bad[0]}.")
    return values


def _columns(Z: Any) -> Vector:
    values = np.array(Z, dtype=np.float64)
    return values.reshape(-1, 1) if values.ndim == 1 else values


def _check_series(clusters: Any) -> None:
    if not isinstance(clusters, pd.Series):
        # merf's own words and class, since scripts may catch it.
        raise TypeError("clusters must be a pandas Series.")


def _validation(X: Any, Z: Any, clusters: Any, y: Any) -> dict[str, Any]:
    given = {"X": X, "Z": Z, "clusters": clusters, "y": y}
    absent = [name for name, value in given.items() if value is None]
    if len(absent) == len(given):
        return {}
    if absent:
        raise DataError(
            f"validation rows need X_val, Z_val, clusters_val and y_val; {absent[0]}_val is "
            "missing."
        )
    return given
