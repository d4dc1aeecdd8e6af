"""What a posterior says of every row's mean, draw by draw."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from partialpool.bayes.categories import flattened
from partialpool.bayes.responses import means
from partialpool.bayes.rows import NewLevels, posterior_rows
from partialpool.errors import DataError
from partialpool.families import Ordinal
from partialpool.inference.rows import RandomPart
from partialpool.inference.seeds import Seed

if TYPE_CHECKING:
    from partialpool.bayes.fit import BayesFit

__all__ = ["predict_draws"]

Array = NDArray[np.float64]
DrawnType = Literal["response", "link"]


def predict_draws(
    fit: BayesFit,
    new: Any = None,
    *,
    type: DrawnType = "response",  # noqa: A002 - as in R
    random: RandomPart = "all",
    new_levels: NewLevels = "error",
    inapplicable: Literal["error", "ignore"] = "error",
    offset: Any = None,
    applicable: Any = None,
    seed: Seed = None,
) -> Array:
    """Return the mean of every row at every draw: what :func:`predict` summarises.

    For functions of several means, such as their differences. New responses are what
    ``simulate`` draws.

    Parameters
    ----------
    fit
        A Bayesian fit.
    new, random, new_levels, inapplicable, offset, applicable
        As for :func:`predict`.
    type
        ``"response"``: the mean, zero inflation included, of an ordinal response the
        probabilities of its categories; ``"link"``: the mean's linear predictor.
    seed
        For the effects of new levels, drawn anew with ``new_levels="sample"``.

    Returns
    -------
    (m, S) array, of categories (m, S, K)
        In units of the response (proportions of families with trials) or of the link; draws in
        the order of ``fit.parameters[name].ravel()``. NaN where a row lacks a value.

    Raises
    ------
    DataError
        If an argument makes no sense, columns are missing or of another type, or a level is new.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.bmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"), seed=1)
    >>> first, last = predict_draws(fit, {"Days": [0, 9], "Subject": ["308", "308"]})
    >>> first.shape, float((last - first > 100).mean().round(1))
    ((4000,), 1.0)
    """
    if type not in get_args(DrawnType):
        kinds = " or ".join(map(repr, get_args(DrawnType)))
        raise DataError(f"type must be {kinds}, found {type!r}.")
    rows = posterior_rows(
        fit,
        new,
        random=random,
        new_levels=new_levels,
        inapplicable=inapplicable,
        offset=offset,
        applicable=applicable,
        seed=seed,
    )
    blocks = [_values(fit, rows.eta(block), type) for block in rows.blocks()]
    return np.swapaxes(np.concatenate(blocks, axis=1), 0, 1)


def _values(fit: BayesFit, eta: dict[str, Array], kind: str) -> Array:
    """Means or linear predictors (S, rows), or probabilities (S, rows, K)."""
    if kind == "link":
        return eta["mean"]
    if isinstance(fit.family, Ordinal):
        return fit.family.probabilities(flattened(eta)).reshape(*eta["mean"].shape, -1)
    return means(fit, eta)
