"""What every family of distributions can do."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import ModelError
from partialpool.families.checks import refuse_uncounted
from partialpool.families.links import LINKS, Link, read_link
from partialpool.families.response import Response

__all__ = ["Eta", "ResponseFamily", "Vector", "Zero", "average", "logit", "spread"]

Vector = NDArray[np.float64]
Eta = Mapping[str, Vector]
"""Linear predictors by the name of their part."""
Zero = Literal["none", "inflated", "hurdle"]
"""What ``zero_inflation=`` adds: nothing, more zeros, or all the zeros there are."""


@dataclass(frozen=True, init=False, repr=False)
class ResponseFamily(ABC):
    """A distribution of the response, given one to three linear predictors.

    The linear predictors are those of its parts: ``"mean"`` through the link, ``"dispersion"``
    on the log scale, ``"shape"`` (one number for all rows) on a scale of the family's,
    ``"zero_inflation"`` on the logit scale.

    Parameters
    ----------
    link
        Its name; None for the first of ``links``.

    Attributes
    ----------
    link
        Between the mean and its linear predictor.
    links
        Names of the links that there are, the default first.
    canonical_link
        Name of the link for which the likelihood is simplest.
    mean_range
        Between which numbers means lie.
    """

    link: Link
    stem: ClassVar[str] = ""
    links: ClassVar[tuple[str, ...]]
    canonical_link: ClassVar[str] = ""
    own_parts: ClassVar[tuple[str, ...]] = ("mean",)
    zero_model: ClassVar[Zero] = "none"
    mean_range: ClassVar[tuple[float, float]] = (-math.inf, math.inf)

    def __init__(self, link: str | Link | None = None) -> None:
        chosen = LINKS[self.links[0]] if link is None else read_link(link, self.links, self.name)
        object.__setattr__(self, "link", chosen)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(link={self.link.name!r})"

    @property
    def name(self) -> str:
        """Its name, which :func:`partialpool.families.resolve` understands."""
        return self.stem

    @property
    def has_trials(self) -> bool:
        """Whether the response is successes out of trials."""
        return False

    @property
    def canonical(self) -> bool:
        """Whether the link is the canonical one."""
        return self.link.name == self.canonical_link

    @property
    def eta_range(self) -> tuple[float, float]:
        """Between which numbers the mean's linear predictor keeps the mean in its range.

        Examples
        --------
        >>> from partialpool.families import Binomial, Poisson
        >>> Binomial().eta_range, Binomial("identity").eta_range, Poisson("identity").eta_range
        ((-inf, inf), (0.0, 1.0), (0.0, inf))
        """
        low, high = self.mean_range
        if self.link.name in ("sqrt", "inverse_squared") or (
            self.link.name == "inverse" and low == 0.0
        ):
            return 0.0, math.inf
        if self.link.name == "identity":
            return low, high
        return -math.inf, 0.0 if self.link.name == "log" and high == 1.0 else math.inf

    def parts(self, zero: Zero = "none") -> tuple[str, ...]:
        """Return the names of its linear predictors, in the order in which the core has them."""
        return self.own_parts if zero == "none" else (*self.own_parts, "zero_inflation")

    def mean_parts(self, zero: Zero = "none") -> tuple[str, ...]:
        """Return the names of the linear predictors that the mean depends on."""
        return ("mean",) if zero == "none" else ("mean", "zero_inflation")

    def mean_is_parameter(self, zero: Zero = "none") -> bool:
        """Return whether the response's mean is its linear predictor through the inverse link.

        It isn't with zero inflation, of truncated counts, and of a user's family with a ``mean=``.

        Parameters
        ----------
        zero
            What ``zero_inflation=`` adds.

        Examples
        --------
        >>> from partialpool.families import Poisson
        >>> Poisson().mean_is_parameter(), Poisson().mean_is_parameter("inflated")
        (True, False)
        """
        return zero == "none"

    def core_name(self, zero: Zero = "none") -> str:
        """Return the name under which the compiled core knows the density."""
        if zero == "inflated":
            return f"zi_{self.name}"
        return self.name if zero == "none" else self.name.replace("truncated", "hurdle")

    def zero_for(self, asked: bool) -> Zero:
        """Return what ``zero_inflation=`` means for the family.

        Parameters
        ----------
        asked
            Whether the user gave one.

        Raises
        ------
        ModelError
            If it is asked for, and the family can't have it.
        """
        if asked and self.zero_model == "none":
            raise ModelError(
                f"zero_inflation= is for counts, but the family is {self.name}. It goes with "
                "Poisson and NegativeBinomial (more zeros than they expect), and with "
                "TruncatedPoisson and TruncatedNegativeBinomial (a hurdle model)."
            )
        return self.zero_model if asked else "none"

    def mean(self, eta: Eta, zero: Zero = "none") -> Vector:
        """Return the mean of the response; of families with trials, of the proportion.

        Parameters
        ----------
        eta
            Linear predictors by part.
        zero
            What ``zero_inflation=`` adds.

        Returns
        -------
        (n,) array
            In units of the response.

        Examples
        --------
        >>> from partialpool.families import Poisson
        >>> eta = {"mean": np.log([4.0]), "zero_inflation": np.zeros(1)}
        >>> Poisson().mean(eta, "inflated")
        array([2.])
        """
        mean = self._mean(eta)
        return mean if zero == "none" else (1.0 - zero_share(eta)) * mean

    def variance(self, eta: Eta, zero: Zero = "none", trials: Vector | None = None) -> Vector:
        """Return the variance of the response; of families with trials, of the proportion.

        Parameters
        ----------
        eta, zero
            As for :meth:`mean`.
        trials : (n,) array, or None
            Numbers of trials, None for one each.

        Returns
        -------
        (n,) array
            In squared units of the response.

        Examples
        --------
        >>> from partialpool.families import NegativeBinomial
        >>> eta = {"mean": np.log([4.0]), "dispersion": np.log([2.0])}
        >>> NegativeBinomial().variance(eta)
        array([12.])
        """
        variance = self._variance(eta, trials)
        if zero == "none":
            return variance
        share = zero_share(eta)
        return (1.0 - share) * (variance + share * self._mean(eta) ** 2)

    def simulate(
        self,
        eta: Eta,
        rng: np.random.Generator,
        trials: Vector | None = None,
        zero: Zero = "none",
    ) -> Vector:
        """Draw a response; of families with trials, numbers of successes.

        Parameters
        ----------
        eta, zero, trials
            As for :meth:`variance`.
        rng
            Where randomness comes from.

        Returns
        -------
        (n,) array
            As :meth:`partialpool.GlmmFit.refit` takes it.

        Examples
        --------
        >>> from partialpool.families import Poisson
        >>> Poisson().simulate({"mean": np.zeros(4)}, np.random.default_rng(1))
        array([2., 1., 1., 1.])
        """
        drawn = np.asarray(self._draw(eta, rng, trials), dtype=np.float64)
        if zero == "none":
            return drawn
        return np.where(rng.random(len(drawn)) < zero_share(eta), 0.0, drawn)

    def start(
        self,
        y: Vector,
        trials: Vector | None = None,
        weights: Vector | None = None,
        zero: Zero = "none",
    ) -> dict[str, float]:
        """Return constant linear predictors from which a search can start.

        Parameters
        ----------
        y : (n,) array
            The response: numbers, or successes.
        trials, weights : (n,) array, or None
            Of each row.
        zero
            What ``zero_inflation=`` adds.

        Examples
        --------
        >>> from partialpool.families import Poisson
        >>> round(Poisson().start(np.array([0.0, 2.0, 4.0]))["mean"], 4)
        0.6931
        """
        return self._start(y, trials, weights, zero)

    def check(self, response: Response, zero: Zero = "none", believed: bool = False) -> None:
        """Refuse a response that the family can't have.

        Parameters
        ----------
        response
            What is to be explained.
        zero
            What ``zero_inflation=`` adds.
        believed
            Whether there are priors. With them no successes at all, or no events, are something
            to learn from; without, the likelihood has no maximum.

        Raises
        ------
        DataError
            If values are outside its range, naming the rows.
        ModelError
            If the response is constant.
        """
        self._check(response, zero)
        refuse_uncounted(response)
        if not believed:
            self._refuse_one_sided(response, zero)

    def mu(self, eta: Eta) -> Vector:
        """Return the inverse link of the mean's linear predictor."""
        return np.asarray(self.link.inverse(eta["mean"]), dtype=np.float64)

    def mu_to_draw(self, eta: Eta) -> Vector:
        """Return :meth:`mu`, moved to the end of the family's range where it is outside.

        Random effects that are drawn anew can take it there, with links that have no limit.
        """
        low, high = self.mean_range
        inside = np.clip(self.mu(eta), np.finfo(float).tiny if low == 0.0 else low, high)
        return np.nan_to_num(inside, nan=np.finfo(float).max)

    def to_json(self) -> dict[str, Any]:
        """Return the family as plain values, for :func:`partialpool.families.from_json`."""
        return {"name": self.name, "link": self.link.name}

    # What a family is made of; the zeros that zero_inflation= adds are added above.

    def _mean(self, eta: Eta) -> Vector:
        return self.mu(eta)

    @abstractmethod
    def _variance(self, eta: Eta, trials: Vector | None) -> Vector: ...

    @abstractmethod
    def _draw(self, eta: Eta, rng: np.random.Generator, trials: Vector | None) -> NDArray[Any]: ...

    @abstractmethod
    def _start(
        self, y: Vector, trials: Vector | None, weights: Vector | None, zero: Zero
    ) -> dict[str, float]: ...

    @abstractmethod
    def _check(self, response: Response, zero: Zero) -> None: ...

    def _refuse_one_sided(self, response: Response, zero: Zero) -> None:
        """Refuse a response at one end of a discrete range, where no maximum is finite."""
        return


def zero_share(eta: Eta) -> Vector:
    """Return the probability of a zero that ``zero_inflation=`` adds."""
    return np.asarray(LINKS["logit"].inverse(eta["zero_inflation"]), dtype=np.float64)


def logit(share: float) -> float:
    """Return the logit of a share, which is kept away from 0 and 1."""
    return float(LINKS["logit"](min(max(share, 0.01), 0.99)))


def average(values: Vector, weights: Vector | None) -> float:
    """Return the weighted mean."""
    return float(np.average(values, weights=weights))


def spread(values: Vector, weights: Vector | None) -> float:
    """Return the weighted variance."""
    return average((values - average(values, weights)) ** 2, weights)
