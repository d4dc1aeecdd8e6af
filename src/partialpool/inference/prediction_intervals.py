"""Intervals of predictions: given the covariance parameters, or by the bootstrap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from partialpool.core import matrix
from partialpool.errors import DataError
from partialpool.inference.bootstrap.sampling import block_size
from partialpool.inference.counts import check_count
from partialpool.inference.moments import mean_of, variance_forms
from partialpool.inference.protocol import GaussianFit
from partialpool.inference.rows import PlacedRows, core_rows
from partialpool.inference.seeds import Seed, generators, seed_sequence
from partialpool.inference.simulate import draw
from partialpool.inference.wald import check_level, quantiles
from partialpool.progress import counting
from partialpool.solve import solve_many

__all__ = ["Interval", "IntervalMethod", "predict_intervals"]

Array = NDArray[np.float64]
Interval: TypeAlias = Literal["confidence", "prediction"]
IntervalMethod: TypeAlias = Literal["plug-in", "bootstrap"]
# Numbers held at a time: draws times rows.
_NUMBERS = 2**22


def predict_intervals(
    fit: GaussianFit,
    placed: PlacedRows,
    interval: Interval,
    level: float,
    method: IntervalMethod,
    draws: int,
    seed: Seed,
    weights: Array | None = None,
) -> Any:
    """Predict rows with intervals; see :func:`partialpool.inference.predict`.

    Weights are those of new observations in the rows (m,); None for 1.

    Raises
    ------
    DataError
        If an argument is none of those described there.
    """
    check_level(level)
    _check(fit, placed, interval, method, draws)
    mean = mean_of(fit, placed)
    observed = _noise(placed.rows.n, weights) if interval == "prediction" else None
    forms = variance_forms(fit, placed)
    error = fit.solution.sigma * np.sqrt(forms if observed is None else forms + observed)
    if method == "plug-in":
        half = quantiles(np.full(1, _df(fit)), level)
        ends = half * np.array([[-1.0], [1.0]])
    else:
        ends = _studentised(fit, placed, observed, level, draws, seed)
    low, high = mean + ends * error
    columns = {"estimate": mean, "std_error": error, "conf_low": low, "conf_high": high}
    return placed.frame(columns)


def _noise(n: int, weights: Array | None) -> Array:
    """Residual variances over sigma^2 (n,); infinite for a weight of zero."""
    with np.errstate(divide="ignore"):
        return 1.0 / (np.ones(n) if weights is None else weights)


def _df(fit: GaussianFit) -> float:
    """Degrees of freedom: those of the residuals without random effects, else infinite."""
    solution = fit.solution
    if fit.design.random or solution.likelihood.sigma is not None:
        return float("inf")
    return float(solution.reduced.problem.n - len(solution.reduced.problem.kept))


def _check(fit: GaussianFit, placed: PlacedRows, interval: str, method: str, draws: int) -> None:
    if interval not in ("confidence", "prediction"):
        raise DataError(f"interval must be 'confidence' or 'prediction', found {interval!r}.")
    if method not in ("plug-in", "bootstrap"):
        raise DataError(f"method must be 'plug-in' or 'bootstrap', found {method!r}.")
    check_count("draws", draws, 100)
    if interval == "prediction" and len(placed.effects) < len(fit.design.random):
        raise DataError(
            "a new observation has effects of all random terms, so its interval needs "
            "random='all'. For rows of unknown levels pass new_levels='population'."
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Worlds:
    """Data sets drawn from the fit, what was true in each and what its fit says."""

    beta: Array  # (r, p)
    sigma: Array  # (r,)
    psi: Array  # (r, parameters)
    factors: tuple[Array, ...]  # (r, k, k)
    missed: tuple[Array, ...]  # true less estimated effects (r, J, k)


def _draw_worlds(fit: GaussianFit, draws: int, seed: np.random.SeedSequence) -> _Worlds:
    parts = []
    with counting("bootstrap of predictions", draws) as show:
        for rng, count in generators(draws, block_size(fit.design), seed):
            world = draw(fit, rng, count)
            refits = solve_many(fit.design, fit.solution, np.ascontiguousarray(world.y.T), True)
            missed = tuple(
                np.moveaxis(true, -1, 0) - found
                for true, found in zip(world.b, refits.effects, strict=True)
            )
            parts.append((refits.beta, refits.sigma, refits.psi, refits.factors, missed))
            show(sum(len(part[1]) for part in parts))
    beta, sigma, psi = (np.concatenate([part[i] for part in parts]) for i in range(3))
    factors, missed = (
        tuple(map(np.concatenate, zip(*(part[i] for part in parts), strict=True))) for i in (3, 4)
    )
    return _Worlds(beta, sigma, psi, factors, missed)


def _studentised(
    fit: GaussianFit,
    placed: PlacedRows,
    observed: Array | None,
    level: float,
    draws: int,
    seed: Seed,
) -> Array:
    """Quantiles (2, m) of the predictions' errors in data sets drawn from the fit.

    Each error is divided by the standard error that the data set's own fit gives it, so that what
    is uncertain of the covariance parameters shows in the quantiles.

    References
    ----------
    Davison & Hinkley (1997), Bootstrap Methods and their Application, section 2.4 and 6.3.3.
    """
    worlds_seed, rows_seed = seed_sequence(seed).spawn(2)
    worlds = _draw_worlds(fit, draws, worlds_seed)
    rng = np.random.default_rng(rows_seed)
    m = placed.rows.n
    size = max(1, _NUMBERS // draws)
    tails = [0.5 - 0.5 * level, 0.5 + 0.5 * level]
    ends = []
    for start in range(0, m, size):
        stop = min(m, start + size)
        noise = None if observed is None else observed[start:stop]
        errors = _errors(fit, placed.between(start, stop), worlds, noise, rng)
        ends.append(np.quantile(errors, tails, axis=0, method="weibull"))
    return np.concatenate(ends, axis=1) if ends else np.empty((2, 0))


def _errors(
    fit: GaussianFit,
    placed: PlacedRows,
    worlds: _Worlds,
    observed: Array | None,
    rng: np.random.Generator,
) -> Array:
    """Errors (r, m) of the predictions in their own standard errors."""
    solution, rows = fit.solution, placed.rows
    missed = np.nan_to_num(fit.fixef.values - worlds.beta) @ rows.X.T
    forms = _forms(fit, placed, worlds)
    for i, new in placed.effects.items():
        seen = new.codes >= 0
        known = worlds.missed[i][:, new.codes[seen]]
        missed[:, seen] += np.einsum("rik,ik->ri", known, new.basis[seen])
        z = new.basis[~seen]
        spread = np.linalg.norm(z @ solution.factor(i), axis=1) * solution.sigma
        missed[:, ~seen] += spread * rng.standard_normal((len(missed), len(z)))
        forms[:, ~seen] += (np.einsum("ik,rkl->ril", z, worlds.factors[i]) ** 2).sum(axis=2)
    if observed is not None:
        # Where the variance is infinite the error is nothing but noise.
        endless = np.isinf(observed)
        forms = np.where(endless, 1.0, forms + observed)
        noise = np.where(endless, 1.0, np.sqrt(observed))
        missed = np.where(endless, 0.0, missed)
        missed += solution.sigma * noise * rng.standard_normal(missed.shape)
    return np.asarray(missed / (worlds.sigma[:, None] * np.sqrt(forms)))


def _forms(fit: GaussianFit, placed: PlacedRows, worlds: _Worlds) -> Array:
    """Variance over sigma^2 of every row's error, at the covariances of every world (r, m)."""
    solution, X = fit.solution, matrix(placed.rows.X)
    blocks = core_rows(solution, fit.design, placed.rows.n, placed.effects)
    problem, likelihood = solution.reduced.problem, solution.likelihood
    with solution.reduced.algebra():
        return np.stack(
            [
                problem.quadratic_forms(X, blocks, psi, likelihood.reml, likelihood.fixed)
                for psi in worlds.psi
            ]
        )
