"""How much of the variance a posterior explains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from partialpool.bayes.categories import flattened
from partialpool.bayes.responses import means
from partialpool.bayes.rows import posterior_rows
from partialpool.families import Ordinal
from partialpool.inference.rows import RandomPart
from partialpool.inference.wald import check_level

if TYPE_CHECKING:
    from partialpool.bayes.fit import BayesFit

__all__ = ["RSquared", "r_squared"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class RSquared:
    """Posterior of a share of variance.

    Attributes
    ----------
    draws : (C, D) array
        Between 0 and 1, of every draw.
    """

    draws: Array

    @property
    def estimate(self) -> float:
        """Posterior mean."""
        return float(self.draws.mean())

    @property
    def std_error(self) -> float:
        """Posterior standard deviation."""
        return float(self.draws.std(ddof=1))

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Cut off equally at both ends, to a probability.

        Examples
        --------
        >>> low, high = RSquared(np.linspace(0.0, 1.0, 101)[None]).interval(0.9)
        >>> round(low, 2), round(high, 2)
        (0.05, 0.95)
        """
        tails = 0.5 - 0.5 * check_level(level), 0.5 + 0.5 * level
        low, high = np.quantile(self.draws, tails)
        return float(low), float(high)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        return np.array(self.draws, dtype=dtype)

    def __repr__(self) -> str:
        low, high = self.interval()
        return f"R squared {self.estimate:.2f}, 95 % interval {low:.2f} to {high:.2f}"


def r_squared(fit: BayesFit, random: RandomPart = "all") -> RSquared:
    """Draw the Bayesian R squared: variance of the means over that and the residual variance.

    Parameters
    ----------
    fit
        A Bayesian fit.
    random
        Random effects that count as explained, as for :func:`partialpool.bayes.predict.predict`.
        With ``"none"`` the rest is still what the whole model leaves.

    Returns
    -------
    RSquared
        With ``estimate`` (the posterior mean), ``std_error``, ``interval(level)`` and ``draws``.

    Raises
    ------
    DataError
        If a random term is unknown.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.bmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"), seed=1)
    >>> found = r_squared(fit)
    >>> round(found.estimate, 2), found.draws.shape
    (0.79, (4, 1000))

    References
    ----------
    Gelman, Goodrich, Gabry & Vehtari (2019), The American Statistician 73, 307-309, equation 3.
    """
    explained, _ = _moments(fit, random)
    _, rest = _moments(fit, "all")
    shares = explained / (explained + rest)
    return RSquared(shares.reshape(fit.draws.chains, fit.draws.draws))


def _moments(fit: BayesFit, random: RandomPart) -> tuple[Array, Array]:
    """Variance of the means over rows, and mean of the rows' variances, (S,) each."""
    rows = posterior_rows(fit, random=random)
    used = fit.statement.response.counted
    total, square, rest = (np.zeros(rows.size) for _ in range(3))
    for block in rows.blocks():
        own = used[block]
        eta = {name: x[:, own] for name, x in rows.eta(block).items()}
        mu = means(fit, eta)
        total += mu.sum(axis=1)
        square += (mu**2).sum(axis=1)
        rest += _variance(fit, eta, np.flatnonzero(own) + block.start).sum(axis=1)
    n = int(used.sum())
    return (square - total**2 / n) / (n - 1), rest / n


def _variance(fit: BayesFit, eta: dict[str, Array], rows: NDArray[np.intp]) -> Array:
    """Variance of every draw's responses; of families with trials, of the proportions."""
    shape = eta["mean"].shape
    response = fit.statement.response
    trials = None
    if response.trials is not None:
        trials = np.broadcast_to(response.trials[rows], shape).ravel()
    flat = flattened(eta)
    if isinstance(fit.family, Ordinal):
        chances, scores = fit.family.probabilities(flat), response.scores
        return np.asarray(chances @ scores**2 - (chances @ scores) ** 2).reshape(shape)
    found = fit.family.variance(flat, fit.statement.zero, trials).reshape(shape)
    if fit.family.name == "gaussian" and response.weights is not None:
        found = found / response.weights[rows]
    return np.asarray(found)
