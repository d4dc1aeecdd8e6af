"""From a formula and a table to a posterior."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, Literal

import numpy as np

from partialpool.bayes.advice import troubles
from partialpool.bayes.control import Control, make_control
from partialpool.bayes.draws import Draws
from partialpool.bayes.fit import BayesFit
from partialpool.bayes.marginal import sample_marginal, why_not_marginal
from partialpool.bayes.prior_draws import draw_prior
from partialpool.bayes.priors import Constant
from partialpool.bayes.propriety import refuse_improper
from partialpool.bayes.statement import Statement, state
from partialpool.bayes.tables import parameter_table
from partialpool.errors import DataError, ModelError, PartialPoolWarning
from partialpool.families import ResponseFamily
from partialpool.inference.seeds import Seed

__all__ = ["bmm", "resample"]

Progress = Callable[[int, int], None]


def bmm(
    formula: str,
    data: Any,
    family: str | ResponseFamily | type[ResponseFamily] = "gaussian",
    *,
    priors: Mapping[str, Any] | None = None,
    draws: int = 1000,
    tune: int = 1000,
    chains: int = 4,
    seed: Seed = None,
    engine: Literal["auto", "marginal", "nuts", "prior"] = "auto",
    weights: Any = None,
    offset: Any = None,
    sigma: float | None = None,
    zero_inflation: str | None = None,
    dispersion: str | None = None,
    missing: Literal["error", "drop"] = "error",
    applicable: Any = None,
    target_accept: float = 0.8,
    max_depth: int = 10,
    progress: bool | Progress = False,
) -> BayesFit:
    """Fit a Bayesian mixed model: draw from its posterior by the no-U-turn sampler.

    Parameters
    ----------
    formula
        As for :func:`partialpool.lmm` and :func:`partialpool.glmm`.
    data
        A table, or what is read as one: see :func:`partialpool.lmm`.
    family
        A name (``"gaussian"``, ``"binomial"``, ``"poisson"``, ...) or a value such as
        ``pp.families.Binomial("probit")``.
    priors
        By parameter or class, most particular first: ``{"Days": "normal(10, 10)", "fixef":
        pp.bayes.Normal(0, 5), "sd(Subject.Days)": "half_normal(20)", "sd(Subject)": ...,
        "sd": ..., "corr": "lkj(2)", "sigma": "exponential(0.1)"}``. What isn't named has a
        weak default scaled to the data; ``fit.prior_summary()`` lists all. With an intercept,
        ``"Intercept"`` is the prior of the linear predictor at the columns' means.
    draws, tune, chains
        Draws kept of each chain, iterations of warm-up before them, number of chains.
    seed
        The same seed gives the same draws, whatever the number of threads.
    engine
        ``"marginal"``: fixed and random effects are integrated out, and drawn exactly
        afterwards; for Gaussian models, in seconds. ``"nuts"``: everything is sampled, by
        NumPyro; for every family; needs the extra ``bayes``. ``"auto"``: the first where it
        can. ``"prior"``: draws from the priors, without looking at the response.
    weights
        Prior weights: of Gaussian models the residual variance of a row is sigma^2 / w;
        otherwise they multiply the log-density, or are trials, as for ``glmm``.
    offset
        Known part of the linear predictor: a column, an expression or an array.
    sigma
        A known residual standard deviation, as for ``lmm``: with ``weights`` of one over each
        row's squared standard error, 1. Other single numbers are known by their prior,
        ``priors={"phi": "constant(2)"}``.
    zero_inflation, dispersion
        One-sided formulas, as for ``glmm``.
    missing
        ``"error"``, or ``"drop"`` to leave rows with missing values out and report them.
    applicable
        Where covariates apply, as for ``lmm``.
    target_accept
        Acceptance probability that the step size aims at; more means smaller steps.
    max_depth
        Doublings of a trajectory at most.
    progress
        True for a bar, or a function of the iterations done and their total.

    Returns
    -------
    BayesFit
        The posterior; printing it gives a summary.

    Raises
    ------
    FormulaError
        If a formula can't be read.
    DataError
        If the data don't fit it, or an argument is out of range.
    ModelError
        If the model can't be identified, a prior doesn't fit, or an engine can't do it.
    NotAvailableError
        If the extra ``bayes`` is needed and isn't installed.

    Warns
    -----
    PartialPoolWarning
        If draws diverged or chains don't agree, with what to do.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.bmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"), seed=1)
    >>> round(fit.fixef["Days"])
    10
    >>> fit.divergences
    0

    References
    ----------
    Hoffman & Gelman (2014), Journal of Machine Learning Research 15, 1593-1623: the sampler.
    Gelman et al. (2013), Bayesian Data Analysis, 3rd edition, chapters 5 and 15.
    """
    if engine not in ("auto", "marginal", "nuts", "prior"):
        raise DataError(f"engine must be 'auto', 'marginal', 'nuts' or 'prior', found {engine!r}.")
    control = make_control(draws, tune, chains, seed, target_accept, max_depth)
    statement = state(
        formula,
        data,
        family,
        priors=_with_sigma(priors, sigma),
        weights=weights,
        offset=offset,
        zero_inflation=zero_inflation,
        dispersion=dispersion,
        missing=missing,
        applicable=applicable,
    )
    refuse_improper(statement)
    if engine == "prior":
        drawn = draw_prior(statement, control.draws, np.random.default_rng(control.seed))
        return BayesFit(statement, drawn, "prior", Control(control.draws, 0, 1, control.seed))
    obstacle = why_not_marginal(statement)
    if engine == "marginal" and obstacle:
        raise ModelError(
            f"the marginal engine is for Gaussian models, but {obstacle}. Use engine='nuts'."
        )
    marginal = engine == "marginal" or (engine == "auto" and obstacle is None)
    found = _sample(statement, control, marginal, progress)
    fit = BayesFit(statement, found, "marginal" if marginal else "nuts", control)
    _warn(fit)
    return fit


def resample(
    fit: BayesFit,
    draws: int | None = None,
    tune: int | None = None,
    chains: int | None = None,
    seed: Seed = None,
    target_accept: float | None = None,
    max_depth: int | None = None,
    progress: bool | Progress = False,
) -> BayesFit:
    """Sample the same model again; see :meth:`BayesFit.resample`."""
    given = {
        "draws": draws,
        "tune": tune,
        "chains": chains,
        "seed": seed,
        "target_accept": target_accept,
        "max_depth": max_depth,
    }
    own = asdict(fit.control)
    control = make_control(**own | {k: v for k, v in given.items() if v is not None})
    if fit.engine == "prior":
        return fit.prior(control.draws, control.seed)
    marginal = fit.engine == "marginal"
    found = _sample(fit.statement, control, marginal, progress)
    again = BayesFit(fit.statement, found, fit.engine, control)
    _warn(again)
    return again


def _with_sigma(priors: Mapping[str, Any] | None, sigma: float | None) -> Any:
    if sigma is None:
        return priors
    if isinstance(priors, Mapping) and "sigma" in priors:
        raise DataError("sigma= fixes what priors['sigma'] is the prior of: give one of them.")
    return {**(priors or {}), "sigma": Constant(sigma)}


def _sample(
    statement: Statement, control: Control, marginal: bool, progress: bool | Progress
) -> Draws:
    sample = sample_marginal if marginal else _general_sampler()
    if progress is True:
        from partialpool.bayes.progress import bar

        with bar() as report:
            return sample(statement, control, report)
    return sample(statement, control, progress if callable(progress) else None)


def _general_sampler() -> Callable[[Statement, Control, Progress | None], Draws]:
    from partialpool.bayes.general import sample_general  # late: JAX takes seconds

    return sample_general


def _warn(fit: BayesFit) -> None:
    table = parameter_table(fit)
    found = troubles(fit, table.names, table.diagnosis)
    if found:
        warnings.warn(" ".join(found), PartialPoolWarning, stacklevel=3)
