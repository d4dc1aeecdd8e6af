"""Find in a fit what a reference file lists: terms, levels and columns by R's names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from partialpool.design import Design
from partialpool.results import VarCorr
from tests.reference.cases import r_name, squeeze

Array = NDArray[np.float64]
Reference = dict[str, Any]

# A standard deviation below this is zero: a search on the log scale never gets there.
_NONE = 1e-5


@dataclass(frozen=True, slots=True, eq=False)
class RandomPart:
    """The random terms of one linear predictor of a fit, and how to get their effects."""

    varcorr: VarCorr
    design: Design
    ranef: Callable[..., Any]


@dataclass(frozen=True, slots=True, eq=False)
class Effects:
    """Random effects of one factor: rows found by level, columns by R's name."""

    levels: dict[tuple[tuple[str, str], ...], int]
    columns: dict[str, int]
    values: Array


def largest(differences: ArrayLike) -> float:
    """Return the largest absolute value."""
    return float(np.max(np.abs(differences)))


def covariance_difference(
    ours: RandomPart, reference: Reference, key: str, zero: float = 1.0
) -> float:
    """Variances relative, covariances relative to the product of the standard deviations.

    A standard deviation that the reference puts at zero is measured against ``zero``.
    """
    found = []
    for entry in reference[key]:
        sd = np.array(entry["sd"], dtype=float)
        scale = np.where(sd > _NONE, sd, zero)
        cov = _covariance(ours, factors_of(reference, entry["group"]), entry["names"])
        found.append(largest((cov - np.array(entry["vcov"])) / np.outer(scale, scale)))
    return max(found)


def effect_difference(
    ours: RandomPart,
    reference: Reference,
    kind: str = "values",
    zero: float = 1.0,
    suffix: str = "",
) -> float | None:
    """Of modes or conditional standard deviations, relative to the effects' own.

    ``suffix`` is that of the file's keys, ``"_zi"`` for the effects on zero inflation.
    """
    found = [
        largest((mine.values[rows][:, columns] - np.array(theirs[kind])) / scale)
        for mine, rows, columns, theirs, scale in _matched(ours, reference, kind, zero, suffix)
    ]
    return max(found, default=None)


def summary_difference(values: Array, theirs: Reference, scale: float) -> float:
    """Largest difference of any of R's summary figures, each per row and on one scale."""
    n = theirs["n"]
    assert len(values) == n
    marks = ("min", "q25", "median", "q75", "max")
    quartiles = dict(zip(marks, np.quantile(values, np.arange(5) / 4), strict=True))
    found = [
        (np.mean(values) - theirs["sum"] / n) / scale,
        (np.mean(values**2) - theirs["sum_sq"] / n) / (scale * np.sqrt(theirs["sum_sq"] / n)),
        *((quartiles[key] - theirs[key]) / scale for key in quartiles),
        *((values[:20] - np.array(theirs["first20"])[: len(values)]) / scale),
    ]
    return largest(found)


def factors_of(reference: Reference, group: str) -> tuple[str, ...]:
    """Columns of a grouping factor; nlme names a nested factor by its last column."""
    if reference["id"] == "nlme_machines_nested" and group == "Machine":
        return ("Worker", "Machine")
    return tuple(group.split(":"))


def _covariance(ours: RandomPart, factors: tuple[str, ...], names: list[str]) -> Array:
    """Our covariance matrix of R's columns, wherever our terms hold them."""
    terms = [t for t in ours.varcorr.terms if frozenset(t.group.split(":")) == frozenset(factors)]
    where = {r_name(c): (t, i) for t in terms for i, c in enumerate(t.columns)}
    places = [where[squeeze(name)] for name in names]
    return np.array([[s.cov[i, j] if s is t else 0.0 for t, j in places] for s, i in places])


def _matched(
    ours: RandomPart, reference: Reference, kind: str, zero: float, suffix: str
) -> Iterator[tuple[Effects, Any, Any, Any, Array]]:
    """Our effects, the rows and columns of each that the reference lists, and their scale."""
    sds = _reference_sds(reference, zero, suffix)
    for group, theirs in reference["ranef" + suffix].items():
        factors = factors_of(reference, group)
        if kind not in theirs:
            continue
        mine = _effects(ours, frozenset(factors), "_sd" if kind == "cond_sd" else "")
        rows = [mine.levels[_level(level, factors)] for level in theirs["levels"]]
        columns = [mine.columns[squeeze(name)] for name in theirs["columns"]]
        scale = np.array([sds[frozenset(factors), name] for name in theirs["columns"]])
        yield mine, rows, columns, theirs, scale


def _effects(ours: RandomPart, factors: frozenset[str], suffix: str) -> Effects:
    """Modes, or conditional standard deviations, of all terms on one factor."""
    terms = [e for e in ours.design.random if frozenset(e.term.factors) == factors]
    group = terms[0].factor
    table = ours.ranef(group.name, cond_sd=bool(suffix))
    names = [name for term in terms for name in term.columns]
    written = group.name.split(":")
    return Effects(
        levels={_level(str(level), tuple(written)): i for i, level in enumerate(group.levels)},
        columns={r_name(name): i for i, name in enumerate(names)},
        values=table[[name + suffix for name in names]].to_numpy(),
    )


def _reference_sds(
    reference: Reference, zero: float, suffix: str
) -> dict[tuple[frozenset[str], str], float]:
    return {
        (frozenset(factors_of(reference, entry["group"])), name): sd if sd > _NONE else zero
        for entry in reference["VarCorr" + suffix]
        for name, sd in zip(entry["names"], entry["sd"], strict=True)
    }


def _level(level: str, factors: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """One level as (factor, value) pairs, so that a:b finds b:a; nlme writes a/b."""
    values = [level] if len(factors) == 1 else level.replace("/", ":").split(":")
    return tuple(sorted(zip(factors, values, strict=True)))
