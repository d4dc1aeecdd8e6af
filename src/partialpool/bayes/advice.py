"""What can be wrong with draws, in words, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from partialpool.bayes.diagnostics import Diagnosis
from partialpool.bayes.priors import Normal

if TYPE_CHECKING:
    from partialpool.bayes.fit import BayesFit

__all__ = ["advise", "largest_rhat", "roughness", "troubles"]

# Chains of draws with this much autocorrelation (draws for each effective one) still mix well.
_RHAT, _SLOW = 1.01, 2.5
# Fewer draws than this in a chain say nothing about whether chains agree.
_LEAST = 20
_DRAWS_PER_CHAIN = 100
_BFMI = 0.3
# Means of columns over their standard deviations.
_AWAY = 10.0
# A posterior this wide beside its prior has learnt next to nothing.
_PRIOR_BOUND = 0.9


def troubles(fit: BayesFit, names: tuple[str, ...], found: Diagnosis) -> tuple[str, ...]:
    """Say what makes the draws untrustworthy.

    Parameters
    ----------
    fit
        A Bayesian fit.
    names, found
        Parameters and their diagnostics.
    """
    if fit.engine == "prior":
        return ()
    return (*_divergences(fit), *_disagreement(fit, names, found), *_energy(fit))


def roughness(fit: BayesFit, names: tuple[str, ...], found: Diagnosis) -> tuple[str, ...]:
    """Say what makes the draws fewer than they seem, or slow; they can be trusted all the same.

    Parameters
    ----------
    fit, names, found
        As for :func:`troubles`.
    """
    if fit.engine == "prior":
        return ()
    out = [*_few(fit, names, found), *_depth(fit)]
    if fit.draws.chains == 1:
        out.append("one chain can't show whether it missed a part of the posterior: use four.")
    return tuple(out)


def _divergences(fit: BayesFit) -> list[str]:
    count = int(fit.draws.stats["diverging"].sum())
    total = fit.draws.chains * fit.draws.draws
    if not count:
        return []
    scales = [
        (name, values)
        for name, values in fit.parameters.items()
        if name.startswith("sd(") or ".sd(" in name
    ]
    where = ""
    diverging = fit.draws.stats["diverging"] > 0
    for name, values in scales:
        if np.median(values[diverging]) < np.quantile(values, 0.2):
            where = f" They lie where {name} is near zero: the funnel of a hierarchical model."
            break
    now = fit.control.target_accept
    higher = next((x for x in (0.95, 0.99, 0.999) if x > now), None)
    more = "give standard deviations a prior that keeps them from zero or from infinity"
    what = f"Raise target_accept (now {now:g}) to {higher:g}; if that doesn't help, {more}"
    return [
        f"{count:,} of {total:,} draws diverged: the sampler could not follow the posterior there, "
        f"and what it says of that region is biased.{where} "
        f"{what if higher else more.capitalize()}, or simplify the model."
    ]


def _disagreement(fit: BayesFit, names: tuple[str, ...], found: Diagnosis) -> list[str]:
    if fit.draws.draws < _LEAST:
        return [
            f"{fit.draws.draws} draws in each chain can't show whether the chains agree. Take "
            "hundreds: draws=1000."
        ]
    limit = largest_rhat(fit.draws.chains, fit.draws.draws)
    far = [n for n, r in zip(names, found.rhat, strict=True) if r > limit]
    if not far:
        return []
    sentence = f"the chains don't agree yet on {_list(far)} (R-hat above {limit:.3g}). "
    slopes = _far_from_zero(fit)
    if slopes:
        return [
            f"{sentence}Centre {_list(slopes)}, whose slopes differ between groups: so far from "
            "zero, intercepts say nothing by themselves, and hang together with the slopes."
        ]
    longer = f"tune={2 * fit.control.tune}, draws={2 * fit.control.draws}"
    return [f"{sentence}Run them longer: {longer}."]


def _far_from_zero(fit: BayesFit) -> list[str]:
    """Columns beside a random intercept that lie many standard deviations from zero."""
    out: list[str] = []
    for design in fit.designs.values():
        for effects in design.random:
            spread = effects.basis.std(axis=0)
            size = np.abs(effects.basis.mean(axis=0))
            if not ((spread == 0) & (size > 0)).any():
                continue
            away = (spread > 0) & (size > _AWAY * spread)
            out += [c for c, there in zip(effects.columns, away, strict=True) if there]
    return list(dict.fromkeys(out))


def largest_rhat(chains: int, draws: int) -> float:
    """R-hat that chains which agree exceed about once in a thousand times, or 1.01.

    Variances between and within the 2 C halves of n draws have an F distribution's ratio, times
    the draws for each effective one.
    """
    from scipy.special import fdtri

    halves, n = 2 * chains, draws // 2
    ratio = float(fdtri(halves - 1, halves * (n - 1), 0.999))
    return max(_RHAT, float(np.sqrt((n - 1 + _SLOW * ratio) / n)))


def _few(fit: BayesFit, names: tuple[str, ...], found: Diagnosis) -> list[str]:
    enough = _DRAWS_PER_CHAIN * fit.draws.chains
    sizes = np.fmin(found.ess_bulk, found.ess_tail)
    few = [n for n, e in zip(names, sizes, strict=True) if e < enough]
    if not few:
        return []
    return [
        f"fewer than {enough} effective draws of {_list(few)}: means and above all the limits "
        f"of intervals are rough. Take more draws: draws={4 * fit.control.draws}."
    ]


def _depth(fit: BayesFit) -> list[str]:
    share = float((fit.draws.stats["depth"] >= fit.control.max_depth).mean())
    if share < 0.01:
        return []
    return [
        f"{100 * share:.0f} % of the trajectories were cut off at max_depth="
        f"{fit.control.max_depth}: not wrong, but slow. Raise it, or centre and scale covariates "
        "of very different size."
    ]


def _energy(fit: BayesFit) -> list[str]:
    energy = fit.draws.stats["energy"]
    if np.ptp(energy) <= 1e-9 * np.abs(energy).max():
        # Everything was drawn exactly, and nothing sampled.
        return []
    # Of one size whatever the density: energies of chains that are lost have no square.
    energy = energy / np.abs(energy).max()
    with np.errstate(invalid="ignore", divide="ignore"):
        bfmi = (np.diff(energy, axis=1) ** 2).mean(axis=1) / energy.var(axis=1)
    if not (bfmi < _BFMI).any():
        return []
    return [
        f"the energies of {int((bfmi < _BFMI).sum())} chain(s) move slowly (BFMI below {_BFMI}): "
        "the posterior has heavy tails, which are explored badly. Tighten the priors of standard "
        "deviations."
    ]


def advise(fit: BayesFit) -> tuple[str, ...]:
    """Say where the posterior is mostly the prior: few groups, separation, aliased columns."""
    out: list[str] = []
    if fit.engine == "prior":
        return ("drawn from the priors: the response was not used.",)
    for part, design in fit.designs.items():
        for effects in design.random:
            J = len(effects.factor.levels)
            if J <= 4:
                out.append(
                    f"{effects.factor.name!r} has {J} level(s): how far they spread is known "
                    "mostly from the prior of its standard deviation. Try another to see how much "
                    "that matters."
                )
        priors = fit.statement.priors.parts[part]
        bound = []
        for assigned in priors.fixed:
            values = fit.parameters[assigned.parameter]
            prior = assigned.prior
            if not isinstance(prior, Normal) or assigned.parameter == "Intercept":
                continue
            if values.std() > _PRIOR_BOUND * prior.sd:
                bound.append(assigned.parameter)
        if bound:
            out.append(
                f"the data say next to nothing about {_list(bound)}: the posterior is as wide as "
                "the prior. Look for separation (a group in which every response is the same), "
                "or for columns that determine each other."
            )
    return tuple(dict.fromkeys(out))


def _list(names: list[str]) -> str:
    shown = ", ".join(names[:4])
    return shown if len(names) <= 4 else f"{shown} and {len(names) - 4} more"
