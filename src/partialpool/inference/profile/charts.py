"""Covariance parameters in coordinates of which one is held.

A standard deviation or correlation of an unstructured term becomes a coordinate when its effects
stand first: with Sigma = P L L'P', L lower triangular, the first standard deviation is L_11, and
the correlation of the first two is that of L's second row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partialpool.core import STRUCTURE_CODES, CoreForm, structure_name
from partialpool.core import covariance_size as n_parameters
from partialpool.design import Design
from partialpool.formula.structures import BY_LAG, SERIAL
from partialpool.inference.parameters import Parameter
from partialpool.solve import Solution
from partialpool.solve.problem import structure_code

__all__ = ["Layout", "Place", "angle_of", "lay_out", "lower_rows", "turn_term"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """Where free coordinates x put the core's parameters psi.

    Attributes
    ----------
    psi : (m,) array
        Parameters.
    jacobian : (m, len(x)) array
        Their derivatives in x.
    bend
        Gradient in psi -> sum of its entries times the second derivatives of psi.
    """

    psi: Array
    jacobian: Array
    bend: Callable[[Array], Array]


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """The core's parameters seen from one random term.

    Attributes
    ----------
    structure
        The term's, as the core sees it.
    first
        Position of its first parameter.
    k
        Its effects.
    axes
        For the core, one per term; None where they stay as they are.
    unit : (k,) array
        Parameters that stand for standard deviations, times this, are relative ones.
    psi : (m,) array
        The optimum in these coordinates.
    """

    structure: str
    first: int
    k: int
    axes: Sequence[Array | None]
    unit: Array
    psi: Array

    def at(self, row: int, column: int) -> int:
        """Position of an entry of the lower triangular L."""
        before = sum(self.k - c for c in range(column))
        return self.first + before + row - column


def lay_out(design: Design, solution: Solution, parameter: Parameter) -> Layout:
    """Turn the term of a parameter so that the parameter is a coordinate."""
    reduced, problem = solution.reduced, solution.reduced.problem
    order = [term for block in reduced.blocks for term in block.terms]
    codes = [structure_code(design.random[term]) for term in order]
    sizes = [len(design.random[term].columns) for term in order]
    starts = np.cumsum([0, *map(n_parameters, codes, sizes)])
    position = reduced.core_term(parameter.position)
    return turn_term(
        [(code, k, int(first)) for code, k, first in zip(codes, sizes, starts[:-1], strict=True)],
        position,
        parameter,
        np.array(solution.optimum.psi),
        problem.term_map(position),
        solution.factor(parameter.position),
    )


def turn_term(
    terms: Sequence[tuple[CoreForm, int, int]],
    position: int,
    parameter: Parameter,
    psi: Array,
    term_map: Array,
    factor: Array,
) -> Layout:
    """Turn a term of the core so that a parameter is a coordinate.

    Parameters
    ----------
    terms
        Structure, number of effects and position of the first parameter of every term.
    position, parameter
        Which term, and which parameter of it.
    psi : (m,) array
        The optimum.
    term_map, factor : (k, k) array
        What takes the core's effects of the term to the user's, and the user's Lambda.
    """
    code, k, first = terms[position]
    psi, unit = psi.copy(), np.abs(np.diag(term_map))
    axes: list[Array | None] = [None] * len(terms)
    if k == 1:
        psi[first] = abs(psi[first])
    elif code == STRUCTURE_CODES["unstructured"]:
        front = list(reversed(parameter.effects)) if parameter.kind == "cor" else parameter.effects
        turn = [*front, *(c for c in range(k) if c not in front)]
        axes[position] = np.ascontiguousarray(np.linalg.inv(term_map)[:, turn])
        lower = lower_rows(factor[turn])
        psi[first : first + k * (k + 1) // 2] = lower.T[np.triu_indices(k)]
        unit = np.ones(k)
    return Layout(structure_name(code), first, k, axes, unit, psi)


def lower_rows(factor: Array) -> Array:
    """Lower triangular L with non-negative diagonal and L L' = F F'."""
    lower = np.asarray(np.linalg.qr(factor.T, mode="r")).T
    signs = np.where(np.diag(lower) < 0, -1.0, 1.0)
    return np.asarray(lower * signs)


def angle_of(structure: str, k: int, corr: float) -> tuple[float, float]:
    """Angle that stands for a correlation in the core, and the correlation's derivative in it.

    A correlation is ``mid + half sin(angle)`` over its range, which for compound symmetry begins
    at -1 / (k - 1).
    """
    low = -1.0 if structure in SERIAL | BY_LAG else -1.0 / (k - 1)
    mid, half = 0.5 * (1.0 + low), 0.5 * (1.0 - low)
    sine = float(np.clip((corr - mid) / half, -1.0, 1.0))
    return float(np.arcsin(sine)), half * float(np.sqrt(1.0 - sine * sine))
