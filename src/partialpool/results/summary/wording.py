"""Plain sentences about a fit: its rows, its columns, its optimum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from partialpool.design import Design, RandomEffects
from partialpool.formula.structures import ALONG
from partialpool.results.certificate import Certificate, NullDirection

__all__ = [
    "LIKELIHOOD_WEIGHTS",
    "PRECISION_WEIGHTS",
    "column_notes",
    "count",
    "listed",
    "notes",
    "optimum",
    "row_notes",
]

PRECISION_WEIGHTS = "Rows are weighted: the variance of a residual is sigma^2 / weight."
LIKELIHOOD_WEIGHTS = "Rows are weighted: a weight multiplies the row's log-likelihood."

# A column whose share in a direction is below this takes no visible part in it.
_NEGLIGIBLE = 1e-4


def listed(words: list[str] | tuple[str, ...]) -> str:
    """Join words as English does.

    Examples
    --------
    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def count(number: int, noun: str) -> str:
    """Write a number with its noun.

    Examples
    --------
    >>> count(1, "row"), count(1200, "row")
    ('1 row', '1,200 rows')
    """
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


class Described(Protocol):
    """One linear predictor of a fit: which columns left it, and why."""

    @property
    def design(self) -> Design:
        """Rows and columns."""

    @property
    def aliased(self) -> Mapping[str, str]:
        """Columns that the others determine, and what they equal."""

    @property
    def not_applicable(self) -> tuple[str, ...]:
        """Columns that no row identifies."""


def notes(fit: Described, weights: str) -> tuple[str, ...]:
    """Say what happened to rows and columns on the way to the model.

    Parameters
    ----------
    fit
        A fit, or its first linear predictor.
    weights
        What the weights of rows mean, in a sentence.
    """
    return (
        *row_notes(fit.design, weights),
        *column_notes(fit),
        *(["An offset is part of the fitted values."] if fit.design.offset is not None else []),
    )


def column_notes(fit: Described) -> tuple[str, ...]:
    """Say which columns left a linear predictor, and where covariates don't apply."""
    return (
        *(f"{name} is left out: it equals {equal}." for name, equal in fit.aliased.items()),
        *(mask.sentence for mask in fit.design.masks),
        *([f"No row identifies {listed(fit.not_applicable)}."] if fit.not_applicable else []),
        *(line for effects in fit.design.random for line in _masks(effects)),
    )


def optimum(
    certificate: Certificate, random: Sequence[RandomEffects], at_end: bool = False
) -> tuple[str, ...]:
    """Say whether the optimum was reached, and what a singular one means.

    Parameters
    ----------
    certificate
        What is known about it.
    random
        All random terms of the fit.
    at_end
        Whether some other parameter is at the end of its range.
    """
    steps = count(certificate.evaluations, "evaluation")
    if not certificate.converged:
        found = f"the largest gradient is still {certificate.gradient:.1e}"
        if certificate.smallest_eigenvalue < 0.0:
            found += f" and the curvature falls to {certificate.smallest_eigenvalue:.1e}"
        return (
            f"The optimum was not reached in {steps}: {found}. Do not rely on these estimates.",
        )
    if not certificate.singular and certificate.smallest_eigenvalue <= 0.0:
        flat = (
            f"No single optimum: gradient at most {_short(certificate.gradient)}, but the "
            f"likelihood is flat in some direction, {steps}."
        )
        instead = [e.term.source for e in random if e.term.structure in ALONG]
        if instead:
            return (
                f"{flat} If the residual is next to zero, {instead[0]} stands for it, and the "
                "others are known: a small sigma= fixes it. If not, covariance parameters aren't "
                "told apart by these rows.",
            )
        return (
            f"{flat} Covariance parameters aren't told apart by these rows: do not rely on them "
            "one by one.",
        )
    where = "Optimum on the boundary" if certificate.singular or at_end else "Interior optimum"
    first = (
        f"{where}: gradient at most {_short(certificate.gradient)}, "
        f"curvature at least {_short(certificate.smallest_eigenvalue)}, {steps}."
    )
    if not certificate.null_directions:
        return (first,)
    return (
        first,
        *(_singular(random, nulls) for nulls in _by_term(certificate.null_directions)),
        "A singular fit is a valid estimate. The data hold no sign of the variation named: they "
        "support fewer dimensions than the term has.",
    )


def _short(number: float) -> str:
    return f"{number:.0f}" if number == 0 or abs(number) >= 100 else f"{number:.2g}"


def row_notes(design: Design, about_weights: str) -> list[str]:
    """Say which rows were left out, and what weights mean."""
    rows, weights = design.rows, design.weights
    lines = []
    if rows.dropped:
        by_column = listed([f"{name} in {n:,}" for name, n in rows.dropped.items()])
        lines.append(
            f"{count(rows.left_out, 'row')} of {rows.n_given:,} left out for missing "
            f"values: {by_column}."
        )
    if weights is not None:
        lines.append(about_weights)
        if zero := int(np.sum(weights == 0)):
            lines.append(f"{count(zero, 'row')} with weight zero left out of every count.")
    return lines


def _masks(effects: RandomEffects) -> list[str]:
    gone = [
        f"The random effect of {name} by {effects.factor.name} is n/a: it applies in no row."
        for name in effects.not_applicable
    ]
    if effects.applicable is None:
        return gone
    levels = effects.applicable.shape[0]
    return gone + [
        f"{name} applies to {int(applies.sum()):,} of {levels:,} levels of "
        f"{effects.factor.name}; elsewhere its random effect is n/a."
        for name, applies in zip(effects.columns, effects.applicable.T, strict=True)
        if not applies.all()
    ]


def _by_term(nulls: tuple[NullDirection, ...]) -> list[list[NullDirection]]:
    terms: dict[tuple[str, tuple[str, ...]], list[NullDirection]] = {}
    for null in nulls:
        terms.setdefault((null.group, null.columns), []).append(null)
    return list(terms.values())


def _singular(random: Sequence[RandomEffects], nulls: list[NullDirection]) -> str:
    """Say in which directions one term has no variance."""
    group, columns = nulls[0].group, nulls[0].columns
    what = f"between levels of {group} is estimated as zero"
    if len(nulls) == len(columns):
        return (
            f"Singular: the variance of {listed(columns)} {what}. "
            "Leaving the term out gives the same fit."
        )
    if len(nulls) > 1:
        rank = count(len(columns) - len(nulls), "direction")
        return (
            f"Singular: the random {listed(columns)} of {group} vary in only {rank}. "
            "Consider a simpler term."
        )
    weights = _weights(random, nulls[0])
    if len(weights) == 1:
        (name,) = weights
        return (
            f"Singular: the variance of {name} {what}. "
            f"Leaving {name} out of the term gives the same fit."
        )
    if len(weights) == 2:
        return (
            f"Singular: the random {listed([*weights])} of {group} are perfectly correlated, "
            "so that one determines the other. Consider a simpler term."
        )
    return (
        f"Singular: {_combination(weights)} does not vary between levels of {group}, so that "
        "one of these random effects is determined by the others. Consider a simpler term."
    )


def _weights(random: Sequence[RandomEffects], null: NullDirection) -> dict[str, float]:
    """Pick the columns that take part in a direction, whatever their units."""
    direction = np.asarray(null.direction)
    shares = np.abs(direction) / _scales(random, null)
    taking_part = shares > _NEGLIGIBLE * shares.max()
    pairs = zip(null.columns, direction.tolist(), strict=True)
    return {name: w for (name, w), takes in zip(pairs, taking_part, strict=True) if takes}


def _scales(random: Sequence[RandomEffects], null: NullDirection) -> NDArray[np.float64]:
    """Root mean squares of a term's columns: a direction is in the same units."""
    for effects in random:
        if effects.factor.name == null.group and effects.columns == null.columns:
            squares = np.einsum("ij,ij->j", effects.basis, effects.basis)
            return np.asarray(np.sqrt(squares / len(effects.basis)))
    raise AssertionError(f"no term {null.columns} of {null.group}")


def _combination(weights: dict[str, float]) -> str:
    """Write a weighted sum, its first weight scaled to one."""
    (first, scale), *others = weights.items()
    parts = [f"{'-' if w / scale < 0 else '+'} {abs(w / scale):.3g} * {name}" for name, w in others]
    return " ".join([first, *parts])
