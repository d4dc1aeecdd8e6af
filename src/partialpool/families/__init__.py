"""Distributions of the response, with their links.

>>> import partialpool as pp
>>> pp.families.Binomial("probit")
Binomial(link='probit')
>>> pp.families.resolve("nbinom1")
NegativeBinomial(kind=1, link='log')
"""

from __future__ import annotations

from partialpool.families.base import Eta, ResponseFamily, Zero
from partialpool.families.continuous import Gamma, Gaussian, InverseGaussian, StudentT, Tweedie
from partialpool.families.counts import (
    NegativeBinomial,
    Poisson,
    TruncatedNegativeBinomial,
    TruncatedPoisson,
)
from partialpool.families.custom import Family
from partialpool.families.links import LINKS, Link, link_of_means
from partialpool.families.ordinal import Ordinal, category_columns, most_probable
from partialpool.families.proportions import Beta, BetaBinomial, Binomial
from partialpool.families.resolve import FAMILIES, from_json, resolve
from partialpool.families.response import Response

__all__ = [
    "FAMILIES",
    "LINKS",
    "Beta",
    "BetaBinomial",
    "Binomial",
    "Eta",
    "Family",
    "Gamma",
    "Gaussian",
    "InverseGaussian",
    "Link",
    "NegativeBinomial",
    "Ordinal",
    "Poisson",
    "Response",
    "ResponseFamily",
    "StudentT",
    "TruncatedNegativeBinomial",
    "TruncatedPoisson",
    "Tweedie",
    "Zero",
    "category_columns",
    "from_json",
    "link_of_means",
    "most_probable",
    "resolve",
]
