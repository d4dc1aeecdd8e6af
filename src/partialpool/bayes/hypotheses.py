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

from partialpool.bayes.densities import (
    conditional_density,
    kernel_density,
    prior_density,
    tail_bound,
)
from partialpool.bayes.priors import LKJ, Flat
from partialpool.errors import DataError, ModelError, UnknownNameError, did_you_mean

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
    limit
        Whether the ratio is only an upper limit, since hardly a draw lies beyond the value.
    """

    text: str
    estimate: float
    sd: float
    lower: float
    upper: float
    probability: float
    ratio: float
    limit: bool = False

    def __repr__(self) -> str:
        head = f"{self.text}: difference {self.estimate:.4g} ({self.lower:.4g} to {self.upper:.4g})"
        if self.limit:
            return f"{head}, Bayes factor for it below {self.ratio:.2g} (the draws show no more)"
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
    DataError
        If it names no parameter, or one that was left out, or has no finite value.

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
    noted = _Noted(fit.parameters)
    with np.errstate(all="ignore"):
        values = _difference(left, right, noted).ravel()
    _refuse(text, fit, noted.used, values)
    lower, upper = np.quantile(values, [0.025, 0.975])
    probability, limit = float("nan"), False
    if sign == "=":
        ratio, limit = _density_ratio(fit, left, right, noted.used, values)
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
        limit,
    )


def _sides(text: object) -> tuple[str, str, str]:
    if not isinstance(text, str):
        raise DataError(f"a hypothesis is text such as 'Days > 10', found {text!r}.")
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


def _density_ratio(
    fit: BayesFit, left: str, right: str, used: list[str], posterior: Array
) -> tuple[float, bool]:
    """Posterior over prior density at the value, and whether that is only an upper limit."""
    line = _line(left, right, used, fit.parameters)
    positive = False
    draws, at, scale = posterior, 0.0, 1.0
    if line is not None and len(used) == 1 and line[1][0] != 0:
        # One parameter: look at it itself, which may have zero for a limit.
        (scale,), at = line[1], float(-line[0] / line[1][0])
        draws = fit.parameters[used[0]].ravel()
        positive = used[0].startswith("sd(") or used[0] in fit.draws.scales
    before = _before(fit, left, right, used, at, positive)
    if before <= 0:
        raise ModelError(
            f"the prior of {used[0]!r} rules the value {at:.6g} out, so that the data can't speak "
            "for or against it."
        )
    means = dict(zip(fit.design.columns, range(len(fit.design.columns)), strict=True))
    if fit.engine == "marginal" and line is not None and all(name in means for name in used):
        kept = fit.statement.kept["mean"]
        weights = np.zeros(len(kept))
        for name, weight in zip(used, line[1], strict=True):
            weights[kept.index(means[name])] = weight
        if weights.any():
            after = conditional_density(fit, weights, -line[0])
            return after * abs(scale) / before, False
    bound = tail_bound(draws, at, positive)
    if bound is not None:
        return bound / before, True
    return kernel_density(draws, at, positive) / before, False


def _before(
    fit: BayesFit, left: str, right: str, used: list[str], at: float, positive: bool
) -> float:
    """Prior density: exact where a parameter has a prior of its own, else from draws."""
    from partialpool.bayes.prior_draws import draw_parameters

    line = _line(left, right, used, fit.parameters)
    single = line is not None and len(used) == 1 and line[1][0] != 0
    own = {a.parameter: a.prior for a in fit.statement.priors.everything()}
    if single and used[0] in own and not _is_centred(fit, used[0]):
        prior = own[used[0]]
        if not isinstance(prior, (Flat, LKJ)):
            return prior_density(prior, at)
    drawn = draw_parameters(fit.statement, _PRIOR_DRAWS, np.random.default_rng(0))
    values = drawn[used[0]] if single else _difference(left, right, drawn)
    return kernel_density(values.ravel(), at, positive)


def _is_centred(fit: BayesFit, name: str) -> bool:
    """Whether a name is that of an intercept whose prior is of the predictor at the means."""
    return any(
        priors.centred and priors.fixed[0].parameter == name
        for priors in fit.statement.priors.parts.values()
    )


def _line(
    left: str, right: str, used: list[str], values: Mapping[str, Array]
) -> tuple[float, list[float]] | None:
    """Constant and slopes of a difference that is linear in its parameters; None if it isn't."""

    def at(point: Mapping[str, Array]) -> float:
        return float(_difference(left, right, {**values, **point}))

    zero = {name: np.asarray(0.0) for name in used}
    with np.errstate(all="ignore"):
        constant = at(zero)
        slopes = [at({**zero, name: np.asarray(1.0)}) - constant for name in used]
        whole = _difference(left, right, values)
        linear = constant + sum(w * values[name] for w, name in zip(slopes, used, strict=True))
    size = abs(constant) + float(np.abs(whole).max())
    return (constant, slopes) if np.allclose(linear, whole, rtol=1e-9, atol=1e-9 * size) else None


class _Noted(dict[str, Array]):
    """Parameters, noting which are asked for."""

    def __init__(self, values: Mapping[str, Array]) -> None:
        super().__init__(values)
        self.used: list[str] = []

    def __getitem__(self, name: str) -> Array:
        if name not in self.used:
            self.used.append(name)
        return super().__getitem__(name)


def _refuse(text: str, fit: BayesFit, used: list[str], values: Array) -> None:
    """Refuse what is no statement about parameters that the data know."""
    if not used:
        raise DataError(
            f"the hypothesis {text!r} names no parameter. Write it as 'Days > 10'; fit.parameters "
            "lists the names."
        )
    for name in used:
        if np.isnan(fit.parameters[name]).all():
            raise DataError(
                f"{name!r} was left out of the model: it is a combination of other columns, so "
                "that nothing is known about it. Ask about those."
            )
    if not np.isfinite(values).all():
        raise DataError(
            f"the hypothesis {text!r} has no finite value at {int((~np.isfinite(values)).sum())} "
            "draws. Look for a division by zero."
        )


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
