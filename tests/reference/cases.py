"""From a file of a fit made in R to the same call here."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import partialpool as pp

FITS = Path(__file__).parent / "fits"

# nlme writes the random part as an argument, lme4 as terms.
_FORMULAS = {
    "nlme_machines_nested": "score ~ Machine + (1 | Worker/Machine)",
    "nlme_orthodont_pdDiag": "distance ~ age * Sex + (age || Subject)",
}
# R expressions that are not part of the formula.
_SUBSETS: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "Sex=='Female'": lambda data: data[data["Sex"] == "Female"],
}
_OFFSETS = {"rep(c(-1, 0, 1), 48)": np.tile([-1.0, 0.0, 1.0], 48)}


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """A reference fit and the arguments that should reproduce it."""

    id: str
    reference: dict[str, Any]
    formula: str
    data: pd.DataFrame
    reml: bool
    weights: str | None
    offset: Any

    @property
    def engine(self) -> str:
        return self.reference["engine"]

    @property
    def criterion(self) -> float:
        return self.reference["optimum"]["value"]


def names() -> list[str]:
    """Return the ids of all reference fits."""
    return sorted(path.stem for path in FITS.glob("*.json"))


@cache
def read(name: str) -> Case:
    """Read one reference fit with the data it was made from."""
    reference = json.loads((FITS / f"{name}.json").read_text())
    data = pp.load_dataset(reference["dataset"])
    if reference.get("subset"):
        data = _SUBSETS[reference["subset"]](data)
    offset = reference.get("offset")
    return Case(
        id=name,
        reference=reference,
        formula=_FORMULAS.get(name, reference["formula"]),
        data=data,
        reml=reference["method"].startswith("REML"),
        weights=reference.get("weights"),
        offset=None if offset is None else _OFFSETS[offset],
    )


@cache
def fit(name: str) -> pp.LmmFit:
    """Fit one reference model here, once for all tests."""
    case = read(name)
    return pp.lmm(case.formula, case.data, reml=case.reml, weights=case.weights, offset=case.offset)


def r_name(name: str) -> str:
    """Write a coefficient as R does, without blanks: ``treatment[T.High]`` as ``treatmentHigh``.

    >>> r_name("Intercept"), r_name("Days:sex[T.Male]"), r_name("poly(age, 4)[2]")
    ('(Intercept)', 'Days:sexMale', 'poly(age,4)2')
    """
    if name == "Intercept":
        return "(Intercept)"
    plain = name.replace("[T.", "").replace("[", "").replace("]", "")
    return plain.replace(" ", "").replace("**", "^")


def squeeze(name: str) -> str:
    """Return R's own name without its blanks, to compare with :func:`r_name`."""
    return name.replace(" ", "")
