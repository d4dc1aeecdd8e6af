"""Contrasts among means."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from partialpool.errors import DataError, did_you_mean
from partialpool.frames import label

__all__ = ["ContrastKind", "NamedContrasts", "contrast_columns", "make_contrasts"]

Matrix = NDArray[np.float64]
ContrastKind: TypeAlias = (
    Literal["pairwise", "reference", "consecutive", "mean"] | Mapping[str, ArrayLike]
)
Columns = dict[str, NDArray[Any]]
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


def contrast_columns(
    kind: ContrastKind,
    labels: Mapping[str, NDArray[Any]],
    own: tuple[str, ...],
    *,
    ratios: bool,
    compare: Callable[[Matrix, slice], Columns],
) -> Columns:
    """Contrast means within every combination of the other labels.

    Parameters
    ----------
    kind
        As for :func:`make_contrasts`.
    labels
        Of every mean by column, those of ``own`` varying fastest.
    own
        Columns whose levels are contrasted.
    ratios
        Whether the contrasts are ratios, ``"A / B"``.
    compare
        Estimates contrasts (c, m) of the means at some places, as columns.
    """
    groups = [name for name in labels if name not in own]
    m = int(np.prod([len(dict.fromkeys(labels[name].tolist())) for name in own]))
    size = len(next(iter(labels.values())))
    parts: list[Columns] = []
    for start in range(0, size, m):
        names = [" ".join(label(labels[name][i]) for name in own) for i in range(start, start + m)]
        made = make_contrasts(kind, names)
        here: Columns = {
            name: np.repeat(labels[name][start : start + 1], len(made.names)) for name in groups
        }
        shown = [name.replace(" - ", " / ") if ratios else name for name in made.names]
        here["contrast"] = np.array(shown, dtype=object)
        parts.append({**here, **compare(made.weights, slice(start, start + m))})
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


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
