"""What a generalized fit says about its optimum, and about a search that found none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import show_rows
from partialpool.generalized.checks import MOST_DIMENSIONS
from partialpool.generalized.summary.limits import limit_notes
from partialpool.results.summary import wording
from partialpool.results.tables import positions

if TYPE_CHECKING:
    from partialpool.generalized.fit import GlmmFit

__all__ = ["about_optimum"]

# Distance from the end of the link's range, beside the median row's, that is none.
_TOUCHING = 1e-4
# A derivative in scaled parameters that only an approximation has where it breaks down.
_STEEP = 1e4

# Log-densities that are concave in the linear predictor, so that effects have one mode.
_CONCAVE = frozenset(
    {
        ("poisson", "log"),
        ("nbinom2", "log"),
        ("gamma", "log"),
        ("binomial", "logit"),
        ("binomial", "probit"),
        ("ordinal", "logit"),
        ("ordinal", "probit"),
        ("gaussian", "identity"),
    }
)


def about_optimum(fit: GlmmFit) -> tuple[str, ...]:
    """Say whether the optimum was reached, where it is, and what is the matter if it was not.

    Parameters
    ----------
    fit
        A fitted generalized linear mixed model.
    """
    limits = limit_notes(fit)
    if not fit.converged and len(rows := _at_end(fit)):
        return (*limits, _end_of_range(fit, rows))
    random = [effects for design in fit.designs.values() for effects in design.random]
    return (
        *limits,
        *wording.optimum(fit.certificate, random, at_end=bool(limits)),
        *([] if fit.converged else [*_range_hint(fit), *_spike_hint(fit)]),
    )


def _spike_hint(fit: GlmmFit) -> list[str]:
    """Say what so steep a gradient means that no likelihood has it."""
    random = [effects for design in fit.designs.values() for effects in design.random]
    if not random or not fit.certificate.gradient > _STEEP:
        return []
    if _has_one_mode(fit):
        return [_outlier_hint(fit)]
    one_factor = len({effects.factor.name for effects in random}) == 1
    few = sum(len(effects.columns) for effects in random) <= MOST_DIMENSIONS
    nodes = 2 * fit.approximation.quadrature + 1 if fit.approximation.quadrature > 1 else 15
    cure = f"Use quadrature={nodes}" if one_factor and few else "Leave random effects out"
    return [
        "So steep a gradient is the approximation's and not the likelihood's: the random effects "
        f"of some level have more than one mode, between which it jumps. {cure}."
    ]


def _has_one_mode(fit: GlmmFit) -> bool:
    """Whether the log-density is concave in the only predictor that has random effects."""
    family = fit.family
    if fit.solution.zero != "none" or any(
        fit.designs[p].random for p in fit.designs if p != "mean"
    ):
        return False
    return (family.name, family.link.name) in _CONCAVE


def _outlier_hint(fit: GlmmFit) -> str:
    y = fit.response.proportions
    far = np.where(fit.response.counted, np.abs(y - np.median(y[fit.response.counted])), -1.0)
    row = np.arange(len(y)) == np.argmax(far)
    return (
        "So steep a gradient is rounding, beside values too far apart for the same model: "
        f"{fit.response.text} is furthest from its median in {fit.response.show(row)}. Correct "
        "that row, leave it out, or give what makes it so large as a column or an offset."
    )


def _at_end(fit: GlmmFit) -> NDArray[np.intp]:
    """Find the rows whose mean stands at the end of what the link allows."""
    low, high = fit.family.eta_range
    eta = fit.linear_predictor
    room = np.minimum(eta - low, high - eta)
    counted = fit.response.counted
    if np.isinf(room).all():
        return np.empty(0, dtype=np.intp)
    close = room < _TOUCHING * np.median(room[counted])
    return np.asarray(positions(fit.design)[close & counted], dtype=np.intp)


def _end_of_range(fit: GlmmFit, rows: NDArray[np.intp]) -> str:
    return (
        f"The search ended at the end of the range of the {fit.family.link.name} link, in "
        f"{show_rows(rows)}: {_allowed(fit)}, and the likelihood still rises where it can't go. "
        "These are no maximum likelihood estimates, and have no standard errors. The "
        f"{fit.family.links[0]} link has no such limits."
    )


def _range_hint(fit: GlmmFit) -> list[str]:
    if np.isinf(fit.family.eta_range).all():
        return []
    return [
        f"With the {fit.family.link.name} link {_allowed(fit)} in every row, and the likelihood "
        f"may still rise at the end of that range. The {fit.family.links[0]} link has no such "
        "limits."
    ]


def _allowed(fit: GlmmFit) -> str:
    low, high = fit.family.eta_range
    return f"the mean's linear predictor has to stay between {low:g} and {high:g}"
