"""What a penalised fit says about itself, in a terminal and in a notebook."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from partialpool.results.summary import Blocks, Grid, cell, decimals, render_html, render_text
from partialpool.results.summary.wording import column_notes

if TYPE_CHECKING:
    from partialpool.shrinkage.fit import PenalizedFit

__all__ = ["Summary", "summarize"]

_TITLES = {
    "rms": "Penalised hierarchical regression (root mean square)",
    "squared": "Penalised hierarchical regression (squared)",
    "logistic": "Penalised hierarchical logistic regression",
}
_KINDS = {
    "no deviations": "The penalty is so large that no group deviates.",
    "interpolation": "The penalty is so small that the rows are fitted exactly.",
}


@dataclass(frozen=True, slots=True, eq=False)
class Summary:
    """A summary; prints as text and, in a notebook, as HTML."""

    blocks: Blocks

    def __str__(self) -> str:
        return render_text(self.blocks)

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return render_html(self.blocks)


def summarize(fit: PenalizedFit) -> Summary:
    """Lay out what a fit says.

    Parameters
    ----------
    fit
        A penalised fit.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.penalized("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"))
    >>> print(str(fit.summary()).splitlines()[0])
    Penalised hierarchical regression (root mean square)
    """
    groups = ", ".join(f"{name} {n:,}" for name, n in fit.ngroups.items())
    facts = [("Formula", fit.design.formula.text), ("Rows", f"{fit.nobs:,}")]
    facts += [("Groups", groups)] if groups else []
    facts += [("Penalty", _penalty(fit))]
    grids = [_objective(fit), _shared(fit)]
    grids += [_deviations(fit)] if fit.design.random else []
    return Summary(Blocks(_TITLES[fit.asked.loss], tuple(facts), tuple(grids), _sentences(fit)))


def _penalty(fit: PenalizedFit) -> str:
    penalty = fit.asked.penalty
    named = {n: getattr(penalty, n) for n in ("l2", "l1", "linf", "main_l2")}
    text = ", ".join(f"{name} {value:.6g}" for name, value in named.items() if value) or "none"
    weights = fit.asked.level_weights
    text += f"; levels weigh by {weights}" if weights == "size" else "; levels weigh alike"
    return text if isinstance(weights, str) else text.rsplit(";", 1)[0] + "; levels weigh as given"


def _objective(fit: PenalizedFit) -> Grid:
    header = ("Objective", "Gap at most", "Ridge problems")
    values = (f"{fit.objective:.6g}", f"{fit.gap:.1e}", f"{fit.solution.iterations:,}")
    return Grid("", header, (values,))


def _shared(fit: PenalizedFit) -> Grid:
    values = fit.fixef.values
    places = decimals(values[np.isfinite(values)].tolist())
    rows = [
        (name, cell(v, places) if np.isfinite(v) else "aliased") for name, v in fit.fixef.items()
    ]
    rows += [(name, "n/a") for name in fit.not_applicable]
    return Grid("Shared coefficients", ("", "Estimate"), tuple(rows), labels=1)


def _deviations(fit: PenalizedFit) -> Grid:
    rows = []
    for effects, v in zip(fit.design.random, fit.solution.deviations, strict=True):
        for c, name in enumerate(effects.columns):
            own = v[:, c] if effects.applicable is None else v[effects.applicable[:, c], c]
            rms = float(np.sqrt(np.mean(own**2)))
            numbers = (rms, float(own.min()), float(own.max()))
            rows.append((effects.factor.name, name, *(f"{x:.4g}" for x in numbers)))
    return Grid(
        "Deviations by level",
        ("Group", "Column", "RMS", "Smallest", "Largest"),
        tuple(rows),
        labels=2,
        note="RMS: root mean square over levels, in units of the coefficient.",
    )


def _sentences(fit: PenalizedFit) -> tuple[str, ...]:
    kind = _KINDS.get(fit.solution.kind) if fit.design.random else None
    return (*([kind] if kind else []), *column_notes(fit))
