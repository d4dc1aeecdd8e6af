"""A penalised fit as one file, and back: its design and its coefficients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from os import PathLike
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import SavedModelError
from partialpool.results.storage import Shelf, design_entry, read_design, write_model
from partialpool.shrinkage.design_rows import Asked
from partialpool.shrinkage.estimates import PenalizedEstimates
from partialpool.shrinkage.fit import PenalizedFit
from partialpool.shrinkage.penalty import Penalty

if TYPE_CHECKING:
    from partialpool.design import Design

__all__ = ["MODEL", "VERSION", "read", "save"]

MODEL: Final = "penalised regression"
VERSION: Final = 1

Array = NDArray[Any]


def save(fit: PenalizedFit, path: str | PathLike[str]) -> None:
    """See :meth:`PenalizedFit.save`."""
    shelf = Shelf()
    solution = fit.solution
    entries = {
        "design": design_entry(fit.design, shelf),
        "asked": _asked_entry(fit.asked),
        "labels": list(fit.labels),
        "solution": {
            "beta": shelf.put("beta", solution.beta),
            "deviations": [
                shelf.put(f"deviations{t}", v) for t, v in enumerate(solution.deviations)
            ],
            "metrics": [shelf.put(f"metric{t}", D) for t, D in enumerate(solution.metrics)],
            "objective": solution.objective,
            "bound": solution.bound,
            "kappa": repr(solution.kappa),
            "iterations": solution.iterations,
            "kind": solution.kind,
        },
    }
    write_model(MODEL, VERSION, entries, shelf, path)


def read(header: Mapping[str, Any], arrays: Mapping[str, Array]) -> PenalizedFit:
    """Read a fit from the contents of a file; :func:`partialpool.load` opens it."""
    design = read_design(header["design"], arrays)
    entry = header["solution"]
    solution = PenalizedEstimates(
        beta=arrays[entry["beta"]],
        deviations=tuple(arrays[name] for name in entry["deviations"]),
        objective=float(entry["objective"]),
        bound=float(entry["bound"]),
        kappa=float(entry["kappa"]),
        iterations=int(entry["iterations"]),
        kind=str(entry["kind"]),
        metrics=tuple(arrays[name] for name in entry["metrics"]),
    )
    _check_sizes(design, solution)
    return PenalizedFit(design, _read_asked(header["asked"]), solution, tuple(header["labels"]))


def _asked_entry(asked: Asked) -> dict[str, Any]:
    weights = asked.level_weights
    if not isinstance(weights, str):
        weights = [[_plain(key), _plain(value)] for key, value in weights.items()]
    return {
        "loss": asked.loss,
        "penalty": asdict(asked.penalty),
        "level_weights": weights,
        "penalize_intercept": asked.penalize_intercept,
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return [[_plain(key), _plain(inner)] for key, inner in value.items()]
    if isinstance(value, np.generic):
        value = value.item()
    if not isinstance(value, (str, int, float, bool)):
        raise SavedModelError(
            f"level weights are given for {value!r} of type {type(value).__name__}, which a file "
            "can't hold. Use strings or numbers as labels."
        )
    return value


def _read_asked(entry: Mapping[str, Any]) -> Asked:
    weights = entry["level_weights"]
    if not isinstance(weights, str):
        weights = {k: dict(v) if isinstance(v, list) else v for k, v in weights}
    return Asked(
        entry["loss"], Penalty(**entry["penalty"]), weights, bool(entry["penalize_intercept"])
    )


def _check_sizes(design: Design, solution: PenalizedEstimates) -> None:
    shapes = [(len(e.factor.levels), len(e.columns)) for e in design.random]
    if [v.shape for v in solution.deviations] != shapes or solution.beta.shape != (
        len(design.columns),
    ):
        raise ValueError("the coefficients don't fit the design")
