"""Every exception and warning that partialpool raises.

A message says what was found (name and value), what was needed and what to do.
"""

from __future__ import annotations

__all__ = [
    "DataError",
    "FactorisationError",
    "FormulaError",
    "ModelError",
    "NotAvailableError",
    "PartialPoolError",
    "PartialPoolWarning",
    "SavedModelError",
]


class PartialPoolError(Exception):
    """Base of every exception raised on purpose by partialpool."""


class FormulaError(PartialPoolError):
    """The formula can't be read, or asks for something that can't be meant."""


class DataError(PartialPoolError):
    """The data don't fit the formula, or hold values that no model can use."""


class ModelError(PartialPoolError):
    """The model can't be identified or fitted on these data."""


class FactorisationError(ModelError):
    """A matrix that has to be positive definite is not."""


class NotAvailableError(PartialPoolError):
    """An optional part isn't installed, or a result doesn't exist for this fit."""


class SavedModelError(PartialPoolError):
    """A file is not a saved model, or was written by a newer version."""


class PartialPoolWarning(UserWarning):
    """Something to know about numbers that are still usable."""
