"""A generalized fit as one file, and back.

As with linear fits the file holds the rows, how to make their columns for new data, and where
the optimum is; loading evaluates the likelihood there once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from os import PathLike
from typing import Any, Final

from numpy.typing import NDArray

from partialpool.families import Response, from_json
from partialpool.generalized.approximation import Approximation
from partialpool.generalized.estimates import Solved
from partialpool.generalized.fit import GlmmFit
from partialpool.generalized.state import SolutionState, restore, state_of
from partialpool.results.storage import (
    Shelf,
    design_entry,
    read_design,
    refuse_own_family,
    write_model,
)

__all__ = ["MODEL", "VERSION", "read", "save"]

MODEL: Final = "generalized linear mixed model"
VERSION: Final = 1

Array = NDArray[Any]


def save(fit: GlmmFit, path: str | PathLike[str]) -> None:
    """See :meth:`GlmmFit.save`."""
    refuse_own_family(fit.family)
    shelf = Shelf()
    entries = {
        "designs": {
            name: design_entry(design, shelf, "" if name == "mean" else f"{name}.")
            for name, design in fit.designs.items()
        },
        "response": _response_entry(fit.response, shelf),
        "family": fit.family.to_json(),
        "zero": fit.solution.zero,
        "approximation": asdict(fit.approximation),
        "solution": _solution_entry(fit.solution, shelf),
    }
    write_model(MODEL, VERSION, entries, shelf, path)


def read(header: Mapping[str, Any], arrays: Mapping[str, Array]) -> GlmmFit:
    """Read a fit from the contents of a file; :func:`partialpool.load` opens it."""
    designs = {name: read_design(entry, arrays) for name, entry in header["designs"].items()}
    n = len(designs["mean"].y)
    if any(len(design.y) != n for design in designs.values()):
        raise ValueError("the linear predictors have different numbers of rows")
    response = _read_response(header["response"], arrays, n)
    family = from_json(header["family"])
    asked = Approximation(**header["approximation"])
    entry = header["solution"]
    named = {"psi": entry["psi"], "point": entry.get("point")} | {
        f"beta.{name}": array for name, array in entry.get("beta", {}).items()
    }
    state = SolutionState(
        family,
        header["zero"],
        entry["evaluations"],
        entry["converged"],
        {name: arrays[array] for name, array in named.items() if array is not None},
    )
    return GlmmFit(designs, response, asked, restore(designs, response, asked, state))


def _response_entry(response: Response, shelf: Shelf) -> dict[str, Any]:
    return {
        "text": response.text,
        "values": shelf.put("y", response.values),
        "trials": shelf.put("trials", response.trials),
        "levels": response.levels,
        "weights": shelf.put("weights", response.weights),
        "rows": shelf.put("response.rows", response.rows),
    }


def _read_response(entry: Mapping[str, Any], arrays: Mapping[str, Array], n: int) -> Response:
    names = ("values", "trials", "weights", "rows")
    found = {name: arrays[entry[name]] if entry[name] is not None else None for name in names}
    for name, array in found.items():
        if array is not None and array.shape != (n,):
            raise ValueError(f"the response's {name} don't fit its rows")
    levels = None if entry["levels"] is None else tuple(entry["levels"])
    assert found["values"] is not None
    return Response(
        entry["text"], found["values"], found["trials"], levels, found["weights"], found["rows"]
    )


def _solution_entry(solution: Solved, shelf: Shelf) -> dict[str, Any]:
    state = state_of(solution)
    stored = {name: shelf.put(name, values) for name, values in state.arrays.items()}
    beta = {name[5:]: array for name, array in stored.items() if name.startswith("beta.")}
    others = {name: array for name, array in stored.items() if not name.startswith("beta.")}
    found = {"evaluations": state.evaluations, "converged": state.converged} | others
    return found | ({"beta": beta} if beta else {})
