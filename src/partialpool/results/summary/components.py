"""The table of variances, standard deviations and correlations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from partialpool.formula.structures import (
    BY_LAG,
    ONE_CORRELATION,
    OWN_SCALES,
    decay_name,
    position_name,
)
from partialpool.results.summary.grid import Grid
from partialpool.results.summary.numbers import cell, correlation_cell, decimals_of_sizes
from partialpool.results.summary.values import Component

__all__ = ["variances"]

_STRUCTURES = {
    "diagonal": "uncorrelated",
    "homdiag": "uncorrelated, equal variances",
    "cs": "compound symmetry",
    "homcs": "compound symmetry, equal variances",
    "ar1": "autoregressive, lag 1",
    "hetar1": "autoregressive, lag 1, a variance for each time",
    "toep": "Toeplitz, Corr with the first is that of the lag",
    "homtoep": "Toeplitz, equal variances, Corr with the first is that of the lag",
}
_DECAYS = {
    "ou": "Ornstein-Uhlenbeck: corr exp(-rate * distance)",
    "exp": "exponential: corr exp(-distance / range)",
    "gau": "Gaussian: corr exp(-(distance / range)^2)",
    "mat32": "Matern of smoothness 3/2",
    "mat52": "Matern of smoothness 5/2",
}
# Wider triangles don't fit a terminal of 80 columns.
_MOST_CORRELATED = 6
# A variance that is zero up to rounding must not ask for twenty decimals.
_ZERO = 1e-6


@dataclass(frozen=True, slots=True)
class _Line:
    group: str
    effect: str
    sd: float
    correlations: tuple[str, ...] = ()


def variances(
    components: tuple[Component, ...],
    unit: str,
    title: str = "Random effects",
    sigma_fixed: bool = False,
) -> Grid:
    """Lay out the random effects and the residual.

    Parameters
    ----------
    components
        Random terms, the residual last if there is one.
    unit
        What the standard deviations are measured in: ``"units of Reaction"``.
    title
        Stands above.
    sigma_fixed
        Whether the residual standard deviation was given.
    """
    lines = [line for component in components for line in _lines(component)]
    largest = max(line.sd for line in lines)
    shown = [line.sd for line in lines if line.sd > _ZERO * largest]
    sd_places, variance_places = (decimals_of_sizes(sd**power for sd in shown) for power in (1, 2))
    width = max(len(line.correlations) for line in lines)
    rows = tuple(
        (
            line.group + (" (given)" if line.group == "Residual" and sigma_fixed else ""),
            line.effect,
            cell(line.sd**2, variance_places),
            cell(line.sd, sd_places),
            *line.correlations,
            *[""] * (width - len(line.correlations)),
        )
        for line in lines
    )
    header = ("Group", "Effect", "Variance", "SD", *(["Corr", *[""] * width][:width]))
    return Grid(title, header, rows, labels=2, note=_note(components, unit))


def _lines(component: Component) -> Iterator[_Line]:
    """One line per effect, or one for all where they share a standard deviation."""
    columns, structure = component.columns, component.structure
    k = len(columns)
    if k <= 1:
        yield _Line(component.group, "".join(columns), float(component.sd[0]))
        return
    one_correlation = structure in ONE_CORRELATION
    rho = (correlation_cell(float(component.corr[1, 0])),) if one_correlation else ()
    if component.decay is not None:
        yield _Line(component.group, position_name(columns[0]), float(component.sd[0]))
        return
    if structure not in OWN_SCALES | BY_LAG:
        yield _Line(component.group, f"{columns[0]} ... {columns[-1]}", float(component.sd[0]), rho)
        return
    triangle = structure == "unstructured" and k <= _MOST_CORRELATED
    for i, (name, sd) in enumerate(zip(columns, component.sd, strict=True)):
        row = tuple(correlation_cell(float(r)) for r in component.corr[i, :i]) if triangle else ()
        if structure in BY_LAG and i > 0:
            row = (correlation_cell(float(component.corr[i, 0])),)
        group = component.group if i == 0 else ""
        yield _Line(group, name, float(sd), rho if one_correlation and i == 1 else row)


def _is_slope(name: str) -> bool:
    """Whether a column holds a quantity, and not just ones and zeros."""
    return name != "Intercept" and not all(part.endswith("]") for part in name.split(":"))


def _structure(term: Component) -> str:
    """Say what a structure is; of correlations that fall with distance, how fast."""
    if term.decay is None:
        return _STRUCTURES[term.structure]
    coordinates = position_name(term.columns[0])
    nearest, farthest = _ends(term)
    if farthest > 1.0 - _ZERO:
        return f"at {len(term.columns):,} positions, correlated alike at any distance"
    if nearest < _ZERO:
        return f"at {len(term.columns):,} positions, no correlation left between any two"
    unit = "per unit" if decay_name(term.structure) == "rate" else "in units"
    return (
        f"at {len(term.columns):,} positions, {_DECAYS[term.structure]}, "
        f"{decay_name(term.structure)} {term.decay:.4g} {unit} of {coordinates}"
    )


def _ends(term: Component) -> tuple[float, float]:
    """Return the largest and the smallest correlation of two effects."""
    others = term.corr[~np.eye(len(term.columns), dtype=bool)]
    return float(others.max()), float(others.min())


def _note(components: tuple[Component, ...], unit: str) -> str:
    terms = [component for component in components if component.columns]
    names = {name for term in terms if term.decay is None for name in term.columns}
    slope = "; of a slope, per unit of its column" if any(map(_is_slope, names)) else ""
    structured = [
        f"{term.group}: {_structure(term)}."
        for term in terms
        if term.structure in {*_STRUCTURES, *_DECAYS} and len(term.columns) > 1
    ]
    wide = any(t.structure == "unstructured" and len(t.columns) > _MOST_CORRELATED for t in terms)
    more = ["The correlations are in fit.varcorr."] if wide else []
    return " ".join([f"SD in {unit}{slope}.", *structured, *more])
