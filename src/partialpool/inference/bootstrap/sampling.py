"""The bootstrap: draw, fit again, keep the numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from partialpool.design import Design, GroupingFactor
from partialpool.errors import DataError, NotAvailableError, PartialPoolError
from partialpool.inference.bootstrap.acceleration import find_acceleration
from partialpool.inference.bootstrap.cases import find_units, resample_units
from partialpool.inference.bootstrap.residual import resample_residuals
from partialpool.inference.bootstrap.result import Bootstrap
from partialpool.inference.bootstrap.statistics import Statistic, evaluate, reported, reported_names
from partialpool.inference.counts import check_count
from partialpool.inference.parameters import Named, list_parameters, parameters_of
from partialpool.inference.protocol import LinearFit, RefittableFit
from partialpool.inference.seeds import Seed, generators
from partialpool.inference.simulate import draw
from partialpool.named import NamedVector
from partialpool.progress import counting
from partialpool.solve import Solution, solve_many

__all__ = ["Kind", "block_size", "bootstrap"]

Array = NDArray[np.float64]
Kind = Literal["parametric", "residual", "case"]
# Draws made with one generator: few enough to be interrupted, many enough to be quick.
_BLOCK = 256
_NUMBERS = 2**23


def bootstrap(
    fit: RefittableFit,
    n: int = 1000,
    kind: Kind = "parametric",
    *,
    statistic: Statistic | None = None,
    seed: Seed = None,
    resample: str | None = None,
    acceleration: bool = True,
) -> Bootstrap:
    """Draw data again, fit the model to each draw and keep its numbers.

    Parameters
    ----------
    fit
        A fitted model.
    n
        Number of draws. Standard errors need a few hundred, 95% intervals a thousand.
    kind
        ``"parametric"`` draws responses from the fitted model, new random effects included;
        ``"residual"`` draws the estimated effects and residuals with replacement, inflated to
        the estimated variances; ``"case"`` draws groups of rows with replacement. The last two
        are for linear mixed models.
    statistic
        ``fit -> numbers``: a number, an array, a dict or a named vector. None takes the
        coefficients, standard deviations and correlations, which is quick.
    seed
        Of NumPy's generator. The same seed gives the same draws for any number of threads.
    resample
        With ``kind="case"``: the grouping factor whose levels are drawn, or ``"rows"``; the
        coarsest factor if it isn't said, and an error where factors are crossed.
    acceleration
        Find how skewed each number's influence is, by leaving out one group after the other,
        for BCa intervals. Costs one fit for every group.

    Returns
    -------
    Bootstrap
        An interrupt (Ctrl-C) ends it with the draws made so far.

    Raises
    ------
    DataError
        If an argument is none of those described.
    NotAvailableError
        For residual and case draws of generalized models.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.lmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"))
    >>> draws = fit.bootstrap(500, seed=1)
    >>> draws.draws.shape
    (500, 6)
    >>> draws.names[:3]
    ('Intercept', 'Days', 'sd(Subject.Intercept)')

    References
    ----------
    Davison & Hinkley (1997), Bootstrap Methods and their Application, sections 2.2 and 3.8.
    """
    _check(fit, n, kind)
    linear = isinstance(fit.solution, Solution)
    numbers = _numbers_of(fit, statistic)
    estimate = numbers(fit)
    if linear and statistic is None and kind != "case":
        blocks = _linear_blocks(cast(LinearFit, fit), n, kind, seed)
    else:
        blocks = _general_blocks(fit, n, kind, seed, resample, numbers, len(estimate))
    rows: list[Array] = []
    failed: list[str] = []
    with counting(f"{kind} bootstrap", n) as show:
        try:
            for block, errors in blocks:
                rows.append(block)
                failed += errors
                show(sum(map(len, rows)))
        except KeyboardInterrupt:
            # What was drawn took time: the caller sees that fewer are there than were asked for.
            pass
    draws = np.concatenate(rows) if rows else np.empty((0, len(estimate)))
    skewness = None
    if acceleration and linear and len(draws) == n:
        units = find_units(fit.design, resample, crossed=kind != "case")
        skewness = find_acceleration(cast(LinearFit, fit), units, numbers, len(estimate))
    return Bootstrap(
        estimate.names,
        _parameters(fit) if statistic is None else (),
        estimate.values,
        draws,
        kind,
        n,
        (len(failed), failed[0] if failed else ""),
        skewness,
        fit.design.spec.kind,
    )


def _check(fit: RefittableFit, n: int, kind: str) -> None:
    check_count("n", n)
    if kind not in ("parametric", "residual", "case"):
        raise DataError(f"kind must be 'parametric', 'residual' or 'case', found {kind!r}.")
    if kind != "parametric" and not isinstance(fit.solution, Solution):
        raise NotAvailableError(
            f"kind={kind!r} exists for linear mixed models only; take kind='parametric' for a "
            "generalized one."
        )


def _numbers_of(
    fit: RefittableFit, statistic: Statistic | None
) -> Callable[[RefittableFit], NamedVector]:
    if statistic is not None:
        return lambda again: evaluate(statistic, again)
    if not isinstance(fit.solution, Solution):
        return reported
    names = tuple(p.label for p in _parameters(fit))
    return lambda again: NamedVector(names, parameters_of(cast(LinearFit, again))[0])


def _parameters(fit: RefittableFit) -> tuple[Named, ...]:
    if not isinstance(fit.solution, Solution):
        return reported_names(fit)
    return list_parameters(fit.design, fit.solution.likelihood.sigma is None)


def block_size(design: Design) -> int:
    """How many responses are drawn at a time: what fits into the memory of a small machine."""
    return max(1, min(_BLOCK, _NUMBERS // len(design.y)))


def _linear_blocks(
    fit: LinearFit, n: int, kind: str, seed: Seed
) -> Iterator[tuple[Array, list[str]]]:
    for rng, count in generators(n, block_size(fit.design), seed):
        y = draw(fit, rng, count).y if kind == "parametric" else resample_residuals(fit, rng, count)
        refits = solve_many(fit.design, fit.solution, np.ascontiguousarray(y.T))
        yield parameters_of(fit, refits), []


def _general_blocks(
    fit: RefittableFit,
    n: int,
    kind: str,
    seed: Seed,
    resample: str | None,
    numbers: Callable[[RefittableFit], NamedVector],
    width: int,
) -> Iterator[tuple[Array, list[str]]]:
    """Fit one draw after the other; a refit that fails leaves a row of NaN."""
    units = find_units(fit.design, resample) if kind == "case" else None
    for rng, _ in generators(n, 1, seed):
        try:
            again = _draw_again(fit, rng, kind, units)
            yield numbers(again).values[None], []
        # What no draw can do: nothing to simulate by, say.
        except (DataError, NotAvailableError):
            raise
        except PartialPoolError as error:
            yield np.full((1, width), np.nan), [str(error)]


def _draw_again(
    fit: RefittableFit, rng: np.random.Generator, kind: str, units: GroupingFactor | None
) -> Any:
    if kind == "case":
        return cast(LinearFit, fit).with_design(resample_units(fit.design, units, rng))
    if not isinstance(fit.solution, Solution):
        return fit.refit(fit.simulate(1, seed=int(rng.integers(2**63)))[:, 0])
    linear = cast(LinearFit, fit)
    if kind == "parametric":
        return linear.refit(draw(linear, rng, 1).y[:, 0])
    return linear.refit(resample_residuals(linear, rng, 1)[:, 0])
