"""What has to be the same of fits that are compared."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from partialpool.design import Design
from partialpool.errors import ConvergenceWarning, DataError, ModelError, show_rows
from partialpool.results.summary import wording

__all__ = [
    "Comparable",
    "check_fits",
    "check_same",
    "common_criterion",
    "warn_of_lower_bounds",
]


# Sums of squares of the same numbers added up in another order differ by less.
_SAME_SQUARES = 1e-9


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


def check_fits(fits: Sequence[object], names: Sequence[str]) -> None:
    """Refuse what has no likelihood at its maximum.

    Raises
    ------
    DataError
        Naming it.
    """
    for fit, name in zip(fits, names, strict=True):
        if hasattr(fit, "loo"):
            raise DataError(
                f"{name} is a posterior, which has no maximum of its likelihood to compare. "
                "Compare Bayesian fits with each other by pp.bayes.loo_compare."
            )
        if not (hasattr(fit, "observed") or _is_pooled(fit)):
            raise DataError(f"compare needs fits, found {type(fit).__name__} as {name}.")


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


def check_same(first: Comparable, other: Comparable, a: str, b: str) -> None:
    """Refuse fits of other rows, responses or kinds of densities.

    Raises
    ------
    DataError, ModelError
        Saying what differs.
    """
    check = _check_same_sums if _is_pooled(first) or _is_pooled(other) else _check_same_rows
    check(first, other, a, b)


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
    here, there = (float(np.linalg.norm(fit.design.y)) for fit in (first, other))
    if first.nobs != other.nobs or not np.isclose(here, there, rtol=_SAME_SQUARES):
        raise DataError(
            f"{a} and {b} were fitted to different rows ({first.nobs:,} and {other.nobs:,}) or "
            "responses, so that their likelihoods don't compare. Fit both to the same source."
        )


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


def common_criterion(fits: Sequence[Comparable], names: Sequence[str]) -> str:
    """Find the approximation that all fits share; an exact likelihood compares with any.

    Raises
    ------
    ModelError
        If they share none.
    """
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


def warn_of_lower_bounds(fits: Sequence[Comparable], names: Sequence[str]) -> None:
    """Warn, at the line that compares, of fits that are no optimum."""
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
