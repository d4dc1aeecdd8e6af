"""Coefficients without a finite estimate: found, and named."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import ModelError
from partialpool.families import Response
from partialpool.solve.generalized.solution import GeneralizedSolution

__all__ = ["refuse_separated"]

Vector = NDArray[np.float64]

# Information per row about a standardised column; below it the likelihood is flat in it.
_FLAT = 1e-6
# Slope of the mean in its linear predictor, that of the logit at 8.
_SATURATED = 3.4e-4
_SHOWN = 5


def refuse_separated(solution: GeneralizedSolution, response: Response) -> None:
    """Refuse a model whose likelihood still rises where a coefficient goes to infinity.

    That is so where columns separate the rows: all with some value have the same response.
    Far out the rows' weights vanish, and with them the information about the direction.

    Raises
    ------
    ModelError
        Naming the columns and the rows.

    References
    ----------
    Albert & Anderson (1984), Biometrika 71, 1-10.
    """
    problem, part = solution.problem, solution.layout.parts[0]
    kept = problem.kept(0)
    if not kept:
        return
    p = len(kept)
    # Columns are orthonormal up to the number of rows, so this is information per row.
    values, vectors = np.linalg.eigh(solution.information[:p, :p] / len(response.values))
    if values[0] > _FLAT:
        return
    direction = problem.matrix(0) @ vectors[:, 0]
    X = solution.layout.rows(part.X)[:, kept]
    moved = X @ direction
    if not _saturated(solution, moved):
        return
    spread = np.abs(direction) * np.abs(X).max(axis=0)
    names = [part.columns[kept[i]] for i in np.argsort(-spread) if spread[i] > 0.1 * spread.max()]
    raise ModelError(_message(names, moved, response, solution))


def _saturated(solution: GeneralizedSolution, moved: Vector) -> bool:
    """Whether the rows that the direction moves are all at the end of their range.

    That is where the mean hardly moves any more: soon with the probit and cloglog links.
    """
    eta = solution.layout.rows(solution.eta["mean"])
    rows = np.abs(moved) > 1e-3 * np.abs(moved).max()
    return bool(np.median(np.abs(solution.family.link.slope(eta[rows]))) < _SATURATED)


def _message(
    names: list[str], moved: Vector, response: Response, solution: GeneralizedSolution
) -> str:
    rows = np.flatnonzero(np.abs(moved) > 0.1 * np.abs(moved).max())
    given = rows if response.rows is None else response.rows[rows]
    shown = ", ".join(map(str, given[:_SHOWN])) + (", ..." if len(rows) > _SHOWN else "")
    values = np.unique(response.values[rows])
    same = (
        f"the response is {values[0]:g}" if len(values) == 1 else "the response is fitted exactly"
    )
    return (
        f"the estimate of {', '.join(map(repr, names[:_SHOWN]))} is infinite: the columns separate "
        f"the response {response.text!r}. In {len(rows)} row(s) ({shown}) {same}, so that the "
        f"{solution.family.name} likelihood rises without end. Leave the columns out, or merge "
        "levels, or pass penalty=2.5, a weak normal prior on the coefficients."
    )
