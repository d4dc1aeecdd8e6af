"""From what a user writes to a family."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from partialpool.errors import DataError, SavedModelError, did_you_mean
from partialpool.families.base import ResponseFamily
from partialpool.families.continuous import Gamma, Gaussian, InverseGaussian, StudentT, Tweedie
from partialpool.families.counts import (
    NegativeBinomial,
    Poisson,
    TruncatedNegativeBinomial,
    TruncatedPoisson,
)
from partialpool.families.ordinal import Ordinal
from partialpool.families.proportions import Beta, BetaBinomial, Binomial

__all__ = ["FAMILIES", "from_json", "resolve"]

Maker = Callable[[str | None], ResponseFamily]

FAMILIES: Mapping[str, Maker] = MappingProxyType(
    {
        "gaussian": Gaussian,
        "student_t": StudentT,
        "gamma": Gamma,
        "inverse_gaussian": InverseGaussian,
        "tweedie": Tweedie,
        "binomial": Binomial,
        "betabinomial": BetaBinomial,
        "beta": Beta,
        "poisson": Poisson,
        "nbinom1": lambda link: NegativeBinomial(1, link),
        "nbinom2": lambda link: NegativeBinomial(2, link),
        "truncated_poisson": TruncatedPoisson,
        "truncated_nbinom1": lambda link: TruncatedNegativeBinomial(1, link),
        "truncated_nbinom2": lambda link: TruncatedNegativeBinomial(2, link),
        "ordinal": Ordinal,
    }
)
"""What makes each family, given the name of a link."""

_OTHER_NAMES = {
    "bernoulli": "binomial",
    "binom": "binomial",
    "cumulative": "ordinal",
    "nb": "nbinom2",
    "nbinom": "nbinom2",
    "nb1": "nbinom1",
    "nb2": "nbinom2",
    "negbin": "nbinom2",
    "negativebinomial": "nbinom2",
    "normal": "gaussian",
    "student": "student_t",
    "t": "student_t",
    "truncatednegativebinomial": "truncated_nbinom2",
    "truncatednbinom": "truncated_nbinom2",
}
_ADVICE = {
    "lognormal": "Fit log(y) with pp.lmm, or use Gamma.",
    "multinomial": "For ordered categories use Ordinal; unordered ones are not available.",
    "quasi": "Use a family with a dispersion of its own.",
    "quasibinomial": "Use BetaBinomial, or an observation-level random effect.",
    "quasipoisson": "Use NegativeBinomial(kind=1), whose variance is proportional to the mean.",
    "ziplus": "Write family='poisson' with zero_inflation='~ 1'.",
    "zip": "Write family='poisson' with zero_inflation='~ 1'.",
    "zinb": "Write family='nbinom2' with zero_inflation='~ 1'.",
}


def resolve(family: object) -> ResponseFamily:
    """Return the family that a user asked for.

    Parameters
    ----------
    family
        A family, its class, or its name: ``"binomial"``, ``"poisson"``, ``"gamma"``,
        ``"inverse_gaussian"``, ``"gaussian"``, ``"nbinom2"`` or ``"negative_binomial"``,
        ``"nbinom1"``, ``"beta"``, ``"betabinomial"``, ``"tweedie"``, ``"student_t"``,
        ``"truncated_poisson"``, ``"truncated_nbinom2"``, ``"truncated_nbinom1"``,
        ``"ordinal"``; upper and lower case and underscores make no difference.

    Raises
    ------
    DataError
        If it is none, with what may have been meant.

    Examples
    --------
    >>> resolve("negative_binomial")
    NegativeBinomial(kind=2, link='log')
    >>> resolve(Gamma)
    Gamma(link='log')
    """
    if isinstance(family, ResponseFamily):
        return family
    if isinstance(family, str):
        return _by_name(family)
    if isinstance(family, type) and issubclass(family, ResponseFamily):
        if family.__abstractmethods__ or family.__name__ == "Family":
            raise DataError(
                f"family={family.__name__} is a class without a density. Make a family of it, "
                "for instance Family('laplace', lambda y, mu: ...), or use one of: "
                f"{', '.join(FAMILIES)}."
            )
        return family()
    raise DataError(
        f"family must be a name such as 'binomial' or a family such as "
        f"partialpool.families.Binomial('probit'), found {family!r}."
    )


def _by_name(name: str) -> ResponseFamily:
    plain = _folded(name)
    known = {_folded(key): key for key in FAMILIES} | _OTHER_NAMES
    if plain in known:
        return FAMILIES[known[plain]](None)
    advice = f" {_ADVICE[plain]}" if plain in _ADVICE else did_you_mean(name, [*FAMILIES, *known])
    raise DataError(f"there is no family {name!r}.{advice} Known are {', '.join(FAMILIES)}.")


def _folded(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def from_json(entry: Mapping[str, Any], own: ResponseFamily | None = None) -> ResponseFamily:
    """Return the family that :meth:`ResponseFamily.to_json` wrote down.

    Parameters
    ----------
    entry
        Plain values.
    own
        The family that was fitted if it was the user's own: functions aren't stored.

    Raises
    ------
    SavedModelError
        If it is needed and isn't given, or no family has the name.

    Examples
    --------
    >>> from_json(Binomial("probit").to_json())
    Binomial(link='probit')
    """
    name = str(entry.get("name"))
    if entry.get("own"):
        if own is None or own.to_json() != dict(entry):
            raise SavedModelError(
                f"the saved model has a family of the user's own, {name!r} with the link "
                f"{entry['link']!r}, whose functions can't be stored. Pass the same family again "
                f"with family=, found {own!r}."
            )
        return own
    if name not in FAMILIES:
        raise SavedModelError(
            f"the saved model's family {name!r} is none of partialpool's: {', '.join(FAMILIES)}. "
            "A newer version may have it: pip install --upgrade partialpool"
        )
    return FAMILIES[name](entry["link"])
