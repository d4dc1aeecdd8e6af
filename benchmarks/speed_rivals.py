"""The programs that ours is timed against."""

from __future__ import annotations

import time
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
from r_session import RSession, has_package, unfair_blas
from speed_cases import Case

__all__ = ["Outcome", "Rival", "find_rival"]

_SCRIPT = Path(__file__).with_name("linear_speed.R")


@dataclass(frozen=True, slots=True)
class Outcome:
    """Where a rival's search ended: its criterion, and its evaluations if it counts them."""

    criterion: float
    evaluations: int | None


class Rival(Protocol):
    """A program that fits the same models."""

    @property
    def name(self) -> str:
        """What it is called in the table."""
        ...

    @property
    def facts(self) -> tuple[str, ...]:
        """Versions, for the foot of the table."""
        ...

    @property
    def unfair(self) -> str | None:
        """Why a comparison with this installation says nothing, if so."""
        ...

    def knows(self, case: Case, work: str) -> bool:
        """Whether it can do this work at all."""
        ...

    def load(self, case: Case, data: pd.DataFrame, responses: np.ndarray) -> None:
        """Take a model, its table and the responses (r, n) to refit."""
        ...

    def seconds(self, work: str, calls: int) -> float:
        """Work so often in a row and return the mean seconds of the processor for one."""
        ...

    def outcome(self) -> Outcome:
        """Where the last fit ended."""
        ...


class _Lme4:
    """An R session that fits with lme4's defaults, one command at a time."""

    name = "lme4"

    def __init__(self) -> None:
        self._session = RSession(_SCRIPT)
        self._r, self._lme4, self._blas = self._session.ask("about")

    @property
    def facts(self) -> tuple[str, ...]:
        return (f"R {self._r}", f"lme4 {self._lme4}", f"R's BLAS {self._blas}")

    @property
    def unfair(self) -> str | None:
        return unfair_blas(self._blas)

    def knows(self, case: Case, work: str) -> bool:
        return True

    def load(self, case: Case, data: pd.DataFrame, responses: np.ndarray) -> None:
        table, others = (self._session.folder / f"{kind}.csv" for kind in ("data", "responses"))
        data.to_csv(table, index=False)
        words = [case.formula, str(table), " ".join(case.factors)]
        if len(responses):
            pd.DataFrame(responses.T).to_csv(others, index=False)
            words.append(str(others))
        self._session.ask("load", *words)

    def seconds(self, work: str, calls: int) -> float:
        return float(self._session.ask(work, str(calls))[0])

    def outcome(self) -> Outcome:
        criterion, evaluations = self._session.ask("outcome")
        return Outcome(float(criterion), int(evaluations))


class _Statsmodels:
    """statsmodels' MixedLM with its defaults; it has no refit, so none is timed."""

    name = "statsmodels"
    unfair = None

    @property
    def facts(self) -> tuple[str, ...]:
        return (f"statsmodels {version('statsmodels')}",)

    def knows(self, case: Case, work: str) -> bool:
        return case.statsmodels is not None and work != "refit"

    def load(self, case: Case, data: pd.DataFrame, responses: np.ndarray) -> None:
        arguments = case.statsmodels or {}
        self._formula = case.formula.rpartition(" + (")[0]
        self._data, self._arguments = data, arguments
        self._model = self._make()

    def seconds(self, work: str, calls: int) -> float:
        start = time.process_time()
        for _ in range(calls):
            self._fit = self._make().fit() if work == "call" else self._given_design().fit()
        return (time.process_time() - start) / calls

    def outcome(self) -> Outcome:
        return Outcome(-2.0 * self._fit.llf, None)

    def _make(self) -> Any:
        from statsmodels.formula import api

        return api.mixedlm(self._formula, self._data, **self._arguments)

    def _given_design(self) -> Any:
        from statsmodels.regression.mixed_linear_model import MixedLM

        made = self._model
        return MixedLM(made.endog, made.exog, groups=made.groups, exog_re=made.exog_re)


def find_rival() -> Rival | None:
    """lme4 if R has it, else statsmodels if Python has it."""
    if has_package("lme4"):
        return _Lme4()
    return _Statsmodels() if find_spec("statsmodels") else None
