"""Every exception and warning that partialpool raises.

A message says what was found (name and value), what was needed and what to do.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "ConvergenceWarning",
    "DataError",
    "FactorisationError",
    "FormulaError",
    "ModelError",
    "NotAvailableError",
    "PartialPoolError",
    "PartialPoolWarning",
    "SavedModelError",
    "UnknownNameError",
    "did_you_mean",
    "show_rows",
]


class PartialPoolError(Exception):
    """Base of every exception raised on purpose by partialpool."""


class FormulaError(PartialPoolError):
    """The formula can't be read, or asks for something that can't be meant."""


class DataError(PartialPoolError, ValueError):
    """The data don't fit the formula, or hold values that no model can use.

    Also a ``ValueError``, which is what scikit-learn's tools expect of estimators.
    """


class ModelError(PartialPoolError):
    """The model can't be identified or fitted on these data."""


class FactorisationError(ModelError):
    """A matrix that has to be positive definite is not."""


class NotAvailableError(PartialPoolError):
    """An optional part isn't installed, or a result doesn't exist for this fit."""


class SavedModelError(PartialPoolError):
    """A file is not a saved model, or was written by a newer version."""


class UnknownNameError(PartialPoolError, KeyError):
    """A name looked up by a user that isn't there. Also a ``KeyError``."""

    # KeyError's own shows the message as a quoted string.
    __str__ = Exception.__str__


class PartialPoolWarning(UserWarning):
    """Something to know about numbers that are still usable."""


class ConvergenceWarning(PartialPoolWarning):
    """A search ended at no optimum: estimates, tests and comparisons are not those of the model."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """End an error message with the known names nearest to one that isn't known.

    Parameters
    ----------
    name
        What was asked for.
    known
        What there is.

    Returns
    -------
    str
        A sentence with a leading space, or nothing where no name is near.

    Examples
    --------
    >>> did_you_mean("day", ["Days", "Subject"])
    " Did you mean 'Days'?"
    >>> did_you_mean("days", [" Days "])
    " Did you mean ' Days '?"
    >>> did_you_mean("x", ["Days", "Subject"])
    ''
    """
    from difflib import get_close_matches  # only when something has gone wrong

    # A header may have blanks around it that nobody sees.
    folded = {other.strip().casefold(): other for other in known}
    matches = get_close_matches(name.strip().casefold(), folded, n=3)
    near = [repr(folded[match]) for match in matches]
    return f" Did you mean {' or '.join(near)}?" if near else ""


def show_rows(rows: NDArray[Any], most: int = 5) -> str:
    """List the first few row numbers for a message.

    Examples
    --------
    >>> import numpy as np
    >>> show_rows(np.array([3, 7]))
    'rows 3 and 7, counted from 0'
    """
    shown = [str(row) for row in rows[:most]]
    if len(rows) > most:
        return f"rows {', '.join(shown)}, ..., counted from 0"
    if len(shown) == 1:
        return f"row {shown[0]}, counted from 0"
    return f"rows {', '.join(shown[:-1])} and {shown[-1]}, counted from 0"
