"""Hierarchical regression as a scikit-learn estimator."""

from __future__ import annotations

import warnings
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin
from sklearn.utils.validation import validate_data

from partialpool.errors import DataError, PartialPoolWarning
from partialpool.shrinkage.columns import Coefficients
from partialpool.shrinkage.estimators.base import HierarchicalBase
from partialpool.shrinkage.fitting import Data, Fitted, fit
from partialpool.shrinkage.penalty import Penalty
from partialpool.shrinkage.solving import largest_penalty

__all__ = ["HierarchicalRegressor", "warn_of_no_deviations"]


class HierarchicalRegressor(RegressorMixin, HierarchicalBase):  # type: ignore[misc]
    """Linear regression whose coefficients deviate by group, the deviations penalised.

    With w the shared coefficients, v_g the deviations of level g and omega_g its weight, the
    objective is::

        sqrt(mean (y - X (w + v_g))^2) + l2 ||omega v||_2 + l1 ||omega v||_1 + linf ||v||_inf
            + main_l2 ||w||_2

    or, with ``loss="squared"``, the same with squares of the residual and of the two norms of
    length.

    Parameters
    ----------
    l2
        Penalty of the deviations' length. Zero leaves the shortest of those that fit best.
    l1, linf
        Penalties of their sum and of their maximum.
    main_l2
        Penalty of the shared coefficients' length.
    loss
        ``"rms"`` or ``"squared"``.
    weights
        ``"size"``: omega_g inversely proportional to the level's rows, summing to one over levels
        and columns; ``"equal"``: 1, as a mixed model has it; or a mapping from level to weight.
    deviations
        Columns that deviate: ``"all"``, ``"intercept"`` alone, or a list of names or positions
        (the intercept besides).
    fit_intercept, penalize_intercept
        Whether there is an intercept, and whether ``main_l2`` counts it.
    reweight_deviations
        Penalise l2 sum_g (omega v_g)'D^-1 (omega v_g) in the metric D of trace one that is best.
    standardize
        Centre and scale the columns before they are penalised (scale only where X is sparse).
        Coefficients are reported for the columns as given.

    Attributes
    ----------
    coef_ : (p,) array
        Shared coefficients.
    intercept_ : float
        Shared intercept.
    group_effects_ : pandas frame
        Deviations by factor and level.
    objective_, dual_gap_ : float
        Value of the objective, and how far from its least value it can be at most.
    kappa_ : float
        Multiplier of ||omega v||^2 in least squares that gives the same solution.
    n_iter_ : int
        Penalised least squares problems solved.
    reweighting_ : tuple of arrays
        The metrics D, where they were chosen.

    Examples
    --------
    >>> import partialpool as pp
    >>> sleep = pp.load_dataset("sleepstudy")
    >>> model = pp.HierarchicalRegressor(l2=0.5)
    >>> model = model.fit(sleep[["Days"]], sleep["Reaction"], groups=sleep["Subject"])
    >>> model.coef_.round(2), round(model.intercept_, 2)
    (array([10.47]), 251.41)
    >>> model.predict(sleep[["Days"]][:2], groups=["308", "nobody"]).round(2)
    array([245.63, 261.87])

    References
    ----------
    Evgeniou, Pontil & Toubia (2007), Marketing Science 26(6), 805-818.
    """

    def __init__(
        self,
        l2: float = 1.0,
        *,
        l1: float = 0.0,
        linf: float = 0.0,
        main_l2: float = 0.0,
        loss: Literal["rms", "squared"] = "rms",
        weights: Any = "size",
        deviations: Any = "all",
        fit_intercept: bool = True,
        penalize_intercept: bool = False,
        reweight_deviations: bool = False,
        standardize: bool = False,
    ) -> None:
        self.l2 = l2
        self.l1 = l1
        self.linf = linf
        self.main_l2 = main_l2
        self.loss = loss
        self.weights = weights
        self.deviations = deviations
        self.fit_intercept = fit_intercept
        self.penalize_intercept = penalize_intercept
        self.reweight_deviations = reweight_deviations
        self.standardize = standardize

    def fit(
        self, X: Any, y: Any, groups: Any = None, sample_weight: Any = None
    ) -> HierarchicalRegressor:
        """Fit the model.

        Parameters
        ----------
        X : (n, p) array, frame or sparse matrix
            Columns.
        y : (n,) array_like
            Response.
        groups
            Labels, one for each row: an array or series, or a frame, dict or array with a column
            for each grouping factor. A missing label says that a row belongs to no group; None
            that there are none.
        sample_weight : (n,) array_like, optional
            Weights of the rows.

        Raises
        ------
        DataError
            If groups don't fit X, or a parameter is none of its values.
        ModelError
            If the method doesn't converge.
        """
        data, penalty = self._prepare(X, y, groups, sample_weight)
        fitted = fit(data, self._kind(), self._settings(), penalty)
        if not isinstance(self, _Quiet):
            warn_of_no_deviations(fitted, penalty)
        return self._keep_fit(data, fitted)

    def predict(self, X: Any, groups: Any = None) -> NDArray[np.float64]:
        """Predict rows: their group's deviations for known labels, else the shared coefficients.

        Parameters
        ----------
        X : (m, p) array, frame or sparse matrix
            Columns.
        groups
            Labels as for :meth:`fit`; None to use the shared coefficients alone.
        """
        return np.ascontiguousarray(self._eta(X, groups)[:, 0])

    def score(self, X: Any, y: Any, groups: Any = None, sample_weight: Any = None) -> float:
        """R squared of the predictions.

        Parameters
        ----------
        X, groups
            As for :meth:`predict`.
        y : (m,) array
            True responses.
        sample_weight : (m,) array, optional
            How much each row counts.
        """
        from sklearn.metrics import r2_score

        return float(r2_score(y, self.predict(X, groups=groups), sample_weight=sample_weight))

    def _kind(self) -> Literal["rms", "squared"]:
        if self.loss not in ("rms", "squared"):
            raise DataError(f"loss must be 'rms' or 'squared', found {self.loss!r}.")
        return self.loss

    def _prepare(self, X: Any, y: Any, groups: Any, sample_weight: Any) -> tuple[Data, Penalty]:
        X, y = validate_data(
            self, X, y, accept_sparse="csr", dtype=np.float64, order="C", y_numeric=True
        )
        data = self._data(X, np.asarray(y, dtype=np.float64), groups, sample_weight)
        return data, self._penalty(squared=self._kind() == "squared")

    def _refit(self, data: Data, penalty: Penalty) -> Coefficients:
        return fit(data, self._kind(), self._settings(), penalty).coefficients

    def _keep_fit(self, data: Data, fitted: Fitted) -> HierarchicalRegressor:
        coefficients = fitted.coefficients
        self._keep(data, coefficients)
        self._keep_solution(fitted.solution)
        self.coef_ = coefficients.coef[0]
        self.intercept_ = float(coefficients.intercept[0])
        self.reweighting_ = fitted.solution.metrics
        return self


class _Quiet:
    """Mark of estimators that choose the penalty, and have nothing to warn of."""


def warn_of_no_deviations(fitted: Fitted, penalty: Penalty) -> None:
    """Say so where a penalty is so large that no group deviates."""
    layout = fitted.prepared.problem.layout
    if warn_of_one_level(fitted, penalty):
        return
    if fitted.solution.kind != "no deviations" or layout.size == layout.p or not penalty.l2:
        return
    most = largest_penalty(fitted.prepared)
    warnings.warn(
        f"no group deviates: l2={penalty.l2:g} is above {most:.3g}, from which on all deviations "
        "are zero. Choose a smaller one, or let the estimator's CV variant choose.",
        PartialPoolWarning,
        stacklevel=3,
    )


def warn_of_one_level(fitted: Fitted, penalty: Penalty) -> bool:
    """Say so where no factor has levels that could deviate from each other."""
    shapes = fitted.prepared.problem.layout.shapes
    one = bool(shapes) and all(levels == 1 for levels, _ in shapes) and not penalty.main_l2
    if one:
        warnings.warn(
            "groups have a single level, which cannot deviate from the shared coefficients: they "
            "are its own. Pass groups with two levels or more, or groups=None.",
            PartialPoolWarning,
            stacklevel=4,
        )
    return one
