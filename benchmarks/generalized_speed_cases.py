"""The models that the speed of generalized linear mixed models is measured on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

import partialpool as pp

__all__ = ["Case", "Timed", "cases"]

Work = Literal["call", "design"]


@dataclass(frozen=True, slots=True)
class Timed:
    """How one kind of work is timed.

    Attributes
    ----------
    rounds
        Times that the programs take turns.
    theirs, ours
        Calls in a row in one round, of which the mean counts.
    glmer, glmmtmb
        How many times faster ours has to be; None if nothing is asked.
    evaluations
        How many evaluations ours may take; None if nothing is asked.
    """

    rounds: int
    theirs: int
    ours: int
    glmer: float | None = None
    glmmtmb: float | None = None
    evaluations: int | None = 25


@dataclass(frozen=True, slots=True)
class Case:
    """One model on one table.

    Attributes
    ----------
    name
        Heading in the table.
    formula
        As all programs read it.
    family
        As R and partialpool name it.
    factors
        Columns that are factors in R before the clock starts.
    data
        Makes the table.
    work
        Which kinds of work are timed, and how.
    nodes
        Of adaptive quadrature; 1 is Laplace. glmmTMB has no more.
    slow
        Left out by ``--quick``.
    """

    name: str
    formula: str
    family: str
    factors: tuple[str, ...]
    data: Callable[[], pd.DataFrame]
    work: dict[Work, Timed]
    nodes: int = 1
    slow: bool = False


def crossed(
    n: int = 100_000, persons: int = 2_000, items: int = 300, seed: int = 7
) -> pd.DataFrame:
    """Answers of persons to items, each pair at most a few times, in no order."""
    rng = np.random.default_rng(seed)
    person, item = rng.integers(0, persons, n), rng.integers(0, items, n)
    x = rng.normal(size=n)
    ability, ease = rng.normal(size=persons), 0.7 * rng.normal(size=items)
    eta = -0.5 + 0.6 * x + ability[person] + ease[item]
    y = (rng.random(n) < 1.0 / (1.0 + np.exp(-eta))).astype(np.int64)
    return pd.DataFrame({"y": y, "x": x, "person": person, "item": item})


def cases(quick: bool) -> tuple[Case, ...]:
    """All cases, or those that take seconds."""
    some, few = (3, 2) if quick else (9, 5)
    livch = "use01 ~ age + I(age^2) + urban + livch"
    every = (
        Case(
            "cbpp",
            "cbind(incidence, size - incidence) ~ period + (1 | herd)",
            "binomial",
            ("period", "herd"),
            _table("cbpp", "incidence", "size", "period", "herd"),
            {
                "design": Timed(some, 2, 20, 20.0, 5.0),
                "call": Timed(some, 2, 20, 8.0),
            },
        ),
        Case(
            "Contraception",
            f"{livch} + (urban | district)",
            "binomial",
            ("urban", "livch", "district"),
            _table("Contraception", "use01", "age", "urban", "livch", "district"),
            {"design": Timed(few, 1, 10, 60.0, 5.0), "call": Timed(few, 1, 10)},
        ),
        Case(
            "grouseticks",
            "TICKS ~ YEAR + cHEIGHT + (1 | BROOD) + (1 | INDEX) + (1 | LOCATION)",
            "poisson",
            ("YEAR", "BROOD", "INDEX", "LOCATION"),
            _table("grouseticks", "TICKS", "YEAR", "cHEIGHT", "BROOD", "INDEX", "LOCATION"),
            {"design": Timed(few, 1, 10, 20.0, 5.0), "call": Timed(few, 1, 10)},
        ),
        Case(
            "VerbAgg",
            "r2 ~ Anger + Gender + btype + situ + (1 | id) + (1 | item)",
            "binomial",
            ("r2", "Gender", "btype", "situ", "id", "item"),
            _table("VerbAgg", "r2", "Anger", "Gender", "btype", "situ", "id", "item"),
            {"design": Timed(2 if quick else 3, 1, 5, 60.0, 5.0)},
        ),
        Case(
            "100,000 answers, 2,000 persons × 300 items",
            "y ~ x + (1 | person) + (1 | item)",
            "binomial",
            ("person", "item"),
            crossed,
            {"design": Timed(1, 1, 3, 20.0, 5.0)},
            slow=True,
        ),
        Case(
            "cbpp, 25 nodes",
            "cbind(incidence, size - incidence) ~ period + (1 | herd)",
            "binomial",
            ("period", "herd"),
            _table("cbpp", "incidence", "size", "period", "herd"),
            {"design": Timed(some, 2, 20, 20.0)},
            nodes=25,
        ),
        Case(
            "Contraception, 25 nodes",
            f"{livch} + (1 | district)",
            "binomial",
            ("urban", "livch", "district"),
            _table("Contraception", "use01", "age", "urban", "livch", "district"),
            {"design": Timed(few, 1, 10, 20.0)},
            nodes=25,
        ),
    )
    return tuple(case for case in every if not (quick and case.slow))


def _table(name: str, *columns: str) -> Callable[[], pd.DataFrame]:
    return lambda: pp.load_dataset(name)[list(columns)]
