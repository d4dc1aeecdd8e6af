"""A family of the user's own, from its log-density."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import DataError, NotAvailableError, did_you_mean
from partialpool.families.base import Eta, ResponseFamily, Vector, Zero, average
from partialpool.families.checks import (
    refuse_constant,
    require_counts,
    require_inside_unit,
    require_nonnegative,
    require_positive,
    require_trials,
)
from partialpool.families.derivatives import RowDensity
from partialpool.families.links import LINKS, Link, read_link
from partialpool.families.resolve import FAMILIES
from partialpool.families.response import Response

__all__ = ["Family", "Support"]

Support = Literal["real", "positive", "nonnegative", "counts", "proportion", "trials"]
Words = Callable[..., Any]

_CHECKS: dict[str, Callable[[Response, str], None]] = {
    "positive": require_positive,
    "nonnegative": require_nonnegative,
    "counts": require_counts,
    "proportion": require_inside_unit,
    "trials": require_trials,
}
_ARGUMENTS = ("y", "trials", "mu", "eta", "dispersion", "shape")


@dataclass(frozen=True, init=False, repr=False)
class Family(ResponseFamily):
    """A family of your own, given by its log-density.

    The log-density is written with operators, ``np.where`` and the elementwise functions of
    NumPy and scipy.special; its derivatives to third order are found by automatic
    differentiation. Its arguments are picked by their names:

    * ``y`` the response, and ``trials`` where there are some;
    * ``mu`` the mean, through the link, or ``eta``, its linear predictor;
    * ``dispersion`` and ``shape``, positive: their linear predictors are logs. ``shape`` is one
      number for all rows; ``dispersion=`` of :func:`partialpool.glmm` can give it predictors.

    Parameters
    ----------
    name
        For summaries.
    log_density
        The log-density of each row, every constant included.
    link
        Name of a link, or a :class:`Link` of your own.
    support
        What the response is: ``"real"``, ``"positive"``, ``"nonnegative"``, ``"counts"``,
        ``"proportion"`` (strictly between 0 and 1) or ``"trials"`` (successes).
    mean, variance
        Of the response, as functions of the same arguments except ``y``; needed for
        predictions and residuals. None takes ``mu`` for the mean.
    simulate
        Draws a response, from the same arguments and ``rng``, a NumPy generator.
    derivatives
        For a log-density of ``mu`` or ``eta`` alone, its first, second and third derivatives
        in it, as a function of the same arguments; None to differentiate automatically.

    Raises
    ------
    DataError
        If an argument's name isn't one of these, or partialpool has a family of this name.

    Examples
    --------
    >>> geometric = Family(
    ...     "geometric",
    ...     lambda y, mu: y * np.log(mu) - (y + 1) * np.log1p(mu),
    ...     support="counts",
    ... )
    >>> density = geometric.density(Response("y", np.array([0.0, 3.0])))
    >>> density(0, 2, [np.zeros(2)], 1, True)[1]
    array([[-0.5,  1. ]])
    """

    label: str
    log_density: Words
    support: Support
    mean_of: Words | None
    variance_of: Words | None
    simulate_by: Words | None
    derivatives: Words | None

    links: ClassVar[tuple[str, ...]] = tuple(LINKS)

    def __init__(
        self,
        name: str,
        log_density: Words,
        *,
        link: str | Link = "log",
        support: Support = "real",
        mean: Words | None = None,
        variance: Words | None = None,
        simulate: Words | None = None,
        derivatives: Words | None = None,
    ) -> None:
        _require_callable(name, log_density, mean, variance, simulate, derivatives)
        if support not in get_args(Support):
            raise DataError(
                f"support must be one of {', '.join(get_args(Support))}, found {support!r}."
            )
        given = {
            "link": link if isinstance(link, Link) else read_link(link, self.links, name),
            "label": name,
            "log_density": log_density,
            "support": support,
            "mean_of": mean,
            "variance_of": variance,
            "simulate_by": simulate,
            "derivatives": derivatives,
        }
        for key, value in given.items():
            object.__setattr__(self, key, value)
        _check_arguments(self)

    def __repr__(self) -> str:
        return f"Family({self.label!r}, link={self.link.name!r})"

    @property
    def name(self) -> str:
        """The name it was given."""
        return self.label

    @property
    def has_trials(self) -> bool:
        """Whether its support is that of successes out of trials."""
        return self.support == "trials"

    @property
    def eta_range(self) -> tuple[float, float]:
        """Unlimited: the log-density itself says where it isn't defined."""
        return -math.inf, math.inf

    def parts(self, zero: Zero = "none") -> tuple[str, ...]:
        """Return the names of its linear predictors, as the log-density's arguments say."""
        words = _words(self.log_density)
        return ("mean", *(part for part in ("dispersion", "shape") if part in words))

    def mean_parts(self, zero: Zero = "none") -> tuple[str, ...]:
        """Return the parts that the function ``mean`` takes."""
        if self.mean_of is None:
            return ("mean",)
        words = _words(self.mean_of)
        return ("mean", *(part for part in self.parts()[1:] if part in words))

    def mean_is_parameter(self, zero: Zero = "none") -> bool:
        """Return whether it has no function ``mean``."""
        return self.mean_of is None

    def core_name(self, zero: Zero = "none") -> str:
        """Return ``"custom"``: the core calls :meth:`density` back."""
        return "custom"

    def density(self, response: Response) -> RowDensity:
        """Return the log-density of a response's rows and its derivatives, for the core."""
        return RowDensity(
            self.log_density,
            self.link,
            self.parts(),
            _words(self.log_density),
            response.values,
            response.trials,
            response.weights,
            self.derivatives,
        )

    def _mean(self, eta: Eta) -> Vector:
        return self.mu(eta) if self.mean_of is None else self._ask(self.mean_of, eta)

    def _variance(self, eta: Eta, trials: Vector | None) -> Vector:
        if self.variance_of is None:
            raise _missing(self, "variance", "variance=lambda mu: mu")
        return self._ask(self.variance_of, eta, trials=trials)

    def _draw(self, eta: Eta, rng: np.random.Generator, trials: Vector | None) -> NDArray[Any]:
        if self.simulate_by is None:
            raise _missing(self, "simulate", "simulate=lambda mu, rng: rng.poisson(mu)")
        return self._ask(self.simulate_by, eta, trials=trials, rng=rng)

    def _ask(self, function: Words, eta: Eta, **others: Any) -> Vector:
        values = {"eta": eta["mean"], "mu": self.mu(eta), **others}
        values |= {part: np.exp(eta[part]) for part in self.parts()[1:] if part in eta}
        asked = function(**{word: values[word] for word in _words(function)})
        return np.broadcast_to(np.asarray(asked, dtype=np.float64), len(eta["mean"]))

    def _start(
        self, y: Vector, trials: Vector | None, weights: Vector | None, zero: Zero
    ) -> dict[str, float]:
        mean = average(y if trials is None else y / np.maximum(trials, 1.0), weights)
        if self.support in ("proportion", "trials"):
            mean = min(max(mean, 0.01), 0.99)
        elif self.support != "real" or self.link.name in ("log", "sqrt", "inverse_squared"):
            mean = mean if mean > 0 else average(np.abs(y), weights)
        return {part: float(self.link(mean)) if part == "mean" else 0.0 for part in self.parts()}

    def _check(self, response: Response, zero: Zero) -> None:
        if self.support != "real":
            _CHECKS[self.support](response, self.label)
        refuse_constant(response, response.proportions)

    def to_json(self) -> dict[str, Any]:
        """Return the family's name; its functions can't be stored."""
        return {"name": self.label, "link": self.link.name, "own": True}


def _require_callable(name: Any, log_density: Any, *others: Any) -> None:
    if not isinstance(name, str):
        raise DataError(f"a family's name is text, found {name!r}.")
    if name in FAMILIES:
        raise DataError(f"{name!r} is a family of partialpool's. Give your own another name.")
    if not callable(log_density):
        raise DataError(
            f"log_density of the family {name!r} must be a function of the response and its mean, "
            f"such as lambda y, mu: ..., found {log_density!r}."
        )
    for what, given in zip(("mean", "variance", "simulate", "derivatives"), others, strict=True):
        if given is not None and not callable(given):
            raise DataError(
                f"{what} of the family {name!r} must be a function or None, found {given!r}."
            )


def _words(function: Words) -> tuple[str, ...]:
    return tuple(inspect.signature(function).parameters)


def _check_arguments(family: Family) -> None:
    extra: Mapping[str, tuple[str, ...]] = {"simulate": ("rng",)}
    functions = {
        "log_density": family.log_density,
        "derivatives": family.derivatives,
        "mean": family.mean_of,
        "variance": family.variance_of,
        "simulate": family.simulate_by,
    }
    own = _words(family.log_density)
    for name, function in functions.items():
        known = (*_ARGUMENTS, *extra.get(name, ()))
        for word in _words(function) if function else ():
            if word not in known:
                raise DataError(
                    f"{name} of the family {family.label!r} has an argument {word!r}, but "
                    f"arguments are picked by name from: {', '.join(known)}."
                    f"{did_you_mean(word, known)}"
                )
    if "y" not in own or len({"mu", "eta"} & set(own)) != 1:
        raise DataError(
            f"log_density of the family {family.label!r} has the arguments {', '.join(own)}, but "
            "it needs y, and the mean mu or its linear predictor eta."
        )
    if family.derivatives and len(family.parts()) > 1:
        raise DataError(
            f"derivatives= is for a log-density of mu or eta alone, but that of the family "
            f"{family.label!r} has {' and '.join(family.parts()[1:])} too. Leave derivatives= out, "
            "to have it differentiated automatically."
        )


def _missing(family: Family, what: str, example: str) -> NotAvailableError:
    return NotAvailableError(
        f"the family {family.label!r} has no {what}. Make it with {what}=, for instance {example}."
    )
