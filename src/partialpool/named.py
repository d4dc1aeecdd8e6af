"""Numbers with names: what a fit's coefficients and standard errors are held in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.typing import DTypeLike, NDArray

from partialpool.errors import UnknownNameError, did_you_mean

__all__ = ["NamedVector"]


@dataclass(frozen=True, slots=True, eq=False)
class NamedVector:
    """A vector whose elements are read by name, by position or as an array.

    Iterating gives the values; ``name in vector`` asks for a name.

    Attributes
    ----------
    names
        One name per value.
    values : (p,) array
        The numbers, read-only; NaN stands for "not available".

    Examples
    --------
    >>> beta = NamedVector(("Intercept", "Days"), [251.40510485, 10.46728596])
    >>> beta
    Intercept  251.405
    Days        10.4673
    >>> beta["Days"], beta[0]
    (10.46728596, 251.40510485)
    >>> np.asarray(beta).round(1)
    array([251.4,  10.5])
    >>> beta.to_dict()
    {'Intercept': 251.40510485, 'Days': 10.46728596}
    """

    names: tuple[str, ...]
    values: NDArray[np.float64]

    def __post_init__(self) -> None:
        values = np.array(self.values, dtype=np.float64)
        values.flags.writeable = False
        assert values.shape == (len(self.names),), "one name per value"
        object.__setattr__(self, "names", tuple(self.names))
        object.__setattr__(self, "values", values)

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[float]:
        return iter(self.values.tolist())

    def __contains__(self, name: object) -> bool:
        return name in self.names

    @overload
    def __getitem__(self, key: str | int) -> float: ...
    @overload
    def __getitem__(self, key: slice) -> NamedVector: ...
    def __getitem__(self, key: str | int | slice) -> float | NamedVector:
        """Return the value of a name or position, or the vector of a slice.

        Raises
        ------
        UnknownNameError
            If no element has the name. It is a ``KeyError`` too.
        """
        if isinstance(key, slice):
            return NamedVector(self.names[key], self.values[key])
        return float(self.values[self._position(key) if isinstance(key, str) else key])

    def _position(self, name: str) -> int:
        if name not in self.names:
            raise UnknownNameError(
                f"there is no element {name!r}; the names are "
                f"{', '.join(map(repr, self.names))}.{did_you_mean(name, self.names)}"
            )
        return self.names.index(name)

    def __array__(
        self, dtype: DTypeLike | None = None, copy: bool | None = None
    ) -> NDArray[np.generic]:
        # NumPy 1 knows no copy=None, and there copy=False means "if it can be avoided".
        if copy:
            return np.array(self.values, dtype=dtype)
        return np.asarray(self.values, dtype=dtype)

    def __repr__(self) -> str:
        width = max(map(len, self.names), default=0)
        rows = zip(self.names, _aligned(self.values), strict=True)
        return "\n".join(f"{name:<{width}}  {text}" for name, text in rows)

    def keys(self) -> tuple[str, ...]:
        """Return the names; with them, ``dict(vector)`` is :meth:`to_dict`."""
        return self.names

    def items(self) -> Iterator[tuple[str, float]]:
        """Iterate over pairs of name and value."""
        return zip(self.names, self, strict=True)

    def to_dict(self) -> dict[str, float]:
        """Return the values by name."""
        return dict(self.items())


def _aligned(values: NDArray[np.float64]) -> list[str]:
    """Write numbers to six figures with their points below one another, NaN as "n/a"."""
    texts = ["n/a" if np.isnan(value) else f"{value:.6g}" for value in values]
    width = max((len(text.partition(".")[0]) for text in texts), default=0)
    return [" " * (width - len(text.partition(".")[0])) + text for text in texts]
