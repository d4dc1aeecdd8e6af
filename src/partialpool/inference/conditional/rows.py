"""The rows at which a response is expected: some columns vary, the others are held."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.design import DesignSpec, Typical
from partialpool.errors import DataError
from partialpool.frames.column import label
from partialpool.inference.conditional.questions import check_names, read_values
from partialpool.inference.means.grid import Grid, names_of

__all__ = ["ConditionalRows", "Held", "make_rows"]

# Points of a curve: as many as the eye can't tell from a smooth line.
_POINTS = 101
# Beyond this the question is a mistake: a curve has some 100 rows.
_MOST_ROWS = 100_000


@dataclass(frozen=True, slots=True)
class Held:
    """A column's one value.

    Attributes
    ----------
    value
        A number or a level.
    how
        Where it comes from: ``"mean"``, ``"first level"``, or nothing if it was given.
    """

    value: Any
    how: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class ConditionalRows:
    """Every combination of some columns' values, the others held.

    Attributes
    ----------
    x, by
        The column of the axis, and those at whose values it is looked at.
    curve
        Whether x is a covariate, along which there is a curve, and not a factor.
    varying
        Columns x and by, (m,) each, x varying fastest.
    held
        The others.
    spread
        Standard deviations of covariates, by which their values are rounded in words.
    """

    x: str
    by: tuple[str, ...]
    curve: bool
    varying: Mapping[str, NDArray[Any]]
    held: Mapping[str, Held]
    spread: Mapping[str, float]

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.varying[self.x])

    def table(self) -> dict[str, NDArray[Any]]:
        """Return all columns, as new data for ``fit.predict``."""
        held = {name: np.array([h.value] * self.n) for name, h in self.held.items()}
        return {**self.varying, **held}

    def words(self, name: str, value: Any) -> str:
        """Say a column's value, as in ``age 24.1``: numbers to a hundredth of their spread.

        Examples
        --------
        >>> rows = ConditionalRows("x", (), True, {}, {}, {"age": 2.4, "income": 900.0})
        >>> rows.words("age", 24.138), rows.words("income", 31200.4), rows.words("sex", "F")
        ('age 24.14', 'income 31200', 'sex F')
        """
        if not isinstance(value, float):
            return f"{name} {label(value)}"
        spread = self.spread.get(name, 0.0)
        if spread <= 0.0 or abs(value) >= 1e6:
            return f"{name} {value:.4g}"
        digits = max(0, 2 - math.floor(math.log10(spread)))
        shown = f"{value:.{digits}f}"
        shown = shown.rstrip("0").rstrip(".") if digits else shown
        return f"{name} {'0' if shown == '-0' else shown}"

    def words_of_held(self) -> list[str]:
        """Say what is held, as in ``age 24.1 (mean)``."""
        return [
            self.words(name, held.value) + (f" ({held.how})" if held.how else "")
            for name, held in self.held.items()
        ]


def make_rows(
    specs: Mapping[str, DesignSpec],
    x: str,
    by: str | Sequence[str] | None,
    at: Mapping[str, Any] | None,
) -> ConditionalRows:
    """Combine values of x and by, and hold the other columns.

    Parameters
    ----------
    specs
        Of the linear predictors that matter.
    x
        A covariate runs over its range, in 101 points; a factor over its levels.
    by
        Up to two columns: all levels of a factor; of a covariate its mean, and that less and
        more one standard deviation, as far as the data reach.
    at
        Values for columns in place of these; one for a column that is held.

    Raises
    ------
    DataError
        If a name is no column of the model that can vary, or a value is none.
    """
    known = _known_columns(specs)
    groups = names_of(by)
    check_names(x, groups, specs, known)
    given = read_values(at, specs, known)
    values = {x: given.get(x) or _axis(x, known[x])}
    values |= {name: given.get(name) or _steps(name, known[name]) for name in groups}
    rows = int(np.prod([len(v) for v in values.values()]))
    if rows > _MOST_ROWS:
        raise DataError(
            f"x= and by= have {rows:,} combinations of values, more than the {_MOST_ROWS:,} that "
            "are computed. Choose some with at={'column': [values]}."
        )
    held = {
        name: _held(name, typical, given) for name, typical in known.items() if name not in values
    }
    curve = known[x].levels is None
    spread = {name: typical.sd for name, typical in known.items() if np.isfinite(typical.sd)}
    return ConditionalRows(x, groups, curve, Grid(values).table(), held, spread)


def _known_columns(specs: Mapping[str, DesignSpec]) -> dict[str, Typical]:
    """Describe the columns of all fixed parts and offsets."""
    out: dict[str, Typical] = {}
    for spec in specs.values():
        for name, typical in {**spec.typical, **_of_offset(spec)}.items():
            # Where one predictor has it as a number and another as a factor, levels suit both.
            if name not in out or out[name].levels is None:
                out[name] = typical
    return out


def _of_offset(spec: DesignSpec) -> dict[str, Typical]:
    return {name: t for name, t in spec.offset.typical.items() if name not in spec.typical}


def _held(name: str, typical: Typical, given: Mapping[str, tuple[Any, ...]]) -> Held:
    if name in given:
        if len(given[name]) > 1:
            raise DataError(
                f"at= has {len(given[name])} values for {name!r}, which is held at one. Give one, "
                f"or name it in by=."
            )
        return Held(given[name][0])
    if typical.levels is not None:
        return Held(typical.levels[0], "first level")
    if not np.isfinite(typical.mean):
        raise _nowhere(name)
    return Held(typical.mean, "mean")


def _axis(name: str, typical: Typical) -> tuple[Any, ...]:
    if typical.levels is not None:
        return typical.levels
    if not np.isfinite(typical.low):
        raise _nowhere(name)
    if typical.low == typical.high:
        return (typical.low,)
    return tuple(np.linspace(typical.low, typical.high, _POINTS).tolist())


def _steps(name: str, typical: Typical) -> tuple[Any, ...]:
    if typical.levels is not None:
        return typical.levels
    if not np.isfinite(typical.low):
        raise _nowhere(name)
    steps = typical.mean + typical.sd * np.array([-1.0, 0.0, 1.0])
    return tuple(dict.fromkeys(np.clip(steps, typical.low, typical.high).tolist()))


def _nowhere(name: str) -> DataError:
    return DataError(
        f"the fit doesn't know where the values of {name!r} lie: it was saved by an older version, "
        f"or none is finite. Say them with at={{{name!r}: [values]}}."
    )
