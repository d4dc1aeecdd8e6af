"""The linear mixed model written out in full: the twin that the fast code must match.

Nothing here knows of blocks, cross-products or the package. The covariance matrix
of the response is an explicit n x n matrix, the random effects one long vector,
derivatives are differences. Slow, plain, and therefore a proof.

Relative means divided by sigma²: Var(b) = sigma² G with G block diagonal in one
``Sigma`` per term, and Var(y) = sigma² V with V = W^-1 + Z G Z'.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import block_diag, solve_triangular
from scipy.optimize import minimize

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Term:
    """One random term: codes (n,), basis (n, k), number of levels J, where it applies (J, k)."""

    codes: NDArray[np.integer]
    basis: Matrix
    levels: int
    applies: NDArray[np.bool_] | None = None

    @property
    def k(self) -> int:
        return self.basis.shape[1]

    def columns(self) -> Matrix:
        """Every effect's column, level by level: (n, J k)."""
        return dense_columns(self.codes, self.masked(self.codes, self.basis), self.levels)

    def masked(self, codes: NDArray[np.integer], basis: Matrix) -> Matrix:
        """Return the basis with zeros where a column does not apply to the row's level."""
        return basis if self.applies is None else np.where(self.applies[codes], basis, 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """Arrays of a linear mixed model; X has full rank, sigma is None unless known."""

    y: Vector
    X: Matrix
    terms: tuple[Term, ...]
    weights: Vector | None = None
    offset: Vector | None = None
    reml: bool = True
    sigma: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """What a model says at one value of the relative covariances.

    ``b`` holds a (J, k) array per term; ``cond_cov`` is Var(b | y, beta), (q, q);
    ``joint_cov`` is Var([beta_hat - beta, b_hat - b]), (p + q, p + q); ``hat`` the
    diagonal of d fitted / d y. Covariances are absolute: sigma² is multiplied in.
    """

    objective: float
    beta: Vector
    vcov: Matrix
    sigma: float
    b: tuple[Matrix, ...]
    cond_cov: Matrix
    joint_cov: Matrix
    fitted: Vector
    hat: Vector

    def cond_sd(self) -> tuple[Matrix, ...]:
        """Return conditional standard deviations, shaped as ``b``."""
        flat, sds, start = np.sqrt(np.diag(self.cond_cov).clip(0)), [], 0
        for b in self.b:
            sds.append(flat[start : start + b.size].reshape(b.shape))
            start += b.size
        return tuple(sds)


def dense_columns(codes: NDArray[np.integer], basis: Matrix, levels: int) -> Matrix:
    """Spread a basis over the columns of its level; code -1 is a level without columns."""
    n, k = basis.shape
    Z = np.zeros((n, levels, k))
    known = np.flatnonzero(np.asarray(codes) >= 0)
    Z[known, codes[known]] = basis[known]
    return Z.reshape(n, levels * k)


def solve(model: Model, Sigmas: Sequence[Matrix]) -> Solution:
    """Everything at given relative covariances, by generalised least squares."""
    y, X, weights = _counted(model)
    Z = np.hstack([np.zeros((len(model.y), 0)), *(term.columns() for term in model.terms)])
    Zc = Z[_rows(model)]
    G = block_diag(
        *(np.kron(np.eye(t.levels), S) for t, S in zip(model.terms, Sigmas, strict=True))
    )
    G = G if model.terms else np.zeros((0, 0))
    V_inv = np.linalg.inv(Zc @ G @ Zc.T + np.diag(1 / weights))
    V_inv = (V_inv + V_inv.T) / 2
    Cx = np.linalg.inv(X.T @ V_inv @ X)
    beta = Cx @ X.T @ V_inv @ y
    P = V_inv - V_inv @ X @ Cx @ X.T @ V_inv
    b = G @ Zc.T @ V_inv @ (y - X @ beta)
    value, s2 = _objective(model, G, Zc)
    cross = -Cx @ X.T @ V_inv @ Zc @ G
    joint = np.block([[Cx, cross], [cross.T, G - G @ Zc.T @ P @ Zc @ G]])
    hat = X @ Cx @ X.T @ V_inv + Zc @ G @ Zc.T @ P
    offset = 0.0 if model.offset is None else model.offset
    return Solution(
        objective=value,
        beta=beta,
        vcov=s2 * Cx,
        sigma=float(np.sqrt(s2)),
        b=_per_term(model, b),
        cond_cov=s2 * (G - G @ Zc.T @ V_inv @ Zc @ G),
        joint_cov=s2 * joint,
        fitted=model.X @ beta + Z @ b + offset,
        hat=_spread(model, np.diag(hat)),
    )


def objective(model: Model, Sigmas: Sequence[Matrix]) -> float:
    """Return minus twice the (restricted) log-likelihood, sigma profiled out unless known."""
    same = [np.equal.outer(t.codes, t.codes) for t in model.terms]
    basis = [t.masked(t.codes, t.basis) for t in model.terms]
    V = sum(
        (z @ S @ z.T * g for z, S, g in zip(basis, Sigmas, same, strict=True)),
        start=np.zeros((len(model.y), len(model.y))),
    )
    rows = _rows(model)
    return _criterion(model, V[np.ix_(rows, rows)])[0]


def prediction_variance(
    model: Model, solution: Solution, X: Matrix, codes: Sequence[NDArray], basis: Sequence[Matrix]
) -> Vector:
    """Variance of x'beta + z'b for new rows, beta and b uncertain together.

    A code of -1 (a new level) adds nothing here: its b is zero and known to be so.
    """
    Z = [
        dense_columns(c, t.masked(np.maximum(c, 0), z), t.levels)
        for t, c, z in zip(model.terms, codes, basis, strict=True)
    ]
    rows = np.hstack([X, *Z])
    return np.einsum("ij,jk,ik->i", rows, solution.joint_cov, rows)


# --- parameters -------------------------------------------------------------------------


def unstructured(theta: Vector, k: int) -> Matrix:
    """Sigma from the lower triangle of its factor, column by column (lme4's order)."""
    Lambda = np.zeros((k, k))
    columns, rows = np.triu_indices(k)
    Lambda[rows, columns] = theta
    return Lambda @ Lambda.T


def diagonal(theta: Vector, k: int) -> Matrix:
    """Sigma from k standard deviations, or one for all."""
    return np.diag(np.broadcast_to(theta, k) ** 2)


def compound_symmetric(theta: Vector, k: int) -> Matrix:
    """Sigma from standard deviations (k or one) and one correlation for every pair."""
    _within(-1 / (k - 1), theta[-1])
    sd = np.abs(np.broadcast_to(theta[:-1], k))  # a sign would turn some correlations round
    return np.outer(sd, sd) * np.where(np.eye(k), 1.0, theta[-1])


def autoregressive(theta: Vector, k: int) -> Matrix:
    """Sigma from one standard deviation and the correlation of neighbours."""
    _within(-1, theta[1])
    lag = np.abs(np.subtract.outer(np.arange(k), np.arange(k)))
    return theta[0] ** 2 * theta[1] ** lag


def heterogeneous_autoregressive(theta: Vector, k: int) -> Matrix:
    """Sigma from k standard deviations and the correlation of neighbours."""
    return np.outer(theta[:k], theta[:k]) * autoregressive(np.array([1.0, theta[k]]), k)


def toeplitz(theta: Vector, k: int) -> Matrix:
    """Sigma from one or k standard deviations and a correlation for every lag."""
    lag = np.abs(np.subtract.outer(np.arange(k), np.arange(k)))
    R = np.append(1.0, theta[-(k - 1) :])[lag]
    if np.linalg.eigvalsh(R)[0] < -1e-12:
        raise np.linalg.LinAlgError("these are no correlations of a Toeplitz matrix")
    sd = np.broadcast_to(theta[: len(theta) - k + 1], k)
    return np.outer(sd, sd) * R


def by_lag(partial: Sequence[float]) -> Vector:
    """Correlations by lag from partial ones, each found as a Schur complement says.

    The partial correlation of the first and last of m + 1 effects given those between is
    (r_m - c'C^-1 d) / sqrt((1 - c'C^-1 c)(1 - d'C^-1 d)).
    """
    r = [1.0]
    for m, z in enumerate(partial, start=1):
        inner = np.arange(1, m)
        C = np.array(r)[np.abs(np.subtract.outer(inner, inner))]
        c, d = np.array(r)[inner], np.array(r)[m - inner]
        solved = np.linalg.solve(C, np.column_stack([c, d])) if m > 1 else np.zeros((0, 2))
        room = np.sqrt((1 - c @ solved[:, 0]) * (1 - d @ solved[:, 1]))
        r.append(float(c @ solved[:, 1] + z * room))
    return np.array(r[1:])


def _within(lowest: float, correlation: float) -> None:
    """V may be positive definite where the correlation matrix isn't: refuse to go there."""
    if not lowest <= correlation <= 1:
        raise np.linalg.LinAlgError(f"there is no correlation matrix with {correlation}")


Chart = Callable[[Vector, int], Matrix]


def split(theta: Vector, sizes: Sequence[int]) -> list[Vector]:
    """Cut one parameter vector into the parts of its terms."""
    return np.split(np.asarray(theta, dtype=float), np.cumsum(sizes)[:-1])


def n_parameters(chart: Chart, k: int) -> int:
    """Return how many parameters a heterogeneous chart has."""
    return {
        unstructured: k * (k + 1) // 2,
        diagonal: k,
        compound_symmetric: k + 1,
        autoregressive: 2,
        heterogeneous_autoregressive: k + 1,
        toeplitz: 2 * k - 1,
    }[chart]


def as_function(model: Model, charts: Sequence[Chart] | None = None) -> Callable[[Vector], float]:
    """Return the objective as a function of all terms' parameters, one after the other."""
    charts = charts or [unstructured] * len(model.terms)
    ks = [t.k for t in model.terms]
    sizes = [n_parameters(c, k) for c, k in zip(charts, ks, strict=True)]

    def value(theta: Vector) -> float:
        parts = split(theta, sizes)
        try:
            return objective(model, [c(t, k) for c, t, k in zip(charts, parts, ks, strict=True)])
        except np.linalg.LinAlgError:
            return np.inf

    return value


def default_start(model: Model, charts: Sequence[Chart] | None = None, size: float = 0.5) -> Vector:
    """Return independent effects whose contribution to a row has variance about size²."""
    charts = charts or [unstructured] * len(model.terms)
    start = []
    for term, chart in zip(model.terms, charts, strict=True):
        sd = size / np.sqrt(np.mean(term.masked(term.codes, term.basis) ** 2, axis=0))
        flat = {
            unstructured: lambda sd=sd: np.diag(sd)[np.triu_indices(len(sd))],
            diagonal: lambda sd=sd: sd,
            compound_symmetric: lambda sd=sd: np.append(sd, 0.1),
            autoregressive: lambda sd=sd: np.array([sd.mean(), 0.1]),
            heterogeneous_autoregressive: lambda sd=sd: np.append(sd, 0.1),
            toeplitz: lambda sd=sd: np.append(sd, np.zeros(len(sd) - 1)),
        }[chart]
        start.append(flat())
    return np.concatenate(start)


def lowest(value: Callable[[Vector], float], start: Vector) -> tuple[Vector, float]:
    """Minimise without derivatives of ours: BFGS on differences, in units of the start."""
    scale = np.where(start == 0, np.max(np.abs(start)), np.abs(start))
    scaled = lambda x: value(x * scale)  # noqa: E731
    x, best = start / scale, np.inf
    for _ in range(5):  # a line search may give up in the noise: begin again from there
        found = minimize(scaled, x, jac=lambda x: gradient(scaled, x), method="BFGS")
        x, improvement = found.x, best - found.fun
        best = float(found.fun)
        if improvement < 1e-9:
            break
    return x * scale, best


# --- differences ------------------------------------------------------------------------


def gradient(value: Callable[[Vector], float], x: Vector, step: float = 1e-5) -> Vector:
    """Fourth-order central differences; the step is right for parameters of order one."""
    x = np.asarray(x, dtype=float)
    steps = step * np.eye(len(x))
    return np.array(
        [
            (8 * (value(x + h) - value(x - h)) - (value(x + 2 * h) - value(x - 2 * h)))
            / (12 * step)
            for h in steps
        ]
    )


def hessian(value: Callable[[Vector], float], x: Vector, step: float = 1e-3) -> Matrix:
    """Central differences of values, with Richardson's step: error of fourth order."""
    return (4 * _hessian(value, x, step / 2) - _hessian(value, x, step)) / 3


def _hessian(value: Callable[[Vector], float], x: Vector, step: float) -> Matrix:
    x = np.asarray(x, dtype=float)
    E = step * np.eye(len(x))
    H = np.empty((len(x), len(x)))
    for i, a in enumerate(E):
        for j, b in enumerate(E[: i + 1]):
            H[i, j] = H[j, i] = (
                value(x + a + b) - value(x + a - b) - value(x - a + b) + value(x - a - b)
            ) / (4 * step**2)
    return H


# --- parts ------------------------------------------------------------------------------


def _rows(model: Model) -> NDArray[np.intp]:
    """Rows that count: those with a positive weight."""
    n = len(model.y)
    return np.arange(n) if model.weights is None else np.flatnonzero(model.weights > 0)


def _counted(model: Model) -> tuple[Vector, Matrix, Vector]:
    rows = _rows(model)
    y = model.y if model.offset is None else model.y - model.offset
    weights = np.ones(len(y)) if model.weights is None else model.weights
    return y[rows], model.X[rows], weights[rows]


def _objective(model: Model, G: Matrix, Z: Matrix) -> tuple[float, float]:
    return _criterion(model, Z @ G @ Z.T)


def _criterion(model: Model, ZGZ: Matrix) -> tuple[float, float]:
    """Objective and sigma², by whitening with the factor of V: safer than its inverse."""
    y, X, weights = _counted(model)
    L = np.linalg.cholesky(ZGZ + np.diag(1 / weights))
    R = np.linalg.qr(
        solve_triangular(L, np.column_stack([X, y]), lower=True, check_finite=False), mode="r"
    )
    pivots, p = np.abs(np.diag(R)), X.shape[1]
    s = pivots[p] ** 2
    nu = len(y) - p if model.reml else len(y)
    s2 = s / nu if model.sigma is None else model.sigma**2
    value = 2 * np.sum(np.log(np.diag(L))) + nu * np.log(2 * np.pi * s2) + s / s2
    if model.reml:
        value += 2 * np.sum(np.log(pivots[:p]))
    return float(value), float(s2)


def _per_term(model: Model, b: Vector) -> tuple[Matrix, ...]:
    shapes = [(t.levels, t.k) for t in model.terms]
    parts = split(b, [J * k for J, k in shapes]) if shapes else []
    return tuple(part.reshape(shape) for part, shape in zip(parts, shapes, strict=True))


def _spread(model: Model, values: Vector) -> Vector:
    """Values of the counted rows, zero for the others."""
    out = np.zeros(len(model.y))
    out[_rows(model)] = values
    return out
