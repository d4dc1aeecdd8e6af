"""Fits of the same rows side by side: likelihood ratios and information criteria."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from partialpool.design import Design
from partialpool.errors import ConvergenceWarning, DataError, ModelError, show_rows
from partialpool.frames import FrameKind, make_frame
from partialpool.results.summary import (
    Blocks,
    Grid,
    cell,
    p_value_cell,
    render_html,
    render_text,
    wording,
)

__all__ = ["Comparable", "ComparedModel", "Comparison", "compare"]

# Sums of squares of the same numbers added up in another order differ by less.
_SAME_SQUARES = 1e-9

# Two optima this close are one: the ratio of nested models can't be below zero but by rounding.
_ROUNDING = 1e-6


class Comparable(Protocol):
    """A fit by maximum likelihood."""

    @property
    def design(self) -> Design:
        """Rows and columns of the model."""

    @property
    def nobs(self) -> int:
        """Rows that count."""

    @property
    def observed(self) -> NDArray[np.float64]:
        """What the likelihood is of: response, trials and weights, (n, c)."""

    @property
    def criterion(self) -> str:
        """What was maximised: ``"exact likelihood"``, ``"REML"`` or an approximation."""

    @property
    def reml(self) -> bool:
        """Whether a restricted likelihood was maximised."""

    @property
    def converged(self) -> bool:
        """Whether it is an optimum."""

    @property
    def description(self) -> str:
        """The model in one line."""

    @property
    def discrete(self) -> bool:
        """Whether the response has probabilities and not densities."""

    @property
    def loglik(self) -> float:
        """Log-likelihood, all constants included."""

    @property
    def df(self) -> int:
        """Number of estimated parameters."""

    @property
    def aic(self) -> float:
        """Akaike's criterion."""

    @property
    def bic(self) -> float:
        """Schwarz's criterion."""

    def by_ml(self) -> Comparable:
        """Fit the same model by maximum likelihood, where that can be done."""


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
    for fit, name in zip(fits, called, strict=True):
        if hasattr(fit, "loo"):
            raise DataError(
                f"{name} is a posterior, which has no maximum of its likelihood to compare. "
                "Compare Bayesian fits with each other by pp.bayes.loo_compare."
            )
        if not (hasattr(fit, "observed") or _is_pooled(fit)):
            raise DataError(f"compare needs fits, found {type(fit).__name__} as {name}.")
    check = _check_same_sums if any(map(_is_pooled, fits)) else _check_same_rows
    for fit, name in zip(fits[1:], called[1:], strict=True):
        check(fits[0], fit, called[0], name)
    refitted: tuple[str, ...] = ()
    if refit:
        fits, refitted = _by_ml(fits, called)
    criterion = _common_criterion(fits, called)
    _warn_of_lower_bounds(fits, called)
    order = sorted(range(len(fits)), key=lambda i: fits[i].df)
    sized = [(fits[i], called[i]) for i in order]
    return Comparison(_lines(sized), criterion, fits[0].design.spec.kind, refitted)


def _is_pooled(fit: object) -> bool:
    """Whether the rows fitted went by in batches and weren't kept."""
    return bool(getattr(getattr(fit, "design", None), "pooled", False))


def _check_same_sums(first: Comparable, other: Comparable, a: str, b: str) -> None:
    """Refuse fits of other rows, as far as their number and the sum of squares can tell."""
    if _is_pooled(first) != _is_pooled(other):
        whole, batches = (b, a) if _is_pooled(first) else (a, b)
        raise DataError(
            f"the rows of {batches} went by in batches and weren't kept, so that it can't be told "
            f"whether {whole} is of the same. Fit both in the same way."
        )
    squares = [float(np.linalg.norm(fit.design.y)) for fit in (first, other)]
    if first.nobs != other.nobs or not np.isclose(squares[0], squares[1], rtol=_SAME_SQUARES):
        raise DataError(
            f"{a} and {b} were fitted to different rows ({first.nobs:,} and {other.nobs:,}) or "
            "responses, so that their likelihoods don't compare. Fit both to the same source."
        )


def _warn_of_lower_bounds(fits: Sequence[Comparable], names: Sequence[str]) -> None:
    lost = [name for fit, name in zip(fits, names, strict=True) if not fit.converged]
    if not lost:
        return
    warnings.warn(
        f"the search for {wording.listed(lost)} ended at no optimum, so that the log-likelihood in "
        "the table is no more than a lower bound, and likelihood ratios and weights with it mean "
        "little; the fit's summary says more.",
        ConvergenceWarning,
        stacklevel=3,
    )


def _by_ml(
    fits: tuple[Comparable, ...], names: Sequence[str]
) -> tuple[tuple[Comparable, ...], tuple[str, ...]]:
    """Fit what is by REML again, and say which these were."""
    done = tuple(fit.by_ml() if fit.reml else fit for fit in fits)
    changed = zip(fits, done, names, strict=True)
    return done, tuple(name for before, after, name in changed if before is not after)


def _difference(
    first: NDArray[np.float64], other: NDArray[np.float64], rows: NDArray[np.int64]
) -> str:
    """Say what differs of what two likelihoods are of, in words; nothing if nothing does."""
    for c, what in enumerate(("responses", "numbers of trials", "weights")):
        if c >= min(first.shape[1], other.shape[1]):
            break
        here, there = first[:, c], other[:, c]
        differ = np.flatnonzero((here != there) & ~(np.isnan(here) & np.isnan(there)))
        if len(differ):
            i = differ[0]
            return (
                f"their {what} differ in {len(differ)} row(s), such as row {rows[i]}, where they "
                f"are {here[i]:g} and {there[i]:g}"
            )
    return "" if first.shape == other.shape else "one has trials or weights and the other not"


def _check_same_rows(first: Comparable, other: Comparable, a: str, b: str) -> None:
    pair = first, other
    n, m = len(first.observed), len(other.observed)
    if n != m:
        raise DataError(
            f"{a} was fitted to {n} rows and {b} to {m}, so that their likelihoods don't compare. "
            "Leave the same rows out of both, for instance those with a missing value in any "
            "column of either."
        )
    here, there = (np.arange(n) if k is None else k for k in (f.design.rows.kept for f in pair))
    if not np.array_equal(here, there):
        lone = np.setxor1d(here, there)
        raise DataError(
            f"{a} and {b} were fitted to different rows of the data: {show_rows(lone)} in one of "
            "them only. Leave the same rows out of both."
        )
    if found := _difference(first.observed, other.observed, here):
        raise DataError(
            f"{a} and {b} don't compare, since likelihoods of different data don't: {found}. The "
            f"responses are {first.design.formula.response} and {other.design.formula.response}. "
            "Fit both to the same."
        )
    if first.discrete != other.discrete:
        raise ModelError(
            f"{a} and {b} don't compare: the likelihood of one is a product of probabilities, of "
            "the other a product of densities."
        )


def _common_criterion(fits: Sequence[Comparable], names: Sequence[str]) -> str:
    """Find the approximation that all fits share; an exact likelihood compares with any."""
    found = {f.criterion: n for f, n in zip(fits, names, strict=True)}
    if any(f.reml for f in fits):
        _check_reml(fits, names)
        return fits[0].criterion
    approximate = [words for words in found if words != "exact likelihood"]
    if "penalised quasi-likelihood" in found:
        raise ModelError(
            f"{found['penalised quasi-likelihood']} was fitted by penalised quasi-likelihood, "
            "which maximises no likelihood. Fit it with method='laplace'."
        )
    if len(approximate) > 1:
        listed = "; ".join(f"{found[words]} by {words}" for words in approximate)
        raise ModelError(
            f"the fits maximised different approximations of the likelihood: {listed}. Fit all in "
            "the same way."
        )
    return approximate[0] if approximate else "exact likelihood"


def _check_reml(fits: Sequence[Comparable], names: Sequence[str]) -> None:
    other = next((n for f, n in zip(fits, names, strict=True) if not f.reml), None)
    if other is not None:
        raise ModelError(
            f"some fits are by REML and {other} is by maximum likelihood, which don't compare. "
            "Fit all with reml=False."
        )
    first = fits[0].design
    for fit, name in zip(fits[1:], names[1:], strict=True):
        if fit.design.columns != first.columns or not np.array_equal(fit.design.X, first.X):
            raise ModelError(
                f"{names[0]} and {name} were fitted by REML with different fixed effects, and "
                "restricted likelihoods compare only if these are the same. Fit both with "
                "reml=False."
            )


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
