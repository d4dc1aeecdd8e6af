"""The numbers of a generalized model's summary, as one value object."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from partialpool.families.scales import dispersion_scale, shape_scale
from partialpool.generalized.fitted import pearson_or_nan
from partialpool.generalized.summary.blocks import blocks
from partialpool.generalized.summary.limits import at_limit, zero_limit
from partialpool.generalized.summary.optimum import about_optimum
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
    from partialpool.generalized.estimates import LinearPredictor
    from partialpool.generalized.fit import GlmmFit

__all__ = ["Further", "GlmmSummary", "PartSummary", "summarize"]

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class PartSummary:
    """One linear predictor that has a formula.

    Attributes
    ----------
    name
        ``"mean"``, ``"dispersion"`` or ``"zero_inflation"``.
    formula
        As the user wrote it.
    components
        Its random terms.
    coefficients
        Its fixed effects, on the scale of the linear predictor.
    """

    name: str
    formula: str
    components: tuple[Component, ...]
    coefficients: tuple[Coefficient, ...]


@dataclass(frozen=True, slots=True)
class Further:
    """A parameter that is one number for all rows, on its natural scale.

    Attributes
    ----------
    name
        ``"dispersion"`` or ``"shape"``.
    symbol
        Its name in the variance.
    value, std_error
        Estimate, and its standard error by the delta method; NaN for an estimate at the end of
        its range.
    meaning
        What it does, in a few words.
    """

    name: str
    symbol: str
    value: float
    std_error: float
    meaning: str


@dataclass(frozen=True, slots=True, eq=False)
class GlmmSummary:
    """Everything that a summary shows; prints as text and, in a notebook, as HTML.

    Attributes
    ----------
    unit
        What the mean's linear predictor is measured in.
    family, link
        Names of distribution and link.
    zero
        What a zero-inflation part adds: ``"none"``, ``"inflated"`` or ``"hurdle"``.
    criterion
        Which approximation of the likelihood was maximised.
    mixed
        Whether there are random effects.
    reml
        Whether the mean's fixed effects were integrated out.
    nobs, groups
        Rows that count, and the number of levels of each grouping factor.
    objective, loglik, aic, bic
        Of the fitted model; the objective is minus twice the log-likelihood.
    df, df_residual
        Number of estimated parameters, and rows less these.
    scaled_residuals : (5,) array
        Minimum, quartiles and maximum of the Pearson residuals; NaN where there are none.
    parts
        The linear predictors, the mean first.
    correlation : (p, p) array
        Correlation of the mean's estimated fixed effects.
    further
        Dispersion and shape where they are one number.
    thresholds
        Of an ordinal model.
    notes
        Plain sentences about rows, columns and masks.
    optimum
        Plain sentences about the optimum.
    """

    unit: str
    family: str
    link: str
    zero: Literal["none", "inflated", "hurdle"]
    criterion: str
    mixed: bool
    reml: bool
    nobs: int
    groups: tuple[tuple[str, int], ...]
    objective: float
    loglik: float
    aic: float
    bic: float
    df: int
    df_residual: int
    scaled_residuals: Vector
    parts: tuple[PartSummary, ...]
    correlation: Vector
    further: tuple[Further, ...]
    thresholds: tuple[Coefficient, ...]
    notes: tuple[str, ...]
    optimum: tuple[str, ...]

    def __str__(self) -> str:
        return render_text(blocks(self))

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return render_html(blocks(self))


def summarize(fit: GlmmFit) -> GlmmSummary:
    """Collect the numbers of a fit's summary.

    Parameters
    ----------
    fit
        A fitted generalized linear mixed model.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.glmm("TICKS ~ HEIGHT + (1 | LOCATION)", pp.load_dataset("grouseticks"),
    ...               family="poisson")
    >>> [c.name for c in summarize(fit).parts[0].coefficients]
    ['Intercept', 'HEIGHT']
    """
    random = [effects for design in fit.designs.values() for effects in design.random]
    return GlmmSummary(
        unit=fit.effect_unit,
        family=fit.family.name,
        link=fit.family.link.name,
        zero=fit.solution.zero,
        criterion=fit.criterion,
        mixed=bool(random),
        reml=fit.reml,
        nobs=fit.nobs,
        groups=tuple(fit.ngroups.items()),
        objective=fit.objective,
        loglik=fit.loglik,
        aic=fit.aic,
        bic=fit.bic,
        df=fit.df,
        df_residual=fit.df_residual,
        scaled_residuals=_scaled_residuals(fit),
        parts=tuple(_part(fit, p) for p in fit.predictors),
        correlation=correlation_of(fit.vcov),
        further=_further(fit),
        thresholds=_thresholds(fit),
        notes=_notes(fit),
        optimum=about_optimum(fit),
    )


def _scaled_residuals(fit: GlmmFit) -> Vector:
    counted = pearson_or_nan(fit)[fit.response.counted]
    # Between two infinite ones there is nothing to interpolate.
    method: Literal["nearest", "linear"] = "nearest" if np.isinf(counted).any() else "linear"
    return np.asarray(np.quantile(counted, [0.0, 0.25, 0.5, 0.75, 1.0], method=method))


def _part(fit: GlmmFit, p: LinearPredictor) -> PartSummary:
    return PartSummary(
        name=p.name,
        formula=p.design.formula.text,
        components=components_of(fit.varcorr_of(p.name)),
        coefficients=_coefficients(fit, p),
    )


def _coefficients(fit: GlmmFit, p: LinearPredictor) -> tuple[Coefficient, ...]:
    lines = coefficient_lines(p.fixef, p.stderr, p.aliased, p.not_applicable)
    end = zero_limit(fit) if p.name == "zero_inflation" else None
    if end is None:
        return lines
    intercept, *others = lines
    return (Coefficient(intercept.name, end, np.nan, np.nan), *others)


def _further(fit: GlmmFit) -> tuple[Further, ...]:
    out = []
    for part, scale in (
        ("dispersion", dispersion_scale(fit.family.name)),
        ("shape", shape_scale(fit.family.name)),
    ):
        if part in fit.parts and part not in fit.designs:
            eta, error = fit.fixef_of(part)[0], fit.stderr_of(part)[0]
            value, error = scale.value(eta), abs(scale.slope(eta)) * error
            if (end := at_limit(fit, part)) is not None:
                value, error = end, np.nan
            out.append(Further(part, scale.symbol, value, error, scale.meaning))
    return tuple(out)


def _thresholds(fit: GlmmFit) -> tuple[Coefficient, ...]:
    if "thresholds" not in fit.parts:
        return ()
    return coefficient_lines(fit.thresholds, fit.stderr_of("thresholds"), (), ())


def _notes(fit: GlmmFit) -> tuple[str, ...]:
    mean, *others = fit.predictors
    said = [*_about_response(fit), *wording.notes(mean, wording.LIKELIHOOD_WEIGHTS)]
    for p in others:
        said += [f"{_NAMES[p.name]}: {note}" for note in wording.column_notes(p)]
    return tuple(said)


_NAMES = {"dispersion": "Dispersion", "zero_inflation": "Zero inflation"}


def _about_response(fit: GlmmFit) -> list[str]:
    levels = fit.response.levels
    if levels is None:
        return []
    if fit.family.has_trials:
        return [f"The probability is that of {levels[1]!r}, against {levels[0]!r}."]
    order = " < ".join(map(repr, levels))
    return [f"Categories: {order}. Larger linear predictors favour later ones."]
