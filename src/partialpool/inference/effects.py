"""Random effects and per-group coefficients as tables."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.design import GroupingFactor, RandomEffects
from partialpool.errors import DataError, did_you_mean
from partialpool.frames import make_frame
from partialpool.inference.protocol import Fit

__all__ = ["coefficients", "random_effects"]


def random_effects(fit: Fit, factor: str | None = None, *, cond_sd: bool = False) -> Any:
    """Tabulate the conditional means of the random effects of one grouping factor.

    Parameters
    ----------
    fit
        A fitted mixed model.
    factor
        Name of the grouping factor; None for all.
    cond_sd
        Add the conditional standard deviations, columns ``<name>_sd``: given the data and
        the estimated parameters.

    Returns
    -------
    native frame, or dict of them by factor where there are several and none is named
        One row for each level: the level, then one column for each effect, in units of the
        response per unit of its column. NaN where an effect doesn't apply to a level. Where
        several terms give the factor an effect of the same column, each but the first has its
        term in its name: ``"Intercept cs(f | g)"``.

    Raises
    ------
    DataError
        If the factor is unknown, or there is none.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.lmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"))
    >>> fit.ranef().round(3).head(2)
      Subject  Intercept   Days
    0     308      2.259  9.199
    1     309    -40.399 -8.620

    References
    ----------
    Bates et al. (2015), Journal of Statistical Software 67(1), equations 56 to 59.
    """
    if factor is None and len(names := _factors(fit)) > 1:
        return {name: random_effects(fit, name, cond_sd=cond_sd) for name in names}
    terms = _terms_of(fit, factor)
    design = fit.design
    effects = fit.solution.effects(design)
    spread = fit.solution.conditional(design) if cond_sd else ()
    places = _places(design.random, terms)
    columns: dict[str, NDArray[Any]] = {}
    for name, (i, c) in places.items():
        gone = _inapplicable(design.random[i])
        # + 0.0: a vanished variance gives minus zeros, which print as such.
        columns[name] = np.where(gone[:, c], np.nan, effects[i][:, c] + 0.0)
    if cond_sd:
        for name, (i, c) in places.items():
            gone = _inapplicable(design.random[i])
            sd = fit.solution.sigma * np.sqrt(np.maximum(spread[i][:, c, c], 0.0))
            columns[f"{name}_sd"] = np.where(gone[:, c], np.nan, sd)
    group = design.random[terms[0]].factor
    return make_frame(_by_level(group, columns), design.spec.kind)


def coefficients(fit: Fit, factor: str | None = None) -> Any:
    """Tabulate the coefficients of every level: fixed effect plus random effect.

    Parameters
    ----------
    fit
        A fitted mixed model.
    factor
        Name of the grouping factor; None for all.

    Returns
    -------
    native frame, or dict of them by factor where there are several and none is named
        One row for each level: the level, the fixed-effects columns, then columns that have
        a random effect only.

    Raises
    ------
    DataError
        If the factor is unknown, or there is none.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.lmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"))
    >>> fit.coef().round(2).head(2)
      Subject  Intercept   Days
    0     308     253.66  19.67
    1     309     211.01   1.85
    """
    if factor is None and len(names := _factors(fit)) > 1:
        return {name: coefficients(fit, name) for name in names}
    terms = _terms_of(fit, factor)
    design = fit.design
    group = design.random[terms[0]].factor
    J = len(group.levels)
    columns = {name: np.full(J, value) for name, value in fit.fixef.items()}
    effects = fit.solution.effects(design)
    for i in terms:
        gone = _inapplicable(design.random[i])
        for c, name in enumerate(design.random[i].columns):
            own = np.where(gone[:, c], np.nan, effects[i][:, c])
            columns[name] = columns.get(name, np.zeros(J)) + own
    return make_frame(_by_level(group, columns), design.spec.kind)


def _by_level(group: GroupingFactor, columns: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Put the levels before the columns; a column named as the factor gets an underscore.

    In ``y ~ year + (1 | year)`` the year is a level and has a coefficient.
    """
    table: dict[str, NDArray[Any]] = {group.name: group.levels}
    for name, values in columns.items():
        own = name if name != group.name else f"{name}_"
        table[own] = values
    return table


def _places(random: tuple[RandomEffects, ...], terms: list[int]) -> dict[str, tuple[int, int]]:
    """Name every effect of these terms apart; each name leads to its term and column."""
    places: dict[str, tuple[int, int]] = {}
    for i in terms:
        for c, column in enumerate(random[i].columns):
            name = column if column not in places else f"{column} {random[i].term.source}"
            places[name] = (i, c)
    return places


def _inapplicable(effects: RandomEffects) -> NDArray[np.bool_]:
    if effects.applicable is None:
        return np.zeros((len(effects.factor.levels), len(effects.columns)), dtype=bool)
    return ~effects.applicable


def _factors(fit: Fit) -> tuple[str, ...]:
    return tuple(dict.fromkeys(effects.factor.name for effects in fit.design.random))


def _terms_of(fit: Fit, factor: str | None) -> list[int]:
    """Find the random terms of one grouping factor."""
    random, names = fit.design.random, _factors(fit)
    if not names:
        raise DataError("the model has no random term, so there are no effects by group.")
    factor = names[0] if factor is None else factor
    if factor not in names:
        raise DataError(
            f"the model has no grouping factor {factor!r}, but {', '.join(names)}."
            f"{did_you_mean(str(factor), names)}"
        )
    return [i for i, effects in enumerate(random) if effects.factor.name == factor]
