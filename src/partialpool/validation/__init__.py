"""Predictions of rows and of groups that a model hasn't seen."""

from __future__ import annotations

from partialpool.validation.result import CrossValidation
from partialpool.validation.running import cross_validate

__all__ = ["CrossValidation", "cross_validate"]
