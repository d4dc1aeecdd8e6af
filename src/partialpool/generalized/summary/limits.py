"""Parameters that ran to the end of their range: where that is, and what the model is there."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from partialpool.families.scales import scale_of
from partialpool.results.summary.wording import listed

if TYPE_CHECKING:
    from partialpool.generalized.fit import GlmmFit

__all__ = ["ENDLESS", "at_limit", "limit_notes", "predictor_limit", "zero_limit"]

# On a scale of logs: an interval of two of these errors has no end that could be written down.
ENDLESS = 10.0

# From here on the gamma amounts that a Tweedie sum is made of have overlapping densities.
_LUMPY = 1.02

# Log odds of an added zero that are none in all rows together.
_NEVER = -10.0

_NO_MORE = "the data vary no more than {} ones"


@dataclass(frozen=True, slots=True)
class _Limit:
    """What a family is at the end of a parameter's range.

    Attributes
    ----------
    model, why
        In words: what it is, and what that says about the data.
    family
        The name under which it can be fitted, or empty.
    """

    model: str
    why: str
    family: str = ""

    @property
    def simpler(self) -> str:
        """What to fit instead, in a sentence."""
        return f" family={self.family!r} gives the same fit." if self.family else ""


_POISSON = _Limit("the Poisson", _NO_MORE.format("Poisson"), "poisson")
_TRUNCATED = _Limit("the truncated Poisson", _NO_MORE.format("Poisson"), "truncated_poisson")
_LIMITS = MappingProxyType(
    {
        ("nbinom2", "dispersion", 1): _POISSON,
        ("nbinom1", "dispersion", -1): _POISSON,
        ("truncated_nbinom2", "dispersion", 1): _TRUNCATED,
        ("truncated_nbinom1", "dispersion", -1): _TRUNCATED,
        ("betabinomial", "dispersion", 1): _Limit(
            "the binomial", _NO_MORE.format("binomial"), "binomial"
        ),
        ("student_t", "shape", 1): _Limit(
            "the Gaussian", "the tails are no heavier than normal ones", "gaussian"
        ),
        ("tweedie", "shape", 1): _Limit("the gamma", "the data look like gamma ones", "gamma"),
        ("tweedie", "shape", -1): _Limit(
            "a scaled Poisson", "the data look like multiples of counts"
        ),
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
    if error <= ENDLESS or not _has_errors(fit):
        return None
    scale = scale_of(part, fit.family.name)
    with np.errstate(over="ignore"):
        return scale.value(float(np.sign(eta)) * np.inf)


def predictor_limit(fit: GlmmFit, part: str) -> float | None:
    """Return the infinity that a part's only coefficient ran to, or None.

    On the scale of its linear predictor.
    """
    if part == "zero_inflation":
        return zero_limit(fit)
    if at_limit(fit, part) is None:
        return None
    return float(np.copysign(np.inf, fit.fixef_of(part)[0]))


def limit_notes(fit: GlmmFit) -> tuple[str, ...]:
    """Say which parameters ran to the end of their range."""
    notes = []
    for part in ("dispersion", "shape"):
        end = at_limit(fit, part)
        if end is None:
            continue
        limit = _LIMITS[fit.family.name, part, int(np.sign(fit.fixef_of(part)[0]))]
        scale = scale_of(part, fit.family.name)
        where = "infinity" if np.isinf(end) else f"{end:g}"
        symbol = scale.symbol.capitalize()
        notes.append(
            f"{symbol} ran to {where}, where {fit.family.name} is {limit.model}: {limit.why}."
            f"{limit.simpler}"
        )
    return (*notes, *_lumps(fit), *_dispersion_notes(fit), *_zero_notes(fit))


def _dispersion_notes(fit: GlmmFit) -> list[str]:
    """Say which coefficients of a dispersion ran to where the family is a simpler one."""
    limit = next(
        (
            _LIMITS.get((fit.family.name, "dispersion", s))
            for s in (1, -1)
            if (fit.family.name, "dispersion", s) in _LIMITS
        ),
        None,
    )
    if limit is None or "dispersion" not in fit.designs:
        return []
    names = _ran_off(fit, "dispersion")
    if not names:
        return []
    return [
        f"Dispersion: {listed(names)} ran off without end, to where {fit.family.name} is "
        f"{limit.model}; such estimates and their standard errors mean no more than that."
    ]


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
    if tuple(beta.names) != ("Intercept",) or not _ran_off(fit, "zero_inflation"):
        return None
    return float(np.copysign(np.inf, beta.values[0]))


def _ran_off(fit: GlmmFit, part: str) -> list[str]:
    """Name the coefficients of a part whose standard errors have no end."""
    beta, error = fit.fixef_of(part), fit.stderr_of(part)
    if not _has_errors(fit):
        return []
    far = ~np.isnan(beta.values) & ~(error.values <= ENDLESS)
    return [repr(name) for name, is_far in zip(beta.names, far, strict=True) if is_far]


def _zero_notes(fit: GlmmFit) -> list[str]:
    """Say where the probability of an added zero ran to nought or one."""
    if "zero_inflation" not in fit.designs:
        return []
    end, names = zero_limit(fit), _ran_off(fit, "zero_inflation")
    if end is None and not names:
        return []
    if end == -np.inf or fit.eta["zero_inflation"].max() < _NEVER:
        return [
            "The probability of an added zero ran to 0: there are no more zeros than the counts "
            "explain. Without zero_inflation= the fit is the same."
        ]
    if end is not None:
        return ["The probability of an added zero ran to 1."]
    return [
        f"Zero inflation: {listed(names)} ran off without end, to where the probability of an "
        "added zero is 0 or 1; such estimates and their standard errors mean no more than that."
    ]


def _has_errors(fit: GlmmFit) -> bool:
    """Whether there are standard errors at all: those by quasi-likelihood know of the mean only.

    Where a search ended at no optimum, one that isn't a number says nothing of its parameter.
    """
    return fit.approximation.method != "pql" and fit.converged
