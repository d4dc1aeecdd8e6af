"""Standard errors of variance components, from the exact curvature of the likelihood."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from partialpool.design import RandomEffects
from partialpool.errors import DataError
from partialpool.formula.structures import BY_DISTANCE, UNCORRELATED
from partialpool.frames import make_frame
from partialpool.inference.parameters import Parameter, term_parameters
from partialpool.inference.protocol import GaussianFit
from partialpool.solve import chart_directions, unprofiled_hessian

__all__ = ["deviation_slopes", "parameter_slopes", "variance_parameters"]

Matrix = NDArray[np.float64]
_FLAT = 1e-8


class _Parameter(NamedTuple):
    group: str
    name: str
    value: float
    slope: Matrix  # derivatives in (psi, log sigma^2)


def variance_parameters(fit: GaussianFit, scale: Literal["sd", "variance"] = "sd") -> Any:
    """Tabulate the variance components with their standard errors.

    Parameters
    ----------
    fit
        A fitted linear mixed model.
    scale
        ``"sd"``: standard deviations and correlations; ``"variance"``: variances and
        covariances.

    Returns
    -------
    native frame
        ``effect`` ("ran_pars"), ``group``, ``term`` (``sd__Days``, ``cor__Intercept.Days`` or
        ``var__Days``, ``cov__Intercept.Days``), ``estimate`` and ``std_error``, which is NaN for
        a standard deviation of zero and a correlation of one, where the likelihood has no normal
        approximation.

    Raises
    ------
    DataError
        If the scale is unknown.

    Notes
    -----
    From twice the inverse of the exact Hessian of minus twice the (restricted) log-likelihood,
    by the delta method. Small samples make variances skew: intervals are better profiled.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.lmm("Yield ~ 1 + (1 | Batch)", pp.load_dataset("Dyestuff"))
    >>> fit.variance_parameters().round(2)
         effect     group             term  estimate  std_error
    0  ran_pars     Batch    sd__Intercept     42.00      17.06
    1  ran_pars  Residual  sd__Observation     49.51       7.15
    """
    if scale not in ("sd", "variance"):
        raise DataError(f"scale must be 'sd' or 'variance', found {scale!r}.")
    covariance = parameter_covariance(fit)
    found = list(_parameters(fit, scale))
    slopes = np.array([p.slope for p in found])
    variance = np.einsum("ia,ab,ib->i", slopes, covariance, slopes)
    columns = {
        "effect": np.array(["ran_pars"] * len(found), dtype=object),
        "group": np.array([p.group for p in found], dtype=object),
        "term": np.array([p.name for p in found], dtype=object),
        "estimate": np.array([p.value for p in found]),
        "std_error": np.sqrt(variance),
    }
    return make_frame(columns, fit.design.spec.kind)


def parameter_covariance(fit: GaussianFit) -> Matrix:
    """Covariance of the search's parameters and log sigma^2 (zero where sigma is known)."""
    if not fit.design.random:
        n = fit.solution.reduced.problem.n - len(fit.solution.reduced.problem.kept)
        return np.array([[0.0 if fit.solution.likelihood.sigma is not None else 2.0 / n]])
    hessian, _ = unprofiled_hessian(fit.solution, fit.design)
    values, vectors = np.linalg.eigh(hessian)
    curved = values > _FLAT
    covariance = 2.0 * (vectors[:, curved] / values[curved]) @ vectors[:, curved].T
    if fit.solution.likelihood.sigma is not None:
        covariance = np.pad(covariance, ((0, 1), (0, 1)))
    return np.asarray(covariance)


def _parameters(fit: GaussianFit, scale: str) -> Iterator[_Parameter]:
    solution, design = fit.solution, fit.design
    directions = chart_directions(solution, design)
    size = len(directions) + 1
    for i, effects in enumerate(design.random):
        core = solution.reduced.core_term(i)
        turn = solution.reduced.problem.term_map(core)
        factor = solution.sigma * solution.factor(i)
        cov = factor @ factor.T
        slopes = np.zeros((size, *cov.shape))
        for a, direction in enumerate(directions):
            if direction.term == core:
                slopes[a] = solution.sigma**2 * turn @ direction.change @ turn.T
        slopes[-1] = cov
        make = _deviations if scale == "sd" else _covariances
        yield from make(effects, cov, slopes)
    unit = np.zeros(size)
    if scale == "sd":
        unit[-1] = 0.5 * solution.sigma
        yield _Parameter("Residual", "sd__Observation", solution.sigma, unit)
    else:
        unit[-1] = solution.sigma**2
        yield _Parameter("Residual", "var__Observation", solution.sigma**2, unit)


def _pairs(effects: RandomEffects) -> Iterator[tuple[int, int]]:
    """Rows and columns of the lower triangle, column by column; only what the structure has."""
    k = len(effects.columns)
    uncorrelated = effects.term.structure in UNCORRELATED
    for c in range(k):
        for r in range(c, c + 1 if uncorrelated else k):
            yield r, c


def _covariances(effects: RandomEffects, cov: Matrix, slopes: Matrix) -> Iterator[_Parameter]:
    names = effects.columns
    if effects.term.structure in BY_DISTANCE:
        sd, *others = term_parameters(0, effects)
        yield _Parameter(
            effects.factor.name, f"var__{sd.columns[0]}", float(cov[0, 0]), slopes[:, 0, 0]
        )
        for parameter in others:
            value, slope = parameter_slopes(parameter, cov, slopes)
            yield _Parameter(effects.factor.name, parameter.term, value, slope)
        return
    for r, c in _pairs(effects):
        name = f"var__{names[c]}" if r == c else f"cov__{names[c]}.{names[r]}"
        slope = slopes[:, r, c] if cov[c, c] * cov[r, r] > 0 else np.full(len(slopes), np.nan)
        yield _Parameter(effects.factor.name, name, float(cov[r, c]), slope)


def _deviations(effects: RandomEffects, cov: Matrix, slopes: Matrix) -> Iterator[_Parameter]:
    for parameter in term_parameters(0, effects):
        value, slope = parameter_slopes(parameter, cov, slopes)
        yield _Parameter(effects.factor.name, parameter.term, value, slope)


def parameter_slopes(parameter: Parameter, cov: Matrix, slopes: Matrix) -> tuple[float, Matrix]:
    """Differentiate a standard deviation, a correlation, or a rate or range of these."""
    value, slope = deviation_slopes(parameter.effects, cov, slopes)
    if parameter.decay is None:
        return value, slope
    return float(parameter.decay.value(value)), parameter.decay.slope(value) * slope


def deviation_slopes(effects: tuple[int, ...], cov: Matrix, slopes: Matrix) -> tuple[float, Matrix]:
    """Differentiate a standard deviation or correlation.

    Parameters
    ----------
    effects
        The one or two effects that it is of.
    cov : (k, k) array
        Covariance matrix of the effects.
    slopes : (m, k, k) array
        Its derivatives.

    Returns
    -------
    float, (m,) array
        The value and its derivatives; these are NaN for a standard deviation of zero and for a
        correlation of one.
    """
    nothing, sd = np.full(len(slopes), np.nan), np.sqrt(np.diag(cov))
    if len(effects) == 1:
        c = effects[0]
        return float(sd[c]), slopes[:, c, c] / (2.0 * sd[c]) if sd[c] > 0 else nothing
    c, r = effects
    if not sd[c] * sd[r] > 0:
        return float("nan"), nothing
    value = float(cov[r, c] / (sd[r] * sd[c]))
    if not abs(value) < 1.0 - 1e-9:
        return value, nothing
    own = slopes[:, r, r] / cov[r, r] + slopes[:, c, c] / cov[c, c]
    return value, slopes[:, r, c] / (sd[r] * sd[c]) - 0.5 * value * own
