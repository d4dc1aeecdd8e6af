"""Marginal means over a reference grid."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import DataError
from partialpool.frames import FrameKind, make_frame
from partialpool.inference.convergence import warn_unless_converged
from partialpool.inference.ddf import DDF, calibrate
from partialpool.inference.means.adjust import Adjustment, check_adjustment
from partialpool.inference.means.contrasts import ContrastKind, contrast_columns
from partialpool.inference.means.estimates import (
    IDENTITY,
    RATIOS,
    LinkedFit,
    Scale,
    Table,
    Work,
    check_scale,
    compare_means,
    table_of,
    tabulate,
)
from partialpool.inference.means.grid import make_grid, matrix_at, names_of
from partialpool.inference.means.response import MeanRows, mean_rows, only_normal
from partialpool.inference.wald import check_level

__all__ = ["check_names", "frame_of", "marginal_means"]

Matrix = NDArray[np.float64]
Labels = Mapping[str, NDArray[Any]]


def marginal_means(
    fit: LinkedFit,
    specs: str | Sequence[str],
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
    """Estimate marginal means of factors, or contrasts among them.

    Means of the linear predictor over every combination of the other factors' levels, all of
    which count alike, with covariates at their means: what R's emmeans gives.

    Parameters
    ----------
    fit
        A fitted model.
    specs
        Columns whose levels get a mean each.
    by
        Columns at whose levels that is done separately; contrasts stay within each.
    contrasts
        ``"pairwise"``, ``"reference"`` (each against the first), ``"consecutive"``, ``"mean"``,
        or weights by name; with it the contrasts come back in place of the means.
    adjust
        For several comparisons, within each ``by``: ``"tukey"`` (the default of pairwise
        contrasts), ``"holm"`` (of others), ``"bonferroni"``, ``"sidak"``, ``"fdr"``, ``"none"``.
        Intervals are adjusted likewise, with Holm and the false discovery rate by Bonferroni.
    at
        Values for columns: ``{"Days": [0, 9]}``.
    level
        Confidence level.
    ddf
        As for :func:`partialpool.inference.calibrate`.
    scale
        Of a generalized model: ``"link"``, or ``"response"`` for means of the response, as
        ``predict`` has them, at the averages of the linear predictors: zero inflation, truncation
        and a family's own ``mean=`` included; columns of the other linear predictors are then
        averaged over, or held at their means, as well. Contrasts are ratios of the mean
        parameter with a log link (without zero inflation and before truncation), odds ratios
        with a logit, and differences of the response's mean else.
    offset
        Offset at which the means are taken, on the link scale; that of the data plays no part.

    Returns
    -------
    native frame
        The columns of ``specs`` and ``by`` (or of ``by`` and ``contrast``), ``estimate``,
        ``std_error``, ``df``, ``conf_low``, ``conf_high``; for contrasts ``statistic`` and
        ``p_value`` around ``df``. NaN where the data don't determine a mean.

    Raises
    ------
    DataError
        If a column isn't in the fixed effects, or an argument makes no sense.

    Warns
    -----
    ConvergenceWarning
        If the fit is no optimum.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.lmm("score ~ Machine + (1 | Worker)", pp.load_dataset("Machines"))
    >>> fit.means("Machine")[["Machine", "estimate", "df"]].round(2)
      Machine  estimate    df
    0       A     52.36  5.83
    1       B     60.32  5.83
    2       C     66.27  5.83
    >>> table = fit.means("Machine", contrasts="pairwise")
    >>> table[["contrast", "estimate", "p_value"]].round(4)
      contrast  estimate  p_value
    0    A - B   -7.9667      0.0
    1    A - C  -13.9167      0.0
    2    B - C   -5.9500      0.0

    References
    ----------
    Searle, Speed & Milliken (1980), The American Statistician 34(4), 216-221.
    """
    check_level(level)
    check_scale(scale)
    warn_unless_converged(fit, "marginal means")
    own, groups = names_of(specs), names_of(by)
    check_names(own, groups)
    spec = fit.design.spec
    calibration = calibrate(fit, ddf)
    link = fit.link_of_means(scale, contrasts is not None)
    through = link if scale == "response" else IDENTITY
    if contrasts is None and adjust not in (None, "none"):
        raise DataError("adjust= is for contrasts; give contrasts='pairwise', or leave it out.")
    response = fit.response_mean() if scale == "response" else None
    if response is not None and (contrasts is None or link.name not in RATIOS):
        only_normal(ddf)
        grid, cells = make_grid(response.typical, (*own, *groups), at)
        rows = mean_rows(response, cells, grid.table(), offset)
        if contrasts is None:
            return make_frame({**cells.labels, **rows.table(level)}, spec.kind)
        return contrast_frame(
            partial(_differences, rows, level), cells.labels, own, contrasts, adjust, kind=spec.kind
        )
    grid, cells = make_grid(spec.typical, (*own, *groups), at)
    L = cells.average @ matrix_at(spec, grid.table())
    if contrasts is None:
        table = tabulate(fit, calibration, L, level, through, offset)
        return make_frame({**cells.labels, **table.columns(tests=False)}, spec.kind)
    work = Work(fit, calibration, level, through, offset)
    return frame_of(work, cells.labels, own, L, contrasts, adjust)


def frame_of(
    work: Work,
    labels: Labels,
    own: tuple[str, ...],
    L: Matrix,
    contrasts: ContrastKind,
    adjust: Adjustment | None,
) -> Any:
    """Contrast the rows of L within every group of the other labels."""

    def compare(weights: Matrix, rows: slice, chosen: Adjustment) -> Table:
        return compare_means(work, weights, L[rows], chosen)

    ratios = work.link.name in RATIOS
    kind = work.fit.design.spec.kind
    return contrast_frame(compare, labels, own, contrasts, adjust, ratios=ratios, kind=kind)


def contrast_frame(
    compare: Callable[[Matrix, slice, Adjustment], Table],
    labels: Labels,
    own: tuple[str, ...],
    contrasts: ContrastKind,
    adjust: Adjustment | None,
    *,
    ratios: bool = False,
    kind: FrameKind,
) -> Any:
    """Contrast means within every group of the other labels, each group a family."""
    pairwise = contrasts == "pairwise"
    chosen: Adjustment = adjust or ("tukey" if pairwise else "holm")
    check_adjustment(chosen, pairwise)

    def columns(weights: Matrix, rows: slice) -> dict[str, NDArray[Any]]:
        return compare(weights, rows, chosen).columns(tests=True)

    found = contrast_columns(contrasts, labels, own, ratios=ratios, compare=columns)
    return make_frame(found, kind)


def _differences(
    of: MeanRows, level: float, weights: Matrix, rows: slice, adjust: Adjustment
) -> Table:
    means = rows.stop - rows.start
    return table_of(of.differences(weights, rows), level, adjust, means, ratios=False)


def check_names(own: tuple[str, ...], groups: tuple[str, ...]) -> None:
    """Refuse columns that get means and are a condition at once.

    Raises
    ------
    DataError
        Naming one.
    """
    if not own:
        raise DataError("means needs the name of at least one column.")
    twice = [name for name in own if name in groups]
    if twice:
        raise DataError(f"{twice[0]!r} stands in by= too. Name it in one of the two places.")
