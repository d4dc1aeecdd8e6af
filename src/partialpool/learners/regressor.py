"""Any regressor for what groups have in common, random effects for what they don't."""

from __future__ import annotations

from typing import Any, Literal

from numpy.typing import ArrayLike

from partialpool.families import Response
from partialpool.learners.asked import Algorithm, check_asked, check_family
from partialpool.learners.checks import check_rows, check_weights, frame_kind, read_target
from partialpool.learners.fitted import Target
from partialpool.learners.fitting import fit_mixed
from partialpool.learners.learning import Residuals, check_learner, refuse_classifier
from partialpool.learners.predicting import PredictingRegressor
from partialpool.learners.quasi import fit_quasi
from partialpool.learners.variance import Variance

__all__ = ["MixedEffectsRegressor"]


class MixedEffectsRegressor(PredictingRegressor):
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
        ``"gaussian"``; ``"poisson"``, ``"nbinom1"`` or ``"nbinom2"`` for counts, ``"gamma"`` for
        positive numbers: log mean = f(x) + z'b. One learner is then fitted to the working
        response of penalised quasi-likelihood, with its weights, and the random part is that of
        a generalized linear mixed model with the learner as offset.
    algorithm
        ``"alternate"``: learner and random part in turn, with a learner for known groups and
        one for others. ``"leaves"``: in turn for one decision tree, whose leaves are estimated
        together with the random effects. ``"boosting"``: gradient boosting of the mixed model's
        likelihood; each tree of a gradient-boosting estimator (LightGBM, scikit-learn's) is
        grown on the gradient Sigma^-1 (y - f), its leaves estimated by generalized least
        squares. Where features differ mainly between groups the gradient hardly sees them:
        prefer ``"alternate"``.
    variance
        ``"ml"``: variances that maximise the likelihood of what the learner leaves over;
        ``"em"``: one step of expectation and maximisation an iteration, as in merf.
    residuals
        What a learner leaves over is taken from predictions of rows that it hasn't seen:
        ``"auto"`` out of bag for bootstrapped ensembles, else out of ``folds`` of rows;
        ``"folds"`` always of folds. ``"in-sample"`` makes no such difference, has one learner,
        and lets it shrink the variances where it overfits (as in merf; what ``"auto"`` means
        with ``variance="em"``).
    max_iter
        Most iterations, of each of two learners; with ``algorithm="boosting"``, those of the
        estimator count. ``"auto"`` is two (five for the learner of known groups, where it is
        fitted out of bag), so that there are at most as many fits as in merf; 20 where there
        is one learner.
    tol
        Change of the marginal log-likelihood per row at which to stop, and share by which the
        error in held-out groups has to fall to go on; None for ``max_iter``.
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
        The population's learner: of what groups have in common, and for groups that aren't
        known. The mean of those of all folds and iterations, with their ``coef_`` or
        ``feature_importances_``.
    known_estimator_
        The learner for rows of known groups, beside their effects. The mean of those of the
        folds, or where no folds are needed one that was fitted to all rows.
    scale_
        Intercept and slope that put the population's learner on the scale of the response.
    sigma_
        Residual standard deviation, in units of the response.
    varcorr_
        Standard deviations and correlations of the random effects around the population's
        learner, which in making them hasn't seen the group.
    loglik_
        Marginal log-likelihood of what that leaves over: of every group given the others.
    history_
        Log-likelihood, variances and effects after every iteration.
    n_iter_
        Iterations of the population's learner.
    converged_
        Whether they ended by their own rule; seldom where there are no more than two.

    Examples
    --------
    >>> import partialpool as pp
    >>> from sklearn.linear_model import LinearRegression
    >>> sleep = pp.load_dataset("sleepstudy")
    >>> model = pp.MixedEffectsRegressor(LinearRegression(), random="Days | Subject")
    >>> model = model.fit(sleep[["Days", "Subject"]], sleep["Reaction"])
    >>> model.predict(sleep[["Days", "Subject"]].head(2)).round(1)
    array([254.5, 274. ])

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
        max_iter: int | Literal["auto"] = "auto",
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
        rows = self._lay_out(X, groups, Z, single=family.name != "gaussian")
        fit_rows = fit_mixed
        if family.name != "gaussian":
            family.check(Response("y", y_read, weights=weights))
            fit_rows = fit_quasi
        target = Target(y_read, weights, family, frame_kind(X))
        self._fitted = fit_rows(learner, rows, self._layout, target, asked)
        self._family = family
        self.estimator_ = self._fitted.population.model
        self.known_estimator_ = self._fitted.known.model
        self.scale_ = self._fitted.population.scale
        self.n_iter_ = len(self._fitted.history)
        self.history_ = self._fitted.history
        self.converged_ = self._fitted.converged
        return self
