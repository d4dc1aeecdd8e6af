"""What the mixed-effects estimators share: the learner, rows to be fitted and to be predicted."""

from __future__ import annotations

import warnings
from typing import Any

from sklearn.base import BaseEstimator, MetaEstimatorMixin
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from partialpool.errors import PartialPoolWarning
from partialpool.inference.rows import RandomPart as Wanted
from partialpool.learners.checks import check_rows
from partialpool.learners.grouped import (
    GroupedRows,
    check_groups,
    read_rows,
    with_groups_absent,
)
from partialpool.learners.layout import Layout, lay_out

__all__ = ["MixedEffectsBase"]


class MixedEffectsBase(MetaEstimatorMixin, BaseEstimator):  # type: ignore[misc]
    """Base of the mixed-effects estimators: parameters are stored as given."""

    estimator: Any
    random: str | None
    random_state: Any
    _layout: Layout

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        own = get_tags(self._learner()).input_tags
        tags.input_tags.sparse, tags.input_tags.allow_nan = own.sparse, own.allow_nan
        return tags

    def _learner(self) -> Any:
        """Return the learner, or the forest that stands for None."""
        if self.estimator is not None:
            return self.estimator
        from sklearn.ensemble import RandomForestRegressor

        return RandomForestRegressor(300, random_state=self.random_state)

    def _lay_out(self, X: Any, groups: Any, Z: Any, *, single: bool) -> GroupedRows:
        """Read the rows to be fitted; ``single`` allows every row a group of its own."""
        self._layout = lay_out(X, self.random, groups, Z)
        rows = read_rows(X, self._layout, groups, Z)
        if rows.grouped:
            check_groups(rows, self._layout, single=single)
        else:
            warnings.warn(
                "neither random= nor groups= was given, so that the learner is fitted alone, "
                "without random effects.",
                PartialPoolWarning,
                stacklevel=3,
            )
        return rows

    def _read(self, X: Any, groups: Any, Z: Any, random: Wanted) -> GroupedRows:
        """Read rows to be predicted; without random effects they need no groups."""
        check_is_fitted(self)
        if isinstance(random, str) and random == "none":
            X = with_groups_absent(X, self._layout, tuple(getattr(self, "feature_names_in_", ())))
        X = check_rows(self, X, None, reset=False)
        return read_rows(X, self._layout, groups, Z)
