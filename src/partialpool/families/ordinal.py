"""Ordered categories."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import ModelError
from partialpool.families.base import Eta, ResponseFamily, Vector, Zero
from partialpool.families.response import Response

__all__ = ["Ordinal", "category_columns", "most_probable"]


@dataclass(frozen=True, init=False, repr=False)
class Ordinal(ResponseFamily):
    """Cumulative model of ordered categories: P(y <= j) = F(threshold_j - eta).

    F is the logistic, normal or extreme-value distribution function that belongs to the link.
    The K - 1 thresholds rise; they stand in the place of an intercept. A larger linear
    predictor makes higher categories more likely.

    Parameters
    ----------
    link
        ``"logit"`` (the default: proportional odds), ``"probit"`` or ``"cloglog"``
        (proportional hazards).

    Examples
    --------
    >>> eta = {"mean": np.zeros(1), "thresholds": np.array([0.0, 1.0])}
    >>> Ordinal().probabilities(eta).round(4)
    array([[0.5   , 0.2311, 0.2689]])

    References
    ----------
    McCullagh (1980), Journal of the Royal Statistical Society B 42, 109-142.
    """

    links: ClassVar[tuple[str, ...]] = ("logit", "probit", "cloglog")
    own_parts: ClassVar[tuple[str, ...]] = ("mean", "thresholds")

    stem: ClassVar[str] = "ordinal"

    def probabilities(self, eta: Eta) -> NDArray[np.float64]:
        """Return the probability of each category.

        Parameters
        ----------
        eta
            Linear predictors ``"mean"`` (n,) and ``"thresholds"`` (K - 1,).

        Returns
        -------
        (n, K) array
        """
        below = self.link.inverse(eta["thresholds"] - eta["mean"][:, np.newaxis])
        n = len(below)
        return np.diff(below, prepend=np.zeros((n, 1)), append=np.ones((n, 1)), axis=1)

    def _mean(self, eta: Eta) -> Vector:
        """Return the mean position of the category, counted from 0."""
        chances = self.probabilities(eta)
        return np.asarray(chances @ np.arange(chances.shape[1]), dtype=np.float64)

    def _variance(self, eta: Eta, trials: Vector | None) -> Vector:
        """Return the variance of the position."""
        chances = self.probabilities(eta)
        distances = np.arange(chances.shape[1]) - self._mean(eta)[:, np.newaxis]
        return np.asarray(np.sum(chances * distances**2, axis=1), dtype=np.float64)

    def _draw(self, eta: Eta, rng: np.random.Generator, trials: Vector | None) -> NDArray[Any]:
        n = len(eta["mean"])
        below = self.link.inverse(eta["thresholds"] - eta["mean"][:, np.newaxis])
        return np.asarray(np.sum(rng.random((n, 1)) > below, axis=1))

    def _start(
        self, y: Vector, trials: Vector | None, weights: Vector | None, zero: Zero
    ) -> dict[str, float]:
        return {"mean": 0.0}

    def start_thresholds(self, y: Vector, K: int, weights: Vector | None = None) -> Vector:
        """Return the thresholds of a model without predictors.

        Parameters
        ----------
        y : (n,) array
            Positions of the categories, from 0.
        K
            How many categories there are.
        weights : (n,) array, or None
            Of each row.

        Examples
        --------
        >>> Ordinal().start_thresholds(np.array([0.0, 1.0, 1.0, 2.0]), 3).round(4)
        array([-1.0986,  1.0986])
        """
        counts = np.bincount(y.astype(np.int64), weights=weights, minlength=K)
        shares = np.cumsum(counts)[:-1] / np.sum(counts)
        return np.asarray(self.link(shares), dtype=np.float64)

    def _check(self, response: Response, zero: Zero) -> None:
        labels = response.levels or ()
        seen = np.bincount(
            response.values[response.counted].astype(np.int64), minlength=len(labels)
        )
        if np.count_nonzero(seen) == 1:
            raise ModelError(
                f"the response {response.text} is {labels[int(np.argmax(seen))]!r} in every row "
                "that counts, but an ordinal model needs at least 2 categories."
            )
        unused = [repr(name) for name, count in zip(labels, seen, strict=True) if not count]
        if unused:
            raise ModelError(
                f"categories of the response {response.text} occur in no row that counts: "
                f"{', '.join(unused)}. Their thresholds can't be estimated: remove them, in "
                "pandas by .cat.remove_unused_categories(), or join them to a neighbour."
            )


def most_probable(chances: Vector, labels: tuple[str, ...]) -> NDArray[Any]:
    """Name each row's most probable category; None where nothing is known.

    Examples
    --------
    >>> most_probable(np.array([[0.2, 0.8], [np.nan, np.nan]]), ("no", "yes"))
    array(['yes', None], dtype=object)
    """
    known = np.isfinite(chances).all(axis=1)
    found = np.array(labels, dtype=object)[np.argmax(chances, axis=1)]
    found[~known] = None
    return np.asarray(found, dtype=object)


def category_columns(
    labels: tuple[str, ...], chances: Vector, of_each: Mapping[str, Vector]
) -> dict[str, Vector]:
    """Name the columns of a table of probabilities: the categories, then what is said of each.

    Parameters
    ----------
    labels
        Of the K categories.
    chances : (m, K) array
        Their probabilities.
    of_each
        What stands behind the category's name, such as ``"std_error"``: (m, K) each.

    Examples
    --------
    >>> list(category_columns(("no", "yes"), np.eye(2), {"std_error": np.zeros((2, 2))}))
    ['no', 'yes', 'no_std_error', 'yes_std_error']
    """
    out = {label: chances[:, k] for k, label in enumerate(labels)}
    for k, label in enumerate(labels):
        out |= {f"{label}_{name}": values[:, k] for name, values in of_each.items()}
    return out
