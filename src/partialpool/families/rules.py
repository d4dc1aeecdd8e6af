"""Derivatives of the elementwise functions that a log-density may be made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import MappingProxyType
from typing import Any

import numpy as np

__all__ = ["RULES", "log1p_exp", "power"]

Series = Iterator[Any]
"""A function's value, then its first, second and third derivative, each made when asked for."""

_ROOT_PI = float(np.sqrt(np.pi))
_LN_2 = float(np.log(2.0))
_LN_10 = float(np.log(10.0))


def _special() -> Any:
    from scipy import special

    return special


def _absolute(x: Any) -> Series:
    yield np.abs(x)
    yield np.sign(x)
    yield 0.0
    yield 0.0


def _exp(x: Any) -> Series:
    value = np.exp(x)
    while True:
        yield value


def _expm1(x: Any) -> Series:
    yield np.expm1(x)
    yield from _exp(x)


def _exp2(x: Any) -> Series:
    value = np.exp2(x)
    while True:
        yield value
        value = value * _LN_2


def _log(x: Any) -> Series:
    yield np.log(x)
    yield from _reciprocal(x)


def _log1p(x: Any) -> Series:
    yield np.log1p(x)
    yield from _reciprocal(1.0 + x)


def _log_of_base(unit: float) -> Callable[[Any], Series]:
    return lambda x: (term / unit for term in _log(x))


def _reciprocal(x: Any) -> Series:
    inverse = 1.0 / x
    yield inverse
    yield -(inverse**2)
    yield 2.0 * inverse**3
    yield -6.0 * inverse**4


def _sqrt(x: Any) -> Series:
    root = np.sqrt(x)
    yield root
    yield 0.5 / root
    yield -0.25 / root**3
    yield 0.375 / root**5


def _square(x: Any) -> Series:
    yield x * x
    yield 2.0 * x
    yield 2.0
    yield 0.0


def _sin(x: Any) -> Series:
    sine, cosine = np.sin(x), np.cos(x)
    yield from (sine, cosine, -sine, -cosine)


def _cos(x: Any) -> Series:
    sine, cosine = np.sin(x), np.cos(x)
    yield from (cosine, -sine, -cosine, sine)


def _sinh(x: Any) -> Series:
    sine, cosine = np.sinh(x), np.cosh(x)
    yield from (sine, cosine, sine, cosine)


def _cosh(x: Any) -> Series:
    sine, cosine = np.sinh(x), np.cosh(x)
    yield from (cosine, sine, cosine, sine)


def _tanh(x: Any) -> Series:
    value = np.tanh(x)
    slope = np.cosh(x) ** -2.0
    yield value
    yield slope
    yield -2.0 * value * slope
    yield slope * (6.0 * value**2 - 2.0)


def _arctan(x: Any) -> Series:
    slope = 1.0 / (1.0 + x * x)
    yield np.arctan(x)
    yield slope
    yield -2.0 * x * slope**2
    yield (6.0 * x * x - 2.0) * slope**3


def _expit(x: Any) -> Series:
    special = _special()
    p, q = special.expit(x), special.expit(-x)
    yield p
    yield p * q
    yield p * q * (q - p)
    yield p * q * (1.0 - 6.0 * p * q)


def _log_expit(x: Any) -> Series:
    special = _special()
    yield special.log_expit(x)
    p, q = special.expit(x), special.expit(-x)
    yield q
    yield -p * q
    yield -p * q * (q - p)


def log1p_exp(x: Any) -> Series:
    """Differentiate log(1 + exp(x))."""
    yield np.logaddexp(0.0, x)
    yield from _expit(x)


def _logit(x: Any) -> Series:
    yield _special().logit(x)
    left, right = 1.0 / x, 1.0 / (1.0 - x)
    yield left + right
    yield right**2 - left**2
    yield 2.0 * (left**3 + right**3)


def _ndtr(x: Any) -> Series:
    yield _special().ndtr(x)
    density = np.exp(-0.5 * x * x) / (np.sqrt(2.0) * _ROOT_PI)
    yield density
    yield -x * density
    yield (x * x - 1.0) * density


def _log_ndtr(x: Any) -> Series:
    value = _special().log_ndtr(x)
    yield value
    ratio = np.exp(-0.5 * x * x - value) / (np.sqrt(2.0) * _ROOT_PI)
    yield ratio
    slope = -ratio * (x + ratio)
    yield slope
    yield -slope * (x + ratio) - ratio * (1.0 + slope)


def _erf(x: Any) -> Series:
    yield _special().erf(x)
    density = 2.0 / _ROOT_PI * np.exp(-x * x)
    yield density
    yield -2.0 * x * density
    yield (4.0 * x * x - 2.0) * density


def _erfc(x: Any) -> Series:
    terms = _erf(x)
    next(terms)
    yield _special().erfc(x)
    yield from (-term for term in terms)


def _gammaln(x: Any) -> Series:
    yield _special().gammaln(x)
    yield from _digamma(x)


def _digamma(x: Any) -> Series:
    special = _special()
    yield special.digamma(x)
    for m in (1, 2, 3):
        yield special.polygamma(m, x)


def _sign(x: Any) -> Series:
    yield np.sign(x)
    while True:
        yield 0.0


def _negative(x: Any) -> Series:
    yield -x
    yield -1.0
    while True:
        yield 0.0


def power(x: Any, exponent: Any) -> Series:
    """Differentiate x to a constant power."""
    factor = 1.0
    for order in range(4):
        # Where the factor has become zero, so has the derivative, even at x = 0.
        yield np.where(factor == 0.0, 0.0, factor * np.power(x, exponent - order))
        factor = factor * (exponent - order)


RULES: MappingProxyType[str, Callable[[Any], Series]] = MappingProxyType(
    {
        "absolute": _absolute, "arctan": _arctan, "cos": _cos, "cosh": _cosh, "erf": _erf,
        "erfc": _erfc, "exp": _exp, "exp2": _exp2, "expit": _expit, "expm1": _expm1,
        "fabs": _absolute, "gammaln": _gammaln, "log": _log, "log10": _log_of_base(_LN_10),
        "log1p": _log1p, "log2": _log_of_base(_LN_2), "log_expit": _log_expit,
        "log_ndtr": _log_ndtr, "logit": _logit, "ndtr": _ndtr, "negative": _negative,
        "psi": _digamma, "reciprocal": _reciprocal, "sign": _sign, "sin": _sin, "sinh": _sinh,
        "sqrt": _sqrt, "square": _square, "tanh": _tanh,
    }
)  # fmt: skip
"""By the ufunc's own name: digamma's is psi."""
