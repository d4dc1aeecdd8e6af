"""Sandwich covariances CR0, CR1 and CR2 with Satterthwaite degrees of freedom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import DataError, NotAvailableError
from partialpool.frames import make_frame
from partialpool.inference.parameters import fixed_columns
from partialpool.inference.protocol import GaussianFit, GaussianWaldFit
from partialpool.inference.robust.clusters import Cluster, cluster_codes, clusters
from partialpool.inference.wald import check_level, coefficient_tests
from partialpool.solve import Solution

__all__ = ["ClusterRobust", "RobustKind", "cluster_robust", "robust_tests"]

Matrix = NDArray[np.float64]
RobustKind: TypeAlias = Literal["CR0", "CR1", "CR2"]
# Eigenvalues of an adjustment below this are those of what a cluster alone determines.
_DETERMINED = 1e-10


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ClusterRobust:
    """A sandwich covariance and the degrees of freedom that it deserves.

    Attributes
    ----------
    kind
        ``"CR0"``, ``"CR1"`` or ``"CR2"``.
    vcov : (r, r) array
        Covariance of the estimated fixed effects.
    bread : (r, r) array
        (X'V^-1 X)^-1, over sigma^2.
    loads : (J, r, d) list of arrays
        X'V^-1 A of every cluster, in its coordinates.
    parts
        The clusters.
    """

    kind: RobustKind
    vcov: Matrix
    bread: Matrix
    loads: tuple[Matrix, ...]
    parts: tuple[Cluster, ...]

    @property
    def name(self) -> str:
        """How it is called in a table's note."""
        return f"{self.kind} over {len(self.parts)} clusters, Satterthwaite"

    def df(self, L: Matrix) -> Matrix:
        """Degrees of freedom (m,) of t for every row of L (m, r).

        References
        ----------
        Bell & McCaffrey (2002), Survey Methodology 28(2), 169-181; Pustejovsky & Tipton (2018),
        Journal of Business & Economic Statistics 36(4), 672-683, equation 11.
        """
        rows = L @ self.bread
        own = np.empty((len(self.parts), len(L)))
        across = np.empty((len(self.parts), len(L), self.bread.shape[0]))
        for j, (load, part) in enumerate(zip(self.loads, self.parts, strict=True)):
            a = rows @ load
            own[j] = np.einsum("md,de,me->m", a, part.V, a)
            across[j] = a @ part.X
        shared = np.einsum("jmr,rs,jms->jm", across, self.bread, across)
        inner = np.einsum("jmr,jms->mrs", across, across) @ self.bread
        trace = (own - shared).sum(axis=0)
        squares = (own**2 - 2.0 * own * shared).sum(axis=0)
        squares = squares + np.einsum("mrs,msr->m", inner, inner)
        return np.asarray(trace**2 / squares)

    def scaled(self, L: Matrix, statistic: float) -> tuple[float, float]:
        """Judge F by the smallest degrees of freedom among its rows, which is conservative."""
        return statistic, float(self.df(L).min())

    def __repr__(self) -> str:
        return f"<covariance {self.name}>"


def cluster_robust(
    fit: GaussianFit, cluster: Any = None, kind: RobustKind = "CR2"
) -> ClusterRobust:
    """Compute a cluster-robust covariance of the fixed effects.

    Parameters
    ----------
    fit
        A fitted linear model.
    cluster
        A grouping factor of the model, labels of the rows (n,), or None for the outermost
        grouping factor.
    kind
        ``"CR0"``: plain; ``"CR1"``: times J / (J - 1); ``"CR2"``: unbiased if the model's
        covariance is right, and good for few clusters.

    Raises
    ------
    DataError
        If the kind or the cluster is none.
    ModelError
        If random effects reach over several clusters.
    NotAvailableError
        For generalized models.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.lmm("Reaction ~ Days + (1 | Subject)", pp.load_dataset("sleepstudy"))
    >>> np.sqrt(np.diag(cluster_robust(fit).vcov)).round(3)
    array([6.825, 1.546])

    References
    ----------
    Pustejovsky & Tipton (2018), Journal of Business & Economic Statistics 36(4), 672-683.
    """
    if kind not in ("CR0", "CR1", "CR2"):
        raise DataError(f"kind must be 'CR0', 'CR1' or 'CR2', found {kind!r}.")
    if not isinstance(fit.solution, Solution):
        raise NotAvailableError("cluster-robust covariances exist for linear models only.")
    codes = cluster_codes(fit.design, cluster)
    parts = tuple(clusters(fit, codes))
    J = len(parts)
    if J < 2:
        raise DataError(f"a cluster-robust covariance needs two or more clusters, found {J}.")
    bread = fit.solution.root @ fit.solution.root.T
    scale = float(np.sqrt(J / (J - 1.0))) if kind == "CR1" else 1.0
    loads: list[Matrix] = []
    meat = np.zeros_like(bread)
    for part in parts:
        weighted = np.asarray(np.linalg.solve(part.V, part.X).T, np.float64)
        load = weighted @ _adjustment(part, bread) if kind == "CR2" else weighted * scale
        score = load @ part.residual
        meat += np.outer(score, score)
        loads.append(load)
    return ClusterRobust(kind, bread @ meat @ bread, bread, tuple(loads), parts)


def _adjustment(part: Cluster, bread: Matrix) -> Matrix:
    """A = D'B^+1/2 D with D'D = V and B = D (V - X C X') D', which doesn't depend on D."""
    D = np.linalg.cholesky(part.V).T
    B = D @ (part.V - part.X @ bread @ part.X.T) @ D.T
    values, vectors = np.linalg.eigh(0.5 * (B + B.T))
    kept = values > _DETERMINED * values[-1]
    half = (vectors[:, kept] / np.sqrt(values[kept])) @ vectors[:, kept].T
    return np.asarray(D.T @ half @ D)


def robust_tests(
    fit: GaussianWaldFit, cluster: Any = None, kind: RobustKind = "CR2", level: float = 0.95
) -> Any:
    """Tabulate the coefficients with cluster-robust standard errors.

    Parameters
    ----------
    fit, cluster, kind
        As for :func:`cluster_robust`.
    level
        Of the intervals.

    Returns
    -------
    native frame
        ``effect``, ``group``, ``term``, ``estimate``, ``std_error``, ``statistic``, ``df``
        (Satterthwaite), ``p_value``, ``conf_low``, ``conf_high``.

    Raises
    ------
    DataError, ModelError, NotAvailableError
        As :func:`cluster_robust`; DataError also if the level is none.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.lmm("Reaction ~ Days + (1 | Subject)", pp.load_dataset("sleepstudy"))
    >>> fit.robust_tests()["df"].round(2).tolist()
    [17.0, 17.0]
    """
    check_level(level)
    robust = cluster_robust(fit, cluster, kind)
    found = coefficient_tests(fit, calibration=robust)
    columns = fixed_columns(fit.fixef.names) | found.columns(level)
    return make_frame(columns, fit.design.spec.kind)
