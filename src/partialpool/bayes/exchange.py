"""A fit as ArviZ has posteriors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from partialpool.bayes.loglik import row_loglik
from partialpool.bayes.prior_density import has_flat, log_priors
from partialpool.bayes.responses import simulate_draws
from partialpool.errors import DataError
from partialpool.extras import require
from partialpool.families import Family
from partialpool.inference.seeds import Seed

if TYPE_CHECKING:
    from partialpool.bayes.fit import BayesFit

__all__ = ["to_arviz"]

_STATS = {
    "accept": "acceptance_rate",
    "step_size": "step_size",
    "energy": "energy",
    "log_density": "lp",
    "steps": "n_steps",
    "depth": "tree_depth",
    "diverging": "diverging",
}
# Draws times rows up to which what is said of single rows is added unasked.
_MOST = 20_000_000
_PRIOR_DRAWS = 500
_ROW = ["row"]


def to_arviz(fit: BayesFit, rows: bool | None = None, seed: Seed = 0) -> Any:
    """Return the draws as ArviZ's tree of data sets.

    Parameters
    ----------
    fit
        A Bayesian fit.
    rows
        Whether to add the groups with a number for every draw and row; None for up to 20
        million of them.
    seed
        For predictions and draws from the priors.

    Returns
    -------
    xarray.DataTree
        ``posterior``: ``fixef`` by coefficient, ``sd`` and ``corr`` by name, ``sigma``, the
        effects of every random term by level and column. ``log_prior`` by parameter.
        ``sample_stats``. ``observed_data`` and ``constant_data`` by row: columns, levels,
        trials, weights, offset. With ``rows``: ``log_likelihood``, ``posterior_predictive``. If
        no prior is flat: ``prior``, and with ``rows`` ``prior_predictive``. Rows that don't
        count, of no weight or trials, are left out, and so are both predictive groups of a
        family of your own without ``simulate=``.

    Raises
    ------
    DataError
        If ``rows`` is no truth value.
    NotAvailableError
        If the extra ``bayes`` isn't installed.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.bmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"), seed=1)
    >>> sorted(to_arviz(fit)["posterior"].data_vars)
    ['corr', 'fixef', 'ranef[Subject]', 'sd', 'sigma']
    """
    require("arviz_base", extra="bayes")
    from arviz_base import from_dict

    if rows not in (None, True, False):
        raise DataError(f"rows must be True, False or None, found {rows!r}.")
    size = fit.draws.chains * fit.draws.draws * len(fit.design.y)
    pointwise = size <= _MOST if rows is None else rows
    posterior, coords, dims = _variables(fit)
    groups = {"posterior": posterior, "sample_stats": _sample_stats(fit)}
    groups |= _of_rows(fit, coords, dims)
    own = fit.engine == "prior"
    if not own:
        groups["log_prior"] = log_priors(fit)
    if pointwise:
        groups |= _predictive(fit, "posterior", seed)
        groups["log_likelihood"] = {fit.design.formula.response: _loglik(fit)}
    if not own and not has_flat(fit.statement):
        before = fit.prior(_PRIOR_DRAWS, seed)
        groups["prior"] = _variables(before)[0]
        groups |= _predictive(before, "prior", seed) if pointwise else {}
    return from_dict(groups, coords=coords, dims=dims)


def _variables(fit: BayesFit) -> tuple[dict[str, Any], dict[str, Any], dict[str, list[str]]]:
    """Draws by variable, with names along their dimensions."""
    variables: dict[str, Any] = {}
    coords: dict[str, Any] = {}
    dims: dict[str, list[str]] = {}
    for part, design in fit.designs.items():
        prefix = "" if part == "mean" else f"{part}."
        own = fit.draws.parts[part]
        if design.columns:
            variables[f"{prefix}fixef"] = own.fixef
            dims[f"{prefix}fixef"] = [f"{prefix}coefficient"]
            coords[f"{prefix}coefficient"] = list(design.columns)
        for i, effects in enumerate(design.random):
            again = any(e.factor.name == effects.factor.name for e in design.random[:i])
            key = effects.term.source if again else effects.factor.name
            name = f"{prefix}ranef[{key}]"
            variables[name] = own.effects[i]
            dims[name] = [f"{prefix}{effects.factor.name}", f"{name}.column"]
            coords[dims[name][0]] = [str(level) for level in effects.factor.levels]
            coords[dims[name][1]] = list(effects.columns)
    if fit.draws.thresholds:
        variables["thresholds"] = np.stack(list(fit.draws.thresholds.values()), axis=-1)
        dims["thresholds"] = ["threshold"]
        coords["threshold"] = list(fit.draws.thresholds)
    for kind in ("sd", "corr"):
        found = {k: v for k, v in fit.parameters.items() if f"{kind}(" in k}
        if found:
            variables[kind] = np.stack(list(found.values()), axis=-1)
            dims[kind] = [f"{kind}_name"]
            coords[f"{kind}_name"] = list(found)
    return variables | dict(fit.draws.scales), coords, dims


def _sample_stats(fit: BayesFit) -> dict[str, Any]:
    found = {_STATS[name]: values for name, values in fit.draws.stats.items()}
    return found | {"diverging": found["diverging"] > 0}


def _of_rows(fit: BayesFit, coords: dict[str, Any], dims: dict[str, list[str]]) -> dict[str, Any]:
    """Response and what goes with it, and the names of the rows."""
    response, design = fit.statement.response, fit.design
    used, name = response.counted, design.formula.response
    places = np.arange(len(used)) if response.rows is None else response.rows
    coords["row"] = places[used]
    dims[name] = _ROW
    constant: dict[str, Any] = {"X": design.X[used]}
    dims["X"] = ["row", "coefficient"]
    given = {"trials": response.trials, "weights": design.weights, "offset": design.offset}
    if response.weights is not None:
        given["weights"] = response.weights
    constant |= {key: values[used] for key, values in given.items() if values is not None}
    for effects in design.random:
        levels = np.array([str(level) for level in effects.factor.levels])
        constant[f"level[{effects.factor.name}]"] = levels[effects.factor.codes[used]]
    for key in constant:
        dims.setdefault(key, _ROW)
    if not design.columns:
        del constant["X"]
    return {"observed_data": {name: response.values[used]}, "constant_data": constant}


def _predictive(fit: BayesFit, group: str, seed: Seed) -> dict[str, Any]:
    if isinstance(fit.family, Family) and fit.family.simulate_by is None:
        return {}
    used = fit.statement.response.counted
    drawn = simulate_draws(fit, seed)[:, used]
    shape = (fit.draws.chains, fit.draws.draws, int(used.sum()))
    return {f"{group}_predictive": {fit.design.formula.response: drawn.reshape(shape)}}


def _loglik(fit: BayesFit) -> Any:
    return row_loglik(fit).reshape(fit.draws.chains, fit.draws.draws, -1)
