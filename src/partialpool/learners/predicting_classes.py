"""What a mixed-effects classifier says once it is fitted."""

from __future__ import annotations

from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils.validation import check_is_fitted

from partialpool.errors import DataError
from partialpool.families import Binomial
from partialpool.frames import make_frame
from partialpool.inference.rows import RandomPart as Wanted
from partialpool.inference.wald import check_level
from partialpool.learners.base import MixedEffectsBase
from partialpool.learners.checks import frame_kind
from partialpool.learners.fitted import Fitted
from partialpool.learners.part import NewLevels
from partialpool.learners.prediction import forecast, part_of
from partialpool.learners.quasi import average_mean
from partialpool.results import VarCorr

__all__ = ["PredictingClassifier"]

Vector = NDArray[np.float64]


class PredictingClassifier(ClassifierMixin, MixedEffectsBase):  # type: ignore[misc]
    """Predictions and estimates of :class:`partialpool.MixedEffectsClassifier`."""

    classes_: NDArray[Any]
    _fitted: list[Fitted]

    def predict_proba(
        self,
        X: Any,
        groups: Any = None,
        Z: Any = None,
        *,
        random: Wanted = "all",
        new_levels: NewLevels = "population",
    ) -> Vector:
        """Predict the probability of every class.

        Averaged over what isn't known of the random effects: their conditional distribution
        in known groups, the whole distribution in new ones.

        Parameters
        ----------
        X, groups, Z, random, new_levels
            As for :meth:`partialpool.MixedEffectsRegressor.predict`.

        Returns
        -------
        (m, n_classes) array
            Columns in the order of ``classes_``; rows sum to 1.

        Raises
        ------
        DataError
            If columns are missing, or a level is new and ``new_levels="error"``.
        """
        rows = self._read(X, groups, Z, random)
        shares = []
        for fitted in self._fitted:
            found = forecast(fitted, rows, random, new_levels)
            shares.append(average_mean(Binomial(), found.mean, found.variance))
        if len(shares) == 1:
            return np.column_stack([1.0 - shares[0], shares[0]])
        table = np.column_stack(shares)
        return np.asarray(table / table.sum(axis=1, keepdims=True))

    def predict(
        self,
        X: Any,
        groups: Any = None,
        Z: Any = None,
        *,
        random: Wanted = "all",
        new_levels: NewLevels = "population",
    ) -> Any:
        """Predict the most probable class of every row.

        Parameters
        ----------
        X, groups, Z, random, new_levels
            As for :meth:`predict_proba`.
        """
        shares = self.predict_proba(X, groups, Z, random=random, new_levels=new_levels)
        return self.classes_[np.argmax(shares, axis=1)]

    def predict_interval(
        self,
        X: Any,
        groups: Any = None,
        Z: Any = None,
        *,
        level: float = 0.9,
        random: Wanted = "all",
        new_levels: NewLevels = "population",
        of: Any = None,
    ) -> Any:
        """Predict the probability of a class with an interval for the row's own group.

        A class has no interval, its probability has: the learner's log odds, plus and minus the
        normal quantile times the standard deviation of the random effects' error (in new groups
        of the effects themselves), on the scale of probabilities. How far the learner is off
        can't be told from classes row by row and isn't in there.

        Parameters
        ----------
        X, groups, Z, random, new_levels
            As for :meth:`predict_proba`.
        level
            Coverage, between 0 and 1.
        of
            The class; of two, the second by default. Of more, one against the rest.

        Returns
        -------
        data frame
            Columns ``estimate``, ``conf_low`` and ``conf_high``, in the library of ``X``; pandas
            for arrays. The estimate is the probability averaged over what isn't known.

        Raises
        ------
        DataError
            As :meth:`predict_proba`, and if the level isn't between 0 and 1 or the class unknown.
        """
        check_level(level)
        fitted = self._one(of)
        found = forecast(fitted, self._read(X, groups, Z, random), random, new_levels)
        half = NormalDist().inv_cdf(0.5 + level / 2) * np.sqrt(found.variance)
        link = Binomial().link
        ends = (np.asarray(link.inverse(found.mean + sign * half)) for sign in (-1.0, 1.0))
        fit, (lower, upper) = average_mean(Binomial(), found.mean, found.variance), ends
        if len(self._fitted) == 1 and of is not None and of == self.classes_[0]:
            fit, lower, upper = 1.0 - fit, 1.0 - upper, 1.0 - lower
        return make_frame({"estimate": fit, "conf_low": lower, "conf_high": upper}, frame_kind(X))

    def score(
        self,
        X: Any,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        groups: Any = None,
        Z: Any = None,
    ) -> float:
        """Share of rows whose class is predicted.

        Parameters
        ----------
        X, groups, Z
            As for :meth:`predict`.
        y : (m,) array
            What was observed.
        sample_weight : (m,) array, optional
            How much each row counts.
        """
        return float(accuracy_score(y, self.predict(X, groups, Z), sample_weight=sample_weight))

    def effects(self, factor: str | None = None, of: Any = None) -> Any:
        """Tabulate the random effects of a grouping factor with their standard deviations.

        Parameters
        ----------
        factor
            Name of the grouping factor; may be left out when there is only one.
        of
            A class, where there are more than two: its effects against the rest.

        Returns
        -------
        data frame
            Effects on the log odds, and their conditional standard deviations.

        Raises
        ------
        DataError
            If the factor or the class is unknown, or there are no groups.
        """
        return part_of(self._one(of).population.part).effects(factor)

    def varcorr(self, of: Any = None) -> VarCorr:
        """Standard deviations and correlations of the random effects, on the log odds.

        Parameters
        ----------
        of
            As for :meth:`effects`.
        """
        return part_of(self._one(of).population.part).varcorr

    def _one(self, of: Any) -> Fitted:
        check_is_fitted(self)
        if len(self._fitted) == 1 and (of is None or of in self.classes_):
            return self._fitted[0]
        places = np.flatnonzero(self.classes_ == of)
        if not len(places):
            raise DataError(
                f"of={of!r} is none of the classes {list(self.classes_)}. Each has effects of its "
                "own, against the rest: name one."
            )
        return self._fitted[int(places[0])]
