"""Flat priors under which the posterior is none: its density has no finite integral."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from partialpool.bayes.assignment import Assigned, PartPriors
from partialpool.bayes.priors import Flat
from partialpool.bayes.statement import Statement
from partialpool.errors import ModelError

__all__ = ["refuse_improper"]

Array = NDArray[np.float64]
Rows = NDArray[np.bool_]
# Numbers whose infinity is a model too, and what that is.
_LIMITS = {
    ("nbinom2", "phi"): "Poisson",
    ("truncated_nbinom2", "phi"): "truncated Poisson",
    ("betabinomial", "phi"): "binomial",
    ("student_t", "nu"): "normal",
}


def refuse_improper(stated: Statement) -> None:
    """Refuse flat priors under which there is no posterior.

    Raises
    ------
    ModelError
        Naming the parameter: a standard deviation of too few levels, a number whose infinity is
        a model, or coefficients of columns that separate the response.

    References
    ----------
    Gelman (2006), Bayesian Analysis 1, 515-534: levels. Albert & Anderson (1984), Biometrika
    71, 1-10: separation.
    """
    for name, design in stated.designs.items():
        for effects, term in zip(design.random, stated.priors.parts[name].terms, strict=True):
            flat = [a.parameter for a in term.scales if isinstance(a.prior, Flat)]
            if flat:
                _refuse_few(
                    flat[0], effects.factor.name, len(effects.factor.levels), len(effects.columns)
                )
    for symbol, assigned in stated.priors.scales.items():
        limit = _LIMITS.get((stated.family.name, symbol))
        if limit and isinstance(assigned.prior, Flat):
            raise ModelError(
                f"a flat prior of {symbol} gives no proper posterior: where it goes to infinity "
                f"the model is {limit}, whose likelihood isn't zero. Take another prior, such as "
                "half_normal or gamma."
            )
    for name in stated.designs:
        _refuse_separated(stated, name)


def _refuse_few(parameter: str, factor: str, J: int, k: int) -> None:
    if k + 2 > J:
        raise ModelError(
            f"a flat prior of {parameter} gives no proper posterior: {factor!r} has {J} "
            f"level(s), and {k + 2} are needed. Take another prior, such as half_normal."
        )


def _refuse_separated(stated: Statement, name: str) -> None:
    """Refuse flat coefficients along which the likelihood doesn't vanish at infinity."""
    priors = stated.priors.parts[name]
    if not any(isinstance(a.prior, Flat) for a in priors.fixed):
        return
    if stated.priors.thresholds and name == "mean":
        _refuse_ordered(stated)
        return
    may_rise, may_fall = _unpunished(stated, name)
    used = stated.response.counted
    X = stated.design.X if name == "mean" else stated.designs[name].X
    X = X[:, stated.kept[name]]
    size = np.abs(X).max(axis=0)
    rows = X[used] / size
    A = np.vstack([rows[~may_rise[used]], -rows[~may_fall[used]]])
    direction = _direction(A, _proper(priors, X) / size)
    if direction is not None:
        _refuse_along(stated, priors.fixed, direction)


def _refuse_ordered(stated: Statement) -> None:
    """Refuse directions in which no category's thresholds come closer to where its rows lie."""
    priors, cuts = stated.priors.parts["mean"], stated.priors.thresholds
    used, X = stated.response.counted, stated.design.X[:, stated.kept["mean"]]
    size, K = np.abs(X).max(axis=0), len(cuts)
    place = stated.response.values[used].astype(np.intp)
    below, above = place < K, place > 0
    rows = X[used] / size
    A = np.vstack([
        np.hstack([rows[below], -np.eye(K)[place[below]]]),
        np.hstack([-rows[above], np.eye(K)[place[above] - 1]]),
    ])  # fmt: skip
    known = [
        np.concatenate([-X.mean(axis=0) / size, np.eye(K)[k]])
        for k, assigned in enumerate(cuts)
        if not isinstance(assigned.prior, Flat)
    ]
    own = _proper(priors, X) / size
    proper = np.vstack([np.hstack([own, np.zeros((len(own), K))]), *known])
    direction = _direction(A, proper)
    if direction is not None:
        _refuse_along(stated, (*priors.fixed, *cuts), direction)


def _refuse_along(stated: Statement, assigned: tuple[Assigned, ...], direction: Array) -> None:
    at = np.abs(direction) > 0.1 * np.abs(direction).max()
    named = [a.parameter for a, far in zip(assigned, at, strict=True) if far]
    raise ModelError(
        f"flat priors of {', '.join(named)} give no proper posterior: the columns separate the "
        f"response {stated.response.text}, so that its likelihood isn't zero where they go to "
        "infinity. Give one of them a proper prior, such as normal(0, 2.5), or leave it out."
    )


def _proper(priors: PartPriors, X: Array) -> Array:
    """Combinations of coefficients that have proper priors, as rows."""
    rows = [
        X.mean(axis=0) if place == 0 and priors.centred else np.eye(X.shape[1])[place]
        for place, assigned in enumerate(priors.fixed)
        if not isinstance(assigned.prior, Flat)
    ]
    return np.array(rows).reshape(len(rows), X.shape[1])


def _unpunished(stated: Statement, name: str) -> tuple[Rows, Rows]:
    """Rows whose density stays above zero as the predictor goes to plus or minus infinity."""
    family, zero, y = stated.family.name, stated.zero, stated.response.values
    never = np.zeros(len(y), dtype=bool)
    plain = family.removeprefix("truncated_")
    counts = plain in ("poisson", "nbinom1", "nbinom2")
    always = ~never
    if name == "dispersion":
        # There the model is Poisson, or binomial.
        rises, falls = plain in ("nbinom2", "betabinomial"), plain == "nbinom1"
        return (always if rises else never), (always if falls else never)
    if name == "zero_inflation":
        return y == 0, always if zero == "inflated" else y > 0
    if counts:
        if family.startswith("truncated_"):
            return (y == 0), (y <= 1)
        return (y == 0 if zero == "inflated" else never), y == 0
    if plain in ("binomial", "betabinomial"):
        trials = 1.0 if stated.response.trials is None else stated.response.trials
        # These links end at a finite predictor, where a probability is one.
        bounded = stated.family.link.name in ("log", "identity")
        return (never if bounded else y == trials), y == 0
    return never, never


def _direction(A: Array, proper: Array) -> Array | None:
    """Find a direction other than zero with A d <= 0 (no row's density vanishes), proper d = 0."""
    from scipy.optimize import linprog  # late: heavy

    A = np.unique(A, axis=0)
    for place in _both_signs(A.shape[1]):
        found = linprog(
            place,
            A_ub=A if len(A) else None,
            b_ub=np.zeros(len(A)) if len(A) else None,
            A_eq=proper if len(proper) else None,
            b_eq=np.zeros(len(proper)) if len(proper) else None,
            bounds=(-1.0, 1.0),
        )
        if found.status == 0 and float(found.fun or 0.0) < -1e-6:
            return np.asarray(found.x)
    return None


def _both_signs(p: int) -> Iterator[Array]:
    for j in range(p):
        yield np.eye(p)[j]
        yield -np.eye(p)[j]
