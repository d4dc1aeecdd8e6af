"""A penalised fit as data frames: its coefficients, its one-line portrait, its rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from partialpool.frames import make_frame
from partialpool.results.tables import Row, as_columns, beside_the_model, positions

if TYPE_CHECKING:
    from partialpool.shrinkage.fit import PenalizedFit

__all__ = ["augment", "glance", "tidy"]


def tidy(fit: PenalizedFit) -> Any:
    """Tabulate the shared coefficients and the spread of the deviations.

    Parameters
    ----------
    fit
        A penalised fit.

    Returns
    -------
    native frame
        As of a mixed model: ``effect`` ("fixed" or "ran_pars"), ``group``, ``term``,
        ``estimate``, ``std_error`` and ``statistic`` (NaN: see ``fit.confint``). The spread
        ``rms__Days`` is the root mean square of the deviations over levels.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.penalized("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"))
    >>> list(fit.tidy()["term"])
    ['Intercept', 'Days', 'rms__Intercept', 'rms__Days']
    """
    rows = [Row("fixed", "", name, value) for name, value in fit.fixef.items()]
    for effects, v in zip(fit.design.random, fit.solution.deviations, strict=True):
        for name, value in zip(effects.columns, np.sqrt(np.mean(v**2, axis=0)), strict=True):
            rows.append(Row("ran_pars", effects.factor.name, f"rms__{name}", float(value)))
    return make_frame(as_columns(rows), fit.design.spec.kind)


def glance(fit: PenalizedFit) -> Any:
    """Tabulate the whole fit in one row.

    Parameters
    ----------
    fit
        A penalised fit.

    Returns
    -------
    native frame
        ``nobs``, ``loss``, ``l2``, ``l1``, ``linf``, ``main_l2``, ``objective``, ``gap`` (to
        the dual bound), ``kappa``, ``iterations`` and ``converged``.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.penalized("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"))
    >>> bool(fit.glance()["converged"][0])
    True
    """
    penalty = fit.asked.penalty
    columns = {
        "nobs": np.array([fit.nobs]),
        "loss": np.array([fit.asked.loss], dtype=object),
        "l2": np.array([penalty.l2]),
        "l1": np.array([penalty.l1]),
        "linf": np.array([penalty.linf]),
        "main_l2": np.array([penalty.main_l2]),
        "objective": np.array([fit.objective]),
        "gap": np.array([fit.gap]),
        "kappa": np.array([fit.solution.kappa]),
        "iterations": np.array([fit.solution.iterations]),
        "converged": np.array([fit.converged]),
    }
    return make_frame(columns, fit.design.spec.kind)


def augment(fit: PenalizedFit) -> Any:
    """Tabulate the rows used in the fit, with what the fit says about each.

    Parameters
    ----------
    fit
        A penalised fit.

    Returns
    -------
    native frame
        The model's columns; then ``row`` (position in the data as given), ``fitted``,
        ``fixed`` (without deviations) and ``residual``, all on the scale of the response.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.penalized("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"))
    >>> list(fit.augment().columns)
    ['Reaction', 'Days', 'Subject', 'row', 'fitted', 'fixed', 'residual']
    """
    design = fit.design
    fitted = fit.fitted
    said = {
        "row": positions(design),
        "fitted": fitted,
        "fixed": fit.predict(random="none"),
        "residual": design.y - fitted,
    }
    return make_frame(beside_the_model(design, design.y, said), design.spec.kind)
