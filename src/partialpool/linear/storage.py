"""A fit as one file, and back.

The file holds the design (rows, columns, and how to make them for new data) and where the
optimum is; of rows that went by in batches, their sums. Loading reads the rows or the sums once
more and evaluates the likelihood there: nothing is searched for, and nothing in the file is ever
run.
"""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from partialpool.design import Design
from partialpool.linear.estimates import LinearEstimates
from partialpool.linear.fit import LmmFit
from partialpool.linear.streamed import StreamedLmm
from partialpool.results.storage import Shelf, design_entry, read_design, write_model
from partialpool.solve import Likelihood, Solution, reduce
from partialpool.solve.stream import restore_batches

__all__ = ["MODEL", "VERSION", "pack", "read", "save"]

MODEL: Final = "linear mixed model"
VERSION: Final = 1

Array = NDArray[Any]


def save(fit: LinearEstimates, path: str | PathLike[str]) -> None:
    """See :meth:`LmmFit.save`."""
    shelf = Shelf()
    entries = {
        "design": design_entry(fit.design, shelf),
        "solution": _solution_entry(fit.solution, shelf),
    }
    write_model(MODEL, VERSION, entries, shelf, path)


def read(header: Mapping[str, Any], arrays: Mapping[str, Array]) -> LinearEstimates:
    """Read a fit from the contents of a file; :func:`partialpool.load` opens it."""
    return _unpacked(read_design(header["design"], arrays), header["solution"], arrays)


def pack(fit: LinearEstimates) -> tuple[Any, ...]:
    """Return what pickling needs: the core's handle stays behind, and is made again."""
    shelf = Shelf()
    entry = _solution_entry(fit.solution, shelf)
    return _unpacked, (fit.design, entry, dict(shelf.arrays))


def _unpacked(
    design: Design, entry: Mapping[str, Any], arrays: Mapping[str, Array]
) -> LinearEstimates:
    kind = StreamedLmm if design.pooled else LmmFit
    return kind(design, _read_solution(entry, arrays, design))


def _solution_entry(solution: Solution, shelf: Shelf) -> dict[str, Any]:
    optimum, reduced = solution.optimum, solution.reduced
    went_by = {}
    if reduced.stream is not None:
        went_by = {
            "looks": shelf.put("looks", reduced.stream.looks()),
            "sums": shelf.put("sums", reduced.problem.sums()),
        }
    return went_by | {
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
    if design.pooled:
        reduced = restore_batches(design, arrays[entry["looks"]], arrays[entry["sums"]])
    else:
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
