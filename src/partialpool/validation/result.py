"""What cross-validation has found."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.frames import FrameKind, make_frame
from partialpool.validation.splits import Scheme

__all__ = ["CrossValidation", "Scores", "score"]

Vector = NDArray[np.float64]

_HEADS = {
    "mae": "MAE",
    "rmse": "RMSE",
    "mape": "MAPE",
    "r2": "R2",
    "loglik": "loglik",
    "accuracy": "accuracy",
    "brier": "Brier",
}


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
    accuracy
        Share of rows whose most probable class is theirs; NaN of numbers, as Brier's score.
    brier
        Brier's score: mean squared error of the second class's probability, of more than two
        classes the sum over all.
    """

    mae: float
    rmse: float
    mape: float
    r2: float
    loglik: float
    accuracy: float = math.nan
    brier: float = math.nan


def score(y: Vector, mean: Vector, log_density: Vector) -> Scores:
    """Score predictions.

    Examples
    --------
    >>> score(np.array([1.0, 2.0]), np.array([1.5, 2.0]), np.zeros(2)).mae
    0.25
    """
    if mean.ndim == 2:
        return _score_classes(y, mean, log_density)
    error = y - mean
    zero = bool(np.any(y == 0.0))
    total = float(np.sum((y - y.mean()) ** 2))
    squared = float(np.mean(error**2))
    classes = bool(np.isin(y, (0.0, 1.0)).all() and ((mean >= 0.0) & (mean <= 1.0)).all())
    return Scores(
        mae=float(np.mean(np.abs(error))),
        rmse=math.sqrt(squared),
        mape=math.nan if zero else float(np.mean(np.abs(error / y))),
        r2=1.0 - float(error @ error) / total if total > 0 else math.nan,
        loglik=float(log_density.sum()),
        accuracy=float(np.mean((mean > 0.5) == (y == 1.0))) if classes else math.nan,
        brier=squared if classes else math.nan,
    )


def _score_classes(y: Vector, shares: Vector, log_density: Vector) -> Scores:
    """Score the probabilities (n, k) of k classes; y has their positions."""
    own = np.eye(shares.shape[1])[y.astype(int)]
    return Scores(
        *(math.nan,) * 4,
        loglik=float(log_density.sum()),
        accuracy=float(np.mean(shares.argmax(axis=1) == y)),
        brier=float(np.mean(np.sum((shares - own) ** 2, axis=1))),
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
        Of every row (n,), by name and ``random``; NaN where a row was never held out. Of more
        than two classes (n, k): the probability of each, in order.
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
        for name in _HEADS:
            if name in self._shown:
                columns[name] = np.array([getattr(scores, name) for scores in self.scores])
        columns["seconds"] = np.array(self.seconds)
        return make_frame(columns, self.kind)

    @property
    def _shown(self) -> tuple[str, ...]:
        """Scores that the models have: those of numbers, of classes, or both."""

        def known(name: str) -> bool:
            return any(not math.isnan(getattr(scores, name)) for scores in self.scores)

        numbers = any(map(known, ("mae", "rmse", "r2")))
        kept = {"loglik", *(("mae", "rmse", "mape", "r2") if numbers else ())}
        return tuple(name for name in _HEADS if name in kept or known(name))

    def __repr__(self) -> str:
        words = "groups that the models know" if self.scheme == "within" else "new groups"
        lines = [f"{self.rows} held-out rows of {words}"]
        width = max(5, *(len(name) for name in self.names))
        heads = [f"{_HEADS[name]:>10}" for name in self._shown]
        lines.append("  ".join([f"{'model':<{width}}", f"{'random':<7}", *heads, "seconds"]))
        for i, name in enumerate(self.names):
            scores = (getattr(self.scores[i], each) for each in self._shown)
            cells = [
                f"{value:>10.4f}" if abs(value) < 1e4 else f"{value:>10.4g}" for value in scores
            ]
            start = [f"{name:<{width}}", f"{self.random[i]:<7}"]
            lines.append("  ".join([*start, *cells, f"{self.seconds[i]:>7.2f}"]))
        return "\n".join(lines)
