"""Ordered categories: their thresholds beside every row, and their probabilities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from partialpool.families import Ordinal, category_columns

if TYPE_CHECKING:
    from partialpool.bayes.fit import BayesFit
    from partialpool.bayes.rows import PosteriorRows

__all__ = ["Probabilities", "core_predictors", "flattened", "probabilities"]

Array = NDArray[np.float64]


def core_predictors(parts: tuple[str, ...], eta: Mapping[str, Array], y: Array) -> list[Array]:
    """Put linear predictors (n,) in the order in which the core has them.

    Parameters
    ----------
    parts
        Their names, as the family has them.
    eta
        By part; thresholds (K - 1,).
    y : (n,) array
        The response; of thresholds those above and below its category are taken.

    Examples
    --------
    >>> eta = {"mean": np.zeros(2), "thresholds": np.array([-1.0, 1.0])}
    >>> core_predictors(("mean", "thresholds"), eta, np.array([0.0, 1.0]))[1]
    array([-1.,  1.])
    """
    out = [np.ascontiguousarray(eta[part]) for part in parts if part != "thresholds"]
    if "thresholds" in parts:
        cuts, place = eta["thresholds"], y.astype(np.intp)
        out.append(cuts[np.minimum(place, len(cuts) - 1)])
        out.append(cuts[np.maximum(place - 1, 0)])
    return out


def flattened(eta: Mapping[str, Array]) -> dict[str, Array]:
    """Join draws and rows (S, n, ...) of every linear predictor to one dimension (S n, ...)."""
    return {name: np.array(x).reshape(-1, *x.shape[2:]) for name, x in eta.items()}


@dataclass(frozen=True, slots=True, eq=False)
class Probabilities:
    """Posterior of every row's probabilities of the categories, (m, K) each.

    Attributes
    ----------
    mean, sd, low, high
        Moments, and the ends of an interval.
    """

    mean: Array
    sd: Array
    low: Array
    high: Array

    def columns(self, labels: tuple[str, ...], se: bool, interval: bool) -> dict[str, Array]:
        """Name the columns of a table: the categories, then what else is asked for of each."""
        more = {"std_error": self.sd} if se else {}
        more |= {"conf_low": self.low, "conf_high": self.high} if interval else {}
        return category_columns(labels, self.mean, more)


def probabilities(fit: BayesFit, rows: PosteriorRows, level: float) -> Probabilities:
    """Compute the posterior of every category's probability.

    Parameters
    ----------
    fit
        Of an ordinal model.
    rows
        Those to predict.
    level
        Probability of the intervals.
    """
    family = fit.family
    assert isinstance(family, Ordinal)
    tails = [(1 - level) / 2, (1 + level) / 2]
    found = []
    for block in rows.blocks():
        eta = rows.eta(block)
        chances = family.probabilities(flattened(eta)).reshape(*eta["mean"].shape, -1)
        limits = np.quantile(chances, tails, axis=0)
        found.append(np.array([chances.mean(axis=0), chances.std(axis=0, ddof=1), *limits]))
    return Probabilities(*np.concatenate(found, axis=1))
