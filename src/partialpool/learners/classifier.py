"""Classification by any regressor and random effects."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.multiclass import check_classification_targets

from partialpool.errors import DataError
from partialpool.families import Binomial
from partialpool.learners.asked import check_asked
from partialpool.learners.checks import (
    check_rows,
    check_weights,
    frame_kind,
    read_labels,
)
from partialpool.learners.fitted import Target
from partialpool.learners.learning import Residuals, check_learner, refuse_classifier
from partialpool.learners.predicting_classes import PredictingClassifier
from partialpool.learners.quasi import fit_quasi

__all__ = ["MixedEffectsClassifier"]

Vector = NDArray[np.float64]


class MixedEffectsClassifier(PredictingClassifier):
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
        max_iter: int | Literal["auto"] = "auto",
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

    def _learner(self) -> Any:
        if self.estimator is not None:
            return self.estimator
        from sklearn.ensemble import RandomForestRegressor

        # Working responses are far out where a class is rare: leaves of one row would follow.
        return RandomForestRegressor(300, min_samples_leaf=5, random_state=self.random_state)
