"""Posterior of marginal means, slopes and their contrasts: draw by draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from partialpool.bayes.estimates import PosteriorEstimates
from partialpool.bayes.responses import means
from partialpool.bayes.rows import constants
from partialpool.design import Design
from partialpool.families import Link, Ordinal, link_of_means
from partialpool.frames import make_frame
from partialpool.inference import ContrastKind, Scale
from partialpool.inference.means.contrasts import contrast_columns
from partialpool.inference.means.estimates import RATIOS, check_scale
from partialpool.inference.means.grid import make_grid, names_of, slope_matrix
from partialpool.inference.means.means import check_names
from partialpool.inference.means.response import averaged, derivative_along, typical_of
from partialpool.inference.means.slopes import check_variable, slope_targets
from partialpool.inference.wald import check_level
from partialpool.named import NamedVector

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
    specs, by, contrasts, at, offset
        As for :func:`partialpool.inference.marginal_means`. Contrasts aren't adjusted: what a
        posterior says of one doesn't depend on how many are looked at.
    level
        Probability of the intervals.
    scale
        ``"link"``: of the linear predictor; ``"response"``: means of the response, as
        ``predict`` has them, zero inflation, truncation and a family's own ``mean=`` included,
        at the averages of all linear predictors. Contrasts are ratios of the mean parameter with
        a log link (without zero inflation and before truncation), odds ratios with a logit, and
        differences of the response's mean else.

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
    link = link_of_means(fit.family, scale, contrasts is not None)
    ratios = scale == "response" and contrasts is not None and link.name in RATIOS
    whole = scale == "response" and not ratios and not _ordered(fit)
    predictors = _predictors(fit, whole)
    typical = typical_of({part: p.design.spec for part, p in predictors.items()})
    grid, cells = make_grid(typical, (*own, *groups), at)
    columns = averaged(predictors, cells, grid.table())
    eta = _eta(fit, columns, offset)
    if whole:
        values = means(fit, eta)
    else:
        values = link.inverse(eta["mean"]) if scale == "response" and not ratios else eta["mean"]
    if contrasts is None:
        return make_frame({**cells.labels, **_summary(values, level)}, fit.design.spec.kind)
    return _contrasts(fit, contrasts, cells.labels, own, values, level, ratios)


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
    variable, by, contrasts, at, offset
        As for :func:`partialpool.inference.marginal_slopes`.
    level
        Probability of the intervals.
    scale
        ``"link"``: of the linear predictor; ``"response"``: the derivative of the response's
        mean, as ``predict`` has it, through all linear predictors that the covariate moves.

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
    link = link_of_means(fit.family, scale, contrasts is not None)
    whole = scale == "response" and not _plain(fit, link)
    predictors = _predictors(fit, whole)
    typical = typical_of({part: p.design.spec for part, p in predictors.items()})
    check_variable(typical, variable, contrasts is not None and whole)
    targets = slope_targets(variable, by, at, contrasts is not None)
    grid, cells = make_grid(typical, targets, at)
    along = {
        part: cells.average @ slope_matrix(p.design.spec, variable, typical[variable], grid)
        for part, p in predictors.items()
    }
    slopes = {part: _combined(fit, part, L) for part, L in along.items()}
    if contrasts is not None:
        return _contrasts(fit, contrasts, cells.labels, targets, slopes["mean"], level, False)
    values = slopes["mean"]
    if whole:
        eta = _eta(fit, averaged(predictors, cells, grid.table()), offset)
        values = derivative_along(lambda at: means(fit, dict(at)), eta, slopes)
    frame = {**cells.labels, **_summary(values, level, above=0.0)}
    return make_frame(frame, fit.design.spec.kind)


@dataclass(frozen=True, slots=True, eq=False)
class _Predictor:
    """One linear predictor of a posterior."""

    design: Design
    solution: PosteriorEstimates
    fixef: NamedVector


def _predictors(fit: BayesFit, whole: bool) -> dict[str, _Predictor]:
    """Linear predictors that have a formula and move the response's mean, or the mean's alone."""
    wanted = fit.family.mean_parts(fit.statement.zero) if whole else ("mean",)
    out = {}
    for part, design in fit.designs.items():
        if part in wanted:
            own = fit.draws.parts[part]
            beta = NamedVector(design.columns, own.fixef.mean(axis=(0, 1)))
            out[part] = _Predictor(design, PosteriorEstimates(own), beta)
    return out


def _ordered(fit: BayesFit) -> bool:
    return isinstance(fit.family, Ordinal)


def _plain(fit: BayesFit, link: Link) -> bool:
    """Whether the mean of the response is the linear predictor itself."""
    known = _ordered(fit) or fit.family.mean_is_parameter(fit.statement.zero)
    return known and link.name == "identity"


def _eta(fit: BayesFit, columns: Mapping[str, Array], offset: float) -> dict[str, Array]:
    """Linear predictors of all parts (S, m): those that are one number, everywhere."""
    eta = {part: _combined(fit, part, L) for part, L in columns.items()}
    eta["mean"] = eta["mean"] + offset
    like = eta["mean"].shape
    numbers = constants(fit)
    return eta | {part: np.broadcast_to(x[:, None], like) for part, x in numbers.items()}


def _combined(fit: BayesFit, part: str, L: Array) -> Array:
    """Combinations of a part's coefficients at every draw (S, m), NaN where there are none."""
    beta = fit.draws.parts[part].fixef
    return np.asarray(np.nan_to_num(beta.reshape(-1, beta.shape[-1])) @ L.T)


def _contrasts(
    fit: BayesFit,
    kind: ContrastKind,
    labels: Mapping[str, NDArray[Any]],
    own: tuple[str, ...],
    means: Array,
    level: float,
    ratios: bool,
) -> Any:
    """Contrast means within every combination of the other labels, as ratios where they are."""

    def compare(weights: Array, rows: slice) -> Columns:
        values = means[:, rows] @ weights.T
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
