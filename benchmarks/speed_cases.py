"""The models that the speed of linear mixed models is measured on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

import partialpool as pp

__all__ = ["Case", "Repeats", "cases", "million_rows"]


@dataclass(frozen=True, slots=True)
class Repeats:
    """How often one kind of work is timed.

    Attributes
    ----------
    rounds
        Times that the two programs take turns.
    rival, ours
        Calls in a row in one round, of which the mean counts.
    bar
        How many times faster ours has to be; None if nothing is asked.
    """

    rounds: int
    rival: int
    ours: int
    bar: float | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One model on one table.

    Attributes
    ----------
    name
        Heading in the table.
    formula
        As both programs read it.
    factors
        Columns that are factors in R before the clock starts.
    data
        Makes the table.
    work
        Which kinds of work are timed (``"call"``, ``"design"``, ``"refit"``), and how often.
    slow
        Left out by ``--quick``.
    statsmodels
        Arguments of ``mixedlm`` for the same model; None if it has no such model in
        reasonable time.
    """

    name: str
    formula: str
    factors: tuple[str, ...]
    data: Callable[[], pd.DataFrame]
    work: dict[str, Repeats]
    slow: bool = False
    statsmodels: dict[str, Any] | None = field(default=None)


def million_rows(n: int = 1_000_000, groups: int = 50_000, seed: int = 1) -> pd.DataFrame:
    """Intercepts and slopes that vary, correlated, over groups in no order."""
    rng = np.random.default_rng(seed)
    g = rng.integers(0, groups, n)
    x = rng.normal(size=n)
    b = rng.normal(size=(groups, 2)) @ [[1.0, 0.3], [0.0, 0.5]]
    y = 2.0 + 0.5 * x + b[g, 0] + b[g, 1] * x + rng.normal(size=n)
    return pd.DataFrame({"y": y, "x": x, "g": g})


def maximal_design(subjects: int = 50, items: int = 40, seed: int = 20) -> pd.DataFrame:
    """Everybody sees every item: four effects vary by subject and by item, 20 parameters."""
    rng = np.random.default_rng(seed)
    subject, item = (m.ravel() for m in np.indices((subjects, items)))
    # Two conditions, coded -1/2 and 1/2, in a Latin square over subjects and items.
    a, b = ((subject + item) % 2 - 0.5, (subject + item) // 2 % 2 - 0.5)
    X = np.column_stack([np.ones(len(a)), a, b, a * b])
    y = X @ [500.0, 30.0, -20.0, 10.0] + 60 * rng.normal(size=len(a))
    for codes, size in ((subject, subjects), (item, items)):
        factor = rng.normal(size=(4, 4)) * [[40.0], [20.0], [20.0], [15.0]]
        y += np.einsum("ij,ij->i", X, (rng.normal(size=(size, 4)) @ factor.T)[codes])
    return pd.DataFrame({"y": y, "a": a, "b": b, "subject": subject, "item": item})


def cases(quick: bool) -> tuple[Case, ...]:
    """All cases, or those that take seconds."""
    rounds = 5 if quick else 15
    every = (
        Case(
            "sleepstudy",
            "Reaction ~ Days + (Days | Subject)",
            ("Subject",),
            lambda: pp.load_dataset("sleepstudy"),
            {
                "call": Repeats(rounds, 10, 20, 4.0),
                "design": Repeats(rounds, 10, 200, 8.0),
                "refit": Repeats(rounds, 10, 1000, 300.0),
            },
            statsmodels={"groups": "Subject", "re_formula": "~Days"},
        ),
        Case(
            "ratpup",
            "weight ~ treatment + sex + litsize + (1 | litter)",
            ("treatment", "sex", "litter"),
            lambda: pp.load_dataset("ratpup"),
            {
                "call": Repeats(rounds, 10, 20, 2.0),
                "design": Repeats(rounds, 10, 200, 8.0),
                "refit": Repeats(rounds, 10, 1000),
            },
            statsmodels={"groups": "litter"},
        ),
        Case(
            "InstEval",
            "y ~ 1 + service + (1 | s) + (1 | d) + (1 | dept)",
            ("s", "d", "dept", "service"),
            lambda: pp.load_dataset("InstEval")[["y", "service", "s", "d", "dept"]],
            {"call": Repeats(1 if quick else 3, 1, 3, 10.0)},
        ),
        Case(
            "1e6 rows, 50,000 groups",
            "y ~ x + (x | g)",
            ("g",),
            million_rows,
            {"call": Repeats(1, 1, 5, 100.0)},
            slow=True,
        ),
        Case(
            "maximal, 50 subjects × 40 items",
            "y ~ a * b + (a * b | subject) + (a * b | item)",
            ("subject", "item"),
            maximal_design,
            {"call": Repeats(3, 1, 5, 50.0)},
            slow=True,
        ),
    )
    return tuple(case for case in every if not (quick and case.slow))
