"""What each covariance structure leaves free, and what its parameters are called."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

__all__ = [
    "ALONG",
    "BY_DISTANCE",
    "BY_LAG",
    "ONE_CORRELATION",
    "OWN_SCALES",
    "SERIAL",
    "SQUARED",
    "UNCORRELATED",
    "SpreadName",
    "corr_label",
    "decay_name",
    "list_spreads",
    "position_name",
    "sd_label",
]

UNCORRELATED = frozenset({"diagonal", "homdiag"})
"""Structures without correlations."""
OWN_SCALES = frozenset({"unstructured", "diagonal", "cs", "hetar1", "toep"})
"""Structures with a standard deviation for every effect; the others have one for all."""
SQUARED = frozenset({"cs", "hetar1", "toep"})
"""Of these, those whose standard deviations the core has as squares of its parameters."""
ONE_CORRELATION = frozenset({"cs", "homcs", "ar1", "hetar1"})
"""Structures whose correlations are all functions of one."""
SERIAL = frozenset({"ar1", "hetar1"})
"""Structures whose correlations are powers of that of neighbours."""
BY_LAG = frozenset({"toep", "homtoep"})
"""Structures with a correlation for every distance between places in the order of columns."""
BY_DISTANCE = frozenset({"ou", "exp", "gau", "mat32", "mat52"})
"""Structures whose correlations fall with the distance between positions."""
ALONG = SERIAL | BY_LAG | BY_DISTANCE
"""Structures along time or place, whose effects can stand for the residual."""


@dataclass(frozen=True, slots=True)
class SpreadName:
    """A standard deviation, correlation, or rate or range of correlations, of a random term.

    Attributes
    ----------
    kind
        ``"decay"`` for a rate or range.
    symbol
        As it begins in tables: ``"sd"``, ``"cor"``, ``"rate"``, ``"range"``.
    columns
        Of what: names of one or two effects, ``"lag1"``, or the coordinate.
    effects
        Positions of the effects that it can be read off.
    """

    kind: Literal["sd", "cor", "decay"]
    symbol: str
    columns: tuple[str, ...]
    effects: tuple[int, ...]

    @property
    def term(self) -> str:
        """Name in tables: ``"sd__Days"``, ``"cor__Intercept.Days"``, ``"cor__lag1"``."""
        return f"{self.symbol}__{'.'.join(self.columns)}"

    def label(self, group: str) -> str:
        """One name among all parameters: ``"sd(Subject.Days)"``, ``"corr(Subject.lag1)"``."""
        if self.kind == "sd":
            return sd_label(group, *self.columns)
        return corr_label(group, *self.columns, symbol=_called(self.symbol))


def _called(symbol: str) -> str:
    return "corr" if symbol == "cor" else symbol


def sd_label(group: str, column: str) -> str:
    """Name a standard deviation among all parameters, as priors and hypotheses do."""
    return f"sd({group}.{column})"


def corr_label(group: str, *columns: str, symbol: str = "corr") -> str:
    """Name a correlation among all parameters, by its two effects or its lag."""
    return f"{symbol}({','.join(f'{group}.{column}' for column in columns)})"


def decay_name(structure: str) -> str:
    """Call the parameter by which correlations fall with distance."""
    return "rate" if structure == "ou" else "range"


def position_name(column: str) -> str:
    """Name the coordinates of a column that stands for one position: ``"t"`` of ``"t[0.5]"``."""
    return column.rpartition("[")[0]


def list_spreads(
    structure: str, columns: tuple[str, ...], pair: tuple[int, int] = (1, 0)
) -> tuple[SpreadName, ...]:
    """Name what a structure has of standard deviations and correlations, in reading order.

    Parameters
    ----------
    structure
        Form of the covariance.
    columns
        Names of the k effects.
    pair
        The two effects from whose correlation a rate or range is read off.

    Examples
    --------
    >>> [s.term for s in list_spreads("homtoep", ("t[1]", "t[2]", "t[3]"))]
    ['sd__t[1]', 'sd__t[2]', 'sd__t[3]', 'cor__lag1', 'cor__lag2']
    """
    if structure in BY_DISTANCE:
        name = (position_name(columns[0]),)
        sd = SpreadName("sd", "sd", name, (0,))
        if len(columns) == 1:
            return (sd,)
        return sd, SpreadName("decay", decay_name(structure), name, pair)
    if structure in BY_LAG:
        sds = (SpreadName("sd", "sd", (c,), (j,)) for j, c in enumerate(columns))
        lags = range(1, len(columns))
        return *sds, *(SpreadName("cor", "cor", (f"lag{i}",), (i, 0)) for i in lags)
    return tuple(_by_pairs(structure, columns))


def _by_pairs(structure: str, columns: tuple[str, ...]) -> Iterator[SpreadName]:
    """Standard deviations and correlations in the order of the lower triangle."""
    for j, column in enumerate(columns):
        yield SpreadName("sd", "sd", (column,), (j,))
        for i in range(j + 1, 0 if structure in UNCORRELATED else len(columns)):
            yield SpreadName("cor", "cor", (column, columns[i]), (i, j))
