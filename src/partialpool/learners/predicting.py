"""What a mixed-effects regressor says once it is fitted."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils.validation import check_is_fitted

from partialpool.errors import NotAvailableError
from partialpool.families import ResponseFamily
from partialpool.frames import make_frame
from partialpool.inference.rows import RandomPart as Wanted
from partialpool.inference.wald import check_level
from partialpool.learners.base import MixedEffectsBase
from partialpool.learners.checks import frame_kind
from partialpool.learners.drawing import count_interval
from partialpool.learners.fitted import Fitted
from partialpool.learners.part import NewLevels
from partialpool.learners.prediction import forecast, half_widths, part_of
from partialpool.learners.quasi import average_mean
from partialpool.results import VarCorr

__all__ = ["PredictingRegressor"]

Vector = NDArray[np.float64]


class PredictingRegressor(RegressorMixin, MixedEffectsBase):  # type: ignore[misc]
    """Predictions and estimates of :class:`partialpool.MixedEffectsRegressor`."""

    estimator_: Any
    _fitted: Fitted
    _family: ResponseFamily

    def predict(
        self,
        X: Any,
        groups: Any = None,
        Z: Any = None,
        *,
        random: Wanted = "all",
        new_levels: NewLevels = "population",
        return_std: bool = False,
    ) -> Any:
        """Predict the mean of every row.

        Parameters
        ----------
        X : (m, p) array or data frame
            Features; with ``random=``, the grouping columns as well, which ``random="none"``
            does without.
        groups, Z
            As for :meth:`fit`. Without groups, no row is of a group that is known.
        random
            Random effects to use: ``"all"``, ``"none"``, or names of grouping factors.
        new_levels
            ``"population"`` predicts a group that was not fitted by the learner alone,
            ``"error"`` refuses it.
        return_std
            Return standard deviations of a new observation as well, as scikit-learn's
            Gaussian processes do: of the residual and of the random effects' error together.

        Returns
        -------
        (m,) array, or two
            In units of the response. Of counts the mean is averaged over what isn't known of
            the random effects: all of them in new groups.

        Raises
        ------
        DataError
            If columns are missing, or a level is new and ``new_levels="error"``.
        NotAvailableError
            If standard deviations of counts are asked for.
        """
        rows = self._read(X, groups, Z, random)
        normal = self._family.name == "gaussian"
        if return_std and not normal:
            raise NotAvailableError(
                "standard deviations are for family='gaussian'. Of counts, predict_interval gives "
                "quantiles."
            )
        found = forecast(
            self._fitted, rows, random, new_levels, mean_only=normal and not return_std
        )
        if return_std:
            return found.mean, np.sqrt(found.variance + found.sigma**2)
        return found.mean if normal else average_mean(self._family, found.mean, found.variance)

    def predict_interval(
        self,
        X: Any,
        groups: Any = None,
        Z: Any = None,
        *,
        level: float = 0.9,
        random: Wanted = "all",
        new_levels: NewLevels = "population",
    ) -> Any:
        """Predict every row with an interval for a new observation.

        The random part's variance is exact given the covariances: that of its error for known
        groups, all of it for new ones. How far the learner is off comes from rows it hasn't
        seen, and for new groups from groups it hasn't seen, every group weighing the same. With
        ``residuals="in-sample"`` no rows are unseen: a learner that overfits then makes
        intervals that are too narrow.

        Parameters
        ----------
        X, groups, Z, random, new_levels
            As for :meth:`predict`.
        level
            Coverage, between 0 and 1. For new groups it holds up to 1 - 1 / (J + 1) with J
            groups fitted.

        Returns
        -------
        data frame
            Columns ``estimate``, ``conf_low`` and ``conf_high``, in the library of ``X``; pandas
            for arrays.

        Raises
        ------
        DataError
            As :meth:`predict`, and if the level isn't between 0 and 1.
        """
        check_level(level)
        rows = self._read(X, groups, Z, random)
        found = forecast(self._fitted, rows, random, new_levels)
        if self._family.name != "gaussian":
            mean = average_mean(self._family, found.mean, found.variance)
            columns = count_interval(self._fitted, self._family, found, mean, level)
            return make_frame(columns, frame_kind(X))
        assert self._fitted.calibration is not None
        half = half_widths(self._fitted.calibration, found, level)
        columns = {
            "estimate": found.mean,
            "conf_low": found.mean - half,
            "conf_high": found.mean + half,
        }
        return make_frame(columns, frame_kind(X))

    def score(
        self,
        X: Any,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        groups: Any = None,
        Z: Any = None,
    ) -> float:
        """Share of the variance explained, R squared.

        Parameters
        ----------
        X, groups, Z
            As for :meth:`predict`.
        y : (m,) array
            What was observed.
        sample_weight : (m,) array, optional
            How much each row counts.
        """
        predicted = self.predict(X, groups, Z)
        return float(r2_score(y, predicted, sample_weight=sample_weight))

    def effects(self, factor: str | None = None) -> Any:
        """Tabulate the random effects of a grouping factor with their standard deviations.

        Parameters
        ----------
        factor
            Name of the grouping factor; may be left out when there is only one.

        Returns
        -------
        data frame
            One row for each level: the level, its effects, and their conditional standard
            deviations ``<name>_sd`` given the learner and the covariances.

        Raises
        ------
        DataError
            If the factor is unknown, or there are no groups.
        """
        check_is_fitted(self)
        return part_of(self._fitted.population.part).effects(factor)

    @property
    def sigma_(self) -> float:
        """Residual standard deviation, in units of the response."""
        check_is_fitted(self)
        return self._fitted.population.sigma

    @property
    def varcorr_(self) -> VarCorr:
        """Standard deviations and correlations of the random effects."""
        check_is_fitted(self)
        return part_of(self._fitted.population.part).varcorr

    @property
    def loglik_(self) -> float:
        """Marginal log-likelihood of what the learner leaves over."""
        check_is_fitted(self)
        part = self._fitted.population.part
        return self._fitted.history[self._fitted.best].loglik if part is None else part.loglik

    @property
    def feature_importances_(self) -> Vector:
        """Importances of the learner's own, if it has some."""
        check_is_fitted(self)
        return np.asarray(self.estimator_.feature_importances_)
