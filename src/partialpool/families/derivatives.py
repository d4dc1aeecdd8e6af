"""The log-density of a user's family on the rows of a model, with its derivatives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import ModelError, PartialPoolError
from partialpool.families.calculus import multis
from partialpool.families.jets import Jet, variables
from partialpool.families.links import Link

__all__ = ["RowDensity"]

Vector = NDArray[np.float64]
Packed = tuple[NDArray[np.float64], ...]


@dataclass(frozen=True, slots=True, eq=False)
class RowDensity:
    """What the compiled core calls for the rows of a family that it doesn't know.

    Attributes
    ----------
    log_density
        The user's function.
    link
        Of the mean.
    parts
        Names of the linear predictors.
    words
        Names of the function's arguments.
    y : (n,) array
        The response.
    trials, weights : (n,) array, or None
        Of each row.
    derivatives
        The user's own derivatives in the mean, or None.
    """

    log_density: Callable[..., Any]
    link: Link
    parts: tuple[str, ...]
    words: tuple[str, ...]
    y: Vector
    trials: Vector | None
    weights: Vector | None
    derivatives: Callable[..., Any] | None

    def __call__(
        self, begin: int, end: int, eta: Sequence[Vector], order: int, every: bool
    ) -> Packed:
        """Return log-densities of rows and their derivatives.

        Parameters
        ----------
        begin, end
            The rows.
        eta
            Their linear predictors, one array for each part.
        order
            Up to which order derivatives are wanted.
        every
            Whether in all linear predictors, or in the first only.

        Returns
        -------
        tuple
            ``value`` (m,), then ``first`` (d, m), ``second`` (d (d + 1) / 2, m) and ``third``
            (d (d + 1) (d + 2) / 6, m) in the core's packed order; no rows of these beyond
            ``order``, and d = 1 unless ``every``.
        """
        rows = slice(begin, end)
        d = len(eta) if every else 1
        jets: list[Any] = [*variables(eta[:d], order), *eta[d:]] if order else list(eta)
        with np.errstate(all="ignore"):
            value = self.evaluate(rows, jets)
        weights = None if self.weights is None else self.weights[rows]
        packed = [_weighted(_plain(value), weights)]
        for m in (1, 2, 3):
            wanted = multis(d, m) if m <= order else ()
            terms = [_weighted(value.derivative(*multi), weights) for multi in wanted]
            packed.append(np.stack(terms) if terms else np.empty((0, end - begin)))
        return tuple(packed)

    def evaluate(self, rows: slice, eta: list[Any]) -> Any:
        """Return log-densities of rows from linear predictors, arrays or jets, without weights."""
        m = rows.stop - rows.start
        known = {"y": self.y[rows], "eta": eta[0], "mu": self.link.inverse(eta[0])}
        known |= {part: np.exp(x) for part, x in zip(self.parts[1:], eta[1:], strict=True)}
        known["trials"] = np.ones(m) if self.trials is None else self.trials[rows]
        if self.derivatives is not None and isinstance(eta[0], Jet):
            return self._composed({word: known[word] for word in self.words})
        value = self._call({word: known[word] for word in self.words})
        jet = next((x for x in eta if isinstance(x, Jet)), None)
        if jet is not None and not isinstance(value, Jet):
            raise ModelError(
                f"the log-density doesn't depend on its mean: it returned {type(value).__name__} "
                "without derivatives. Use the argument mu or eta in it."
            )
        if np.shape(_plain(value)) != (m,):
            raise ModelError(
                f"the log-density returned an array of shape {np.shape(_plain(value))} for {m} "
                "rows. It must return one value for each row, without summing them."
            )
        return value

    def _call(self, arguments: dict[str, Any]) -> Any:
        try:
            return self.log_density(**arguments)
        except PartialPoolError:
            raise
        except Exception as error:
            raise ModelError(
                f"the log-density failed with {type(error).__name__}: {error}. It is called with "
                "one array for each argument, and must work on all rows at once."
            ) from error

    def _composed(self, arguments: dict[str, Any]) -> Jet:
        """Take the user's derivatives in mu or eta through the link."""
        assert self.derivatives is not None
        word = "mu" if "mu" in arguments else "eta"
        inner: Jet = arguments[word]
        plain = {**arguments, word: inner.value}
        return inner.compose([self._call(plain), *self.derivatives(**plain)])


def _plain(value: Any) -> Vector:
    return value.value if isinstance(value, Jet) else np.asarray(value, dtype=np.float64)


def _weighted(values: Vector, weights: Vector | None) -> Vector:
    # A row of weight zero counts for nothing even where its density isn't defined.
    return values if weights is None else np.where(weights == 0.0, 0.0, weights * values)
