"""What the estimators share: reading of X and groups, coefficients, linear predictors."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from partialpool.docstrings import explained
from partialpool.errors import DataError, did_you_mean
from partialpool.inference.seeds import Seed
from partialpool.shrinkage.columns import Coefficients, linear_predictor
from partialpool.shrinkage.estimators.intervals import bootstrap_intervals
from partialpool.shrinkage.fitting import Data
from partialpool.shrinkage.labels import Grouping, find_groups, number_groups, read_groups
from partialpool.shrinkage.penalty import Penalty
from partialpool.shrinkage.problem import Solution
from partialpool.shrinkage.settings import Settings

__all__ = ["HierarchicalBase", "effects_frame"]

Vector = NDArray[np.float64]


@explained
class HierarchicalBase(BaseEstimator):  # type: ignore[misc]
    """Base of the hierarchical estimators.

    Subclasses store their parameters as given, as scikit-learn asks.
    """

    l2: float
    l1: float
    linf: float
    main_l2: float
    weights: Any
    deviations: Any
    fit_intercept: bool
    penalize_intercept: bool
    reweight_deviations: bool
    standardize: bool

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _settings(self) -> Settings:
        return Settings(
            weights=self.weights,
            fit_intercept=bool(self.fit_intercept),
            penalize_intercept=bool(self.penalize_intercept),
            standardize=bool(self.standardize),
            deviations=self._deviating(),
        )

    def _deviating(self) -> Any:
        wanted = self.deviations
        if isinstance(wanted, str):
            if wanted not in ("all", "intercept"):
                raise DataError(
                    "deviations must be 'all', 'intercept' or a list of columns, found "
                    f"{wanted!r}. A single column is a list of one."
                )
            return wanted
        names = list(getattr(self, "feature_names_in_", []))
        return [self._position(column, names) for column in wanted]

    def _position(self, column: Any, names: list[str]) -> int:
        if isinstance(column, str):
            if column not in names:
                raise DataError(
                    f"deviations name the column {column!r}, which X doesn't have."
                    f"{did_you_mean(column, names)} Its columns are {', '.join(names) or 'unnamed'}"
                    "."
                )
            return names.index(column)
        if not 0 <= int(column) < self.n_features_in_:
            raise DataError(
                f"deviations name column {column}, but X has columns 0 to "
                f"{self.n_features_in_ - 1}."
            )
        return int(column)

    def _penalty(self, squared: bool) -> Penalty:
        return Penalty(
            l2=getattr(self, "l2", 1.0),
            l1=self.l1,
            linf=self.linf,
            main_l2=self.main_l2,
            squared=squared,
            reweight=bool(self.reweight_deviations),
        )

    def _read_rows(self, X: Any, reset: bool) -> Any:
        X = validate_data(self, X, accept_sparse="csr", dtype=np.float64, order="C", reset=reset)
        return X if sparse.issparse(X) else np.ascontiguousarray(X)

    def _data(self, X: Any, y: Vector, groups: Any, sample_weight: Any) -> Data:
        columns = read_groups(groups, X.shape[0])
        weights = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        if not weights.any():
            raise DataError("every sample_weight is zero: there is nothing to fit.")
        kept = np.flatnonzero(weights > 0)
        if len(kept) < len(weights):
            columns = tuple(column.take(kept) for column in columns)
            X, y, weights = X[kept], y[kept], weights[kept]
        return Data(X, y, number_groups(columns), weights)

    def _keep(self, data: Data, coefficients: Coefficients) -> None:
        self.grouping_ = tuple(Grouping(g.name, g.levels, g.codes[:0]) for g in data.groups)
        self.coefficients_ = coefficients

    def _keep_solution(self, solution: Solution) -> None:
        self.objective_ = solution.objective
        self.dual_gap_ = solution.gap
        self.n_iter_ = solution.iterations
        self.kappa_ = solution.kappa

    def _eta(self, X: Any, groups: Any) -> Vector:
        check_is_fitted(self)
        X = self._read_rows(X, reset=False)
        found: list[NDArray[np.int32]] = []
        if groups is not None:
            known = [(g.name, g.levels) for g in self.grouping_]
            found = find_groups(known, read_groups(groups, X.shape[0]))
        return linear_predictor(X, found, self.coefficients_)

    def confint(
        self,
        X: Any,
        y: Any,
        groups: Any = None,
        sample_weight: Any = None,
        *,
        level: float = 0.95,
        nsim: int = 200,
        seed: Seed = None,
    ) -> Any:
        """See :func:`partialpool.shrinkage.estimators.intervals.bootstrap_intervals`."""
        return bootstrap_intervals(
            self, X, y, groups, sample_weight, level=level, nsim=nsim, seed=seed
        )

    def _names(self) -> list[str]:
        names = getattr(self, "feature_names_in_", None)
        return [f"x{i}" for i in range(self.n_features_in_)] if names is None else list(names)

    @property
    def group_effects_(self) -> Any:
        """Deviations by factor and level: a pandas frame with a column for each variable."""
        check_is_fitted(self)
        classes = getattr(self, "classes_", None)
        several = classes if classes is not None and len(classes) > 2 else None
        return effects_frame(self.coefficients_, self.grouping_, self._names(), several)


def effects_frame(
    coefficients: Coefficients, groups: tuple[Grouping, ...], names: list[str], classes: Any
) -> Any:
    """Tabulate deviations.

    Parameters
    ----------
    coefficients
        Of the fit.
    groups
        Its factors.
    names
        Names of the columns of X.
    classes
        Labels of the classes where there are more than two, else None.
    """
    import pandas as pd

    parts = []
    own = [names[i] for i in coefficients.columns]
    for group, shift, slopes in zip(
        groups, coefficients.intercepts, coefficients.deviations, strict=False
    ):
        for m in range(shift.shape[1]):
            frame = pd.DataFrame(slopes[:, :, m], columns=own)
            frame.insert(0, "Intercept", shift[:, m])
            frame.insert(0, "level", list(group.levels))
            frame.insert(0, "group", group.name)
            if classes is not None:
                frame.insert(0, "class", classes[m])
            parts.append(frame)
    if not parts:
        return pd.DataFrame(columns=["group", "level", "Intercept", *own])
    return pd.concat(parts, ignore_index=True)
