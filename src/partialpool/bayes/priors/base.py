"""What every prior distribution is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import astuple, dataclass, fields
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import ModelError

__all__ = ["Prior", "Vector"]

Vector = NDArray[np.float64]
_ANY: tuple[str, ...] = ("mean",)


@dataclass(frozen=True)
class Prior(ABC):
    """A prior distribution.

    Attributes
    ----------
    name
        Its name in a specification such as ``"normal(0, 5)"``.
    support
        ``"real"`` for coefficients, ``"positive"`` for standard deviations and dispersions,
        ``"power"`` for that of a Tweedie variance, ``"correlation"`` for correlation matrices,
        ``"number"`` for what isn't estimated, ``"any"``.
    """

    name: ClassVar[str]
    support: ClassVar[str]

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
            positive = field.name not in _ANY
            if not number or not np.isfinite(value) or (positive and value <= 0):
                wanted = "a positive number" if positive else "a number"
                raise ModelError(
                    f"{field.name} of the prior {self.name} must be {wanted}, found {value!r}."
                )

    def __str__(self) -> str:
        return f"{self.name}({', '.join(f'{x:.5g}' for x in astuple(self))})"

    @abstractmethod
    def draw(self, rng: np.random.Generator, size: Any) -> Vector:
        """Draw numbers.

        Raises
        ------
        ModelError
            If the prior is flat, and so no distribution.
        """
