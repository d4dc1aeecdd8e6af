"""Coefficients without a finite estimate: found, and named."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import ModelError
from partialpool.families import Response
from partialpool.families.links import LINKS, Link
from partialpool.solve.generalized.solution import GeneralizedSolution

__all__ = ["refuse_separated"]

Vector = NDArray[np.float64]

# Information per row about a standardised column; below it the likelihood is flat in it.
_FLAT = 1e-6
# Slope of the mean in its linear predictor, that of the logit at 8.
_SATURATED = 3.4e-4
_SHOWN = 5


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    """Coefficients of which a combination may be infinite.

    Attributes
    ----------
    names : (p,)
        Of the coefficients.
    matrix : (p, p) array
        From mapped coefficients to these.
    information : (p, p) array
        About the mapped coefficients.
    X : (m, p) array
        What the coefficients are multiplied by, in predictors that end on a scale of
        probabilities.
    eta : (m,) array
        These predictors.
    rows : (m,) array
        Which row each belongs to.
    link
        From these predictors to probabilities or means.
    what
        What rises without end.
    cure
        What helps besides leaving columns out or merging levels.
    """

    names: list[str]
    matrix: Vector
    information: Vector
    X: Vector
    eta: Vector
    rows: NDArray[np.intp]
    link: Link
    what: str
    cure: str


def refuse_separated(solution: GeneralizedSolution, response: Response) -> None:
    """Refuse a model whose likelihood still rises where a coefficient goes to infinity.

    That is so where columns separate the rows: all with some value have the same response.
    Far out the rows' weights vanish, and with them the information about the direction. The
    coefficients looked at are those of the mean, with the thresholds of an ordinal model, and
    those of a hurdle. Zero inflation that runs to none is no error: the mean is as if it
    weren't there.

    Raises
    ------
    ModelError
        Naming the columns and the rows.

    References
    ----------
    Albert & Anderson (1984), Biometrika 71, 1-10.
    """
    for block in _blocks(solution, response):
        if block.names:
            _refuse_block(block, response)


def _blocks(solution: GeneralizedSolution, response: Response) -> list[_Block]:
    blocks = []
    if solution.objective.penalty is None:
        blocks.append(_ordinal(solution, response) if solution.thresholds else _mean(solution))
    if solution.zero == "hurdle":
        blocks.append(_hurdle(solution))
    return blocks


def _part(solution: GeneralizedSolution, group: int, link: Link, what: str, cure: str) -> _Block:
    problem, part = solution.problem, solution.layout.parts[group]
    kept = problem.kept(group)
    first = sum(len(problem.kept(g)) for g in range(group))
    own = slice(first, first + len(kept))
    X = solution.layout.rows(part.X)[:, kept]
    return _Block(
        [part.columns[i] for i in kept],
        problem.matrix(group),
        solution.information[own, own],
        X,
        solution.layout.rows(solution.eta[part.name]),
        np.arange(len(X)),
        link,
        what,
        cure,
    )


def _mean(solution: GeneralizedSolution) -> _Block:
    family = solution.family
    return _part(solution, 0, family.link, f"{family.name} likelihood", _PENALTY)


def _hurdle(solution: GeneralizedSolution) -> _Block:
    group = [part.name for part in solution.layout.parts].index("zero_inflation")
    return _part(solution, group, LINKS["logit"], "likelihood of the zeros", "")


def _ordinal(solution: GeneralizedSolution, response: Response) -> _Block:
    """The mean's coefficients with the thresholds, of which all may run off together."""
    mean, K = _mean(solution), solution.thresholds
    labels = response.levels or ()
    category = response.values.astype(np.intp)
    thresholds = solution.beta["thresholds"]
    below, above = np.flatnonzero(category < K), np.flatnonzero(category > 0)
    rows = np.concatenate([below, above])
    ends = np.concatenate([category[below], category[above] - 1])
    indicator = np.eye(K)[ends]
    p = len(mean.names)
    matrix = np.eye(p + K)
    matrix[:p, :p] = mean.matrix
    return _Block(
        [*mean.names, *(f"{labels[k]}|{labels[k + 1]}" for k in range(K))],
        matrix,
        solution.information,
        np.column_stack([-mean.X[rows], indicator]),
        thresholds[ends] - mean.eta[rows],
        rows,
        mean.link,
        mean.what,
        mean.cure,
    )


def _refuse_block(block: _Block, response: Response) -> None:
    # Columns are orthonormal up to the number of rows, so this is information per row.
    values, vectors = np.linalg.eigh(block.information / len(response.values))
    if values[0] > _FLAT:
        return
    direction = block.matrix @ vectors[:, 0]
    moved = np.abs(block.X @ direction)
    if not _saturated(block, moved):
        return
    spread = np.abs(direction) * np.abs(block.X).max(axis=0)
    names = [block.names[i] for i in np.argsort(-spread) if spread[i] > 0.1 * spread.max()]
    rows = np.unique(block.rows[moved > 0.1 * moved.max()])
    raise ModelError(_message(names, rows, response, block))


def _saturated(block: _Block, moved: Vector) -> bool:
    """Whether the rows that the direction moves are all at the end of their range.

    That is where the mean hardly moves any more: soon with the probit and cloglog links.
    """
    far = moved > 1e-3 * moved.max()
    return bool(np.median(np.abs(block.link.slope(block.eta[far]))) < _SATURATED)


_PENALTY = ", or pass penalty=2.5, a weak normal prior on the coefficients"


def _message(names: list[str], rows: NDArray[np.intp], response: Response, block: _Block) -> str:
    given = rows if response.rows is None else response.rows[rows]
    shown = ", ".join(map(str, given[:_SHOWN])) + (", ..." if len(rows) > _SHOWN else "")
    return (
        f"the estimate of {', '.join(map(repr, names[:_SHOWN]))} is infinite: the columns separate "
        f"the response {response.text!r}. In {len(rows)} row(s) ({shown}) "
        f"{_same(response, rows, block)}, so that the {block.what} rises without end. Leave the "
        f"columns out, or merge levels{block.cure}."
    )


def _same(response: Response, rows: NDArray[np.intp], block: _Block) -> str:
    y = response.values[rows]
    if response.levels is not None:
        found = sorted(set(y.astype(np.intp).tolist()))
        if len(found) == 1:
            return f"the response is {response.levels[found[0]]!r}"
        return "the columns alone tell categories apart"
    if "zeros" in block.what and (y > 0).all():
        return "the response isn't 0"
    shares = response.proportions[rows]
    if (shares == shares[0]).all():
        return f"the response is {response.describe(float(shares[0]))}"
    return "the response is fitted exactly"
