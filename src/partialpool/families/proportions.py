"""Families for successes out of trials, and for proportions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import ModelError
from partialpool.families.base import Eta, ResponseFamily, Vector, Zero, average, spread
from partialpool.families.checks import (
    refuse_constant,
    require_inside_unit,
    require_trials,
)
from partialpool.families.response import Response

__all__ = ["Beta", "BetaBinomial", "Binomial"]

_LINKS = ("logit", "probit", "cloglog", "log", "identity")
_TINY = float(np.finfo(float).tiny)


class _Trials(ResponseFamily):
    """Successes out of trials; one each where none are given."""

    links: ClassVar[tuple[str, ...]] = _LINKS
    mean_range: ClassVar[tuple[float, float]] = (0.0, 1.0)

    @property
    def has_trials(self) -> bool:
        """True: the response is successes out of trials."""
        return True

    def _start(
        self, y: Vector, trials: Vector | None, weights: Vector | None, zero: Zero
    ) -> dict[str, float]:
        of = np.ones_like(y) if trials is None else trials
        # One more success and failure than there are, so that no link is infinite.
        share = (average(y, weights) * len(y) + 1.0) / (average(of, weights) * len(y) + 2.0)
        found = {"mean": float(self.link(share)), "dispersion": float(np.log(10.0))}
        return {part: found[part] for part in self.parts(zero)}

    def _check(self, response: Response, zero: Zero) -> None:
        require_trials(response, type(self).__name__)

    def _refuse_one_sided(self, response: Response, zero: Zero) -> None:
        values = response.values
        if response.trials is not None:
            # Shares may be the same everywhere, unless they are all 0 or all 1.
            values = np.where(response.trials == response.values, 1.0, response.proportions)
        refuse_constant(response, values, 0.0, 1.0)


@dataclass(frozen=True, init=False, repr=False)
class Binomial(_Trials):
    """Binomial distribution: 0/1, yes/no, or successes out of trials.

    Parameters
    ----------
    link
        ``"logit"`` (the default), ``"probit"``, ``"cloglog"``, ``"log"`` (whose coefficients
        are logs of relative risks) or ``"identity"``; the last two can leave 0 to 1.

    Examples
    --------
    >>> Binomial("probit")
    Binomial(link='probit')
    >>> Binomial().variance({"mean": np.zeros(1)}, trials=np.array([5.0]))
    array([0.05])
    """

    canonical_link: ClassVar[str] = "logit"

    stem: ClassVar[str] = "binomial"

    def _variance(self, eta: Eta, trials: Vector | None) -> Vector:
        return self.mu(eta) * _complement(self, eta) / (1.0 if trials is None else trials)

    def _draw(self, eta: Eta, rng: np.random.Generator, trials: Vector | None) -> NDArray[Any]:
        return rng.binomial(_whole(trials), np.clip(self.mu(eta), 0.0, 1.0))


@dataclass(frozen=True, init=False, repr=False)
class BetaBinomial(_Trials):
    """Beta-binomial distribution: successes out of trials that vary more than binomial ones.

    The dispersion's linear predictor is the log of the precision phi: the variance of the
    proportion out of m trials is mu (1 - mu) (phi + m) / (m (phi + 1)).

    Parameters
    ----------
    link
        ``"logit"`` (the default), ``"probit"``, ``"cloglog"``, ``"log"`` or ``"identity"``.

    Examples
    --------
    >>> eta = {"mean": np.zeros(1), "dispersion": np.log([3.0])}
    >>> BetaBinomial().variance(eta, trials=np.array([5.0]))
    array([0.1])

    References
    ----------
    Prentice (1986), Journal of the American Statistical Association 81, 321-327.
    """

    own_parts: ClassVar[tuple[str, ...]] = ("mean", "dispersion")

    stem: ClassVar[str] = "betabinomial"

    def _variance(self, eta: Eta, trials: Vector | None) -> Vector:
        phi, m = np.exp(eta["dispersion"]), 1.0 if trials is None else trials
        return self.mu(eta) * _complement(self, eta) * (phi + m) / (m * (phi + 1.0))

    def _draw(self, eta: Eta, rng: np.random.Generator, trials: Vector | None) -> NDArray[Any]:
        return rng.binomial(_whole(trials), _draw_beta(self, eta, rng))

    def _check(self, response: Response, zero: Zero) -> None:
        super()._check(response, zero)
        if response.trials is None or response.trials[response.counted].max() == 1:
            raise ModelError(
                f"every row of the response {response.text} is a single trial, of which "
                "BetaBinomial is the same as Binomial whatever its precision. Use Binomial, or "
                "give successes out of several trials."
            )


@dataclass(frozen=True, init=False, repr=False)
class Beta(ResponseFamily):
    """Beta distribution, for proportions strictly between 0 and 1.

    The dispersion's linear predictor is the log of the precision phi: the variance is
    mu (1 - mu) / (1 + phi).

    Parameters
    ----------
    link
        ``"logit"`` (the default), ``"probit"``, ``"cloglog"``, ``"log"`` or ``"identity"``.

    Examples
    --------
    >>> Beta().variance({"mean": np.zeros(1), "dispersion": np.log([4.0])})
    array([0.05])

    References
    ----------
    Ferrari & Cribari-Neto (2004), Journal of Applied Statistics 31, 799-815, section 2.
    """

    links: ClassVar[tuple[str, ...]] = _LINKS
    mean_range: ClassVar[tuple[float, float]] = (0.0, 1.0)
    own_parts: ClassVar[tuple[str, ...]] = ("mean", "dispersion")

    stem: ClassVar[str] = "beta"

    def _variance(self, eta: Eta, trials: Vector | None) -> Vector:
        return self.mu(eta) * _complement(self, eta) / (1.0 + np.exp(eta["dispersion"]))

    def _draw(self, eta: Eta, rng: np.random.Generator, trials: Vector | None) -> NDArray[Any]:
        # A draw that rounds to an end is none that the family can have.
        return np.clip(_draw_beta(self, eta, rng), _TINY, np.nextafter(1.0, 0.0))

    def _start(
        self, y: Vector, trials: Vector | None, weights: Vector | None, zero: Zero
    ) -> dict[str, float]:
        mean, variance = average(y, weights), max(spread(y, weights), _TINY)
        precision = max(mean * (1.0 - mean) / variance - 1.0, 0.1)
        return {"mean": float(self.link(mean)), "dispersion": float(np.log(precision))}

    def _check(self, response: Response, zero: Zero) -> None:
        require_inside_unit(response, "Beta")
        refuse_constant(response, response.values)


def _complement(family: ResponseFamily, eta: Eta) -> Vector:
    """Return 1 - mu, with all its digits where mu is near 1 and the link can tell."""
    if family.link.name == "cloglog":
        with np.errstate(over="ignore"):
            return np.exp(-np.exp(eta["mean"]))
    if family.link.name in ("log", "identity"):
        return np.maximum(1.0 - family.mu(eta), 0.0)
    return np.asarray(family.link.inverse(-eta["mean"]), dtype=np.float64)


def _whole(trials: Vector | None) -> Any:
    return 1 if trials is None else trials.astype(np.int64)


def _draw_beta(family: ResponseFamily, eta: Eta, rng: np.random.Generator) -> Vector:
    phi = np.exp(eta["dispersion"])
    return rng.beta(
        np.maximum(family.mu(eta) * phi, _TINY), np.maximum(_complement(family, eta) * phi, _TINY)
    )
