"""The user's priors: what they are of, and whether they can be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from partialpool.bayes.priors import LKJ, Constant, Flat, Prior, Uniform
from partialpool.bayes.reading import read_prior
from partialpool.errors import ModelError, did_you_mean
from partialpool.inference.hypotheses.names import compact

__all__ = ["Assigned", "GivenPriors"]


@dataclass(frozen=True, slots=True)
class Assigned:
    """A parameter's prior.

    Attributes
    ----------
    parameter
        Its name.
    prior
        The distribution.
    own
        Whether the user gave it.
    """

    parameter: str
    prior: Prior
    own: bool


# What is one number by itself, and may be known.
_SINGLE = ("positive", "power")
# Where flat is a distribution.
_FLAT: Mapping[str, Prior] = {"correlation": LKJ(1.0), "power": Uniform(1.0, 2.0)}
_KINDS = {
    "real": "real numbers",
    "positive": "positive numbers",
    "correlation": "correlations",
    "number": "sigma and other single numbers",
    "power": "the power of a Tweedie variance",
}
_NUMBERS = {
    "real": "any number",
    "positive": "positive",
    "correlation": "a correlation matrix",
    "power": "between 1 and 2",
}
_CHOICES = {
    "real": "normal, student_t, cauchy, laplace, flat",
    "positive": "half_normal, half_student_t, half_cauchy, exponential, gamma, inverse_gamma, "
    "log_normal, flat",
    "correlation": "lkj",
    "power": "uniform, constant",
}


class GivenPriors:
    """The user's priors, and which of them have been used."""

    def __init__(self, priors: Mapping[str, Any] | None) -> None:
        if priors is not None and not isinstance(priors, Mapping):
            raise ModelError(
                "priors must be a dict from parameters to priors, such as "
                f"{{'Days': 'normal(0, 10)', 'sd': 'half_normal(50)'}}, found {priors!r}."
            )
        # Names are the same however they are spaced, and with ^ for **.
        self.priors: dict[str, tuple[str, Prior]] = {}
        for key, value in (priors or {}).items():
            if not isinstance(key, str):
                raise ModelError(f"keys of priors are names of parameters, found {key!r}.")
            same = self.priors.get(compact(key))
            if same is not None:
                raise ModelError(f"priors names one parameter twice: {same[0]!r} and {key!r}.")
            self.priors[compact(key)] = (key, read_prior(key, value))
        self.used: set[str] = set()
        self.known: list[str] = []

    def find(self, parameter: str, keys: tuple[str, ...], support: str, default: Prior) -> Assigned:
        """Take the most particular of some keys, the first of which is the parameter."""
        self.known += keys
        for spelling in map(compact, keys):
            if spelling in self.priors:
                key, prior = self.priors[spelling]
                # What is known is a single number: covariances are estimated.
                known = prior.support == "number" and support in _SINGLE and len(keys) == 1
                if prior.support not in (support, "any") and not known:
                    raise ModelError(
                        f"the prior {prior} of {key!r} is for {_KINDS[prior.support]}, but "
                        f"{parameter} is {_NUMBERS[support]}. Use one of {_CHOICES[support]}."
                    )
                if support in _FLAT and isinstance(prior, Flat):
                    prior = _FLAT[support]
                if support == "power":
                    _refuse_power(parameter, prior)
                self.used.add(key)
                return Assigned(parameter, prior, True)
        return Assigned(parameter, default, False)

    def refuse_unused(self, gone: set[str]) -> None:
        """Refuse keys that were no parameter or class, or of columns that were left out."""
        known = {compact(name) for name in self.known}
        unused = [
            key
            for spelling, (key, _) in self.priors.items()
            if key not in self.used and spelling not in known
        ]
        left_out = {compact(name) for name in gone}
        for key in unused:
            if compact(key) in left_out:
                raise ModelError(
                    f"priors has {key!r}, a column that was left out because it is a combination "
                    "of columns before it, so that it has no prior. Take it out of priors, or "
                    "out of the formula."
                )
        if unused:
            names = list(dict.fromkeys(self.known))
            shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
            raise ModelError(
                f"priors has {unused[0]!r}, which is no parameter of the model."
                f"{did_you_mean(unused[0], names)} Its parameters and classes are: {shown}."
            )


def _refuse_power(parameter: str, prior: Prior) -> None:
    """Refuse what isn't within the powers of a Tweedie variance."""
    if isinstance(prior, Constant) and not 1 < prior.value < 2:
        raise ModelError(f"{parameter} must lie between 1 and 2, found {prior} in priors.")
    if isinstance(prior, Uniform) and not 1 <= prior.low < prior.high <= 2:
        raise ModelError(
            f"the prior of {parameter!r} is uniform(low, high) with two numbers from 1 to 2, the "
            f"first smaller, found {prior}."
        )
