"""What cross-validation has found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.frames import FrameKind, make_frame
from partialpool.validation.splits import Scheme

__all__ = ["CrossValidation", "Scores", "score"]

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Scores:
    """How good predictions are.

    Attributes
    ----------
    mae, rmse
        Mean absolute error and root of the mean squared error, in units of the response.
    mape
        Mean of absolute errors over the response; NaN where a response is zero.
    r2
        Share of the variance explained.
    loglik
        Sum of the log-densities of the rows; NaN where the model gives none.
    """

    mae: float
    rmse: float
    mape: float
    r2: float
    loglik: float


def score(y: Vector, mean: Vector, log_density: Vector) -> Scores:
    """Score predictions.

    Examples
    --------
    >>> score(np.array([1.0, 2.0]), np.array([1.5, 2.0]), np.zeros(2)).mae
    0.25
    """
    error = y - mean
    zero = bool(np.any(y == 0.0))
    total = float(np.sum((y - y.mean()) ** 2))
    return Scores(
        mae=float(np.mean(np.abs(error))),
        rmse=float(np.sqrt(np.mean(error**2))),
        mape=float("nan") if zero else float(np.mean(np.abs(error / y))),
        r2=1.0 - float(error @ error) / total if total > 0 else float("nan"),
        loglik=float(log_density.sum()),
    )


@dataclass(frozen=True, slots=True, eq=False)
class CrossValidation:
    """Scores of models on rows that they haven't seen.

    Attributes
    ----------
    scheme
        Which rows these were: of groups that the models know, or of new ones.
    names
        Of the models.
    random
        Whether random effects took part: ``"with"``, ``"without"``, or ``"none"`` for a
        model that has none.
    scores
        Of all held-out rows together.
    seconds
        Fitting and predicting, all folds together.
    predictions
        Of every row (n,), by name and ``random``; NaN where a row was never held out.
    rows
        How many were scored.
    kind
        Library of the tables.
    """

    scheme: Scheme
    names: tuple[str, ...]
    random: tuple[str, ...]
    scores: tuple[Scores, ...]
    seconds: tuple[float, ...]
    predictions: Mapping[tuple[str, str], Vector]
    rows: int
    kind: FrameKind

    def to_frame(self) -> Any:
        """Return one row for each model: its name, random effects, scores and seconds."""
        columns: dict[str, Any] = {
            "model": np.array(self.names, dtype=object),
            "random": np.array(self.random, dtype=object),
        }
        for name in ("mae", "rmse", "mape", "r2", "loglik"):
            columns[name] = np.array([getattr(scores, name) for scores in self.scores])
        columns["seconds"] = np.array(self.seconds)
        return make_frame(columns, self.kind)

    def __repr__(self) -> str:
        words = "groups that the models know" if self.scheme == "within" else "new groups"
        lines = [f"{self.rows} held-out rows of {words}"]
        width = max(5, *(len(name) for name in self.names))
        lines.append(
            f"{'model':<{width}}  {'random':<7}  {'MAE':>9}  {'RMSE':>9}  {'MAPE':>7}  "
            f"{'R2':>7}  {'loglik':>10}  {'seconds':>7}"
        )
        for i, name in enumerate(self.names):
            s = self.scores[i]
            lines.append(
                f"{name:<{width}}  {self.random[i]:<7}  {s.mae:>9.4g}  {s.rmse:>9.4g}  "
                f"{s.mape:>7.4f}  {s.r2:>7.4f}  {s.loglik:>10.2f}  {self.seconds[i]:>7.2f}"
            )
        return "\n".join(lines)
