"""Fixed factors with so many levels that rows don't suffice."""

from __future__ import annotations

from typing import Any

from partialpool.design import Design
from partialpool.errors import ModelError

__all__ = ["crowded", "refuse_numbers_as_text"]

_AS_TEXT = "numbers stored as text"


def crowded(design: Design) -> str:
    """Say which fixed factor has a level for every other row, or more; nothing if none has.

    Examples
    --------
    >>> from partialpool.design import build
    >>> from partialpool.formula import parse
    >>> data = {"y": [1.0, 2.0, 4.0], "x": ["0.5", "1.5", "2.0"]}
    >>> crowded(build(parse("y ~ x"), data))  # doctest: +ELLIPSIS
    " 'x' has 3 levels, which look like numbers stored as text: convert the column, or write ..."
    """
    levels = {name: known.levels for name, known in design.spec.typical.items() if known.levels}
    name = max(levels, key=lambda n: len(levels[n] or ()), default=None)
    if name is None or 2 * len(levels[name]) < len(design.y):
        return ""
    said = f" {name!r} has {len(levels[name]):,} levels"
    if not _like_numbers(levels[name]):
        return f"{said}; a factor with many levels is better a random effect."
    return (
        f"{said}, which look like {_AS_TEXT}: convert the column, or write "
        f"as.numeric({name}) in the formula."
    )


def refuse_numbers_as_text(design: Design, n: int) -> None:
    """Refuse as many coefficients as rows that count, where they come of numbers as text.

    Raises
    ------
    ModelError
        Naming the column.
    """
    about = crowded(design)
    if len(design.columns) >= n and _AS_TEXT in about:
        raise ModelError(f"there are {len(design.columns):,} coefficients for {n:,} rows.{about}")


def _like_numbers(levels: tuple[Any, ...]) -> bool:
    if not all(isinstance(level, str) for level in levels):
        return False
    try:
        return all(float(level) == float(level) for level in levels)
    except ValueError:
        return False
