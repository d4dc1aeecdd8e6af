"""Tests that a variance is zero, where the usual chi-square is wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from partialpool.design import Design, RandomEffects
from partialpool.errors import DataError, ModelError
from partialpool.formula.structures import BY_LAG, OWN_SCALES
from partialpool.frames import make_frame
from partialpool.inference.counts import check_count
from partialpool.inference.protocol import GaussianFit
from partialpool.inference.seeds import Seed, generator
from partialpool.inference.variances.exact import null_distribution
from partialpool.solve import solve

__all__ = ["Reduction", "gain", "mixture", "reductions", "variance_tests"]

# Two optima this close are one: the search stops there.
_ROUNDING = 1e-6


class Reduction(NamedTuple):
    """One thing that can be left out of the random part."""

    label: str
    design: Design
    term: int
    df: tuple[int, int]  # of the two chi-squares that the statistic mixes
    simple: bool  # the whole of a term with one variance


def variance_tests(
    fit: GaussianFit,
    method: Literal["mixture", "simulate"] = "mixture",
    nsim: int = 10_000,
    seed: Seed = None,
) -> Any:
    """Test every variance of the random part against zero.

    Each column of an unstructured or diagonal term is left out in turn, and each other term as
    a whole; the (restricted) likelihoods are compared.

    Parameters
    ----------
    fit
        A fitted linear mixed model.
    method
        ``"mixture"``: the statistic is, half of the time each, a chi-square with as many degrees
        of freedom as covariances that go, and one with one more. ``"simulate"``: for terms with
        one variance the exact finite-sample distribution is drawn as well.
    nsim, seed
        Number of draws, and the seed of NumPy's generator.

    Returns
    -------
    native frame
        ``term`` (what is left out), ``statistic`` (twice the gain of log-likelihood), ``df_low``
        and ``df_high`` of the mixture, ``p_value``; with ``"simulate"`` ``p_simulated`` (NaN where
        a term has several variances).

    Raises
    ------
    DataError
        If the method is unknown, or the seed is none.
    ModelError
        If the model has no random terms.

    Notes
    -----
    The mixture holds for many groups. With few groups it is conservative, and simulation is
    exact for a model with one random term; where there are others it takes their variances as
    they would be without them, as RLRsim does. Of terms with a structured correlation the
    p-value is that of the larger chi-square, which is too large.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.lmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"))
    >>> fit.variance_tests()[["term", "statistic", "df_low", "df_high"]].round(3)
                                term  statistic  df_low  df_high
    0  Intercept of (Days | Subject)  ...

    References
    ----------
    Self & Liang (1987), JASA 82, 605-610; Stram & Lee (1994), Biometrics 50, 1171-1177;
    Crainiceanu & Ruppert (2004), JRSS B 66, 165-185, theorem 1.
    """
    if method not in ("mixture", "simulate"):
        raise DataError(f"method must be 'mixture' or 'simulate', found {method!r}.")
    check_count("nsim", nsim)
    if not fit.design.random:
        raise ModelError(
            "the model has no random terms, so no variance to test. Add one to the formula."
        )
    found = [r for i in range(len(fit.design.random)) for r in reductions(fit.design, i)]
    statistics = np.array([_statistic(fit, r.design) for r in found])
    pairs = zip(statistics, found, strict=True)
    columns: dict[str, NDArray[Any]] = {
        "term": np.array([r.label for r in found], dtype=object),
        "statistic": statistics,
        "df_low": np.array([r.df[0] for r in found]),
        "df_high": np.array([r.df[1] for r in found]),
        "p_value": np.array([mixture(x, *r.df) for x, r in pairs]),
    }
    if method == "simulate":
        rng = generator(seed)
        drawn = [_simulated(fit, r, x, nsim, rng) for x, r in zip(statistics, found, strict=True)]
        columns["p_simulated"] = np.array(drawn)
    return make_frame(columns, fit.design.spec.kind)


def reductions(design: Design, term: int) -> list[Reduction]:
    """List what of a random term can be left out."""
    effects, source = design.random[term], _source(design, term)
    k, structure = len(effects.columns), effects.term.structure
    if k == 1 or structure == "homdiag":
        return [Reduction(source, _without(design, term), term, (0, 1), True)]
    if structure not in ("unstructured", "diagonal"):
        # Standard deviations and a correlation, both at the edge: no simple mixture.
        scales = k if structure in OWN_SCALES else 1
        df = scales + (k - 1 if structure in BY_LAG else 1)
        return [Reduction(source, _without(design, term), term, (df, df), False)]
    low = k - 1 if structure == "unstructured" else 0
    return [
        Reduction(
            f"{name} of {source}",
            _replaced(design, term, _without_column(effects, c)),
            term,
            (low, low + 1),
            False,
        )
        for c, name in enumerate(effects.columns)
    ]


def _source(design: Design, term: int) -> str:
    """Return a term as it was written, or with its own factor where it was one of a nest."""
    effects = design.random[term]
    source = effects.term.source
    if sum(e.term.source == source for e in design.random) == 1:
        return source
    return f"{source.rpartition('|')[0].rstrip()} | {effects.factor.name})"


def _without(design: Design, term: int) -> Design:
    random = tuple(e for i, e in enumerate(design.random) if i != term)
    return replace(design, random=random)


def _replaced(design: Design, term: int, effects: RandomEffects) -> Design:
    random = tuple(effects if i == term else e for i, e in enumerate(design.random))
    return replace(design, random=random)


def _without_column(effects: RandomEffects, column: int) -> RandomEffects:
    kept = [c for c in range(len(effects.columns)) if c != column]
    applicable = effects.applicable
    return RandomEffects(
        effects.term,
        effects.factor,
        tuple(effects.columns[c] for c in kept),
        np.ascontiguousarray(effects.basis[:, kept]),
        None if applicable is None else applicable[:, kept],
        effects.not_applicable,
    )


def _statistic(fit: GaussianFit, smaller: Design) -> float:
    reduced = solve(smaller, fit.solution.likelihood)
    return gain(reduced.optimum.objective, fit.solution.optimum.objective)


def gain(reduced: float, whole: float) -> float:
    """How much lower a model's objective is than that of a special case of it, at least zero."""
    lower = reduced - whole
    return lower if lower > _ROUNDING else 0.0


def mixture(statistic: float, low: int, high: int) -> float:
    """Probability of a larger value of the equal mixture of two chi-squares."""
    from scipy.special import chdtrc  # a tenth of a second, only here

    if statistic <= 0:
        return 1.0
    below = chdtrc(low, statistic) if low else 0.0
    return float(0.5 * (below + chdtrc(high, statistic)))


def _simulated(
    fit: GaussianFit, r: Reduction, statistic: float, nsim: int, rng: np.random.Generator
) -> float:
    if not r.simple or fit.solution.likelihood.sigma is not None:
        return np.nan
    draws = null_distribution(
        fit.design, fit.design.random[r.term], fit.solution.likelihood.reml, nsim, rng
    )
    return float((1 + np.count_nonzero(draws >= statistic)) / (nsim + 1))
