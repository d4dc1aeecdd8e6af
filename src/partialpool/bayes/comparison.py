"""Several Bayesian fits by their predictive accuracy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from partialpool.bayes.crossvalidation import Elpd, Kind
from partialpool.errors import DataError
from partialpool.frames import make_frame

if TYPE_CHECKING:
    from partialpool.bayes.fit import BayesFit

__all__ = ["loo_compare", "stacking_weights"]

Array = NDArray[np.float64]


def loo_compare(
    *fits: BayesFit, kind: Kind = "conditional", names: Sequence[str] | None = None
) -> Any:
    """Compare fits to the same rows by leave-one-out predictive accuracy.

    Parameters
    ----------
    *fits
        Two or more Bayesian fits.
    kind
        ``"conditional"``: rows are left out; ``"marginal"``: whole groups.
    names
        One for each fit; None for fit1, fit2, ...

    Returns
    -------
    native frame
        Best first: ``model``, ``weight`` (in the mixture of predictions that predicts best),
        ``elpd`` and ``elpd_se``, ``elpd_diff`` to the best and ``diff_se``, ``p_loo`` (effective
        parameters) and ``bad_k`` (rows or groups whose Pareto k is above 0.7).

    Raises
    ------
    DataError
        If there are fewer than two fits, they are of other rows or responses, or names don't fit.
    NotAvailableError
        As for :func:`partialpool.bayes.crossvalidation.loo`.

    Examples
    --------
    >>> import partialpool as pp
    >>> sleep = pp.load_dataset("sleepstudy")
    >>> slopes = pp.bmm("Reaction ~ Days + (Days | Subject)", sleep, seed=1)
    >>> common = pp.bmm("Reaction ~ Days + (1 | Subject)", sleep, seed=1)
    >>> loo_compare(common, slopes, kind="marginal")["model"].tolist()
    ['fit2', 'fit1']

    References
    ----------
    Vehtari, Gelman & Gabry (2017), Statistics and Computing 27, 1413-1432. Yao, Vehtari, Simpson
    & Gelman (2018), Bayesian Analysis 13, 917-1003: the weights.
    """
    labels = _labels(fits, names)
    _refuse_other_data(fits, labels)
    found = [fit.loo(kind) for fit in fits]
    order = np.argsort([-elpd.elpd for elpd in found], kind="stable")
    weights = stacking_weights(np.stack([elpd.pointwise for elpd in found]))
    best = found[order[0]]
    gaps = [(0.0, 0.0) if elpd is best else elpd.difference(best) for elpd in found]
    columns = {
        "model": np.array([labels[i] for i in order], dtype=object),
        "weight": weights[order],
        "elpd": np.array([found[i].elpd for i in order]),
        "elpd_se": np.array([found[i].se for i in order]),
        "elpd_diff": np.array([gaps[i][0] for i in order]),
        "diff_se": np.array([gaps[i][1] for i in order]),
        "p_loo": np.array([found[i].p for i in order]),
        "bad_k": np.array([_bad(found[i]) for i in order]),
    }
    return make_frame(columns, fits[0].design.spec.kind)


def stacking_weights(pointwise: Array, steps: int = 10_000) -> Array:
    """Weights (K,) of the mixture with the largest sum of log densities, by EM.

    Parameters
    ----------
    pointwise : (K, units) array
        Log predictive densities.
    steps
        At most.

    Examples
    --------
    >>> stacking_weights(np.log([[0.5, 0.5], [0.1, 0.1]])).round(6)
    array([1., 0.])
    """
    density = np.exp(pointwise - pointwise.max(axis=0))
    weights = np.full(len(pointwise), 1.0 / len(pointwise))
    for _ in range(steps):
        shares = weights[:, None] * density
        new = (shares / shares.sum(axis=0)).mean(axis=1)
        done = np.abs(new - weights).max() < 1e-10
        weights = new
        if done:
            break
    return weights


def _labels(fits: tuple[BayesFit, ...], names: Sequence[str] | None) -> list[str]:
    if len(fits) < 2:
        raise DataError(f"loo_compare needs two or more fits, found {len(fits)}.")
    for i, fit in enumerate(fits):
        if not callable(getattr(fit, "loo", None)):
            raise DataError(
                f"loo_compare is for Bayesian fits, found {type(fit).__name__} as fit{i + 1}. "
                "pp.compare compares others."
            )
    labels = [f"fit{i + 1}" for i in range(len(fits))] if names is None else list(names)
    if len(labels) != len(fits):
        raise DataError(f"names has {len(labels)} entries for {len(fits)} fits.")
    return labels


def _refuse_other_data(fits: tuple[BayesFit, ...], labels: list[str]) -> None:
    first = fits[0].statement.response
    for fit, label in zip(fits[1:], labels[1:], strict=True):
        own = fit.statement.response
        same = len(own.values) == len(first.values) and np.array_equal(own.values, first.values)
        if not same or not np.array_equal(own.counted, first.counted):
            raise DataError(
                f"{labels[0]} and {label} don't have the same responses, so that their "
                "predictions don't compare. Fit both to the same rows of the same response."
            )


def _bad(elpd: Elpd) -> int:
    return 0 if elpd.pareto_k is None else int((elpd.pareto_k > 0.7).sum())
