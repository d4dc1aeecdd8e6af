"""Evidence about an optimum, and directions in which random effects don't vary."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partialpool.design import Design, RandomEffects
from partialpool.formula.structures import UNCORRELATED, position_name
from partialpool.inference import Estimates

__all__ = ["Certificate", "NullDirection", "find_null_directions"]

# A standard deviation this small beside the term's others is zero: the core sets it so.
_ZERO = 1e-7
# A correlation enters by its angle, so a search within 1e-6 of the end of its range leaves a
# standard deviation as small; the core doesn't move it to the end.
_ZERO_BY_CORRELATION = 1e-5


@dataclass(frozen=True, slots=True, eq=False)
class NullDirection:
    """A combination of one term's effects that doesn't vary between levels.

    Attributes
    ----------
    group
        Grouping factor.
    columns
        Names of the k effects.
    direction : (k,) array
        Weights v of the combination v'b, largest entry one in absolute value.
    rank
        Dimension in which the effects do vary.
    """

    group: str
    columns: tuple[str, ...]
    direction: NDArray[np.float64]
    rank: int


@dataclass(frozen=True, slots=True, eq=False)
class Certificate:
    """Evidence that the optimum was found, and what kind it is.

    Attributes
    ----------
    gradient
        Largest derivative of the objective (in units of minus twice the log-likelihood) in
        the core's scaled covariance parameters.
    smallest_eigenvalue
        Of the objective's second derivatives in the same parameters; positive at a minimum, 0
        where the likelihood is flat in some direction.
    exact
        Whether these are exact second derivatives or average information.
    evaluations
        Of the objective.
    singular
        Whether some covariance matrix has lost a dimension.
    converged
        Whether the search ended by its own rule, and nothing speaks against an optimum there.
    null_directions
        The dimensions lost.
    """

    gradient: float
    smallest_eigenvalue: float
    exact: bool
    evaluations: int
    singular: bool
    converged: bool
    null_directions: tuple[NullDirection, ...]


def find_null_directions(
    design: Design, estimates: Estimates, unit: float = 1.0
) -> tuple[NullDirection, ...]:
    """Find the dimensions that the covariances of the random terms have lost.

    Parameters
    ----------
    design
        Of one linear predictor.
    estimates
        Its random effects.
    unit
        What is a moderate standard deviation in the units of the estimates.
    """
    return tuple(
        null
        for i, effects in enumerate(design.random)
        for null in _of_term(effects, estimates.factor(i), unit)
    )


def _of_term(
    effects: RandomEffects, factor: NDArray[np.float64], unit: float
) -> list[NullDirection]:
    group, structure = effects.factor.name, effects.term.structure
    if effects.positions is not None:
        # Smooth correlations of near positions leave some directions nothing, whatever the range.
        gone = float(np.linalg.norm(factor[0])) / unit <= _ZERO
        name = (position_name(effects.columns[0]),)
        return [NullDirection(group, name, np.ones(1), 0)] if gone else []
    free = structure in UNCORRELATED | {"unstructured"}
    zero = _ZERO if free else _ZERO_BY_CORRELATION
    return _null_directions(group, effects.columns, factor, _root(effects.basis) / unit, zero)


def _root(basis: NDArray[np.float64]) -> NDArray[np.float64]:
    """R (k, k) with R'R = Z'Z / n, so that R b has no units and effects can be compared.

    The units of the columns alone are not enough: far from a covariate's zero the intercept
    all but determines its slope, and a free covariance matrix would look singular.
    """
    centre = basis.mean(axis=0)
    around = basis - centre  # Z'Z itself would lose the digits of a column with a large mean
    sizes, axes = np.linalg.eigh(around.T @ around / len(basis))
    rows = np.sqrt(np.maximum(sizes, 0.0))[:, None] * axes.T
    return np.asarray(np.linalg.qr(np.vstack([rows, centre]), mode="r"))


def _null_directions(
    group: str,
    columns: tuple[str, ...],
    factor: NDArray[np.float64],
    root: NDArray[np.float64],
    zero: float,
) -> list[NullDirection]:
    left, sizes, _ = np.linalg.svd(root @ factor)
    rank = int(np.sum(sizes > zero * max(1.0, sizes[0])))
    out = []
    for c in range(rank, len(columns)):
        direction = root.T @ left[:, c]
        direction /= direction[np.argmax(np.abs(direction))]
        out.append(NullDirection(group, columns, direction, rank))
    return out
