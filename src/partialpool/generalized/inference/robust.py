"""Cluster-robust covariance of all parameters of a generalized model."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import DataError, ModelError, NotAvailableError
from partialpool.frames import make_frame
from partialpool.generalized.inference.parameters import by_likelihood, estimated
from partialpool.generalized.summary.limits import ENDLESS
from partialpool.inference import RobustKind, warn_unless_converged
from partialpool.inference.parameters import parameter_columns
from partialpool.inference.robust.clusters import cluster_codes
from partialpool.inference.wald import Contrasts, check_level, two_sided
from partialpool.solve.generalized import GeneralizedSolution, gradient_by_cluster

if TYPE_CHECKING:
    from partialpool.generalized.fit import GlmmFit

__all__ = ["ScoreRobust", "cluster_robust", "cluster_scores", "robust_tests", "robust_vcov"]

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ScoreRobust:
    """A sandwich covariance of all parameters, from the scores of clusters.

    Tests and intervals take it in the place of degrees of freedom:
    ``fit.test("x = 0", ddf=fit.cluster_robust("g"))``.

    Attributes
    ----------
    kind
        ``"CR0"`` or ``"CR1"``.
    clusters
        How many there are.
    whole : (m, m) array
        Covariance of the parameters of the search: covariances, then the core's coefficients.
    vcov : (r, r) array
        Covariance of the mean's coefficients, those left out left out.
    """

    kind: str
    clusters: int
    whole: Matrix
    vcov: Matrix

    @property
    def name(self) -> str:
        """How it is called in a table's note."""
        return f"{self.kind} over {self.clusters} clusters, t with {self.clusters - 1}"

    def df(self, L: Matrix) -> Matrix:
        """Return one less than there are clusters, for every row."""
        return np.full(len(L), self.clusters - 1.0)

    def scaled(self, L: Matrix, statistic: float) -> tuple[float, float]:
        """Leave the statistic as it is."""
        return statistic, self.clusters - 1.0

    def __repr__(self) -> str:
        return f"<covariance {self.name}>"


def cluster_robust(fit: GlmmFit, cluster: Any = None, kind: RobustKind = "CR1") -> ScoreRobust:
    """Compute a cluster-robust covariance of all parameters of a generalized mixed model.

    The inverse of the exact Hessian of the marginal log-likelihood on both sides of the sum of
    squares of its gradient's shares, cluster by cluster. Right for many clusters where the
    variances, correlations or the family's variance are not as modelled, as long as the means
    are. Note that with another distribution of the random effects the coefficients of a
    generalized model estimate something else: the sandwich is for where the estimates are still
    those that are wanted.

    Parameters
    ----------
    fit
        A fitted generalized linear mixed model.
    cluster
        A grouping factor of the model, labels of the rows (n,), or None for the outermost
        grouping factor.
    kind
        ``"CR0"``: plain; ``"CR1"``: times J / (J - 1) for J clusters.

    Raises
    ------
    DataError
        If the kind or the cluster is none, or there is a single one.
    ModelError
        If random effects reach over several clusters, as crossed factors' do: the likelihood
        is then no product over clusters. With a ``penalty``, whose gradient is of no cluster.
    NotAvailableError
        For ``"CR2"``, which is known for linear models only; for fits by penalised
        quasi-likelihood, ``method="joint"`` or ``reml=True``.

    Warns
    -----
    ConvergenceWarning
        If the fit is no optimum.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.glmm("TICKS ~ YEAR + (1 | BROOD)", pp.load_dataset("grouseticks"),
    ...               family="poisson")
    >>> np.sqrt(np.diag(cluster_robust(fit, "BROOD").vcov)).round(2)
    array([0.28, 0.33, 0.36])

    References
    ----------
    White (1982), Econometrica 50, 1-25; Wang & Merkle (2018), Journal of Statistical Software 87
    (code snippet 1), for mixed models.
    """
    robust = _sandwich(fit, cluster, kind)
    warn_unless_converged(fit, "cluster-robust covariances")
    return robust


def _sandwich(fit: GlmmFit, cluster: Any, kind: RobustKind) -> ScoreRobust:
    solution = _check(fit, kind)
    scores = cluster_scores(fit, cluster)
    J = len(scores)
    if J < 2:
        raise DataError(f"a cluster-robust covariance needs two or more clusters, found {J}.")
    bread = solution.mapped_covariance
    flat = np.isnan(np.diag(bread)) | _endless(fit, solution)
    load = scores @ np.nan_to_num(bread)
    whole = load.T @ load * (J / (J - 1.0) if kind == "CR1" else 1.0)
    whole[flat, :] = whole[:, flat] = np.nan
    back = solution.problem.matrix(0)
    m = solution.problem.n_psi
    own = whole[m : m + len(back), m : m + len(back)]
    return ScoreRobust(kind, J, whole, back @ own @ back.T)


def _endless(fit: GlmmFit, solution: GeneralizedSolution) -> NDArray[np.bool_]:
    """Logarithms and logits that ran to the end of their range: they have no error at all."""
    out = [np.zeros(solution.problem.n_psi, dtype=bool)]
    for group, part in enumerate(solution.names):
        size = solution.problem.matrix(group).shape[1]
        gone = part not in ("mean", "thresholds") and bool(
            (fit.stderr_of(part).values > ENDLESS).any()
        )
        out.append(np.full(size, gone))
    return np.concatenate(out)


def _check(fit: GlmmFit, kind: str) -> GeneralizedSolution:
    if kind == "CR2":
        raise NotAvailableError(
            "kind='CR2' adjusts residuals by the model's linear covariance, which a generalized "
            "model hasn't. Take kind='CR1'."
        )
    if kind not in ("CR0", "CR1"):
        raise DataError(f"kind must be 'CR0' or 'CR1', found {kind!r}.")
    if fit.approximation.penalty is not None:
        raise ModelError(
            f"the prior of penalty={fit.approximation.penalty:g} belongs to no cluster, so that "
            "the scores don't add up to zero. Fit the model without it."
        )
    return by_likelihood(fit, "cluster-robust covariances")


def cluster_scores(fit: GlmmFit, cluster: Any = None) -> Matrix:
    """Derivatives of every cluster's log-likelihood at the optimum, (J, m).

    In the parameters of the search: covariances, then the core's coefficients. They add up to
    zero.
    """
    solution = by_likelihood(fit, "scores of clusters")
    random = tuple(effects for design in fit.designs.values() for effects in design.random)
    codes = cluster_codes(dataclasses.replace(fit.design, random=random), cluster)
    used, own = np.unique(solution.layout.rows(codes), return_inverse=True)
    numbers = np.zeros(len(codes), dtype=np.int64)
    numbers[np.arange(len(codes)) if solution.layout.kept is None else solution.layout.kept] = own
    return -0.5 * gradient_by_cluster(solution, fit.response, numbers, len(used))


def robust_vcov(fit: GlmmFit, cluster: Any = None, kind: RobustKind = "CR1") -> Matrix:
    """Return the cluster-robust covariance of the mean's fixed effects.

    Parameters
    ----------
    fit, cluster, kind
        As for :func:`cluster_robust`, of which this is the covariance.

    Returns
    -------
    (p, p) array
        NaN for columns left out.

    Raises
    ------
    DataError, ModelError, NotAvailableError
        As :func:`cluster_robust`.

    Warns
    -----
    ConvergenceWarning
        If the fit is no optimum.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.glmm("TICKS ~ YEAR + (1 | LOCATION)", pp.load_dataset("grouseticks"),
    ...               family="poisson")
    >>> fit.robust_vcov().shape
    (3, 3)
    """
    robust = _sandwich(fit, cluster, kind)
    warn_unless_converged(fit, "cluster-robust covariances")
    beta = fit.fixef.values
    kept = np.flatnonzero(np.isfinite(beta))
    out = np.full((len(beta), len(beta)), np.nan)
    out[np.ix_(kept, kept)] = robust.vcov
    return out


def robust_tests(
    fit: GlmmFit, cluster: Any = None, kind: RobustKind = "CR1", level: float = 0.95
) -> Any:
    """Tabulate the coefficients of all parts with cluster-robust standard errors.

    Parameters
    ----------
    fit, cluster, kind
        As for :func:`cluster_robust`.
    level
        Of the intervals.

    Returns
    -------
    native frame
        ``effect``, ``component``, ``group``, ``term``, ``estimate``, ``std_error``, ``statistic``
        (t), ``df`` (clusters less one), ``p_value``, ``conf_low``, ``conf_high``.

    Raises
    ------
    DataError, ModelError, NotAvailableError
        As :func:`cluster_robust`; DataError also if the level is none.

    Warns
    -----
    ConvergenceWarning
        If the fit is no optimum.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.glmm("TICKS ~ YEAR + (1 | BROOD)", pp.load_dataset("grouseticks"),
    ...               family="poisson")
    >>> robust_tests(fit)["df"].tolist()
    [117.0, 117.0, 117.0]
    """
    check_level(level)
    robust = _sandwich(fit, cluster, kind)
    warn_unless_converged(fit, "tests")
    solution = by_likelihood(fit, "cluster-robust covariances")
    found = [e for e in estimated(fit, solution) if e.parameter.kind == "fixed"]
    estimate = np.array([e.value for e in found])
    std_error = np.array([e.error(robust.whole) for e in found])
    df = robust.df(std_error)
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = estimate / std_error
    p_value = two_sided(statistic, df)
    tests = Contrasts(estimate, std_error, df, statistic, p_value, robust.name)
    columns = parameter_columns(tuple(e.parameter for e in found))
    return make_frame(columns | tests.columns(level), fit.kind)
