"""What the random part says of rows, where there is one."""

from __future__ import annotations

import numpy as np

from partialpool.errors import DataError, NotAvailableError
from partialpool.inference.rows import RandomPart as Wanted
from partialpool.learners.grouped import GroupedRows
from partialpool.learners.part import NewLevels, Outlook, RandomPart

__all__ = ["look", "part_of"]


def look(
    part: RandomPart | None,
    rows: GroupedRows,
    random: Wanted,
    new_levels: NewLevels,
    *,
    without_variance: bool = False,
) -> Outlook:
    """Predict the random part of rows.

    Parameters
    ----------
    part
        The random part; None where there are no groups.
    rows
        Their groups.
    random
        Random effects to use.
    new_levels
        What to do about groups that weren't fitted.
    without_variance
        Whether the mean will do, for which rows of no known group need no columns.

    Raises
    ------
    DataError
        If ``new_levels`` is unknown, or a level is new though it must not be.
    """
    if new_levels not in ("error", "population"):
        raise DataError(f"new_levels must be 'error' or 'population', found {new_levels!r}.")
    if part is None or (without_variance and not rows.grouped and new_levels == "population"):
        n = rows.table.n
        return Outlook(np.zeros(n), np.zeros(n), np.zeros(n, dtype=bool))
    return part.outlook(rows.table, random, new_levels)


def part_of(part: RandomPart | None) -> RandomPart:
    """Return the random part.

    Raises
    ------
    NotAvailableError
        If there is none.
    """
    if part is None:
        raise NotAvailableError(
            "the learner was fitted without groups, so that there are no random effects. Pass "
            "random= or groups=."
        )
    return part
