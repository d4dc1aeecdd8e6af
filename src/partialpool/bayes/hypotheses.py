"""Hypotheses about parameters: their probability, or how much the data speak for a value.

A hypothesis is arithmetic over names of parameters and numbers with one comparison:
``"Days > 10"``, ``"sd(Subject.Days) / sigma < 0.5"``, ``"Days = 0"``. It is read by a parser of
its own; no code is run.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import ModelError, UnknownNameError, did_you_mean

if TYPE_CHECKING:
    from partialpool.bayes.fit import BayesFit

__all__ = ["Hypothesis", "check", "evaluate_expression"]

Array = NDArray[np.float64]
_NUMBER = re.compile(r"\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?")
_PRIOR_DRAWS = 40_000


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """What the posterior says about a statement.

    Attributes
    ----------
    text
        The statement.
    estimate, sd, lower, upper
        Posterior mean, standard deviation and 95 % interval of the left side less the right.
    probability
        Posterior probability of an inequality; NaN for an equation.
    ratio
        Of an inequality, the posterior odds. Of an equation, how many times likelier the data
        are under it than under the model: the posterior's density there over the prior's
        (Savage and Dickey).
    """

    text: str
    estimate: float
    sd: float
    lower: float
    upper: float
    probability: float
    ratio: float

    def __repr__(self) -> str:
        head = f"{self.text}: difference {self.estimate:.4g} ({self.lower:.4g} to {self.upper:.4g})"
        if np.isnan(self.probability):
            return f"{head}, Bayes factor for it {self.ratio:.4g}"
        return f"{head}, probability {self.probability:.4g}"


def check(fit: BayesFit, text: str) -> Hypothesis:
    """Evaluate a hypothesis.

    Parameters
    ----------
    fit
        A Bayesian fit.
    text
        Arithmetic with one of ``<``, ``>`` and ``=``; names as in ``fit.parameters``.

    Raises
    ------
    ModelError
        If it can't be read, or an equation is asked about under flat priors.
    UnknownNameError
        If a name is no parameter.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.bmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"), seed=1)
    >>> check(fit, "Days > 5").probability > 0.99
    True

    References
    ----------
    Dickey (1971), Annals of Mathematical Statistics 42, 204-223: the ratio of densities.
    """
    left, sign, right = _sides(text)
    values = _difference(left, right, fit.parameters).ravel()
    lower, upper = np.quantile(values, [0.025, 0.975])
    probability = float("nan")
    if sign == "=":
        ratio = _density_ratio(fit, left, right, values)
    else:
        probability = float(np.mean(values > 0 if sign == ">" else values < 0))
        ratio = probability / (1 - probability) if probability < 1 else float("inf")
    return Hypothesis(
        text.strip(),
        float(values.mean()),
        float(values.std(ddof=1)),
        float(lower),
        float(upper),
        probability,
        ratio,
    )


def _sides(text: str) -> tuple[str, str, str]:
    found = re.fullmatch(r"([^<>=]+)(<=|>=|==|<|>|=)([^<>=]+)", text)
    if found is None:
        raise ModelError(
            f"the hypothesis {text!r} has no single comparison. Write it as 'Days > 10' or "
            "'Days = 0'."
        )
    left, sign, right = found.groups()
    return left, sign[0], right


def _difference(left: str, right: str, values: Mapping[str, Array]) -> Array:
    return np.asarray(evaluate_expression(left, values) - evaluate_expression(right, values))


def _density_ratio(fit: BayesFit, left: str, right: str, posterior: Array) -> float:
    from scipy.stats import gaussian_kde

    from partialpool.bayes.prior_draws import draw_parameters

    prior = draw_parameters(fit.statement, _PRIOR_DRAWS, np.random.default_rng(0))
    before = _difference(left, right, prior).ravel()
    low, high = np.quantile(before, [0.001, 0.999])
    middle = before[(before >= low) & (before <= high)]
    below = gaussian_kde(middle)(0.0)[0] * 0.998
    return float(gaussian_kde(posterior)(0.0)[0] / below)


def evaluate_expression(text: str, values: Mapping[str, Array]) -> Array:
    """Evaluate arithmetic over names and numbers: ``+ - * / ( )``.

    Raises
    ------
    ModelError
        If it can't be read.
    UnknownNameError
        If a name is unknown.

    Examples
    --------
    >>> float(evaluate_expression("2 * (a - 1)", {"a": np.array(3.0)}))
    4.0
    """
    reader = _Reader(text, values)
    out = reader.sum()
    if reader.rest():
        reader.fail()
    return out


class _Reader:
    """Recursive descent over the text; a name is the longest that fits."""

    def __init__(self, text: str, values: Mapping[str, Array]) -> None:
        self.text, self.values, self.at = text, values, 0
        self.names = sorted(values, key=len, reverse=True)

    def rest(self) -> str:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1
        return self.text[self.at :]

    def take(self, signs: str) -> str:
        rest = self.rest()
        if rest and rest[0] in signs:
            self.at += 1
            return rest[0]
        return ""

    def sum(self) -> Array:
        out = self.product()
        while sign := self.take("+-"):
            other = self.product()
            out = out + other if sign == "+" else out - other
        return out

    def product(self) -> Array:
        out = self.atom()
        while sign := self.take("*/"):
            other = self.atom()
            out = out * other if sign == "*" else out / other
        return out

    def atom(self) -> Array:
        if self.take("-"):
            return -self.atom()
        rest = self.rest()
        for name in self.names:
            if rest.startswith(name) and not _goes_on(rest[len(name) :], name):
                self.at += len(name)
                return self.values[name]
        if self.take("("):
            out = self.sum()
            if not self.take(")"):
                self.fail()
            return out
        number = _NUMBER.match(rest)
        if number is None:
            self.fail()
        self.at += len(number.group())
        return np.asarray(float(number.group()))

    def fail(self) -> NoReturn:
        rest = self.rest()
        word = re.match(r"[^\s+*/()<>=-]+", rest)
        if word and not word.group()[0].isdigit():
            raise UnknownNameError(
                f"the model has no parameter {word.group()!r}."
                f"{did_you_mean(word.group(), self.names)} fit.parameters lists them."
            )
        raise ModelError(f"the expression {self.text!r} can't be read from {rest!r} on.")


def _goes_on(rest: str, name: str) -> bool:
    """Whether a name only begins a longer word."""
    return bool(rest) and name[-1].isalnum() and (rest[0].isalnum() or rest[0] in "_[:")
