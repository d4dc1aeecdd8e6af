"""Hypotheses about parameters: their probability, or how much the data speak for a value.

A hypothesis is arithmetic over names of parameters and numbers with one comparison:
``"Days > 10"``, ``"sd(Subject.Days) / sigma < 0.5"``, ``"Days = 0"``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from partialpool.bayes.density_ratios import density_ratio, difference
from partialpool.bayes.priors import Constant
from partialpool.errors import DataError, ModelError

if TYPE_CHECKING:
    from partialpool.bayes.fit import BayesFit

__all__ = ["Hypothesis", "check"]

Array = NDArray[np.float64]


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
        values = difference(left, right, noted).ravel()
    _refuse(text, fit, noted.used, values)
    lower, upper = np.quantile(values, [0.025, 0.975])
    probability, limit = float("nan"), False
    if sign == "=":
        ratio, limit = density_ratio(fit, left, right, noted.used, values)
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
    scales = fit.statement.priors.scales
    if all(name in scales and isinstance(scales[name].prior, Constant) for name in used):
        raise DataError(f"{used[0]!r} is known, so that there is nothing to ask about it.")
    if not np.isfinite(values).all():
        raise DataError(
            f"the hypothesis {text!r} has no finite value at {int((~np.isfinite(values)).sum())} "
            "draws. Look for a division by zero."
        )
