"""What a generalized fit says about its optimum, and about a search that found none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import show_rows
from partialpool.generalized.summary.limits import limit_notes
from partialpool.results.summary import wording
from partialpool.results.tables import positions

if TYPE_CHECKING:
    from partialpool.generalized.fit import GlmmFit

__all__ = ["about_optimum"]

# Distance from the end of the link's range, beside the median row's, that is none.
_TOUCHING = 1e-4


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
        *([] if fit.converged else _range_hint(fit)),
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
