"""Families for counts, with zeros or without."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import DataError
from partialpool.families.base import Eta, ResponseFamily, Vector, Zero, average, logit, spread
from partialpool.families.checks import refuse_constant, refuse_rows, require_counts
from partialpool.families.counting import Counting
from partialpool.families.links import Link
from partialpool.families.response import Response

__all__ = ["NegativeBinomial", "Poisson", "TruncatedNegativeBinomial", "TruncatedPoisson"]


class _Counts(ResponseFamily):
    """Counts, of one of three distributions, with zeros or without."""

    links: ClassVar[tuple[str, ...]] = ("log", "identity", "sqrt")
    mean_range: ClassVar[tuple[float, float]] = (0.0, math.inf)
    zero_model: ClassVar[Zero] = "inflated"

    @property
    @abstractmethod
    def _counting(self) -> Counting:
        """The distribution."""

    def mean_is_parameter(self, zero: Zero = "none") -> bool:
        """Return whether zeros are neither missing nor in excess."""
        return zero == "none" and not self._counting.truncated

    def _mean(self, eta: Eta) -> Vector:
        return self._counting.mean(self.mu(eta), _phi(eta))

    def _variance(self, eta: Eta, trials: Vector | None) -> Vector:
        return self._counting.variance(self.mu(eta), _phi(eta))

    def _draw(self, eta: Eta, rng: np.random.Generator, trials: Vector | None) -> NDArray[Any]:
        return self._counting.draw(self.mu_to_draw(eta), _phi(eta), rng)

    def _start(
        self, y: Vector, trials: Vector | None, weights: Vector | None, zero: Zero
    ) -> dict[str, float]:
        truncated, zeros = self._counting.truncated, average((y == 0) * 1.0, weights)
        if truncated and (y > 0).any():
            y, weights = y[y > 0], None if weights is None else weights[y > 0]
        mean, variance = average(y, weights), spread(y, weights)
        if zero == "inflated":
            # Half the zeros for the start: how many are extra is what the model finds out.
            zeros *= 0.5
            mean /= 1.0 - zeros
        # No event in n rows: half a one, so that the link is finite.
        mean = max(mean, 0.5 / len(y))
        # Where zeros aren't seen, what is seen has a mean above mu, and less one a mean below.
        mean = max(mean - 0.5, 0.5) if truncated else mean
        found = {
            "mean": float(self.link(mean)),
            "dispersion": _start_dispersion(self._counting.kind, mean, variance),
            "zero_inflation": logit(zeros),
        }
        return {part: found[part] for part in self.parts(zero)}

    def _check(self, response: Response, zero: Zero) -> None:
        family = type(self).__name__
        require_counts(response, family)
        if not self._counting.truncated or zero == "hurdle":
            return
        refuse_rows(
            response, response.values == 0, "is zero", f"{family} is for counts from 1 on.",
            "Add zero_inflation='~ 1' for a hurdle model, in which a second part explains the "
            "zeros, or leave these rows out.",
        )  # fmt: skip

    def _refuse_one_sided(self, response: Response, zero: Zero) -> None:
        if not self._counting.truncated or zero == "hurdle":
            # Ones throughout are a model too: times to an event, with offset=log(time).
            refuse_constant(response, response.values, 0.0)
        else:
            refuse_constant(response, response.values, 1.0)


@dataclass(frozen=True, init=False, repr=False)
class Poisson(_Counts):
    """Poisson distribution of counts; with ``zero_inflation=``, with extra zeros.

    Parameters
    ----------
    link
        ``"log"`` (the default), ``"identity"`` or ``"sqrt"``.

    Examples
    --------
    >>> Poisson().parts(), Poisson().parts("inflated")
    (('mean',), ('mean', 'zero_inflation'))
    >>> Poisson().core_name("inflated")
    'zi_poisson'

    References
    ----------
    Lambert (1992), Technometrics 34, 1-14: extra zeros.
    """

    canonical_link: ClassVar[str] = "log"

    stem: ClassVar[str] = "poisson"

    @property
    def _counting(self) -> Counting:
        return Counting(0)


@dataclass(frozen=True, init=False, repr=False)
class TruncatedPoisson(_Counts):
    """Poisson counts that can't be zero; with ``zero_inflation=``, a hurdle model.

    The link is that of mu, the mean with the zeros in; the mean of what is seen is
    mu / (1 - exp(-mu)).

    Parameters
    ----------
    link
        ``"log"`` (the default), ``"identity"`` or ``"sqrt"``.

    Examples
    --------
    >>> TruncatedPoisson().mean({"mean": np.zeros(1)}).round(4)
    array([1.582])

    References
    ----------
    Mullahy (1986), Journal of Econometrics 33, 341-365: hurdles.
    """

    zero_model: ClassVar[Zero] = "hurdle"

    stem: ClassVar[str] = "truncated_poisson"

    @property
    def _counting(self) -> Counting:
        return Counting(0, truncated=True)


@dataclass(frozen=True, init=False, repr=False)
class _NegativeBinomial(_Counts):
    """Negative binomial counts, of two kinds."""

    kind: Literal[1, 2]
    own_parts: ClassVar[tuple[str, ...]] = ("mean", "dispersion")

    def __init__(self, kind: Literal[1, 2] = 2, link: str | Link | None = None) -> None:
        if kind not in (1, 2):
            raise DataError(
                f"kind must be 1 (variance mu (1 + phi)) or 2 (variance mu (1 + mu / phi)), "
                f"found {kind!r}."
            )
        object.__setattr__(self, "kind", kind)
        super().__init__(link)

    @property
    def name(self) -> str:
        """Its name and its kind."""
        return f"{self.stem}{self.kind}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}(kind={self.kind}, link={self.link.name!r})"


@dataclass(frozen=True, init=False, repr=False)
class NegativeBinomial(_NegativeBinomial):
    """Negative binomial distribution of counts; with ``zero_inflation=``, with extra zeros.

    The dispersion's linear predictor is the log of phi, as in glmmTMB. Of kind 2 (the common
    one) the variance is mu (1 + mu / phi), of kind 1 it is mu (1 + phi).

    Parameters
    ----------
    kind
        2 (the default) or 1.
    link
        ``"log"`` (the default), ``"identity"`` or ``"sqrt"``.

    Examples
    --------
    >>> eta = {"mean": np.log([3.0]), "dispersion": np.log([2.0])}
    >>> NegativeBinomial().variance(eta), NegativeBinomial(kind=1).variance(eta)
    (array([7.5]), array([9.]))

    References
    ----------
    Cameron & Trivedi (2013), Regression Analysis of Count Data, 2nd edition, section 3.3.
    """

    stem: ClassVar[str] = "nbinom"

    @property
    def _counting(self) -> Counting:
        return Counting(self.kind)


@dataclass(frozen=True, init=False, repr=False)
class TruncatedNegativeBinomial(_NegativeBinomial):
    """Negative binomial counts that can't be zero; with ``zero_inflation=``, a hurdle model.

    The link and phi are those of the distribution with the zeros in.

    Parameters
    ----------
    kind
        2 (the default) or 1, as for :class:`NegativeBinomial`.
    link
        ``"log"`` (the default), ``"identity"`` or ``"sqrt"``.

    Examples
    --------
    >>> TruncatedNegativeBinomial(kind=1).core_name("hurdle")
    'hurdle_nbinom1'
    """

    zero_model: ClassVar[Zero] = "hurdle"

    stem: ClassVar[str] = "truncated_nbinom"

    def mean_parts(self, zero: Zero = "none") -> tuple[str, ...]:
        """Return every part: how likely a zero is depends on the dispersion."""
        return self.parts(zero)

    @property
    def _counting(self) -> Counting:
        return Counting(self.kind, truncated=True)


def _phi(eta: Eta) -> Vector:
    return np.exp(eta["dispersion"]) if "dispersion" in eta else np.ones(1)


def _start_dispersion(kind: int, mean: float, variance: float) -> float:
    excess = min(max(variance / mean - 1.0, 0.1), 100.0)
    return float(np.log(excess if kind == 1 else mean / excess))
