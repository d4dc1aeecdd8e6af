"""Parameters that ran to the end of their range: where that is, and what the model is there."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from partialpool.generalized.scales import dispersion_scale, shape_scale
from partialpool.results.summary.wording import listed

if TYPE_CHECKING:
    from partialpool.generalized.fit import GlmmFit

__all__ = ["at_limit", "limit_notes", "zero_limit"]

# On a scale of logs: an interval of two of these errors has no end that could be written down.
_ENDLESS = 10.0

# From here on the gamma amounts that a Tweedie sum is made of have overlapping densities.
_LUMPY = 1.02

_NO_MORE = "the data vary no more than {} ones"
_LIMITS = MappingProxyType(
    {
        ("nbinom2", "dispersion", 1): ("the Poisson", _NO_MORE.format("Poisson")),
        ("nbinom1", "dispersion", -1): ("the Poisson", _NO_MORE.format("Poisson")),
        ("truncated_nbinom2", "dispersion", 1): (
            "the truncated Poisson",
            _NO_MORE.format("Poisson"),
        ),
        ("truncated_nbinom1", "dispersion", -1): (
            "the truncated Poisson",
            _NO_MORE.format("Poisson"),
        ),
        ("betabinomial", "dispersion", 1): ("the binomial", _NO_MORE.format("binomial")),
        ("student_t", "shape", 1): ("the Gaussian", "the tails are no heavier than normal ones"),
        ("tweedie", "shape", 1): ("the gamma", "the data look like gamma ones"),
        ("tweedie", "shape", -1): ("a scaled Poisson", "the data look like multiples of counts"),
    }
)


def at_limit(fit: GlmmFit, part: str) -> float | None:
    """Return the end of the range that a constant dispersion or shape ran to, or None.

    There the likelihood is flat, so that its standard error on the scale of the linear
    predictor has no end.
    """
    if part in fit.designs or part not in fit.parts:
        return None
    eta, error = fit.fixef_of(part)[0], fit.stderr_of(part)[0]
    if (fit.family.name, part, int(np.sign(eta))) not in _LIMITS:
        return None
    if error <= _ENDLESS or not _has_errors(fit):
        return None
    scale = (dispersion_scale if part == "dispersion" else shape_scale)(fit.family.name)
    with np.errstate(over="ignore"):
        return scale.value(float(np.sign(eta)) * np.inf)


def limit_notes(fit: GlmmFit) -> tuple[str, ...]:
    """Say which parameters ran to the end of their range."""
    notes = []
    for part in ("dispersion", "shape"):
        end = at_limit(fit, part)
        if end is None:
            continue
        sign = int(np.sign(fit.fixef_of(part)[0]))
        model, why = _LIMITS[fit.family.name, part, sign]
        scale = (dispersion_scale if part == "dispersion" else shape_scale)(fit.family.name)
        where = "infinity" if np.isinf(end) else f"{end:g}"
        symbol = scale.symbol.capitalize()
        notes.append(f"{symbol} ran to {where}, where {fit.family.name} is {model}: {why}.")
    return (*notes, *_lumps(fit), *_zero_notes(fit))


def _lumps(fit: GlmmFit) -> list[str]:
    """Say where a Tweedie density is all lumps, and its likelihood all peaks."""
    if fit.family.name != "tweedie" or fit.shape["power"] > _LUMPY:
        return []
    return [
        f"The power is {fit.shape['power']:.4g}: so near 1 the density has a lump at every "
        "multiple of phi, and the likelihood many maxima, of which this is one. Tweedie doesn't "
        "suit these data; if they have no zeros, use gamma or inverse_gaussian."
    ]


def zero_limit(fit: GlmmFit) -> float | None:
    """Return the infinity that the log odds of an added zero ran to, or None.

    Of a part that is an intercept only: elsewhere the coefficients run off together, and
    no one of them is where they go.
    """
    if "zero_inflation" not in fit.designs:
        return None
    beta = fit.fixef_of("zero_inflation")
    if tuple(beta.names) != ("Intercept",) or not _far_zeros(fit).any():
        return None
    return float(np.copysign(np.inf, beta.values[0]))


def _far_zeros(fit: GlmmFit) -> NDArray[np.bool_]:
    beta, error = fit.fixef_of("zero_inflation"), fit.stderr_of("zero_inflation")
    if not _has_errors(fit):
        return np.zeros(len(beta.values), dtype=bool)
    far: NDArray[np.bool_] = ~np.isnan(beta.values) & ~(error.values <= _ENDLESS)
    return far


def _zero_notes(fit: GlmmFit) -> list[str]:
    """Say where the probability of an added zero ran to nought or one."""
    if "zero_inflation" not in fit.designs:
        return []
    if (end := zero_limit(fit)) is not None:
        return [
            f"The probability of an added zero ran to {'0' if end < 0 else '1'}"
            + (": there are no more zeros than the counts explain." if end < 0 else ".")
        ]
    pairs = zip(fit.fixef_of("zero_inflation").names, _far_zeros(fit), strict=True)
    names = [repr(name) for name, is_far in pairs if is_far]
    if not names:
        return []
    return [
        f"Zero inflation: {listed(names)} ran off without end, to where the probability of an "
        "added zero is 0 or 1; such estimates and their standard errors mean no more than that."
    ]


def _has_errors(fit: GlmmFit) -> bool:
    """Whether there are standard errors at all: those by quasi-likelihood know of the mean only."""
    return fit.approximation.method != "pql"
