"""Hypotheses about parameters: their probability, or how much the data speak for a value.

A hypothesis is arithmetic over names of parameters and numbers with one comparison:
``"Days > 10"``, ``"sd(Subject.Days) / sigma < 0.5"``, ``"exp(x) - 1 = 0"``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from partialpool.bayes.comparisons import Comparison, read_comparison
from partialpool.bayes.density_ratios import density_ratio
from partialpool.bayes.priors import Constant
from partialpool.errors import DataError
from partialpool.frames import make_frame
from partialpool.inference.wald import check_level

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
    estimate, std_error, conf_low, conf_high
        Posterior mean, standard deviation and interval of the left side less the right.
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
    std_error: float
    conf_low: float
    conf_high: float
    probability: float
    ratio: float
    limit: bool = False

    def __repr__(self) -> str:
        ends = f"{self.conf_low:.4g} to {self.conf_high:.4g}"
        head = f"{self.text}: difference {self.estimate:.4g} ({ends})"
        if self.limit:
            return f"{head}, Bayes factor for it below {self.ratio:.2g} (the draws show no more)"
        if np.isnan(self.probability):
            return f"{head}, Bayes factor for it {self.ratio:.4g}"
        return f"{head}, probability {self.probability:.4g}"


def check(fit: BayesFit, text: str | Sequence[str], level: float = 0.95) -> Any:
    """Evaluate a hypothesis, or several of them.

    Parameters
    ----------
    fit
        A Bayesian fit.
    text
        Arithmetic with one of ``<``, ``>`` and ``=``; names as in ``fit.parameters``, spaced in
        any way, ``^`` or ``**`` for powers, in backticks if you like. Functions are ``abs``,
        ``exp``, ``expit`` (the inverse of the logit), ``log`` and ``sqrt``; where the model has a
        coefficient ``exp(x)``, that is meant. Or a list of such texts.
    level
        Probability of the interval.

    Returns
    -------
    Hypothesis, or native frame
        Of a list a table with ``hypothesis``, ``estimate``, ``std_error``, ``probability``,
        ``conf_low``, ``conf_high``, ``ratio`` and ``limit``, as in :class:`Hypothesis`.

    Raises
    ------
    ModelError
        If it can't be read, or an equation is asked about under flat priors.
    UnknownNameError
        If a name is no parameter.
    DataError
        If it names no parameter, or one that was left out, or has no finite value; if ``level`` is
        no probability.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.bmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"), seed=1)
    >>> check(fit, "Days > 5").probability > 0.99
    True
    >>> check(fit, ["Days > 5", "log(sigma) > 5"])["probability"].round(1).tolist()
    [1.0, 0.0]

    References
    ----------
    Dickey (1971), Annals of Mathematical Statistics 42, 204-223: the ratio of densities.
    """
    check_level(level)
    if isinstance(text, (list, tuple)):
        return _table(fit, text, level)
    asked = read_comparison(text, fit.parameters)
    values = asked.difference(fit.parameters).ravel()
    _refuse(fit, asked, values)
    lower, upper = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    moments = (float(values.mean()), float(values.std(ddof=1)), float(lower), float(upper))
    if asked.sign == "=":
        ratio, limit = density_ratio(fit, asked, values)
        return Hypothesis(asked.text, *moments, float("nan"), ratio, limit)
    holds = float(np.mean(values > 0 if asked.sign == ">" else values < 0))
    odds = holds / (1 - holds) if holds < 1 else float("inf")
    return Hypothesis(asked.text, *moments, holds, odds)


def _table(fit: BayesFit, texts: Sequence[str], level: float) -> Any:
    if not texts:
        raise DataError("there is no hypothesis in an empty list. Give one or more texts.")
    found = [check(fit, text, level) for text in texts]
    numbers = ("estimate", "std_error", "probability", "conf_low", "conf_high", "ratio")
    columns = {
        "hypothesis": np.array([one.text for one in found], dtype=object),
        **{name: np.array([getattr(one, name) for one in found]) for name in numbers},
        "limit": np.array([one.limit for one in found]),
    }
    return make_frame(columns, fit.design.spec.kind)


def _refuse(fit: BayesFit, asked: Comparison, values: Array) -> None:
    """Refuse what is no statement about parameters that the data know."""
    names = asked.names
    if not names:
        some = next(iter(fit.parameters))
        raise DataError(
            f"the hypothesis {asked.text!r} names no parameter. Write it as '{some} > 10'; "
            "fit.parameters lists the names."
        )
    for name in names:
        if np.isnan(fit.parameters[name]).all():
            raise DataError(
                f"{name!r} was left out of the model: it is a combination of other columns, so "
                "that nothing is known about it. Ask about those."
            )
    scales = fit.statement.priors.scales
    if all(name in scales and isinstance(scales[name].prior, Constant) for name in names):
        raise DataError(f"{names[0]!r} is known, so that there is nothing to ask about it.")
    if not np.isfinite(values).all():
        raise DataError(
            f"the hypothesis {asked.text!r} has no finite value at "
            f"{int((~np.isfinite(values)).sum())} draws. Look for a division by zero, and for "
            "roots and logarithms of numbers below zero."
        )
    if np.ptp(values) == 0:
        raise DataError(
            f"the sides of {asked.text!r} differ by {values[0]:.6g} whatever {names[0]!r} is: that "
            "says nothing about it."
        )
