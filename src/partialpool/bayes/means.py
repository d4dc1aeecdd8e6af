"""Posterior of marginal means, slopes and their contrasts: draw by draw."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from partialpool.families import link_of_means
from partialpool.frames import make_frame
from partialpool.inference import ContrastKind, Scale
from partialpool.inference.ddf.estimable import estimable
from partialpool.inference.means.contrasts import contrast_columns
from partialpool.inference.means.estimates import IDENTITY, RATIOS, check_scale
from partialpool.inference.means.grid import make_grid, matrix_at, names_of
from partialpool.inference.means.means import check_names
from partialpool.inference.means.slopes import check_variable, slope_matrix, slope_targets
from partialpool.inference.wald import check_level

if TYPE_CHECKING:
    from partialpool.bayes.fit import BayesFit

__all__ = ["posterior_means", "posterior_slopes"]

Array = NDArray[np.float64]
Columns = dict[str, Array]


def posterior_means(
    fit: BayesFit,
    specs: str | Sequence[str],
    by: str | Sequence[str] | None = None,
    *,
    contrasts: ContrastKind | None = None,
    at: Mapping[str, Any] | None = None,
    level: float = 0.95,
    scale: Scale = "link",
    offset: float = 0.0,
) -> Any:
    """Summarise the posterior of marginal means of factors, or of contrasts among them.

    The means are those of :func:`partialpool.inference.marginal_means`, at every draw of the
    coefficients: for a group whose random effects are zero.

    Parameters
    ----------
    fit
        A Bayesian fit.
    specs, by, contrasts, at, scale, offset
        As for :func:`partialpool.inference.marginal_means`. Contrasts aren't adjusted: what a
        posterior says of one doesn't depend on how many are looked at.
    level
        Probability of the intervals.

    Returns
    -------
    native frame
        The columns of ``specs`` and ``by`` (or of ``by`` and ``contrast``), ``estimate`` (the
        posterior mean), ``std_error``, ``conf_low`` and ``conf_high``; of contrasts
        ``probability``, the posterior's above zero (of ratios above one). NaN where the data
        don't determine a mean.

    Raises
    ------
    DataError
        If a column isn't in the fixed effects, or an argument makes no sense.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.bmm("score ~ Machine + (1 | Worker)", pp.load_dataset("Machines"), seed=1)
    >>> posterior_means(fit, "Machine")[["Machine", "estimate"]].round(0)
      Machine  estimate
    0       A      52.0
    1       B      60.0
    2       C      66.0
    """
    check_level(level)
    check_scale(scale)
    own, groups = names_of(specs), names_of(by)
    check_names(own, groups)
    spec = fit.design.spec
    grid, cells = make_grid(spec, (*own, *groups), at)
    eta = _draws(fit, cells.average @ matrix_at(spec, grid.table())) + offset
    link = link_of_means(fit.family, scale, contrasts is not None)
    if contrasts is None:
        values = link.inverse(eta) if scale == "response" else eta
        return make_frame({**cells.labels, **_summary(values, level)}, spec.kind)
    return _contrasts(
        fit, contrasts, cells.labels, own, eta, level, link if scale == "response" else IDENTITY
    )


def posterior_slopes(
    fit: BayesFit,
    variable: str,
    by: str | Sequence[str] | None = None,
    *,
    contrasts: ContrastKind | None = None,
    at: Mapping[str, Any] | None = None,
    level: float = 0.95,
    scale: Scale = "link",
    offset: float = 0.0,
) -> Any:
    """Summarise the posterior of a covariate's slope, or of contrasts among its slopes.

    Parameters
    ----------
    fit
        A Bayesian fit.
    variable, by, contrasts, at, scale, offset
        As for :func:`partialpool.inference.marginal_slopes`.
    level
        Probability of the intervals.

    Returns
    -------
    native frame
        The columns of ``by`` (or ``contrast``), ``estimate`` (the posterior mean), ``std_error``,
        ``probability`` (the posterior's above zero), ``conf_low`` and ``conf_high``.

    Raises
    ------
    DataError
        If the variable is no covariate of the fixed effects, or an argument makes no sense.

    Examples
    --------
    >>> import partialpool as pp
    >>> growth = pp.load_dataset("Orthodont")
    >>> fit = pp.bmm("distance ~ age * Sex + (age | Subject)", growth, seed=1)
    >>> posterior_slopes(fit, "age", by="Sex")[["Sex", "estimate"]].round(1)
          Sex  estimate
    0    Male       0.8
    1  Female       0.5
    """
    check_level(level)
    check_scale(scale)
    spec = fit.design.spec
    link = link_of_means(fit.family, scale, contrasts is not None)
    bent = scale == "response" and link.name != "identity"
    check_variable(spec, variable, contrasts is not None and bent)
    targets = slope_targets(variable, by, at, contrasts is not None)
    grid, cells = make_grid(spec, targets, at)
    slopes = _draws(fit, cells.average @ slope_matrix(spec, variable, grid))
    if contrasts is not None:
        return _contrasts(fit, contrasts, cells.labels, targets, slopes, level, IDENTITY)
    if bent:
        eta = _draws(fit, cells.average @ matrix_at(spec, grid.table())) + offset
        slopes = link.slope(eta) * slopes
    return make_frame({**cells.labels, **_summary(slopes, level, above=0.0)}, spec.kind)


def _draws(fit: BayesFit, L: Array) -> Array:
    """Combinations of coefficients at every draw (S, m), NaN where the data determine none."""
    found = estimable(fit, L)
    own = fit.draws.parts["mean"].fixef[:, :, fit.statement.kept["mean"]]
    values = own.reshape(-1, own.shape[-1]) @ found.L.T
    return np.asarray(np.where(found.ok, values, np.nan))


def _contrasts(
    fit: BayesFit,
    kind: ContrastKind,
    labels: Mapping[str, NDArray[Any]],
    own: tuple[str, ...],
    eta: Array,
    level: float,
    link: Any,
) -> Any:
    """Contrast means within every combination of the other labels, as ratios where they are."""
    ratios = link.name in RATIOS
    through: Callable[[Array], Array] = (lambda x: x) if ratios else link.inverse

    def compare(weights: Array, rows: slice) -> Columns:
        values = through(eta[:, rows]) @ weights.T
        return _summary(np.exp(values) if ratios else values, level, above=float(ratios))

    columns = contrast_columns(kind, labels, own, ratios=ratios, compare=compare)
    return make_frame(columns, fit.design.spec.kind)


def _summary(values: Array, level: float, above: float | None = None) -> Columns:
    """Moments and limits of draws (S, m), and how many of them are above a number."""
    tails = (1 - level) / 2, (1 + level) / 2
    low, high = np.quantile(values, tails, axis=0)
    out = {"estimate": values.mean(axis=0), "std_error": values.std(axis=0, ddof=1)}
    if above is not None:
        share = (values > above).mean(axis=0)
        out["probability"] = np.where(np.isnan(out["estimate"]), np.nan, share)
    return out | {"conf_low": low, "conf_high": high}
