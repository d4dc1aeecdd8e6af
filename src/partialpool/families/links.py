"""Link functions: from a mean to a linear predictor and back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from partialpool.errors import DataError, NotAvailableError, did_you_mean

if TYPE_CHECKING:
    from partialpool.families.base import ResponseFamily

__all__ = ["LINKS", "Link", "link_of_means", "read_link"]

Elementwise = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Link:
    """How a mean and a linear predictor hang together.

    The three functions take and return arrays, made of NumPy's and SciPy's elementwise
    functions, so that they can be differentiated too.

    Attributes
    ----------
    name
        Its name.
    forward
        The linear predictor of a mean.
    inverse
        The mean of a linear predictor.
    slope
        Derivative of the mean in the linear predictor.

    Examples
    --------
    >>> link = Link("log2", np.log2, np.exp2, lambda eta: np.exp2(eta) * np.log(2))
    >>> float(link(8.0)), float(link.inverse(3.0))
    (3.0, 8.0)
    """

    name: str
    forward: Elementwise
    inverse: Elementwise
    slope: Elementwise

    def __call__(self, mu: Any) -> Any:
        """Return the linear predictor of a mean."""
        return self.forward(mu)

    def __repr__(self) -> str:
        return f"<link {self.name}>"

    def __reduce__(self) -> tuple[Any, ...]:
        # The known links' functions are made when this module is read, and have no names.
        if LINKS.get(self.name) is self:
            return _known, (self.name,)
        return Link, (self.name, self.forward, self.inverse, self.slope)


def _known(name: str) -> Link:
    return LINKS[name]


def _special(name: str) -> Elementwise:
    """Name a function of scipy.special, which is imported when it is first called: 0.1 s."""

    def call(x: Any) -> Any:
        from scipy import special

        return getattr(special, name)(x)

    return call


def _quiet(function: Elementwise) -> Elementwise:
    # Past |eta| = 709 a mean is infinite or zero, which the search takes as "too far".
    def call(x: Any) -> Any:
        with np.errstate(over="ignore", under="ignore", divide="ignore", invalid="ignore"):
            return function(x)

    return call


_expit, _logit = _special("expit"), _special("logit")
_ndtr, _ndtri = _special("ndtr"), _special("ndtri")
_ROOT = float(np.sqrt(2.0 * np.pi))


def _link(name: str, forward: Elementwise, inverse: Elementwise, slope: Elementwise) -> Link:
    return Link(name, _quiet(forward), _quiet(inverse), _quiet(slope))


LINKS = MappingProxyType(
    {
        link.name: link
        for link in (
            _link("identity", lambda mu: mu * 1.0, lambda eta: eta * 1.0, lambda eta: eta * 0 + 1),
            _link("log", np.log, np.exp, np.exp),
            _link("logit", _logit, _expit, lambda eta: _expit(eta) * _expit(-eta)),
            _link("probit", _ndtri, _ndtr, lambda eta: np.exp(-0.5 * eta * eta) / _ROOT),
            _link(
                "cloglog",
                lambda mu: np.log(-np.log1p(-mu)),
                lambda eta: -np.expm1(-np.exp(eta)),
                lambda eta: np.exp(eta - np.exp(eta)),
            ),
            _link("inverse", lambda mu: 1.0 / mu, lambda eta: 1.0 / eta, lambda eta: -(eta**-2.0)),
            _link("sqrt", np.sqrt, lambda eta: eta * eta, lambda eta: 2.0 * eta),
            _link(
                "inverse_squared",
                lambda mu: mu**-2.0,
                lambda eta: eta**-0.5,
                lambda eta: -0.5 * eta**-1.5,
            ),
        )
    }
)
"""The links that come with partialpool, by name."""


def _by_name(name: str) -> Link:
    return LINKS[name]


_OTHER_NAMES = {"1/mu^2": "inverse_squared", "1/mu**2": "inverse_squared", "1/mu": "inverse"}


def read_link(link: str | Link, allowed: tuple[str, ...], family: str) -> Link:
    """Return the link that a family was asked for.

    Parameters
    ----------
    link
        Its name, or one of :data:`LINKS`.
    allowed
        Names of the links that the family can have.
    family
        Its name, for messages.

    Raises
    ------
    DataError
        If the family has no such link.

    Examples
    --------
    >>> read_link("1/mu^2", ("log", "inverse_squared"), "inverse_gaussian")
    <link inverse_squared>
    """
    if isinstance(link, Link) and link not in LINKS.values():
        raise DataError(
            f"the link {link.name!r} is not one of {family}'s: {', '.join(allowed)}. A link of "
            "your own goes with a family of your own: partialpool.families.Family."
        )
    name = link.name if isinstance(link, Link) else link
    name = _OTHER_NAMES.get(name, name)
    if name not in allowed:
        raise DataError(
            f"{family} has no link {name!r}; its links are {', '.join(allowed)}."
            f"{did_you_mean(str(name), allowed)}"
        )
    return LINKS[name]


def link_of_means(family: ResponseFamily, scale: str, contrasts: bool) -> Link:
    """Return the link of the mean's linear predictor, where means on the scale exist.

    Parameters
    ----------
    family
        Of the response.
    scale
        Of the means: ``"link"`` or ``"response"``.
    contrasts
        Whether contrasts of them are wanted.

    Raises
    ------
    NotAvailableError
        For the response scale of ordinal models, whose linear predictor has no mean; contrasts
        are ratios of cumulative odds all the same.

    Examples
    --------
    >>> from partialpool.families import Poisson
    >>> link_of_means(Poisson(), "response", contrasts=False)
    <link log>
    """
    if "thresholds" in family.own_parts and scale == "response" and not contrasts:
        raise NotAvailableError(
            "an ordinal model has a probability for each category, and no mean on the response "
            "scale. Take scale='link', contrasts (ratios of odds), or fit.predict(...)."
        )
    return family.link
