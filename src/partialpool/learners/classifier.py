"""Classification by any regressor and random effects."""

from __future__ import annotations

from statistics import NormalDist
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from partialpool.errors import DataError
from partialpool.families import Binomial
from partialpool.frames import make_frame
from partialpool.inference.rows import RandomPart as Wanted
from partialpool.learners.asked import check_asked
from partialpool.learners.base import MixedEffectsBase
from partialpool.learners.checks import (
    check_level,
    check_rows,
    check_weights,
    frame_kind,
    read_labels,
)
from partialpool.learners.fitted import Fitted, Target
from partialpool.learners.learning import Residuals, check_learner, refuse_classifier
from partialpool.learners.part import NewLevels
from partialpool.learners.prediction import forecast, part_of
from partialpool.learners.quasi import average_mean, fit_quasi
from partialpool.results import VarCorr

__all__ = ["MixedEffectsClassifier"]

Vector = NDArray[np.float64]


class MixedEffectsClassifier(ClassifierMixin, MixedEffectsBase):  # type: ignore[misc]
    """Classification by a learner f and random effects: logit P(y = 1) = f(x) + z'b.

    The learner is a *regressor*, fitted to the working response of penalised quasi-likelihood
    with its weights; random effects and their covariance are those of a generalized linear
    mixed model with the learner as offset. More than two classes are learned one against
    the rest.

    Parameters
    ----------
    estimator
        Any regressor whose ``fit`` takes ``sample_weight``. None for a random forest of 300
        trees with leaves of 5 rows or more.
    random
        Random terms over the columns of a data frame, as in a formula: ``"1 + sex | litter"``.
        None where ``fit`` gets arrays ``groups=`` and ``Z=``.
    residuals, max_iter, tol, folds, random_state, rescale
        As for :class:`partialpool.MixedEffectsRegressor`; with ``rescale`` the log odds are
        those of a generalized linear mixed model of the classes on the learner's held-out
        predictions, which calibrates the probabilities.

    Attributes
    ----------
    classes_
        The classes, in order.
    estimators_
        The fitted learners: one, or one for each of more than two classes.
    n_iter_
        Iterations, of the class that took most.
    converged_
        Whether they ended by their own rule.

    Examples
    --------
    >>> import partialpool as pp
    >>> from sklearn.tree import DecisionTreeRegressor
    >>> use = pp.load_dataset("Contraception")
    >>> X = use[["age", "district"]]
    >>> learner = DecisionTreeRegressor(max_depth=3, random_state=0)
    >>> model = pp.MixedEffectsClassifier(learner, random="1 | district").fit(X, use["use"])
    >>> model.predict_proba(X).shape
    (1934, 2)

    References
    ----------
    Breslow & Clayton (1993), Journal of the American Statistical Association 88, 9-25.
    Pellagatti et al. (2021), Statistical Analysis and Data Mining 14, 241-257.
    """

    def __init__(
        self,
        estimator: Any = None,
        *,
        random: str | None = None,
        residuals: Residuals = "auto",
        max_iter: int = 20,
        tol: float | None = 1e-3,
        folds: int = 5,
        random_state: Any = 0,
        rescale: bool | Literal["auto"] = "auto",
    ) -> None:
        self.estimator = estimator
        self.random = random
        self.residuals = residuals
        self.max_iter = max_iter
        self.tol = tol
        self.folds = folds
        self.random_state = random_state
        self.rescale = rescale

    def fit(
        self,
        X: Any,
        y: ArrayLike,
        groups: Any = None,
        Z: Any = None,
        sample_weight: ArrayLike | None = None,
    ) -> MixedEffectsClassifier:
        """Fit learner and random effects.

        Parameters
        ----------
        X : (n, p) array or data frame
            Features; with ``random=``, the grouping columns as well.
        y : (n,) array
            Classes.
        groups : (n,) array, optional
            Each row's group.
        Z : (n, k) array or data frame, optional
            Random-effects columns, used as given. Without it, a random intercept.
        sample_weight : (n,) array, optional
            Prior weights, which multiply the log-density.

        Raises
        ------
        DataError
            If groups or values are missing, lengths differ, there is one class only, or the
            learner takes no weights.
        FormulaError
            If ``random`` can't be read.
        ModelError
            If the random part can't be identified on these rows.

        Warns
        -----
        PartialPoolWarning
            If there are no groups: the learner is fitted alone.
        """
        asked = check_asked(
            "alternate",
            "ml",
            self.residuals,
            self.max_iter,
            self.tol,
            self.folds,
            self.random_state,
            self.rescale,
        )
        learner = self._learner()
        check_learner(learner, weighted=True)
        refuse_classifier(learner)
        X = check_rows(self, X, y, reset=True)
        labels = read_labels(y, X)
        check_classification_targets(labels)
        weights = check_weights(sample_weight, len(labels))
        rows = self._lay_out(X, groups, Z, single=True)
        self.classes_ = np.unique(labels)
        if len(self.classes_) < 2:
            (only,) = self.classes_.tolist()
            raise DataError(f"y holds one class only, {only!r}. Two or more are needed.")
        ones = self.classes_[1:] if len(self.classes_) == 2 else self.classes_
        kind, family = frame_kind(X), Binomial()
        targets = [
            Target((labels == one).astype(np.float64), weights, family, kind) for one in ones
        ]
        self._fitted = [fit_quasi(learner, rows, self._layout, target, asked) for target in targets]
        self.estimators_ = [fitted.population.model for fitted in self._fitted]
        self.n_iter_ = max(len(fitted.history) for fitted in self._fitted)
        self.converged_ = all(fitted.converged for fitted in self._fitted)
        return self

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
            Columns ``fit``, ``lower`` and ``upper``, in the library of ``X``; pandas for
            arrays. ``fit`` is the probability averaged over what isn't known.

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
        return make_frame({"fit": fit, "lower": lower, "upper": upper}, frame_kind(X))

    def score(
        self,
        X: Any,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        groups: Any = None,
        Z: Any = None,
    ) -> float:
        """Share of rows whose class is predicted."""
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

    def _learner(self) -> Any:
        if self.estimator is not None:
            return self.estimator
        from sklearn.ensemble import RandomForestRegressor

        # Working responses are far out where a class is rare: leaves of one row would follow.
        return RandomForestRegressor(300, min_samples_leaf=5, random_state=self.random_state)
