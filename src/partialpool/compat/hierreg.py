"""hierreg's class on this package's solvers.

>>> import numpy as np, pandas as pd
>>> from partialpool.compat.hierreg import HierarchicalRegression
>>> rng = np.random.default_rng(1)
>>> X = rng.normal(size=(1000, 3))
>>> groups = pd.get_dummies(rng.integers(1, 4, size=1000).astype("str")).to_numpy()
>>> y = 37 + 2 * groups[:, 0] - 4 * groups[:, 2] + 7 * X[:, 2] + rng.normal(size=1000)
>>> hlr = HierarchicalRegression(l2_reg=1.0)
>>> hlr.fit(X, y, groups)
>>> hlr.predict(X, groups).shape
(1000,)

What differs from hierreg 0.1: it finds the minimum to the last digits; rows without a label
belong to no group; one-dimensional groups are used in predictions too; ``standardize`` doesn't
shift the intercept; a matrix of indicators is one factor with a level for each column, where
hierreg encodes each indicator again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import DataError, ModelError
from partialpool.shrinkage.columns import linear_predictor
from partialpool.shrinkage.fitting import Data, LossKind, fit
from partialpool.shrinkage.labels import Grouping, find_groups, number_groups, read_groups
from partialpool.shrinkage.penalty import Penalty
from partialpool.shrinkage.settings import Settings

__all__ = ["HierarchicalRegression"]

Vector = NDArray[np.float64]


class HierarchicalRegression:
    """Linear or logistic regression with penalised group deviations, as in hierreg.

    Parameters
    ----------
    l2_reg, l1_reg, linf_reg
        Penalties of the deviations' length, sum and maximum.
    main_l2_reg
        Penalty of the shared coefficients' length, intercept included.
    problem
        ``"regression"`` or ``"classification"`` of two classes.
    fit_intercept
        Whether there is an intercept.
    weight_by_nobs
        Whether deviations weigh inversely to their group's rows.
    reweight_deviations
        Whether the deviations' metric is chosen too; ``l1_reg`` and ``linf_reg`` then play no
        part.
    standardize
        Whether columns are centred and scaled before they are penalised.
    solver_interface
        ``"cvxpy"`` for plain norms; ``"casadi"`` for squared ones, with l2 penalties only.
    cvxpy_opts, ipopt_options
        Taken for hierreg's sake: no such solver is used.

    Attributes
    ----------
    coef_ : (p,) array
        Shared coefficients, the intercept first.
    group_effects_ : pandas frame (p, J)
        Deviations, with a column for each level.

    References
    ----------
    Evgeniou, Pontil & Toubia (2007), Marketing Science 26(6), 805-818.
    """

    def __init__(
        self,
        l2_reg: float = 100.0,
        l1_reg: float = 0.0,
        linf_reg: float = 0.0,
        main_l2_reg: float = 0.0,
        problem: Literal["regression", "classification"] = "regression",
        fit_intercept: bool = True,
        weight_by_nobs: bool = True,
        reweight_deviations: bool = False,
        standardize: bool = False,
        solver_interface: Literal["cvxpy", "casadi"] = "cvxpy",
        cvxpy_opts: Mapping[str, Any] | None = None,
        ipopt_options: Mapping[str, Any] | None = None,
    ) -> None:
        if problem not in ("regression", "classification"):
            raise DataError(f"problem must be 'regression' or 'classification', found {problem!r}.")
        if solver_interface not in ("cvxpy", "casadi"):
            raise DataError(
                "solver_interface must be 'cvxpy' (plain norms) or 'casadi' (squared norms), found "
                f"{solver_interface!r}."
            )
        self.l2_reg = l2_reg
        self.l1_reg = l1_reg
        self.linf_reg = linf_reg
        self.main_l2_reg = main_l2_reg
        self.problem = problem
        self.fit_intercept = fit_intercept
        self.weight_by_nobs = weight_by_nobs
        self.reweight_deviations = reweight_deviations
        self.standardize = standardize
        self.solver_interface = solver_interface
        self.cvxpy_opts = cvxpy_opts
        self.ipopt_options = ipopt_options

    def fit(self, X: Any, y: Any, groups: Any) -> None:
        """Fit the model.

        Parameters
        ----------
        X : (n, p) array or frame
            Columns.
        y : (n,) array_like
            Response, or labels of two classes.
        groups
            Labels: an array or series; a frame or matrix with a column for each factor; or a
            matrix of indicators, a column for each level. Missing labels are no group.

        Raises
        ------
        DataError
            If sizes don't match, or there are not two classes.
        ModelError
            If the penalties don't go together.
        """
        names = [str(name) for name in X.columns] if hasattr(X, "columns") else None
        columns = _numbers(X)
        response = self._response(y)
        if len(response) != len(columns):
            raise DataError(f"y has {len(response):,} rows, but X has {len(columns):,}.")
        known = number_groups(read_groups(_labels(groups), len(columns)))
        data = Data(columns, response, known, np.ones(len(response)))
        squared = self.solver_interface == "casadi"
        kind: LossKind = "squared" if squared else "rms"
        kind = "logistic" if self.problem == "classification" else kind
        fitted = fit(data, kind, self._settings(), self._penalty(squared))
        self._coefficients = fitted.coefficients
        self._groups = tuple(Grouping(g.name, g.levels, g.codes[:0]) for g in known)
        self._keep(names)

    def predict(self, X: Any, groups: Any, prob: bool = False) -> NDArray[Any]:
        """Predict responses, labels, or with ``prob`` the probability of the second label.

        Parameters
        ----------
        X : (m, p) array or frame
            Columns.
        groups
            As for :meth:`fit`; levels that the fit hasn't seen have no deviations.
        prob
            Whether probabilities are wanted, for classification.

        Raises
        ------
        NotFittedError
            If the model hasn't been fitted: scikit-learn's where it is installed.
        """
        if not hasattr(self, "_coefficients"):
            raise _not_fitted()
        columns = _numbers(X)
        found = find_groups(
            [(g.name, g.levels) for g in self._groups], read_groups(_labels(groups), len(columns))
        )
        eta = linear_predictor(columns, found, self._coefficients)[:, 0]
        if self.problem == "regression":
            return eta
        if prob:
            return np.asarray(0.5 * (1.0 + np.tanh(0.5 * eta)))
        return np.asarray(self._classes[(eta >= 0).astype(np.intp)])

    def _response(self, y: Any) -> Vector:
        values = np.asarray(y).reshape(-1)
        if self.problem == "regression":
            return np.ascontiguousarray(values, dtype=np.float64)
        self._classes, codes = np.unique(values, return_inverse=True)
        if len(self._classes) != 2:
            raise DataError(
                f"y holds {len(self._classes)} classes, but classification here is of two. "
                "partialpool.HierarchicalClassifier takes more."
            )
        return codes.astype(np.float64)

    def _settings(self) -> Settings:
        return Settings(
            weights="size" if self.weight_by_nobs else "equal",
            fit_intercept=bool(self.fit_intercept or self.standardize),
            penalize_intercept=True,
            standardize=bool(self.standardize),
        )

    def _penalty(self, squared: bool) -> Penalty:
        if squared and (self.l1_reg or self.linf_reg):
            raise ModelError(
                "solver_interface='casadi' goes with l2 penalties alone, found "
                f"l1_reg={self.l1_reg:g} and linf_reg={self.linf_reg:g}. Set them to 0, or use "
                "'cvxpy'."
            )
        alone = self.reweight_deviations
        if self.reweight_deviations and self.main_l2_reg and not squared:
            raise ModelError(
                "reweight_deviations goes with l2_reg alone here: set main_l2_reg=0, or "
                "solver_interface='casadi'."
            )
        return Penalty(
            l2=self.l2_reg,
            l1=0.0 if alone else self.l1_reg,
            linf=0.0 if alone else self.linf_reg,
            main_l2=self.main_l2_reg,
            squared=squared,
            reweight=bool(self.reweight_deviations),
        )

    def _keep(self, names: list[str] | None) -> None:
        import pandas as pd

        c = self._coefficients
        first = ["Intercept"] if self.fit_intercept or self.standardize else []
        self.coef_ = np.concatenate([c.intercept[: len(first)], c.coef[0]])
        parts, labels = [], []
        for group, shift, slopes in zip(self._groups, c.intercepts, c.deviations, strict=True):
            rows = [shift[:, :1]] if first else []
            parts.append(np.concatenate([*rows, slopes[:, :, 0]], axis=1).T)
            prefix = "" if len(self._groups) == 1 else f"{group.name}_"
            labels += [f"{prefix}{level}" for level in group.levels]
        index = None if names is None else [*first, *names]
        self.group_effects_ = pd.DataFrame(np.hstack(parts), columns=labels, index=index)


def _not_fitted() -> Exception:
    """scikit-learn's error where that is installed; it is a ValueError and AttributeError."""
    message = "this HierarchicalRegression isn't fitted yet. Call fit first."
    try:
        from sklearn.exceptions import NotFittedError
    except ImportError:
        return AttributeError(message)
    error: Exception = NotFittedError(message)
    return error


def _numbers(X: Any) -> Vector:
    values = np.ascontiguousarray(X, dtype=np.float64)
    if values.ndim != 2:
        raise DataError(f"X must have rows and columns, found {values.ndim} dimension(s).")
    if not np.isfinite(values).all():
        raise DataError("X holds missing or infinite values. Fill them in or leave the rows out.")
    return values


def _labels(groups: Any) -> Any:
    """Take a matrix of indicators for one factor: which column is 1, or none."""
    if groups is None:
        raise DataError("groups are needed, as in hierreg. Give a label for each row.")
    frame = hasattr(groups, "columns")
    values = np.asarray(groups)
    if values.ndim != 2 or values.shape[1] < 2 or values.dtype == object:
        return groups
    if not (np.isin(values, (0, 1)).all() and (values.sum(axis=1) <= 1).all()):
        return groups
    names = [str(c) for c in groups.columns] if frame else [f"X{i}" for i in range(values.shape[1])]
    labels = np.array([*names, None], dtype=object)
    return labels[np.where(values.any(axis=1), values.argmax(axis=1), len(names))].tolist()
