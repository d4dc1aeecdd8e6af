"""From a file of a generalized fit made in R to the same call here."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

import pandas as pd

import partialpool as pp
from tests.reference.cases import FITS

GENERALIZED = FITS / "generalized"

# Stored as linear models; here the same models by the other way, theta in the standard errors.
_LINEAR = ("tmb_sleepstudy_ar1", "tmb_sleepstudy_cs", "tmb_sleepstudy_slope_ml")
_FAMILIES = {
    "binomial": pp.families.Binomial,
    "poisson": pp.families.Poisson,
    "Gamma": pp.families.Gamma,
    "beta": pp.families.Beta,
    "betabinomial": pp.families.BetaBinomial,
    "tweedie": pp.families.Tweedie,
    "truncated_poisson": pp.families.TruncatedPoisson,
}
_CANONICAL = {"binomial": "logit", "poisson": "log"}


@dataclass(frozen=True, slots=True, eq=False)
class GeneralizedCase:
    """A reference fit and the arguments that should reproduce it."""

    id: str
    reference: dict[str, Any]
    formula: str
    data: pd.DataFrame
    arguments: dict[str, Any]

    @property
    def engine(self) -> str:
        return self.reference["engine"]

    @property
    def quasi(self) -> bool:
        """Whether there is no likelihood to compare."""
        return self.engine == "MASS::glmmPQL"

    @property
    def gaussian(self) -> bool:
        """Whether rows are normal; the linear models' files don't name a family."""
        return self.reference.get("family", "gaussian") == "gaussian"

    @property
    def plug_in(self) -> bool:
        """Whether lme4 puts a moment estimate of the dispersion into its likelihood."""
        return self.engine == "lme4" and self.reference["family"] == "Gamma"

    @property
    def criterion(self) -> float | None:
        """Minus twice the log-likelihood of the same approximation with all constants."""
        theirs = self.reference
        if self.quasi:
            return None
        if "loglik_with_saturated" in theirs:
            return -2.0 * theirs["loglik_with_saturated"]
        return theirs.get("minus2loglik_exact_laplace", theirs["minus2loglik"])


def names() -> list[str]:
    """Return the ids of all generalized reference fits."""
    return sorted([*(path.stem for path in GENERALIZED.glob("*.json")), *_LINEAR])


@cache
def read(name: str) -> GeneralizedCase:
    """Read one reference fit with the data it was made from."""
    folder = FITS if name in _LINEAR else GENERALIZED
    reference = json.loads((folder / f"{name}.json").read_text())
    formula = reference["formula"]
    if "random" in reference:  # MASS writes the random part as an argument
        formula += f" + ({reference['random'].removeprefix('~').strip()})"
    data = pp.load_dataset(reference["dataset"])
    return GeneralizedCase(name, reference, formula, data, _arguments(reference))


@cache
def fit(name: str) -> pp.GlmmFit:
    """Fit one reference model here, once for all tests."""
    case = read(name)
    return pp.glmm(case.formula, case.data, **case.arguments)


def _arguments(reference: dict[str, Any]) -> dict[str, Any]:
    nodes = reference.get("nAGQ")
    found = {
        "family": _family(reference),
        "weights": reference.get("weights"),
        "zero_inflation": _part(reference.get("ziformula"), "~0"),
        "dispersion": _part(reference.get("dispformula"), "~1"),
        "quadrature": nodes if nodes and nodes > 1 else None,
        "method": "joint" if nodes == 0 else None,
        "information": "expected" if _expected(reference) else None,
    }
    if "random" in reference:
        found |= {"method": "pql", "dispersion": "~ 1"}
    return {name: value for name, value in found.items() if value is not None}


def _family(reference: dict[str, Any]) -> Any:
    name = reference.get("family", "gaussian")
    link = reference.get("link")
    if name.startswith("nbinom"):
        return pp.families.NegativeBinomial(kind=int(name[-1]), link=link)
    if name == "gaussian":
        return pp.families.Gaussian()
    family = _FAMILIES[name]
    return family(link) if link else family()


def _part(formula: str | None, none: str) -> str | None:
    return None if formula in (None, none) else formula


def _expected(reference: dict[str, Any]) -> bool:
    """Whether lme4 used the expected information where the observed one is another."""
    if reference["engine"] != "lme4":
        return False
    return _CANONICAL.get(reference["family"]) != reference["link"]
