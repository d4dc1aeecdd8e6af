"""What a fit says about itself: the numbers of a summary, as one value object."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from partialpool.inference import (
    DDF,
    Contrasts,
    coefficient_tests,
    fitted_values,
    is_quick,
    residuals,
)
from partialpool.linear.summary.blocks import blocks
from partialpool.results.summary import (
    Coefficient,
    Component,
    coefficient_lines,
    components_of,
    correlation_of,
    render_html,
    render_text,
    wording,
)

if TYPE_CHECKING:
    from partialpool.linear.estimates import LinearEstimates

__all__ = ["Explained", "Summary", "summarize"]

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Explained:
    """Share of variance that a model without random effects explains.

    Attributes
    ----------
    r_squared, adjusted
        Plain and adjusted for the number of coefficients.
    centred
        Whether it is measured from the mean, or from zero for want of an intercept.
    """

    r_squared: float
    adjusted: float
    centred: bool


@dataclass(frozen=True, slots=True, eq=False)
class Summary:
    """Everything that a summary shows; prints as text and, in a notebook, as HTML.

    Attributes
    ----------
    formula, response
        As the user wrote them.
    method
        ``"REML"``, ``"ML"`` or, without random terms, ``"least squares"``.
    reml
        Whether the objective is the REML criterion.
    nobs, groups
        Rows used, and the number of levels of each grouping factor.
    objective, loglik, aic, bic
        Of the fitted model; the objective is minus twice the log-likelihood.
    df, df_residual
        Number of estimated parameters, and rows less these.
    scaled_residuals : (5,) array, or None
        Minimum, quartiles and maximum of the Pearson residuals over sigma; None where the rows
        weren't kept.
    components
        Random terms in the order of the fit, the residual last.
    sigma_fixed
        Whether the residual standard deviation was given.
    coefficients
        The fixed effects.
    correlation : (p, p) array
        Correlation of the estimated fixed effects.
    ddf
        What the degrees of freedom of the t values are; empty where there are none.
    explained
        R squared; None for a mixed model.
    notes
        Plain sentences about rows, columns and masks.
    optimum
        Plain sentences about the optimum; empty when there was nothing to search.
    """

    formula: str
    response: str
    method: Literal["REML", "ML", "least squares"]
    reml: bool
    nobs: int
    groups: tuple[tuple[str, int], ...]
    objective: float
    loglik: float
    aic: float
    bic: float
    df: int
    df_residual: int
    scaled_residuals: Vector | None
    components: tuple[Component, ...]
    sigma_fixed: bool
    coefficients: tuple[Coefficient, ...]
    correlation: Vector
    ddf: str
    explained: Explained | None
    notes: tuple[str, ...]
    optimum: tuple[str, ...]

    def __str__(self) -> str:
        return render_text(blocks(self))

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return render_html(blocks(self))


def summarize(fit: LinearEstimates, ddf: DDF | None = None) -> Summary:
    """Collect the numbers of a fit's summary.

    Parameters
    ----------
    fit
        A fitted linear mixed model.
    ddf
        Degrees of freedom, as for :func:`partialpool.linear.tables.tidy`. Where it isn't given
        and Satterthwaite's would take as long as the fit, the summary leaves them out.

    Raises
    ------
    DataError
        If the method is none.
    ModelError
        For Kenward-Roger of a fit by maximum likelihood.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.lmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"))
    >>> [c.name for c in fit.summary().coefficients]
    ['Intercept', 'Days']
    """
    mixed, pooled = bool(fit.varcorr.terms), fit.design.pooled
    tests = coefficient_tests(fit, ddf) if ddf is not None or is_quick(fit) else None
    return Summary(
        formula=fit.design.formula.text,
        response=fit.design.formula.response,
        method=("REML" if fit.reml else "ML") if mixed else "least squares",
        reml=fit.reml,
        nobs=fit.nobs,
        groups=tuple(fit.ngroups.items()),
        objective=fit.objective,
        loglik=fit.loglik,
        aic=fit.aic,
        bic=fit.bic,
        df=fit.df,
        df_residual=fit.df_residual,
        scaled_residuals=None if pooled else _scaled_residuals(fit),
        components=components_of(fit.varcorr),
        sigma_fixed=fit.sigma_fixed,
        coefficients=_tested(fit, tests),
        ddf="" if tests is None else tests.method,
        correlation=correlation_of(fit.vcov),
        explained=None if mixed or pooled else _explained(fit),
        notes=wording.notes(fit, wording.PRECISION_WEIGHTS),
        optimum=wording.optimum(fit.certificate, fit.design.random) if mixed else (),
    )


def _tested(fit: LinearEstimates, tests: Contrasts | None) -> tuple[Coefficient, ...]:
    """The coefficients' lines, with degrees of freedom and p-values where there are tests."""
    lines = coefficient_lines(fit.fixef, fit.stderr, fit.aliased, fit.not_applicable)
    if tests is None:
        return lines
    names = ("std_error", "statistic", "df", "p_value")
    columns = [getattr(tests, name).tolist() for name in names]
    told = [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
    estimated = (replace(line, **row) for line, row in zip(lines, told, strict=False))
    return (*estimated, *lines[len(told) :])


def _counted(fit: LinearEstimates) -> NDArray[np.bool_]:
    """Rows that carry information: those whose weight is not zero."""
    return fit.design.row_weights > 0


def _scaled_residuals(fit: LinearEstimates) -> Vector:
    pearson = residuals(fit, "pearson")[_counted(fit)]
    if not fit.sigma > 0:
        return np.full(5, np.nan)
    return np.asarray(np.quantile(pearson, [0.0, 0.25, 0.5, 0.75, 1.0]) / fit.sigma)


def _explained(fit: LinearEstimates) -> Explained:
    """R squared from the fitted values less the offset, as R's ``summary.lm`` has it."""
    design = fit.design
    counted = _counted(fit)
    weights = design.row_weights[counted]
    fitted = fitted_values(fit)[counted]
    left_over = design.y[counted] - fitted
    if design.offset is not None:
        fitted = fitted - design.offset[counted]
    X = design.X[counted]
    centred = _spans_constant(X, weights)
    mean = np.average(fitted, weights=weights) if centred else 0.0
    explained = float(weights @ (fitted - mean) ** 2)
    left = float(weights @ left_over**2)
    rank = int(np.isfinite(fit.fixef.values).sum())
    total = explained + left
    share = explained / total if total > 0 else np.nan
    adjusted = 1 - (1 - share) * (fit.nobs - centred) / max(fit.nobs - rank, 1)
    return Explained(share, adjusted, centred)


def _spans_constant(X: Vector, weights: Vector) -> bool:
    """Whether some combination of the columns is constant, with or without an intercept."""
    if X.shape[1] == 0:
        return False
    if np.any(np.all((X[0] == X) & (X[0] != 0), axis=0)):
        return True
    # Else it may be a sum of a factor's columns. Cross-products are exact enough for these.
    sums = X.T @ weights
    scale = np.sqrt(np.einsum("ij,ij,i->j", X, X, weights))
    scale[scale == 0] = 1.0
    gram = (X.T * weights) @ X / np.outer(scale, scale)
    along = sums / scale
    # Share of the constant's squared length that the columns reproduce.
    share = along @ np.linalg.pinv(gram, hermitian=True) @ along / weights.sum()
    return bool(share > 1 - 1e-9)
