"""Contrasts: how the levels of a factor become columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import DataError, did_you_mean

__all__ = ["TREATMENT", "CodingMatrix", "Contrast", "coding_matrix"]


@dataclass(frozen=True, slots=True)
class Contrast:
    """A contrast as ``C(f, contr.treatment('b'))`` names it.

    Attributes
    ----------
    kind
        ``treatment``, ``SAS``, ``sum``, ``helmert``, ``diff`` or ``poly``.
    base
        Treatment contrasts: label of the reference level, or its position from 1; by
        default the first.
    scores
        Polynomial contrasts: where the levels lie; by default at equal distances.
    """

    kind: str = "treatment"
    base: str | int | None = None
    scores: tuple[float, ...] | None = None


TREATMENT = Contrast()
"""R's default: each level against the first."""


@dataclass(frozen=True, slots=True, eq=False)
class CodingMatrix:
    """What each level puts into the columns of its factor.

    Attributes
    ----------
    values : (J, c) array
        One row for each level.
    fields
        What stands in brackets in the name of each column.
    """

    values: NDArray[np.float64]
    fields: tuple[str, ...]


def coding_matrix(contrast: Contrast, labels: tuple[str, ...], reduced: bool) -> CodingMatrix:
    """Return the columns of a factor.

    Parameters
    ----------
    contrast
        Which contrasts.
    labels
        The levels.
    reduced
        Whether the model already spans the factor's mean, so that contrasts are coded;
        one column for each level otherwise.

    Raises
    ------
    DataError
        If the reference level doesn't exist, or the scores don't fit the levels.

    Examples
    --------
    >>> coding_matrix(Contrast(), ("a", "b", "c"), reduced=True).fields
    ('T.b', 'T.c')
    """
    if not reduced:
        return CodingMatrix(np.eye(len(labels)), labels)
    J = len(labels)
    if contrast.kind in ("treatment", "SAS"):
        base = J - 1 if contrast.kind == "SAS" else _base(contrast.base, labels)
        kept = [j for j in range(J) if j != base]
        return CodingMatrix(np.eye(J)[:, kept], tuple(f"T.{labels[j]}" for j in kept))
    if contrast.kind == "poly":
        return CodingMatrix(_polynomials(contrast.scores, J), tuple(_powers(J)))
    if contrast.kind == "sum":
        values = np.vstack([np.eye(J - 1), -np.ones(J - 1)])
        return CodingMatrix(values, tuple(f"S.{label}" for label in labels[:-1]))
    make, letter = {"helmert": (_helmert, "H"), "diff": (_differences, "D")}[contrast.kind]
    return CodingMatrix(make(J), tuple(f"{letter}.{label}" for label in labels[1:]))


def _base(base: str | int | None, labels: tuple[str, ...]) -> int:
    if base is None:
        return 0
    if str(base) in labels:
        return labels.index(str(base))
    if isinstance(base, int) and 1 <= base <= len(labels):
        return base - 1
    raise DataError(
        f"the reference level {base!r} is not one of {', '.join(map(repr, labels))}."
        f"{did_you_mean(str(base), labels)}"
    )


def _helmert(J: int) -> NDArray[np.float64]:
    """Each level against the mean of those before it, as R's ``contr.helmert``."""
    values = np.zeros((J, J - 1))
    for j in range(1, J):
        values[:j, j - 1], values[j, j - 1] = -1.0, j
    return values


def _differences(J: int) -> NDArray[np.float64]:
    """Each level against the one before it, as MASS's ``contr.sdif``."""
    steps = np.arange(1, J)
    return np.where(np.arange(J)[:, None] < steps, steps - J, steps) / J


def _polynomials(scores: tuple[float, ...] | None, J: int) -> NDArray[np.float64]:
    x = np.arange(J, dtype=float) if scores is None else np.array(scores, dtype=float)
    if len(x) != J or len(np.unique(x)) != J:
        raise DataError(
            f"contr.poly needs a different score for each of the {J} levels, found {x.tolist()}."
        )
    powers = (x - x.mean())[:, None] ** np.arange(J)
    Q, R = np.linalg.qr(powers)
    columns: NDArray[np.float64] = (Q * np.sign(np.diag(R)))[:, 1:]
    return columns


def _powers(J: int) -> list[str]:
    return [(".L", ".Q", ".C")[d] if d < 3 else f"^{d + 1}" for d in range(J - 1)]
