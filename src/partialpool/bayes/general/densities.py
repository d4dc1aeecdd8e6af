"""Log-densities of the families in JAX, all constants included, as the core has them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax.numpy as jnp
from jax.nn import log_sigmoid, softplus
from jax.scipy.special import gammaln, log_ndtr

from partialpool.bayes.general.called import called_log_density
from partialpool.families import Family, ResponseFamily, Zero

__all__ = ["log_density"]

Eta = Mapping[str, Any]
_LOG_2PI = 1.8378770664093453


def log_density(
    family: ResponseFamily, zero: Zero, y: Any, trials: Any, weights: Any, eta: Eta
) -> Any:
    """Log-density of every row.

    Parameters
    ----------
    family, zero
        The model's.
    y, trials
        The response; numbers of trials are 1 where there are none.
    weights
        Prior weights, or None. Of Gaussian models they divide the variance, otherwise they
        multiply the log-density.
    eta
        Linear predictors by part.
    """
    name, link = family.name, family.link.name
    if isinstance(family, Family) or name not in _WRITTEN:
        return called_log_density(family, zero, y, trials, weights, eta)
    if name == "gaussian":
        # A row of weight zero says nothing, and has no logarithm.
        counted = 1.0 if weights is None else weights > 0
        safe = 1.0 if weights is None else jnp.where(counted, weights, 1.0)
        log_sd = eta["dispersion"] - 0.5 * jnp.log(safe)
        z = (y - _mean(link, eta["mean"])) * jnp.exp(-log_sd)
        return counted * (-0.5 * (_LOG_2PI + z * z) - log_sd)
    if name == "ordinal":
        value = _ordinal(link, y.astype(int), eta["mean"], eta["thresholds"])
        return value if weights is None else weights * value
    truncated = name.startswith("truncated_")
    plain = name.removeprefix("truncated_")
    if plain in _COUNTS:
        density, zero_density = _COUNTS[plain](y, _log_mean(link, eta["mean"]), eta)
        value = density - _log_complement(zero_density) if truncated else density
        if zero != "none":
            value = _with_zeros(y, value, None if truncated else zero_density, eta)
    elif plain in _SHARES:
        value = _SHARES[plain](y, trials, *_log_shares(link, eta["mean"]), eta)
    else:
        value = _MEASURED[plain](y, link, eta)
    return value if weights is None else weights * value


def _mean(link: str, eta: Any) -> Any:
    match link:
        case "identity":
            return eta
        case "log":
            return jnp.exp(eta)
        case "inverse":
            return 1.0 / eta
        case "sqrt":
            return eta * eta
        case _:
            return eta**-0.5


def _log_mean(link: str, eta: Any) -> Any:
    match link:
        case "log":
            return eta
        case "identity":
            return jnp.log(eta)
        case "inverse":
            return -jnp.log(eta)
        case "sqrt":
            return 2.0 * jnp.log(jnp.abs(eta))
        case _:
            return -0.5 * jnp.log(eta)


def _log_shares(link: str, eta: Any) -> tuple[Any, Any]:
    """Logs of a probability and of its complement."""
    match link:
        case "logit":
            return log_sigmoid(eta), log_sigmoid(-eta)
        case "probit":
            return log_ndtr(eta), log_ndtr(-eta)
        case "cloglog":
            # Below -30 the probability is exp(eta) to the last digit.
            near = jnp.maximum(eta, -30.0)
            return _log_complement(-jnp.exp(near)) + (eta - near), -jnp.exp(eta)
        case "log":
            return eta, _log_complement(eta)
        case _:
            return jnp.log(eta), jnp.log1p(-eta)


def _log_complement(log_p: Any) -> Any:
    """log(1 - p), from log p."""
    near = log_p > -0.6931471805599453
    # Both branches have to be finite, or their gradients aren't.
    small = jnp.where(near, -1.0, log_p)
    large = jnp.where(near, log_p, -0.1)
    return jnp.where(near, jnp.log(-jnp.expm1(large)), jnp.log1p(-jnp.exp(small)))


def _with_zeros(y: Any, value: Any, own_zero: Any, eta: Eta) -> Any:
    share, rest = log_sigmoid(eta["zero_inflation"]), log_sigmoid(-eta["zero_inflation"])
    at_zero = share if own_zero is None else jnp.logaddexp(share, rest + own_zero)
    return jnp.where(y == 0, at_zero, rest + value)


def _poisson(y: Any, log_mu: Any, eta: Eta) -> tuple[Any, Any]:
    mu = jnp.exp(log_mu)
    return y * log_mu - mu - gammaln(y + 1.0), -mu


def _nbinom1(y: Any, log_mu: Any, eta: Eta) -> tuple[Any, Any]:
    phi = jnp.exp(eta["dispersion"])
    size = jnp.exp(log_mu) / phi
    zero = -size * jnp.log1p(phi)
    value = gammaln(y + size) - gammaln(size) - gammaln(y + 1.0)
    return value + zero - y * softplus(-eta["dispersion"]), zero


def _nbinom2(y: Any, log_mu: Any, eta: Eta) -> tuple[Any, Any]:
    log_phi = eta["dispersion"]
    phi = jnp.exp(log_phi)
    total = jnp.logaddexp(log_mu, log_phi)
    zero = phi * (log_phi - total)
    value = gammaln(y + phi) - gammaln(phi) - gammaln(y + 1.0)
    return value + zero + y * (log_mu - total), zero


def _log_choose(m: Any, y: Any) -> Any:
    return gammaln(m + 1.0) - gammaln(y + 1.0) - gammaln(m - y + 1.0)


def _log_beta(a: Any, b: Any) -> Any:
    # JAX's own has eight digits.
    return gammaln(a) + gammaln(b) - gammaln(a + b)


def _binomial(y: Any, m: Any, log_p: Any, log_q: Any, eta: Eta) -> Any:
    # 0 log 0 is 0: no successes say nothing about a share of zero.
    successes = jnp.where(y > 0, y * log_p, 0.0)
    return _log_choose(m, y) + successes + jnp.where(m > y, (m - y) * log_q, 0.0)


def _betabinomial(y: Any, m: Any, log_p: Any, log_q: Any, eta: Eta) -> Any:
    a, b = jnp.exp(log_p + eta["dispersion"]), jnp.exp(log_q + eta["dispersion"])
    return _log_choose(m, y) + _log_beta(y + a, m - y + b) - _log_beta(a, b)


def _beta(y: Any, m: Any, log_p: Any, log_q: Any, eta: Eta) -> Any:
    a, b = jnp.exp(log_p + eta["dispersion"]), jnp.exp(log_q + eta["dispersion"])
    return (a - 1.0) * jnp.log(y) + (b - 1.0) * jnp.log1p(-y) - _log_beta(a, b)


def _gamma(y: Any, link: str, eta: Eta) -> Any:
    shape, log_mu = jnp.exp(eta["dispersion"]), _log_mean(link, eta["mean"])
    log_rate = eta["dispersion"] - log_mu
    return shape * log_rate - gammaln(shape) + (shape - 1.0) * jnp.log(y) - y * jnp.exp(log_rate)


def _inverse_gaussian(y: Any, link: str, eta: Eta) -> Any:
    mu, log_phi = _mean(link, eta["mean"]), eta["dispersion"]
    square = (y / mu - 1.0) ** 2 / y
    return -0.5 * (log_phi + _LOG_2PI + 3.0 * jnp.log(y) + square * jnp.exp(-log_phi))


def _student_t(y: Any, link: str, eta: Eta) -> Any:
    nu, log_scale = jnp.exp(eta["shape"]), eta["dispersion"]
    z = (y - _mean(link, eta["mean"])) * jnp.exp(-log_scale)
    constant = gammaln(0.5 * (nu + 1.0)) - gammaln(0.5 * nu) - 0.5 * jnp.log(nu * jnp.pi)
    return constant - log_scale - 0.5 * (nu + 1.0) * jnp.log1p(z * z / nu)


def _ordinal(link: str, y: Any, eta: Any, thresholds: Any) -> Any:
    """log(F(upper - eta) - F(lower - eta)), as McCullagh (1980) has it, without cancellation."""
    top = thresholds.shape[0]
    first, last = y == 0, y == top
    upper = thresholds[jnp.minimum(y, top - 1)] - eta
    # The first category has no lower threshold: any below the upper one keeps numbers finite.
    lower = jnp.where(first, upper - 1.0, thresholds[jnp.maximum(y - 1, 0)] - eta)
    upper = jnp.where(last, lower + 1.0, upper)
    below, above = _log_shares(link, upper)[0], _log_shares(link, lower)[1]
    return jnp.where(first, below, jnp.where(last, above, _between(link, upper, lower)))


def _between(link: str, upper: Any, lower: Any) -> Any:
    if link == "logit":
        # F(a) - F(b) = F(a) (1 - F(b)) (1 - exp(b - a))
        return log_sigmoid(upper) + log_sigmoid(-lower) + _log_complement(lower - upper)
    if link == "cloglog":
        # exp(-exp(b)) (1 - exp(-(exp(a) - exp(b))))
        rate, width = jnp.exp(jnp.minimum(lower, 300.0)), jnp.minimum(upper - lower, 300.0)
        return _log_complement(-rate * jnp.expm1(width)) - rate
    # In the tail in which both are small.
    flip = upper + lower > 0.0
    high, low = jnp.where(flip, -lower, upper), jnp.where(flip, -upper, lower)
    larger = log_ndtr(high)
    return larger + _log_complement(log_ndtr(low) - larger)


_COUNTS: dict[str, Callable[..., Any]] = {
    "poisson": _poisson,
    "nbinom1": _nbinom1,
    "nbinom2": _nbinom2,
}
_SHARES: dict[str, Callable[..., Any]] = {
    "binomial": _binomial,
    "betabinomial": _betabinomial,
    "beta": _beta,
}
_MEASURED: dict[str, Callable[..., Any]] = {
    "gamma": _gamma,
    "inverse_gaussian": _inverse_gaussian,
    "student_t": _student_t,
}
_WRITTEN = {
    "gaussian",
    "ordinal",
    *_COUNTS,
    *(f"truncated_{name}" for name in _COUNTS),
    *_SHARES,
    *_MEASURED,
}
