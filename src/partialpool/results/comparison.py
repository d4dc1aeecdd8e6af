"""Fits of the same rows side by side: likelihood ratios and information criteria."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import DataError
from partialpool.frames import FrameKind, make_frame
from partialpool.results.comparable import (
    Comparable,
    check_fits,
    check_same,
    common_criterion,
    warn_of_lower_bounds,
)
from partialpool.results.summary import (
    Blocks,
    Grid,
    cell,
    p_value_cell,
    render_html,
    render_text,
)

__all__ = ["ComparedModel", "Comparison", "compare"]

# Two optima this close are one: the ratio of nested models can't be below zero but by rounding.
_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class ComparedModel:
    """One line of a comparison.

    Attributes
    ----------
    name, description
        What the model is called, and what it is.
    npar
        Number of estimated parameters.
    loglik, aic, bic
        Log-likelihood and criteria.
    weight
        Akaike weight among the models compared.
    statistic, df, p_value
        Likelihood ratio against the model before, its degrees of freedom and its probability
        under a chi-square distribution; NaN for the first model, and where the number of
        parameters is the same.
    """

    name: str
    description: str
    npar: int
    loglik: float
    aic: float
    bic: float
    weight: float
    statistic: float
    df: float
    p_value: float


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Fits of the same rows, from few parameters to many; prints as a table.

    Attributes
    ----------
    models
        Its lines.
    criterion
        What all fits maximised.
    kind
        The library that the data came in.
    refitted
        Names of the models that were by REML and were fitted again by maximum likelihood.
    """

    models: tuple[ComparedModel, ...]
    criterion: str
    kind: FrameKind
    refitted: tuple[str, ...] = ()

    def __str__(self) -> str:
        return render_text(_blocks(self))

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return render_html(_blocks(self))

    def to_frame(self) -> Any:
        """Return the table as a native frame, one row for each model."""
        fields = ("npar", "loglik", "aic", "bic", "weight", "statistic", "df", "p_value")
        columns: dict[str, NDArray[Any]] = {
            "model": np.array([m.name for m in self.models], dtype=object),
            "formula": np.array([m.description for m in self.models], dtype=object),
        }
        columns |= {name: np.array([getattr(m, name) for m in self.models]) for name in fields}
        return make_frame(columns, self.kind)


def compare(
    *fits: Comparable, names: Sequence[str] | None = None, refit: bool = True
) -> Comparison:
    """Compare fits of the same rows by likelihood ratio tests and information criteria.

    Parameters
    ----------
    *fits
        Two or more fits of any kind to the same rows.
    names
        What to call them; by default ``"fit1"``, ``"fit2"``, ...
    refit
        Fit linear models that are by REML again by maximum likelihood, and say so. False leaves
        them as they are; then the fixed effects of all have to be the same.

    Returns
    -------
    Comparison
        Prints as a table, ``to_frame()`` gives it as a data frame. Models stand in the order
        of their numbers of parameters, and each likelihood ratio is against the line before:
        it is a test if that model is a special case of this one.

    Raises
    ------
    DataError
        If the fits are of different rows or responses.
    ModelError
        If their likelihoods aren't comparable.

    Warns
    -----
    ConvergenceWarning
        If a fit is no optimum: its log-likelihood is a lower bound.

    Examples
    --------
    >>> import partialpool as pp
    >>> sleep = pp.load_dataset("sleepstudy")
    >>> small = pp.lmm("Reaction ~ Days + (1 | Subject)", sleep, reml=False)
    >>> large = pp.lmm("Reaction ~ Days + (Days | Subject)", sleep, reml=False)
    >>> pp.compare(small, large)
    Models of the same rows, by their exact likelihood
    fit1: Reaction ~ Days + (1 | Subject)
    fit2: Reaction ~ Days + (Days | Subject)
    <BLANKLINE>
            Parameters    logLik       AIC       BIC  Weight     Chi2  Df  P(>Chi2)
      fit1           4  -897.0393  1802.0786  1814.8505  0.0000
      fit2           6  -875.9697  1763.9393  1783.0971  1.0000  42.1393   2   <0.0001
      Chi2 = twice the gain in logLik over the line above: a test if that model is
      a special case of this one. Of a variance, the p-value is too large.

    References
    ----------
    Self & Liang (1987), Journal of the American Statistical Association 82, 605-610: where a
    variance is tested, the chi-square distribution gives p-values that are too large.
    """
    if len(fits) < 2:
        raise DataError(f"compare needs two or more fits, found {len(fits)}.")
    called = [f"fit{i + 1}" for i in range(len(fits))] if names is None else list(names)
    if len(called) != len(fits):
        raise DataError(f"names has {len(called)} name(s), but there are {len(fits)} fits.")
    check_fits(fits, called)
    for fit, name in zip(fits[1:], called[1:], strict=True):
        check_same(fits[0], fit, called[0], name)
    refitted: tuple[str, ...] = ()
    if refit:
        fits, refitted = _by_ml(fits, called)
    criterion = common_criterion(fits, called)
    warn_of_lower_bounds(fits, called)
    order = sorted(range(len(fits)), key=lambda i: fits[i].df)
    sized = [(fits[i], called[i]) for i in order]
    return Comparison(_lines(sized), criterion, fits[0].design.spec.kind, refitted)


def _by_ml(
    fits: tuple[Comparable, ...], names: Sequence[str]
) -> tuple[tuple[Comparable, ...], tuple[str, ...]]:
    """Fit what is by REML again, and say which these were."""
    done = tuple(fit.by_ml() if fit.reml else fit for fit in fits)
    changed = zip(fits, done, names, strict=True)
    return done, tuple(name for before, after, name in changed if before is not after)


def _lines(sized: list[tuple[Comparable, str]]) -> tuple[ComparedModel, ...]:
    aic = np.array([fit.aic for fit, _ in sized])
    relative = np.exp(-0.5 * (aic - aic.min()))
    weights = relative / relative.sum()
    lines = []
    for i, (fit, name) in enumerate(sized):
        chi2, df, p = _ratio(sized[i - 1][0], fit) if i else (np.nan, np.nan, np.nan)
        lines.append(
            ComparedModel(
                name=name,
                description=fit.description,
                npar=fit.df,
                loglik=fit.loglik,
                aic=fit.aic,
                bic=fit.bic,
                weight=float(weights[i]),
                statistic=chi2,
                df=df,
                p_value=p,
            )
        )
    return tuple(lines)


def _ratio(small: Comparable, large: Comparable) -> tuple[float, float, float]:
    df = large.df - small.df
    if not df:
        return np.nan, np.nan, np.nan
    chi2 = 2.0 * (large.loglik - small.loglik)
    if chi2 < -_ROUNDING:
        # The larger model fits worse: it can't hold the smaller one.
        return chi2, float(df), np.nan
    from scipy.special import gammaincc  # a tenth of a second, only here

    chi2 = max(chi2, 0.0)
    return chi2, float(df), float(gammaincc(0.5 * df, 0.5 * chi2))


def _blocks(comparison: Comparison) -> Blocks:
    header = ("", "Parameters", "logLik", "AIC", "BIC", "Weight", "Chi2", "Df", "P(>Chi2)")
    rows = tuple(
        (
            m.name,
            f"{m.npar:,}",
            *(cell(v, 4) for v in (m.loglik, m.aic, m.bic, m.weight, m.statistic)),
            cell(m.df, 0),
            p_value_cell(m.p_value),
        )
        for m in comparison.models
    )
    note = (
        "Chi2 = twice the gain in logLik over the line above: a test if that model is a special "
        "case of this one. Of a variance, the p-value is too large."
    )
    worse = [m.name for m in comparison.models if m.statistic < -_ROUNDING]
    sentences = _about_refits(comparison) + tuple(
        f"{name} has more parameters and a lower likelihood than the model above it, so that it "
        "can't have it as a special case."
        for name in worse
    )
    return Blocks(
        f"Models of the same rows, by their {comparison.criterion}",
        tuple((m.name, m.description) for m in comparison.models),
        (Grid("", header, rows, labels=1, note=note),),
        sentences,
    )


def _about_refits(comparison: Comparison) -> tuple[str, ...]:
    names = comparison.refitted
    if not names:
        return ()
    were = "was" if len(names) == 1 else "were"
    return (
        f"{', '.join(names)} {were} by REML and {were} fitted again by maximum likelihood, since "
        "restricted likelihoods compare only between models with the same fixed effects.",
    )
