"""What a Bayesian fit says about itself, in a terminal and in a notebook."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from partialpool.bayes.advice import advise, roughness, troubles
from partialpool.bayes.tables import ParameterTable, parameter_table
from partialpool.results.summary import (
    Blocks,
    Grid,
    cell,
    decimals,
    render_html,
    render_text,
    wording,
)

if TYPE_CHECKING:
    from partialpool.bayes.fit import BayesFit

__all__ = ["PosteriorSummary", "summarize"]


@dataclass(frozen=True, slots=True, eq=False)
class PosteriorSummary:
    """A fit in tables and sentences.

    Attributes
    ----------
    title, heading
        Above all, and above the table: what the draws are from.
    facts
        The model in names and values.
    table
        Every parameter but the random effects, with its diagnostics.
    inapplicable
        Columns that no row identifies.
    troubles
        What makes the draws untrustworthy; empty when all is well.
    notes
        What else is to be known.
    """

    title: str
    heading: str
    facts: tuple[tuple[str, str], ...]
    table: ParameterTable
    inapplicable: tuple[str, ...]
    troubles: tuple[str, ...]
    notes: tuple[str, ...]

    def __str__(self) -> str:
        return render_text(_blocks(self))

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return render_html(_blocks(self))


def summarize(fit: BayesFit, level: float = 0.95) -> PosteriorSummary:
    """Summarise the posterior.

    Parameters
    ----------
    fit
        A Bayesian fit.
    level
        Probability of the intervals, cut off equally at both ends.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.bmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"), seed=1)
    >>> summarize(fit).troubles
    ()
    """
    table = parameter_table(fit, level)
    found = troubles(fit, table.names, table.diagnosis)
    masks = tuple(mask.sentence for mask in fit.design.masks)
    return PosteriorSummary(
        "Bayesian mixed model" if fit.design.random else "Bayesian regression model",
        "Prior" if fit.engine == "prior" else "Posterior",
        _facts(fit),
        table,
        fit.not_applicable,
        found,
        (
            *_rows(fit),
            *_aliases(fit),
            *roughness(fit, table.names, table.diagnosis),
            *masks,
            *_gone(fit),
            *_rounded(fit),
            *advise(fit),
        ),
    )


def _rows(fit: BayesFit) -> list[str]:
    gaussian = fit.family.name == "gaussian"
    about = wording.PRECISION_WEIGHTS if gaussian else wording.LIKELIHOOD_WEIGHTS
    return wording.row_notes(fit.design, about)


def _aliases(fit: BayesFit) -> tuple[str, ...]:
    return tuple(f"{name} is left out: it equals {equal}." for name, equal in fit.aliased.items())


def _gone(fit: BayesFit) -> tuple[str, ...]:
    out = []
    for effects in fit.design.random:
        if effects.applicable is not None:
            gone = int((~effects.applicable).sum())
            out.append(f"{gone} effect(s) of {effects.term.source} don't apply to their level.")
    return tuple(out)


def _rounded(fit: BayesFit) -> tuple[str, ...]:
    kept = [b for part in fit.draws.parts.values() for b in part.effects]
    if all(b.dtype == np.float64 for b in kept):
        return ()
    count = sum(b.size for b in kept)
    return (f"the {count:,} draws of effects are kept in single precision, seven digits.",)


def _facts(fit: BayesFit) -> tuple[tuple[str, str], ...]:
    design, control = fit.design, fit.control
    groups = ", ".join(f"{name} {n:,}" for name, n in fit.ngroups.items())
    how = {
        "marginal": "fixed and random effects integrated out",
        "nuts": "all parameters sampled",
        "prior": "from the priors",
    }[fit.engine]
    facts = [("Formula", design.formula.text)]
    facts += [
        (name.replace("_", " ").capitalize(), own.formula.text)
        for name, own in fit.designs.items()
        if name != "mean"
    ]
    facts += [("Family", f"{fit.family.name}, link {fit.family.link.name}")]
    facts += [("Rows", f"{fit.nobs:,}")]
    facts += [("Groups", groups)] if groups else []
    draws = f"{fit.draws.chains} chains x {fit.draws.draws:,} after {control.tune:,}, {how}"
    return (*facts, ("Draws", draws))


def _blocks(summary: PosteriorSummary) -> Blocks:
    table = summary.table
    lower, upper = (f"{100 * p:g} %" for p in table.tails)
    header = ("", "Mean", "SD", lower, upper, "ESS bulk", "ESS tail", "R-hat")
    places = decimals([*table.sd[np.isfinite(table.sd)]], digits=3)
    rows: tuple[tuple[str, ...], ...] = tuple(
        (
            name,
            *(cell(float(x[i]), places) for x in (table.mean, table.sd, table.lower, table.upper)),
            *(cell(float(x[i]), 0) for x in (table.diagnosis.ess_bulk, table.diagnosis.ess_tail)),
            cell(float(table.diagnosis.rhat[i]), 3),
        )
        for i, name in enumerate(table.names)
    )
    gone = np.isnan(table.mean)
    rows = tuple((row[0], "aliased", *[""] * 6) if gone[i] else row for i, row in enumerate(rows))
    rows += tuple((name, *["n/a"] * 7) for name in summary.inapplicable)
    random = any("sd(" in name for name in table.names)
    note = "sd() and corr() are standard deviations and correlations of random effects."
    note = note if random else ""
    grid = Grid(summary.heading, header, rows, labels=1, note=note)
    return Blocks(summary.title, summary.facts, (grid,), (*summary.troubles, *summary.notes))
