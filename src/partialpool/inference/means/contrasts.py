"""Contrasts among means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from partialpool.errors import DataError, did_you_mean

__all__ = ["ContrastKind", "NamedContrasts", "make_contrasts"]

Matrix = NDArray[np.float64]
ContrastKind: TypeAlias = (
    Literal["pairwise", "reference", "consecutive", "mean"] | Mapping[str, ArrayLike]
)
_KINDS = ("pairwise", "reference", "consecutive", "mean")


@dataclass(frozen=True, slots=True, eq=False)
class NamedContrasts:
    """Weights of m means.

    Attributes
    ----------
    names
        What each contrast is called, ``"A - B"``.
    weights : (c, m) array
        One contrast in each row.
    """

    names: tuple[str, ...]
    weights: Matrix


def make_contrasts(kind: ContrastKind, labels: Sequence[str]) -> NamedContrasts:
    """Make the contrasts among means with some labels.

    Parameters
    ----------
    kind
        ``"pairwise"``: every pair, the first less the second; ``"reference"``: each against the
        first; ``"consecutive"``: each against the one before; ``"mean"``: each against the mean
        of all; or weights by name.
    labels
        The means.

    Raises
    ------
    DataError
        If the kind is unknown, weights have another length, or there is only one mean.

    Examples
    --------
    >>> make_contrasts("pairwise", ["A", "B", "C"]).names
    ('A - B', 'A - C', 'B - C')
    """
    m = len(labels)
    unit = np.eye(m)
    if isinstance(kind, Mapping):
        return _given(kind, labels)
    if kind not in _KINDS:
        raise DataError(
            f"contrasts must be one of {', '.join(map(repr, _KINDS))} or a dict of weights, found "
            f"{kind!r}.{did_you_mean(str(kind), _KINDS)}"
        )
    if m < 2:
        raise DataError(f"contrasts need two or more means, and there is {m}: {labels[0]}.")
    if kind == "mean":
        names = tuple(f"{label} - mean" for label in labels)
        return NamedContrasts(names, unit - 1.0 / m)
    pairs = {
        "pairwise": list(combinations(range(m), 2)),
        "reference": [(i, 0) for i in range(1, m)],
        "consecutive": [(i, i - 1) for i in range(1, m)],
    }[kind]
    names = tuple(f"{labels[i]} - {labels[j]}" for i, j in pairs)
    return NamedContrasts(names, np.array([unit[i] - unit[j] for i, j in pairs]))


def _given(kind: Mapping[str, ArrayLike], labels: Sequence[str]) -> NamedContrasts:
    weights = [np.asarray(w, dtype=float) for w in kind.values()]
    for name, w in zip(kind, weights, strict=True):
        if w.shape != (len(labels),) or not np.isfinite(w).all():
            raise DataError(
                f"the contrast {name!r} needs {len(labels)} weights, one for each of "
                f"{', '.join(labels)}; found an array of shape {w.shape}."
            )
    if not weights:
        raise DataError("contrasts= is an empty dict. Name at least one contrast.")
    return NamedContrasts(tuple(kind), np.array(weights))
