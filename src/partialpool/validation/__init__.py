"""Predictions of rows and of groups that a model hasn't seen."""

from __future__ import annotations

from partialpool.validation.running import cross_validate
from partialpool.validation.result import CrossValidation

__all__ = ["CrossValidation", "cross_validate"]
