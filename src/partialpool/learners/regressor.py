"""Any regressor for what groups have in common, random effects for what they don't."""

from __future__ import annotations

import warnings
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, MetaEstimatorMixin, RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from partialpool.errors import NotAvailableError, PartialPoolWarning
from partialpool.families import Response
from partialpool.frames import make_frame
from partialpool.inference.rows import RandomPart as Wanted
from partialpool.learners.asked import Algorithm, check_asked, check_family
from partialpool.learners.checks import (
    check_level,
    check_rows,
    check_weights,
    frame_kind,
    read_target,
)
from partialpool.learners.fitting import Target, fit_mixed
from partialpool.learners.grouped import check_groups, lay_out, read_rows, with_groups_absent
from partialpool.learners.intervals import half_widths
from partialpool.learners.learning import Residuals, check_learner, refuse_classifier
from partialpool.learners.part import NewLevels
from partialpool.learners.prediction import look, part_of
from partialpool.learners.quasi import average_mean, fit_quasi
from partialpool.learners.variance import Variance
from partialpool.results import VarCorr

__all__ = ["MixedEffectsRegressor"]

Vector = NDArray[np.float64]


class MixedEffectsRegressor(MetaEstimatorMixin, RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Regression by any learner f and random effects: y = f(x) + z'b + error.

    Parameters
    ----------
    estimator
        Any regressor with ``fit`` and ``predict``: a forest, boosting, a linear model, a
        pipeline. None for a random forest of 300 trees.
    random
        Random terms over the columns of a data frame, as in a formula: ``"1 + sex | litter"``,
        ``"(1 | a) + (1 | b)"``, ``"(1 | a/b)"``, ``"cs(f | g)"``. The grouping columns are
        kept from the learner; columns with random slopes are not. None where ``fit`` gets
        arrays ``groups=`` and ``Z=``.
    family
        ``"gaussian"``, or ``"poisson"`` for counts: log mean = f(x) + z'b. The learner is then
        fitted to the working response of penalised quasi-likelihood, with its weights, and the
        random part is that of a generalized linear mixed model with the learner as offset.
    algorithm
        ``"alternate"``: learner and random part in turn. ``"leaves"``: the same for one
        decision tree, whose leaves are estimated together with the random effects.
        ``"boosting"``: gradient boosting of the mixed model's likelihood; each tree of a
        gradient-boosting estimator (LightGBM, scikit-learn's) is grown on the gradient
        Sigma^-1 (y - f), its leaves estimated by generalized least squares. Where features
        differ mainly between groups the gradient hardly sees them: prefer ``"alternate"``.
    variance
        ``"ml"``: variances that maximise the likelihood of what the learner leaves over;
        ``"em"``: one step of expectation and maximisation an iteration, as in merf.
    residuals
        What the learner leaves over is taken from predictions of rows that it hasn't seen:
        ``"auto"`` out of bag for bootstrapped ensembles, else out of ``folds`` of rows;
        ``"folds"`` always of folds; ``"groups"`` of folds of whole groups, so that features
        which tell groups apart can't take the variance between groups away; ``"in-sample"``
        makes no such difference, and lets a learner that overfits shrink the variances (as
        in merf; what ``"auto"`` means with ``variance="em"``).
    max_iter
        Most iterations; with ``algorithm="boosting"``, those of the estimator count.
    tol
        Change of the marginal log-likelihood per row at which to stop; None for ``max_iter``.
    folds
        How many folds, where folds are needed.
    random_state
        Seed of the folds. Learners have their own.
    rescale
        Put the learner on the scale of the response at the end, by the mixed model of the
        response on its held-out predictions: forests are drawn towards the mean. ``"auto"``
        wherever such predictions are made.

    Attributes
    ----------
    estimator_
        The fitted learner.
    scale_
        Intercept and slope that put its predictions on the scale of the response.
    sigma_
        Residual standard deviation, in units of the response.
    varcorr_
        Standard deviations and correlations of the random effects.
    loglik_
        Marginal log-likelihood of what the learner leaves over.
    history_
        Log-likelihood, variances and effects after every iteration.
    n_iter_
        Iterations.
    converged_
        Whether they ended by their own rule.

    Examples
    --------
    >>> import partialpool as pp
    >>> from sklearn.linear_model import LinearRegression
    >>> sleep = pp.load_dataset("sleepstudy")
    >>> model = pp.MixedEffectsRegressor(LinearRegression(), random="Days | Subject")
    >>> model = model.fit(sleep[["Days", "Subject"]], sleep["Reaction"])
    >>> model.predict(sleep[["Days", "Subject"]].head(2)).round(1)
    array([254.7, 274.2])

    References
    ----------
    Hajjem, Bellavance & Larocque (2014), Journal of Statistical Computation and Simulation
    84(6), 1313-1328: mixed-effects random forests. Sela & Simonoff (2012), Machine Learning
    86, 169-207: leaves. Sigrist (2022), Journal of Machine Learning Research 23, 1-46:
    boosting.
    """

    def __init__(
        self,
        estimator: Any = None,
        *,
        random: str | None = None,
        family: Any = "gaussian",
        algorithm: Algorithm = "alternate",
        variance: Variance = "ml",
        residuals: Residuals = "auto",
        max_iter: int = 20,
        tol: float | None = 1e-3,
        folds: int = 5,
        random_state: Any = 0,
        rescale: bool | Literal["auto"] = "auto",
    ) -> None:
        self.estimator = estimator
        self.random = random
        self.family = family
        self.algorithm = algorithm
        self.variance = variance
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
    ) -> MixedEffectsRegressor:
        """Fit learner and random effects.

        Parameters
        ----------
        X : (n, p) array or data frame
            Features; with ``random=``, the grouping columns as well.
        y : (n,) array
            Response.
        groups : (n,) array, optional
            Each row's group.
        Z : (n, k) array or data frame, optional
            Random-effects columns, used as given: no intercept is added. Without it, a
            random intercept.
        sample_weight : (n,) array, optional
            Prior weights w: the residual variance of a row is sigma^2 / w. Passed on to the
            learner.

        Raises
        ------
        DataError
            If groups or values are missing, lengths differ, or arguments don't go together.
        FormulaError
            If ``random`` can't be read.
        ModelError
            If the random part can't be identified on these rows.

        Warns
        -----
        PartialPoolWarning
            If there are no groups: the learner is fitted alone.
        """
        family = check_family(self.family, self.algorithm, self.variance)
        asked = check_asked(
            self.algorithm,
            self.variance,
            self.residuals,
            self.max_iter,
            self.tol,
            self.folds,
            self.random_state,
            self.rescale,
        )
        learner = self._learner()
        check_learner(learner, weighted=family.name != "gaussian")
        refuse_classifier(learner)
        X = check_rows(self, X, y, reset=True)
        y_read = read_target(y, X)
        weights = check_weights(sample_weight, len(y_read))
        check_learner(learner, weighted=weights is not None)
        layout = lay_out(X, self.random, groups, Z)
        rows = read_rows(X, layout, groups, Z)
        if rows.grouped:
            check_groups(rows, layout, single=family.name != "gaussian")
        else:
            warnings.warn(
                "neither random= nor groups= was given, so that the learner is fitted alone, "
                "without random effects.",
                PartialPoolWarning,
                stacklevel=2,
            )
        fit_rows = fit_mixed
        if family.name != "gaussian":
            family.check(Response("y", y_read, weights=weights))
            fit_rows = fit_quasi
        target = Target(y_read, weights, family, frame_kind(X))
        self._fitted = fit_rows(learner, rows, layout, target, asked)
        self._family = family
        self._layout = layout
        self.estimator_ = self._fitted.model
        self.scale_ = self._fitted.scale
        self.n_iter_ = len(self._fitted.history)
        self.history_ = self._fitted.history
        self.converged_ = self._fitted.converged
        return self

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
        fitted, rows = self._read(X, groups, Z, random)
        mean: Vector = fitted.common(rows.features)
        if return_std:
            self._refuse_counts("standard deviations")
            outlook = look(fitted.part, rows, random, new_levels)
            return mean + outlook.mean, np.sqrt(outlook.variance + fitted.sigma**2)
        if self._family.name == "gaussian":
            return mean + look(fitted.part, rows, random, new_levels, without_variance=True).mean
        outlook = look(fitted.part, rows, random, new_levels)
        return average_mean(self._family, mean + outlook.mean, outlook.variance)

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
        NotAvailableError
            For counts.
        """
        check_level(level)
        fitted, rows = self._read(X, groups, Z)
        self._refuse_counts("prediction intervals")
        outlook = look(fitted.part, rows, random, new_levels)
        mean = fitted.common(rows.features) + outlook.mean
        half = half_widths(fitted.calibration, outlook, fitted.sigma, level)
        columns = {"estimate": mean, "conf_low": mean - half, "conf_high": mean + half}
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
        return part_of(self._fitted.part).effects(factor)

    @property
    def sigma_(self) -> float:
        """Residual standard deviation, in units of the response."""
        check_is_fitted(self)
        return self._fitted.sigma

    @property
    def varcorr_(self) -> VarCorr:
        """Standard deviations and correlations of the random effects."""
        check_is_fitted(self)
        return part_of(self._fitted.part).varcorr

    @property
    def loglik_(self) -> float:
        """Marginal log-likelihood of what the learner leaves over."""
        check_is_fitted(self)
        part = self._fitted.part
        return self._fitted.history[self._fitted.best].loglik if part is None else part.loglik

    @property
    def feature_importances_(self) -> Vector:
        """Importances of the learner's own, if it has some."""
        check_is_fitted(self)
        return np.asarray(self.estimator_.feature_importances_)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        own = get_tags(self._learner()).input_tags
        tags.input_tags.sparse, tags.input_tags.allow_nan = own.sparse, own.allow_nan
        return tags

    def _refuse_counts(self, what: str) -> None:
        if self._family.name != "gaussian":
            raise NotAvailableError(f"{what} are for family='gaussian'; of counts there are none.")

    def _learner(self) -> Any:
        if self.estimator is not None:
            return self.estimator
        from sklearn.ensemble import RandomForestRegressor

        return RandomForestRegressor(n_estimators=300, random_state=self.random_state)

    def _read(self, X: Any, groups: Any, Z: Any, random: Wanted = "all") -> Any:
        check_is_fitted(self)
        if random == "none":
            X = with_groups_absent(X, self._layout, tuple(getattr(self, "feature_names_in_", ())))
        X = check_rows(self, X, None, reset=False)
        return self._fitted, read_rows(X, self._layout, groups, Z)
