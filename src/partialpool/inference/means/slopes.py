"""Slopes of a covariate, averaged over the levels of factors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.design import Typical
from partialpool.errors import DataError, did_you_mean
from partialpool.frames import make_frame
from partialpool.inference.convergence import warn_unless_converged
from partialpool.inference.ddf import DDF, Calibration, calibrate
from partialpool.inference.means.adjust import Adjustment
from partialpool.inference.means.contrasts import ContrastKind
from partialpool.inference.means.estimates import (
    IDENTITY,
    Link,
    LinkedFit,
    Scale,
    Work,
    check_scale,
)
from partialpool.inference.means.grid import make_grid, matrix_at, names_of, slope_matrix
from partialpool.inference.means.means import frame_of
from partialpool.inference.means.response import mean_rows, only_normal, slope_tests
from partialpool.inference.protocol import WaldFit
from partialpool.inference.wald import Contrasts, check_level, contrast_tests, two_sided

__all__ = ["check_variable", "marginal_slopes", "slope_targets"]

Matrix = NDArray[np.float64]
# Of the difference of the link's slope.
_STEP = 1e-4


def marginal_slopes(
    fit: LinkedFit,
    variable: str,
    by: str | Sequence[str] | None = None,
    *,
    contrasts: ContrastKind | None = None,
    adjust: Adjustment | None = None,
    at: Mapping[str, Any] | None = None,
    level: float = 0.95,
    ddf: DDF | None = None,
    scale: Scale = "link",
    offset: float = 0.0,
) -> Any:
    """Estimate the slope of a covariate, or contrasts among its slopes.

    The derivative of the linear predictor, averaged over factors as
    :func:`marginal_means` averages means.

    Parameters
    ----------
    fit
        A fitted model.
    variable
        The covariate; its slope is taken at its mean, or at the values that ``at`` gives it.
    by
        Columns at whose levels slopes are wanted. Contrasts are among these.
    contrasts, adjust, at, level, ddf, offset
        As for :func:`marginal_means`.
    scale
        ``"link"``, or ``"response"`` for the derivative of the response's mean, as ``predict``
        has it, at the average linear predictor: zero inflation, truncation and a family's own
        ``mean=`` included, through all linear predictors that the covariate moves. Errors are by
        the delta method.

    Returns
    -------
    native frame
        The columns of ``by`` (or ``contrast``), ``estimate``, ``std_error``,
        ``statistic``, ``df``, ``p_value``, ``conf_low`` and ``conf_high``.

    Raises
    ------
    DataError
        If the variable is no covariate of the fixed effects, or an argument makes no sense.

    Warns
    -----
    ConvergenceWarning
        If the fit is no optimum.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.lmm("distance ~ age * Sex + (age | Subject)", pp.load_dataset("Orthodont"))
    >>> fit.slopes("age", by="Sex")[["Sex", "estimate", "df"]].round(3)
          Sex  estimate    df
    0    Male     0.784  25.0
    1  Female     0.480  25.0
    """
    check_level(level)
    check_scale(scale)
    warn_unless_converged(fit, "marginal slopes")
    spec = fit.design.spec
    link = fit.link_of_means(scale, contrasts is not None)
    through = link if scale == "response" else IDENTITY
    response = fit.response_mean() if scale == "response" else None
    typical = response.typical if response else spec.typical
    bent = through.name != "identity" or response is not None
    check_variable(typical, variable, contrasts is not None and bent)
    targets = slope_targets(variable, by, at, contrasts is not None)
    grid, cells = make_grid(typical, targets, at)
    calibration = calibrate(fit, ddf)
    if response is not None:
        only_normal(ddf)
        rows = mean_rows(response, cells, grid.table(), offset)
        found = slope_tests(rows, cells, variable, typical[variable], grid)
        return make_frame({**cells.labels, **found.columns(level)}, spec.kind)
    L = cells.average @ slope_matrix(spec, variable, typical[variable], grid)
    if contrasts is not None:
        work = Work(fit, calibration, level, IDENTITY, 0.0)
        return frame_of(work, cells.labels, targets, L, contrasts, adjust)
    if through.name == "identity":
        found = contrast_tests(fit, calibration, L)
    else:
        means = cells.average @ matrix_at(spec, grid.table())
        found = _of_response(fit, calibration, L, means, through, offset)
    return make_frame({**cells.labels, **found.columns(level)}, spec.kind)


def check_variable(typical: Mapping[str, Typical], variable: str, response_contrasts: bool) -> None:
    """Refuse what has no slope.

    Raises
    ------
    DataError
        If the variable is no covariate of the fixed effects, or contrasts are wanted on the
        response scale.
    """
    if not isinstance(variable, str):
        raise DataError(f"slopes takes the name of one covariate, found {variable!r}.")
    if variable not in typical:
        raise DataError(
            f"{variable!r} is no column of the fixed effects, which are "
            f"{', '.join(map(repr, typical))}.{did_you_mean(variable, typical)}"
        )
    if typical[variable].levels is not None:
        raise DataError(
            f"{variable!r} is a factor and has no slope. Take means with contrasts='pairwise'."
        )
    if response_contrasts:
        raise DataError("contrasts of slopes are on the link scale. Leave scale= out.")


def slope_targets(
    variable: str,
    by: str | Sequence[str] | None,
    at: Mapping[str, Any] | None,
    contrasts: bool,
) -> tuple[str, ...]:
    """Return the columns at whose values slopes are taken.

    Raises
    ------
    DataError
        If contrasts are wanted, and there are none.
    """
    groups = names_of(by)
    own = bool(at) and variable in (at or ()) and variable not in groups
    targets = (*groups, variable) if own else groups
    if contrasts and not targets:
        raise DataError("contrasts of slopes need by=, whose levels they are among.")
    return targets


def _of_response(
    fit: WaldFit, calibration: Calibration, slopes: Matrix, means: Matrix, link: Link, offset: float
) -> Contrasts:
    """Slopes of the mean: the link's own slope there times that of the linear predictor."""
    eta = contrast_tests(fit, calibration, means).estimate + offset
    linear = contrast_tests(fit, calibration, slopes).estimate
    bend = (link.slope(eta + _STEP) - link.slope(eta - _STEP)) / (2.0 * _STEP)
    gradient = (bend * linear)[:, None] * means + link.slope(eta)[:, None] * slopes
    spread = contrast_tests(fit, calibration, gradient)
    estimate = np.asarray(link.slope(eta) * linear)
    statistic = estimate / spread.std_error
    p_value = two_sided(statistic, spread.df)
    return Contrasts(estimate, spread.std_error, spread.df, statistic, p_value, spread.method)
