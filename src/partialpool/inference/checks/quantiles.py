"""Simulated quantile residuals: uniform if the model is right, whatever its family."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from partialpool.inference.seeds import Seed, generator_beside

__all__ = ["CheckTest", "QuantileResiduals", "quantile_residuals"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]


class CheckTest(NamedTuple):
    """A statistic, what it would be if the model were right, and its p-value."""

    statistic: float
    expected: float
    p_value: float


@dataclass(frozen=True, slots=True, eq=False)
class QuantileResiduals:
    """Where every response lies among responses simulated from the model.

    Attributes
    ----------
    values : (n,) array
        Between 0 and 1, uniform if the model is right.
    fitted : (n,) array
        Mean of the simulated responses.
    uniformity
        Kolmogorov and Smirnov's distance from the uniform distribution (expected: 0).
    dispersion
        Variance of the residuals over that of the simulated ones (expected: 1); above it the
        data vary more than the model says.
    outliers
        Share of responses beyond all simulated ones, and the share expected.
    """

    values: Vector
    fitted: Vector
    uniformity: CheckTest
    dispersion: CheckTest
    outliers: CheckTest

    def __repr__(self) -> str:
        rows = [
            ("uniformity (KS distance)", self.uniformity),
            ("dispersion (variance ratio)", self.dispersion),
            ("outliers (share)", self.outliers),
        ]
        lines = [f"Quantile residuals of {len(self.values):,} rows"]
        lines += [
            f"  {name:<28} {t.statistic:8.4f}, expected {t.expected:.4g}, p = {t.p_value:.3g}"
            for name, t in rows
        ]
        return "\n".join(lines)


def quantile_residuals(
    y: Vector,
    simulated: Matrix,
    seed: Seed = None,
    counted: NDArray[np.bool_] | None = None,
) -> QuantileResiduals:
    """Compare responses with simulated ones.

    Parameters
    ----------
    y : (n,) array
        Responses.
    simulated : (n, s) array
        As many responses for each, drawn from the model with new random effects.
    seed
        Seed of NumPy's generator, for the place among ties.
    counted : (n,) array of bool, optional
        Rows that count: those with weight. The others get no residual.

    Notes
    -----
    A response takes a uniform place in the gap of the simulated ones (and among those it ties
    with), so that residuals of a right model are exactly uniform, one by one. Rows of a group
    share its random effects; with few groups the tests of uniformity and outliers, which take
    rows as independent, reject somewhat too often. The test of dispersion is by simulation.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> found = quantile_residuals(rng.normal(size=200), rng.normal(size=(200, 250)), seed=1)
    >>> found.uniformity.p_value > 0.05
    True

    References
    ----------
    Dunn & Smyth (1996), Journal of Computational and Graphical Statistics 5, 236-244;
    Hartig, DHARMa (R package).
    """
    if counted is not None:
        y, simulated = y[counted], simulated[counted]
    n, s = simulated.shape
    # Not the generator of the draws themselves, with which the places would go together.
    rng = generator_beside(seed, n, s)
    below = np.sum(simulated < y[:, None], axis=1)
    ties = np.sum(simulated == y[:, None], axis=1)
    values = (below + rng.uniform(size=n) * (ties + 1)) / (s + 1)
    with np.errstate(over="ignore"):
        center = simulated.mean(axis=1)
    return QuantileResiduals(
        values, center, _uniformity(values), _dispersion(y, simulated), _outliers(y, simulated)
    )


def _uniformity(values: Vector) -> CheckTest:
    from scipy.stats import kstest  # a quarter of a second, only here

    found = kstest(values, "uniform")
    return CheckTest(float(found.statistic), 0.0, float(found.pvalue))


def _dispersion(y: Vector, simulated: Matrix) -> CheckTest:
    """Ratio of the residuals' spread to that of draws, its p-value by the draws' own ratios.

    Mean and variance are those of draws and responses together, so that under the model all
    stand alike and the p-value is exact.
    """
    s = simulated.shape[1]
    pooled = np.column_stack([y, simulated])
    # Powers of two change no digit; squares of the largest draws would overflow.
    _, exponent = np.frexp(np.abs(pooled).max(axis=1, keepdims=True))
    pooled = np.ldexp(pooled, -exponent)
    with np.errstate(invalid="ignore"):  # a draw that is infinite: the row doesn't count
        spread = pooled.var(axis=1, ddof=1)
        scale = np.where(spread > 0, spread, np.nan)[:, None]
        ratios = np.nanmean((pooled - pooled.mean(axis=1, keepdims=True)) ** 2 / scale, axis=0)
    ours, theirs = ratios[0], ratios[1:]
    higher = (1 + np.sum(theirs >= ours)) / (s + 1)
    lower = (1 + np.sum(theirs <= ours)) / (s + 1)
    ratio = float(ours / theirs.mean())
    return CheckTest(ratio, 1.0, float(min(1.0, 2.0 * min(higher, lower))))


def _outliers(y: Vector, simulated: Matrix) -> CheckTest:
    from scipy.stats import binomtest

    n, s = simulated.shape
    beyond = (y < simulated.min(axis=1)) | (y > simulated.max(axis=1))
    expected = 2.0 / (s + 1)
    # With ties the chance to be beyond all draws is smaller: only an excess is an alarm there.
    discrete = bool(np.any(simulated == y[:, None]))
    p = binomtest(
        int(beyond.sum()), n, expected, alternative="greater" if discrete else "two-sided"
    ).pvalue
    return CheckTest(float(beyond.mean()), expected, float(p))
