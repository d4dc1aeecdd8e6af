"""Deviations in a metric of their own: l2 sum_g u_g'D^-1 u_g, least over D of trace one.

For given deviations V (a row for each level) the best D is (V'V)^(1/2) over its trace, which
makes the penalty the square of V's nuclear norm. With a root of D, D = L L' and ||L|| = 1, and
u = L c, the penalty is l2 ||c||^2: a ridge problem that stays well conditioned where D loses
dimensions. What is left after c is a smooth function of L, whose gradient is sum_g s_g c_g' with
s = Z'slope of the loss. A quasi-Newton search over L takes tens of ridge problems where letting
metric and deviations take turns takes hundreds.

References
----------
Argyriou, Evgeniou & Pontil (2008), Machine Learning 73(3), 243-272.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.shrinkage.layout import Layout
from partialpool.shrinkage.metric import expand
from partialpool.shrinkage.penalty import deviation_rows

__all__ = ["Inner", "Reweighted", "choose_metric"]

Vector = NDArray[np.float64]

_MOST = 1000


@dataclass(frozen=True, slots=True, eq=False)
class Inner:
    """The coefficients that are best in one metric.

    Attributes
    ----------
    c
        Coefficients, the deviations in coordinates of the metric.
    s
        Derivatives of the loss's part in u.
    value
        Loss plus penalty.
    slope
        Derivative of the value in the logarithm of sigma.
    steps
        Ridge problems solved.
    """

    c: Vector
    s: Vector
    value: float
    slope: float
    steps: int


@dataclass(frozen=True, slots=True, eq=False)
class Reweighted:
    """Where the search ended.

    Attributes
    ----------
    theta
        Coefficients.
    metrics
        D of each set of deviations.
    iterations
        Ridge problems solved.
    """

    theta: Vector
    metrics: tuple[Vector, ...]
    iterations: int


def choose_metric(
    solve: Callable[[tuple[Vector, ...], float], Inner], layout: Layout, shared: bool, sigma: float
) -> Reweighted:
    """Find the metric in which loss plus penalty is least.

    Parameters
    ----------
    solve
        Gives the best coefficients for L of each term and a scale sigma. The root of the mean
        square rho is the least of rho^2 / (2 sigma) + sigma / 2; other losses have no scale.
    layout
        Order of the coefficients.
    shared
        Whether all terms have one metric.
    sigma
        Where to begin; 0 for a loss without scale.
    """
    from scipy.optimize import minimize  # late: a tenth of a second

    sizes = [V.shape[1] for V in deviation_rows(layout, np.zeros(layout.size), shared)]
    count = 0
    theta = np.zeros(layout.size)

    def evaluate(x: Vector) -> tuple[float, Vector]:
        nonlocal count, theta
        free, log_sigma = _unpack(x, sizes)
        roots = [L / np.linalg.norm(L) for L in free]
        each = tuple(roots * len(layout.shapes) if shared else roots)
        inner = solve(each, float(np.exp(log_sigma)))
        count += inner.steps
        theta = expand(layout, each, inner.c)
        C = deviation_rows(layout, inner.c, shared)
        S = deviation_rows(layout, inner.s, shared)
        gradient = [_gradient(L, s.T @ c) for L, s, c in zip(free, S, C, strict=True)]
        slope = [inner.slope] if sigma else []
        return inner.value, np.concatenate([*(g.ravel() for g in gradient), slope])

    start: list[Vector] = [np.eye(k).ravel() for k in sizes]
    start += [np.array([np.log(sigma)])] if sigma else []
    options: Any = {"maxiter": _MOST, "maxfun": 2 * _MOST, "maxcor": 50, "ftol": 0.0, "gtol": 1e-12}
    found = minimize(evaluate, np.concatenate(start), jac=True, method="L-BFGS-B", options=options)
    evaluate(found.x)
    metrics = tuple(_best_metric(V) for V in deviation_rows(layout, theta, shared))
    return Reweighted(theta, metrics, count)


def _unpack(x: Vector, sizes: list[int]) -> tuple[list[Vector], float]:
    roots, at = [], 0
    for k in sizes:
        roots.append(x[at : at + k * k].reshape(k, k))
        at += k * k
    return roots, float(x[at]) if at < len(x) else 0.0


def _gradient(L: Vector, along: Vector) -> Vector:
    """Derivative in L, given that in L over its length."""
    size = float(np.linalg.norm(L))
    unit = L / size
    return np.asarray((along - np.sum(along * unit) * unit) / size)


def _best_metric(V: Vector) -> Vector:
    values, vectors = np.linalg.eigh(V.T @ V)
    roots = np.sqrt(np.clip(values, 0.0, None))
    total = float(roots.sum())
    return (
        np.asarray((vectors * roots) @ vectors.T) / total if total else np.eye(len(V.T)) / len(V.T)
    )
