"""What a formula says, before any data are seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Structure = Literal[
    "unstructured",
    "diagonal",
    "homdiag",
    "cs",
    "homcs",
    "ar1",
    "hetar1",
    "toep",
    "homtoep",
    "ou",
    "exp",
    "gau",
    "mat32",
    "mat52",
]

STRUCTURES: Mapping[str, Structure] = MappingProxyType(
    {
        "us": "unstructured",
        "diag": "diagonal",
        "homdiag": "homdiag",
        "cs": "cs",
        "homcs": "homcs",
        "ar1": "ar1",
        "hetar1": "hetar1",
        "toep": "toep",
        "homtoep": "homtoep",
        "ou": "ou",
        "exp": "exp",
        "gau": "gau",
        "mat": "mat32",
    }
)
"""Covariance structures by the name that a formula writes before ``(x | g)``."""


@dataclass(frozen=True, slots=True)
class RandomTerm:
    """One random-effects term, such as ``(Days | Subject)``.

    Attributes
    ----------
    source
        The term as written, parentheses included.
    basis
        Right-hand side that makes the columns, as terms of checked Python with the
        intercept explicit: ``"1 + Days"``, ``"0 + Days"``.
    factors
        Columns whose joint levels are the grouping factor: ``("batch", "cask")``
        for ``batch:cask``.
    structure
        Form of the covariance matrix of one level's effects.
    """

    source: str
    basis: str
    factors: tuple[str, ...]
    structure: Structure = "unstructured"

    @property
    def group(self) -> str:
        """Name of the grouping factor, ``"batch:cask"`` for an interaction."""
        return ":".join(self.factors)


@dataclass(frozen=True, slots=True)
class Formula:
    """A parsed model formula.

    Attributes
    ----------
    text
        The formula as the user wrote it.
    response
        Expression of the response over columns, ``"Reaction"`` or ``"log(y)"``.
    fixed
        Right-hand side of the fixed effects as terms of checked Python, with the
        intercept explicit: ``"1 + Days"``.
    offsets
        Expressions inside ``offset()``, each to be added to the linear predictor.
    random
        Random-effects terms in the order written, ``a/b`` already expanded.
    columns
        Every column that the formula uses, in order of appearance.
    """

    text: str
    response: str
    fixed: str
    offsets: tuple[str, ...]
    random: tuple[RandomTerm, ...]
    columns: tuple[str, ...]
