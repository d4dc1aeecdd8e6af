"""Variance components in units that can be read: standard deviations and correlations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partialpool.design import Design, RandomEffects
from partialpool.formula import Structure
from partialpool.formula.structures import (
    BY_LAG,
    SQUARED,
    UNCORRELATED,
    decay_name,
    position_name,
)
from partialpool.inference import Estimates

__all__ = ["VarCorr", "VarCorrTerm", "relative_parameters", "variance_components"]

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class VarCorrTerm:
    """Covariance of one level's effects of one random term.

    Attributes
    ----------
    group
        Grouping factor.
    columns
        Names of the k effects.
    sd : (k,) array
        Standard deviations, in units of the response (of the linear predictor where there is
        a link) per unit of the column.
    cov : (k, k) array
        Covariances.
    corr : (k, k) array
        Correlations; NaN beside a standard deviation of zero.
    structure
        Form of the covariance matrix.
    decay
        Rate or range of the correlations, where they fall with the distance between effects: per
        unit of the columns of their positions, or in these units.
    """

    group: str
    columns: tuple[str, ...]
    sd: Matrix
    cov: Matrix
    corr: Matrix
    structure: Structure
    decay: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class VarCorr:
    """Covariances of all random terms, and the residual standard deviation if there is one.

    Attributes
    ----------
    terms
        In the order of the formula.
    residual_sd
        In units of the response; None where the family has none.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.lmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"))
    >>> fit.varcorr
    Subject   Intercept  sd 24.74
              Days       sd 5.9221  corr 0.066
    Residual             sd 25.592
    """

    terms: tuple[VarCorrTerm, ...]
    residual_sd: float | None = None

    def __repr__(self) -> str:
        rows = [
            (term.group if c == 0 else "", name, _describe(term, c))
            for term in self.terms
            for c, name in enumerate(_shown(term))
        ]
        if self.residual_sd is not None:
            rows.append(("Residual", "", f"sd {self.residual_sd:.5g}"))
        first = max((len(row[0]) for row in rows), default=0)
        second = max((len(row[1]) for row in rows), default=0)
        return "\n".join(f"{a:<{first}}  {b:<{second}}  {c}" for a, b, c in rows)


def _shown(term: VarCorrTerm) -> tuple[str, ...]:
    return term.columns if term.decay is None else (position_name(term.columns[0]),)


def _describe(term: VarCorrTerm, c: int) -> str:
    if term.decay is not None:
        return f"sd {term.sd[c]:.5g}  {decay_name(term.structure)} {term.decay:.5g}"
    text = f"sd {term.sd[c]:.5g}"
    if c and term.structure not in UNCORRELATED:
        text += "  corr " + " ".join(f"{x:.3f}" for x in term.corr[c, :c])
    return text


def variance_components(
    design: Design, estimates: Estimates, residual_sd: float | None = None
) -> VarCorr:
    """Read the covariance of every random term off the optimum."""
    sigma = estimates.sigma
    terms = []
    for i, effects in enumerate(design.random):
        factor = estimates.factor(i)
        relative = factor @ factor.T
        size = np.sqrt(np.diag(relative))
        # A response in units of 1e200 has standard deviations, though its variances overflow.
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            corr = relative / np.outer(size, size)
            sd, cov = sigma * size, sigma * (sigma * relative)
        np.fill_diagonal(corr, 1.0)
        terms.append(
            VarCorrTerm(
                effects.factor.name,
                effects.columns,
                sd,
                cov,
                corr,
                effects.term.structure,
                None
                if effects.decay is None
                else float(effects.decay.value(corr[effects.decay.pair])),
            )
        )
    return VarCorr(tuple(terms), residual_sd)


def relative_parameters(
    design: Design, estimates: Estimates
) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """Name and list the covariance parameters over sigma, term by term.

    Unstructured: the lower triangle of Lambda, column by column, as lme4's theta. Diagonal:
    its diagonal. Others: relative standard deviations and, where there is one, the
    correlation.
    """
    names: list[str] = []
    values: list[float] = []
    for i, effects in enumerate(design.random):
        factor = estimates.factor(i)
        found = _term_parameters(effects, factor)
        names += [f"{effects.factor.name}.{name}" for name in found]
        values += found.values()
    return tuple(names), np.array(values)


def _term_parameters(effects: RandomEffects, factor: Matrix) -> dict[str, float]:
    structure, columns = effects.term.structure, effects.columns
    if structure == "unstructured":
        return {
            (columns[r] if r == c else f"{columns[c]}.{columns[r]}"): float(factor[r, c])
            for c in range(len(columns))
            for r in range(c, len(columns))
        }
    sd = np.linalg.norm(factor, axis=1)
    if structure == "diagonal":
        return dict(zip(columns, sd.tolist(), strict=True))
    out = dict(zip(columns, sd.tolist(), strict=True)) if structure in SQUARED else {"sd": sd[0]}
    if effects.decay is not None:
        i, j = effects.decay.pair
        corr = float(factor[i] @ factor[j] / (sd[i] * sd[j])) if sd[i] * sd[j] > 0 else np.nan
        return {"sd": sd[0], effects.decay.name: float(effects.decay.value(corr))}
    if structure != "homdiag" and len(columns) > 1:
        lags = len(columns) if structure in BY_LAG else 2
        for lag in range(1, lags):
            name = f"lag{lag}" if structure in BY_LAG else "corr"
            scale = sd[0] * sd[lag]
            out[name] = float(factor[0] @ factor[lag] / scale) if scale > 0 else float("nan")
    return out
