"""Random penalised problems, their dense twins, and a conic solver's answer."""

from __future__ import annotations

import warnings

import numpy as np

from partialpool.shrinkage.classes import ClassRows
from partialpool.shrinkage.losses import Multinomial, RootMeanSquare, Squares, TwoClasses
from partialpool.shrinkage.problem import Problem
from partialpool.shrinkage.rows import Rows, make_term


def make_rows(rng, n, levels, weights="size", loose=True, columns=3):
    """Rows of an intercept and covariates, with a factor of each number of levels."""
    X = np.column_stack([np.ones(n), rng.normal(size=(n, columns - 1))])
    groups = []
    for q in levels:
        codes = rng.integers(-1 if loose else 0, q, size=n).astype(np.int32)
        codes[:q] = np.arange(q)
        groups.append(codes)
    sizes = [np.bincount(g[g >= 0], minlength=q) for g, q in zip(groups, levels, strict=True)]
    total = sum((1 / s).sum() for s in sizes) * columns
    terms = []
    for codes, q, size in zip(groups, levels, sizes, strict=True):
        omega = {"size": 1 / size / total, "equal": np.ones(q)}.get(weights)
        omega = rng.uniform(0.5, 2.0, size=q) if omega is None else omega
        terms.append(make_term(codes, q, X, np.arange(columns), omega))
    return Rows(X, tuple(terms))


def dense(rows):
    """[X Z] with u's columns divided by their weights."""
    own = [t.indicator().toarray() / np.repeat(t.omega, t.shape[1]) for t in rows.terms]
    X = rows.X.toarray() if hasattr(rows.X, "toarray") else rows.X
    return np.column_stack([X, *own])


def make_problem(seed, n, levels, loss, weights="size", **options):
    """A problem whose deviations are of the size of the noise."""
    rng = np.random.default_rng(seed)
    rows = make_rows(rng, n, levels, weights, **options)
    a = rng.uniform(0.5, 2.0, size=n)
    a /= a.sum()
    p = rows.X.shape[1]
    F = dense(rows)
    omega = np.concatenate([np.ones(p), *(np.repeat(t.omega, t.shape[1]) for t in rows.terms)])
    y = F @ (omega * rng.normal(scale=0.3, size=F.shape[1])) + rng.normal(size=n)
    y /= y.std()
    main = np.array([False, True, True])[:p]
    if loss == "multinomial":
        classes = np.digitize(y + rng.normal(size=n), [-0.5, 0.7])
        return Problem(ClassRows(rows, 3), Multinomial(np.eye(3)[classes], a), np.repeat(main, 3))
    two = (y + rng.normal(size=n) > np.median(y)).astype(float)
    made = {
        "rms": lambda: RootMeanSquare(y, a),
        "squared": lambda: Squares(y, a),
        "logistic": lambda: TwoClasses(two, a, 0.1),
    }[loss]()
    return Problem(rows, made, main)


def conic_objective(problem, penalty):
    """The least objective by cvxpy and Clarabel, evaluated at its own solution."""
    import cvxpy as cp

    p = problem.layout.p
    theta = cp.Variable(problem.layout.size)
    length = cp.sum_squares if penalty.squared else cp.norm
    u = theta[p:]
    total = _loss(problem, theta)
    if penalty.l2 and not penalty.reweight:
        total += penalty.l2 * length(u)
    if penalty.l1:
        total += penalty.l1 * cp.norm1(u)
    if penalty.linf:
        total += penalty.linf * cp.norm_inf(cp.multiply(1 / problem.omega, u))
    if penalty.main_l2:
        total += penalty.main_l2 * length(theta[:p][np.flatnonzero(problem.main)])
    if penalty.reweight:
        k = problem.layout.shapes[0][1]
        rows = cp.reshape(u, ((problem.layout.size - p) // k, k), order="C")
        total += penalty.l2 * cp.square(cp.normNuc(rows))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cp.Problem(cp.Minimize(total)).solve(
            solver=cp.CLARABEL,
            tol_gap_abs=1e-12,
            tol_gap_rel=1e-12,
            tol_feas=1e-12,
            tol_ktratio=1e-10,
            max_iter=500,
        )
    return problem.objective(penalty, theta.value)


def _loss(problem, theta):
    import cvxpy as cp

    loss = problem.loss
    F = dense(problem.bare)
    a = loss.weights
    if isinstance(loss, RootMeanSquare):
        return cp.norm(cp.multiply(np.sqrt(a), loss.y - F @ theta))
    if isinstance(loss, Squares):
        return cp.sum_squares(cp.multiply(np.sqrt(a), loss.y - F @ theta))
    if isinstance(loss, TwoClasses):
        return a @ cp.logistic(cp.multiply(1 - 2 * loss.y, F @ theta + loss.offset))
    eta = F @ cp.reshape(theta, (F.shape[1], 3), order="C")
    chosen = cp.sum(cp.multiply(loss.y, eta), axis=1)
    return a @ (cp.log_sum_exp(eta, axis=1) - chosen)
