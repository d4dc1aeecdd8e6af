"""A fit as one file, and back.

The file holds the design (rows, columns, and how to make them for new data) and where the
optimum is. Loading reads the rows once more and evaluates the likelihood there: nothing is
searched for, and nothing in the file is ever run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from os import PathLike
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

import partialpool
from partialpool.container import pack, unpack
from partialpool.design import (
    Design,
    DesignSpec,
    GroupingFactor,
    Mask,
    RandomEffects,
    RowReport,
)
from partialpool.errors import SavedModelError
from partialpool.linear.fit import LmmFit
from partialpool.solve import Likelihood, Solution, reduce

__all__ = ["load", "save"]

_MODEL: Final = "linear mixed model"
_VERSION: Final = 1

Array = NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class _Shelf:
    """Arrays on their way to a file, each kept once however often it is used."""

    arrays: dict[str, Array] = field(default_factory=dict)
    names: dict[tuple[int, tuple[int, ...]], str] = field(default_factory=dict)

    def put(self, name: str, values: Array | None) -> str | None:
        """Keep an array, and return the name by which the file knows it."""
        if values is None:
            return None
        # A random term's columns are often those of X, in the same memory.
        place = (values.ctypes.data, values.shape)
        if values.size == 0 or place not in self.names:
            self.names[place] = name
            self.arrays[name] = values
        return self.names[place]


def save(fit: LmmFit, path: str | PathLike[str]) -> None:
    """Write a fit to one file.

    The file holds the rows used, so that a loaded fit can do all that the fit can; whoever
    gets the file gets these columns of the data.

    Parameters
    ----------
    fit
        A fitted linear mixed model.
    path
        File to write; one that exists is replaced in one step.

    Raises
    ------
    SavedModelError
        If the file can't be written.

    Examples
    --------
    >>> import os, tempfile
    >>> import partialpool as pp
    >>> fit = pp.lmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "sleep.model")
    ...     fit.save(path)
    ...     pp.load(path).fixef
    Intercept  251.405
    Days        10.4673
    """
    shelf = _Shelf()
    header = {
        "model": _MODEL,
        "version": _VERSION,
        "partialpool": partialpool.__version__,
        "design": _design_entry(fit.design, shelf),
        "solution": _solution_entry(fit.solution, shelf),
    }
    pack(header, shelf.arrays, path)


def load(path: str | PathLike[str]) -> LmmFit:
    """Read a fit that :func:`save` wrote. Nothing in the file is run.

    Parameters
    ----------
    path
        The file.

    Raises
    ------
    SavedModelError
        If the file is missing, foreign, damaged, or of a newer version.
    """
    parcel = unpack(path)
    _check_header(parcel.header, path)
    try:
        design = _read_design(parcel.header["design"], parcel.arrays)
        return LmmFit(design, _read_solution(parcel.header["solution"], parcel.arrays, design))
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise SavedModelError(
            f"the model in {str(path)!r} can't be read: {type(error).__name__}: {error}. The file "
            "was changed, or written by another version. Fit and save the model again."
        ) from error


def _check_header(header: Mapping[str, Any], path: str | PathLike[str]) -> None:
    if header.get("model") != _MODEL:
        raise SavedModelError(
            f"{str(path)!r} holds {header.get('model')!r}, which this partialpool "
            f"({partialpool.__version__}) doesn't know. It reads: {_MODEL}."
        )
    if header.get("version") != _VERSION:
        raise SavedModelError(
            f"{str(path)!r} was written by partialpool {header.get('partialpool')} in version "
            f"{header.get('version')} of its layout, and this partialpool "
            f"({partialpool.__version__}) reads version {_VERSION}. "
            "Upgrade with: pip install --upgrade partialpool"
        )


def _design_entry(design: Design, shelf: _Shelf) -> dict[str, Any]:
    factors = list({id(e.factor): e.factor for e in design.random}.values())
    return {
        "spec": design.spec.to_json(),
        "columns": design.columns,
        "not_applicable": design.not_applicable,
        "y": shelf.put("y", design.y),
        "X": shelf.put("X", design.X),
        "weights": shelf.put("weights", design.weights),
        "offset": shelf.put("offset", design.offset),
        "rows": {
            "n_given": design.rows.n_given,
            "kept": shelf.put("rows.kept", design.rows.kept),
            "dropped": design.rows.dropped,
        },
        "factors": [
            {
                "name": factor.name,
                "columns": factor.columns,
                "levels": shelf.put(f"factor{i}.levels", factor.levels),
                "codes": shelf.put(f"factor{i}.codes", factor.codes),
            }
            for i, factor in enumerate(factors)
        ],
        "random": [
            {
                "factor": [factor is effects.factor for factor in factors].index(True),
                "columns": effects.columns,
                "not_applicable": effects.not_applicable,
                "basis": shelf.put(f"random{i}.basis", effects.basis),
                "applicable": shelf.put(f"random{i}.applicable", effects.applicable),
            }
            for i, effects in enumerate(design.random)
        ],
        "masks": [
            {
                "column": mask.column,
                "sentence": mask.sentence,
                "applies": shelf.put(f"mask{i}.applies", mask.applies),
            }
            for i, mask in enumerate(design.masks)
        ],
    }


def _solution_entry(solution: Solution, shelf: _Shelf) -> dict[str, Any]:
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


def _read_design(entry: Mapping[str, Any], arrays: Mapping[str, Array]) -> Design:
    spec = DesignSpec.from_json(entry["spec"])
    factors = [
        GroupingFactor(f["name"], tuple(f["columns"]), arrays[f["levels"]], arrays[f["codes"]])
        for f in entry["factors"]
    ]
    random = tuple(
        RandomEffects(
            term,
            factors[e["factor"]],
            tuple(e["columns"]),
            arrays[e["basis"]],
            _maybe(arrays, e["applicable"]),
            tuple(e["not_applicable"]),
        )
        for term, e in zip(spec.formula.random, entry["random"], strict=True)
    )
    rows = entry["rows"]
    design = Design(
        formula=spec.formula,
        y=arrays[entry["y"]],
        X=arrays[entry["X"]],
        columns=tuple(entry["columns"]),
        random=random,
        weights=_maybe(arrays, entry["weights"]),
        offset=_maybe(arrays, entry["offset"]),
        rows=RowReport(rows["n_given"], _maybe(arrays, rows["kept"]), rows["dropped"]),
        not_applicable=tuple(entry["not_applicable"]),
        masks=tuple(Mask(m["column"], arrays[m["applies"]], m["sentence"]) for m in entry["masks"]),
        spec=spec,
    )
    _check_sizes(design)
    return design


def _check_sizes(design: Design) -> None:
    """Refuse arrays that don't fit together: the core would read past their ends."""
    n = len(design.y)
    sizes: list[tuple[Array, tuple[int, ...]]] = [
        (design.y, (n,)),
        (design.X, (n, len(design.columns))),
    ]
    sizes += [(array, (n,)) for array in (design.weights, design.offset) if array is not None]
    for effects in design.random:
        J, k = len(effects.factor.levels), len(effects.columns)
        codes = effects.factor.codes
        sizes += [(effects.basis, (n, k))]
        sizes += [] if effects.applicable is None else [(effects.applicable, (J, k))]
        fits = codes.shape == (n,) and codes.dtype == np.int32
        if not (fits and 0 <= codes.min() <= codes.max() < J):
            raise ValueError(f"the codes of {effects.factor.name!r} don't fit its levels")
    for array, shape in sizes:
        if array.shape != shape or array.dtype.kind not in "fb":
            raise ValueError(f"an array of {array.dtype} {array.shape} stands where {shape} should")


def _maybe(arrays: Mapping[str, Array], name: str | None) -> Array | None:
    return None if name is None else arrays[name]


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
