"""A fit as one file, and back.

The file holds the design (rows, columns, and how to make them for new data) and where the
optimum is. Loading reads the rows once more and evaluates the likelihood there: nothing is
searched for, and nothing in the file is ever run.
"""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from partialpool.design import Design
from partialpool.linear.fit import LmmFit
from partialpool.results.storage import Shelf, design_entry, read_design, write_model
from partialpool.solve import Likelihood, Solution, reduce

__all__ = ["MODEL", "VERSION", "pack", "read", "save"]

MODEL: Final = "linear mixed model"
VERSION: Final = 1

Array = NDArray[Any]


def save(fit: LmmFit, path: str | PathLike[str]) -> None:
    """See :meth:`LmmFit.save`."""
    shelf = Shelf()
    entries = {
        "design": design_entry(fit.design, shelf),
        "solution": _solution_entry(fit.solution, shelf),
    }
    write_model(MODEL, VERSION, entries, shelf, path)


def read(header: Mapping[str, Any], arrays: Mapping[str, Array]) -> LmmFit:
    """Read a fit from the contents of a file; :func:`partialpool.load` opens it."""
    design = read_design(header["design"], arrays)
    return LmmFit(design, _read_solution(header["solution"], arrays, design))


def pack(fit: LmmFit) -> tuple[Any, ...]:
    """Return what pickling needs: the core's handle stays behind, and is made again."""
    shelf = Shelf()
    entry = _solution_entry(fit.solution, shelf)
    return _unpacked, (fit.design, entry, dict(shelf.arrays))


def _unpacked(design: Design, entry: Mapping[str, Any], arrays: Mapping[str, Array]) -> LmmFit:
    return LmmFit(design, _read_solution(entry, arrays, design))


def _solution_entry(solution: Solution, shelf: Shelf) -> dict[str, Any]:
    optimum = solution.optimum
    return {
        "reml": solution.likelihood.reml,
        "sigma": solution.likelihood.sigma,
        "objective": optimum.objective,
        "evaluations": optimum.evaluations,
        "converged": optimum.converged,
        "psi": shelf.put("psi", np.asarray(optimum.psi)),
        "gradient": shelf.put("gradient", np.asarray(optimum.gradient)),
        "curvature": shelf.put("curvature", np.asarray(optimum.curvature)),
    }


def _read_solution(
    entry: Mapping[str, Any], arrays: Mapping[str, Array], design: Design
) -> Solution:
    likelihood = Likelihood(bool(entry["reml"]), entry["sigma"])
    reduced = reduce(design, likelihood.sigma)
    with reduced.algebra():
        there = reduced.problem.at(arrays[entry["psi"]], likelihood.reml, likelihood.fixed)
    optimum = there.as_found(
        entry["objective"],
        entry["evaluations"],
        entry["converged"],
        arrays[entry["gradient"]],
        arrays[entry["curvature"]],
    )
    return Solution(reduced, optimum, likelihood)
