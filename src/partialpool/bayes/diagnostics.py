"""How far draws can be trusted: R-hat, effective sample sizes, Monte Carlo errors.

All of many parameters at once, (C, D, ...) with chains and draws in front. Where a parameter
doesn't move, or isn't a number, they are NaN.

References
----------
Vehtari, Gelman, Simpson, Carpenter & Buerkner (2021), Bayesian Analysis 16(2), 667-718.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Diagnosis", "diagnose", "ess", "rhat"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Diagnosis:
    """Diagnostics of P parameters, (P,) each.

    Attributes
    ----------
    rhat
        The larger of R-hat of the ranks and of the folded ranks; near 1 is well.
    ess_bulk, ess_tail
        Effective numbers of draws for the middle and for the 5 % and 95 % quantiles.
    mcse_mean, mcse_sd
        Monte Carlo standard errors of the posterior mean and standard deviation.
    """

    rhat: Array
    ess_bulk: Array
    ess_tail: Array
    mcse_mean: Array
    mcse_sd: Array


def diagnose(draws: Array) -> Diagnosis:
    """Compute all diagnostics.

    Parameters
    ----------
    draws : (C, D, P) array

    Examples
    --------
    >>> draws = np.random.default_rng(1).normal(size=(4, 500, 1))
    >>> found = diagnose(draws)
    >>> bool(abs(found.rhat[0] - 1) < 0.01), bool(found.ess_bulk[0] > 1500)
    (True, True)
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        bulk = ess(_normal_scores(_split(draws)))
        tails = [ess(_split(_below(draws, q))) for q in (0.05, 0.95)]
        sd = draws.std(axis=(0, 1), ddof=1)
        plain = ess(_split(draws))
        return Diagnosis(
            rhat(draws), bulk, np.fmin(*tails), sd / np.sqrt(plain), _sd_error(draws, plain)
        )


def rhat(draws: Array) -> Array:
    """Potential scale reduction of split chains, by ranks and by folded ranks."""
    split = _split(draws)
    folded = np.abs(split - np.median(split, axis=(0, 1)))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.fmax(_rhat(_normal_scores(split)), _rhat(_normal_scores(folded)))


def ess(x: Array) -> Array:
    """Effective sample size of the mean, by Geyer's initial monotone sequence.

    Parameters
    ----------
    x : (C, D, P) array
        Chains already split.
    """
    C, D = x.shape[:2]
    if D < 4:
        return np.full(x.shape[2:], np.nan)
    covariance = _autocovariance(x)
    chain_means = x.mean(axis=1)
    within = covariance[:, 0].mean(axis=0) * D / (D - 1.0)
    total = within * (D - 1.0) / D
    if C > 1:
        total = total + chain_means.var(axis=0, ddof=1)
    rho = 1.0 - (within - covariance.mean(axis=0)) / total
    rho[0] = 1.0
    # Draws that alternate may count for more than one each, but not without limit.
    found = C * D / np.maximum(_integrated(rho), 1.0 / np.log10(C * D))
    return np.where(np.isfinite(total) & (total > 0), found, np.nan)


def _integrated(rho: Array) -> Array:
    """Autocorrelation time from the sums of neighbouring pairs, positive and decreasing."""
    D = len(rho)
    even = rho[: D - D % 2 : 2]
    odd = rho[1 : D - D % 2 : 2]
    pairs = even + odd
    # Geyer looks at pairs while they are positive; as usual not beyond lag D - 3.
    positive = np.logical_and.accumulate(pairs > 0, axis=0)
    positive[max((D - 3) // 2, 0) :] = False
    smooth = np.minimum.accumulate(np.where(positive, pairs, np.inf), axis=0)
    total = np.where(positive, smooth, 0.0).sum(axis=0)
    # The first pair that isn't positive still gives its first member, if that is.
    place = positive.sum(axis=0)
    after = np.take_along_axis(even, np.minimum(place, len(even) - 1)[None], axis=0)[0]
    return np.asarray(-1.0 + 2.0 * total + np.where((place > 0) & (after > 0), after, 0.0))


def _autocovariance(x: Array) -> Array:
    """Biased autocovariances at every lag (C, D, P), by Fourier transform."""
    D = x.shape[1]
    size = 1 << int(np.ceil(np.log2(2 * D)))
    centred = x - x.mean(axis=1, keepdims=True)
    spectrum = np.fft.rfft(centred, size, axis=1)
    power = np.fft.irfft(spectrum * np.conj(spectrum), size, axis=1)
    return np.asarray(power[:, :D] / D)


def _split(x: Array) -> Array:
    """Cut every chain in halves; the middle draw of an odd number is left out."""
    half = x.shape[1] // 2
    return np.concatenate([x[:, :half], x[:, -half:]], axis=0)


def _normal_scores(x: Array) -> Array:
    """Replace draws by normal quantiles of their ranks among all chains."""
    from scipy.special import ndtri
    from scipy.stats import rankdata

    flat = x.reshape(x.shape[0] * x.shape[1], -1)
    ranks = rankdata(flat, axis=0).reshape(x.shape)
    return np.asarray(ndtri((ranks - 0.375) / (len(flat) + 0.25)))


def _rhat(x: Array) -> Array:
    D = x.shape[1]
    between = D * x.mean(axis=1).var(axis=0, ddof=1)
    within = x.var(axis=1, ddof=1).mean(axis=0)
    return np.asarray(np.sqrt((between / within + D - 1.0) / D))


def _below(x: Array, probability: float) -> Array:
    return (x <= np.quantile(x, probability, axis=(0, 1))).astype(np.float64)


def _sd_error(draws: Array, size: Array) -> Array:
    """Error of a standard deviation by the variance of the squared deviations, as ArviZ has it."""
    centred = draws - draws.mean(axis=(0, 1))
    # In units of the largest: fourth powers leave the range of numbers soon.
    unit = np.abs(centred).max(axis=(0, 1))
    squares = (centred / np.where(unit > 0, unit, 1.0)) ** 2
    variance = squares.mean(axis=(0, 1))
    spread = (squares**2).mean(axis=(0, 1)) - variance**2
    return np.asarray(unit * np.sqrt(spread / size / variance / 4.0))
