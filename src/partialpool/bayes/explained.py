"""How much of the variance a posterior explains."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from partialpool.bayes.categories import flattened
from partialpool.bayes.responses import means
from partialpool.bayes.rows import posterior_rows
from partialpool.families import Ordinal
from partialpool.inference.rows import RandomPart

if TYPE_CHECKING:
    from partialpool.bayes.fit import BayesFit

__all__ = ["r_squared"]

Array = NDArray[np.float64]


def r_squared(fit: BayesFit, random: RandomPart = "all") -> Array:
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
    (C, D) array
        Between 0 and 1, of every draw.

    Raises
    ------
    DataError
        If a random term is unknown.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.bmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"), seed=1)
    >>> float(r_squared(fit).mean().round(2))
    0.79

    References
    ----------
    Gelman, Goodrich, Gabry & Vehtari (2019), The American Statistician 73, 307-309, equation 3.
    """
    explained, _ = _moments(fit, random)
    _, rest = _moments(fit, "all")
    return (explained / (explained + rest)).reshape(fit.draws.chains, fit.draws.draws)


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
