"""A fit as ArviZ has posteriors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from partialpool.extras import require

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


def to_arviz(fit: BayesFit) -> Any:
    """Return the draws as ArviZ's tree of data sets.

    Parameters
    ----------
    fit
        A Bayesian fit.

    Returns
    -------
    xarray.DataTree
        Groups ``posterior`` (``fixef`` by coefficient; ``sd`` and ``corr`` by name;
        ``sigma``; the effects of every random term by level and column), ``sample_stats`` and
        ``observed_data``.

    Raises
    ------
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
    import numpy as np
    from arviz_base import from_dict

    posterior: dict[str, Any] = {}
    coords: dict[str, Any] = {}
    dims: dict[str, list[str]] = {}
    for part, design in fit.designs.items():
        prefix = "" if part == "mean" else f"{part}."
        own = fit.draws.parts[part]
        if design.columns:
            posterior[f"{prefix}fixef"] = own.fixef
            dims[f"{prefix}fixef"] = [f"{prefix}coefficient"]
            coords[f"{prefix}coefficient"] = list(design.columns)
        for i, effects in enumerate(design.random):
            again = any(e.factor.name == effects.factor.name for e in design.random[:i])
            key = effects.term.source if again else effects.factor.name
            name = f"{prefix}ranef[{key}]"
            posterior[name] = own.effects[i]
            dims[name] = [f"{prefix}{effects.factor.name}", f"{name}.column"]
            coords[dims[name][0]] = [str(level) for level in effects.factor.levels]
            coords[dims[name][1]] = list(effects.columns)
    for kind in ("sd", "corr"):
        found = {k: v for k, v in fit.parameters.items() if f"{kind}(" in k}
        if found:
            posterior[kind] = np.stack(list(found.values()), axis=-1)
            dims[kind] = [f"{kind}_name"]
            coords[f"{kind}_name"] = list(found)
    groups = {
        "posterior": posterior | dict(fit.draws.scales),
        "sample_stats": {_STATS[name]: values for name, values in fit.draws.stats.items()},
        "observed_data": {fit.design.formula.response: fit.statement.response.values},
    }
    groups["sample_stats"]["diverging"] = groups["sample_stats"]["diverging"] > 0
    return from_dict(groups, coords=coords, dims=dims)
