"""The part of a saved model that fits of every kind share: their designs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

import partialpool
from partialpool.container import pack
from partialpool.design import (
    Design,
    DesignSpec,
    GroupingFactor,
    Mask,
    RandomEffects,
    RowReport,
)
from partialpool.errors import SavedModelError
from partialpool.families import Family, ResponseFamily

__all__ = ["Shelf", "design_entry", "read_design", "refuse_own_family", "write_model"]

Array = NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Shelf:
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


def refuse_own_family(family: ResponseFamily) -> None:
    """Refuse to save a family of the user's.

    Raises
    ------
    SavedModelError
        With what to do instead.
    """
    if isinstance(family, Family):
        raise SavedModelError(
            f"the family {family.name!r} is one of your own, and a saved model can't hold its "
            "functions. Keep the script that fits it, or use a family of partialpool's."
        )


def write_model(
    kind: str, version: int, entries: Mapping[str, Any], shelf: Shelf, path: str | PathLike[str]
) -> None:
    """Write a header that says what the file holds, and the arrays on the shelf.

    Raises
    ------
    SavedModelError
        If the file can't be written.
    """
    header = {"model": kind, "version": version, "partialpool": partialpool.__version__}
    pack(header | dict(entries), shelf.arrays, path)


def design_entry(design: Design, shelf: Shelf, prefix: str = "") -> dict[str, Any]:
    """Describe a design for a file's header, its arrays on the shelf.

    Parameters
    ----------
    design
        Rows, columns and random terms.
    shelf
        Takes the arrays.
    prefix
        Begins their names, where a file holds several designs.
    """
    factors = list({id(e.factor): e.factor for e in design.random}.values())
    return {
        "spec": design.spec.to_json(),
        "pooled": design.pooled,
        "columns": design.columns,
        "not_applicable": design.not_applicable,
        "y": shelf.put(f"{prefix}y", design.y),
        "X": shelf.put(f"{prefix}X", design.X),
        "weights": shelf.put(f"{prefix}weights", design.weights),
        "offset": shelf.put(f"{prefix}offset", design.offset),
        "rows": {
            "n_given": design.rows.n_given,
            "kept": shelf.put(f"{prefix}rows.kept", design.rows.kept),
            "dropped": design.rows.dropped,
        },
        "factors": [
            {
                "name": factor.name,
                "columns": factor.columns,
                "levels": shelf.put(f"{prefix}factor{i}.levels", factor.levels),
                "codes": shelf.put(f"{prefix}factor{i}.codes", factor.codes),
            }
            for i, factor in enumerate(factors)
        ],
        "random": [
            {
                "factor": [factor is effects.factor for factor in factors].index(True),
                "columns": effects.columns,
                "not_applicable": effects.not_applicable,
                "basis": shelf.put(f"{prefix}random{i}.basis", effects.basis),
                "applicable": shelf.put(f"{prefix}random{i}.applicable", effects.applicable),
                "positions": shelf.put(f"{prefix}random{i}.positions", effects.positions),
            }
            for i, effects in enumerate(design.random)
        ],
        "masks": [
            {
                "column": mask.column,
                "sentence": mask.sentence,
                "applies": shelf.put(f"{prefix}mask{i}.applies", mask.applies),
            }
            for i, mask in enumerate(design.masks)
        ],
    }


def read_design(entry: Mapping[str, Any], arrays: Mapping[str, Array]) -> Design:
    """Read what :func:`design_entry` described.

    Raises
    ------
    KeyError, IndexError, TypeError, ValueError, AttributeError
        If something is missing or doesn't fit together.
    """
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
            _maybe(arrays, e.get("positions")),
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
        pooled=bool(entry["pooled"]),
    )
    _check_sizes(design)
    return design


def _check_sizes(design: Design) -> None:
    """Refuse arrays that don't fit together: the core would read past their ends."""
    n = len(design.y)
    sizes: list[tuple[Array, tuple[int, ...]]] = [
        (design.y, (n,)),
        (design.X, (len(design.X) if design.pooled else n, len(design.columns))),
    ]
    sizes += [(array, (n,)) for array in (design.weights, design.offset) if array is not None]
    for effects in design.random:
        J, k = len(effects.factor.levels), len(effects.columns)
        codes = effects.factor.codes
        rows, used = (len(effects.basis), 0) if design.pooled else (n, n)
        sizes += [(effects.basis, (rows, k))]
        sizes += [] if effects.applicable is None else [(effects.applicable, (J, k))]
        positions = effects.positions
        sizes += [] if positions is None else [(positions, (k, positions.shape[-1]))]
        fits = codes.shape == (used,) and codes.dtype == np.int32
        if not fits or (used and not 0 <= codes.min() <= codes.max() < J):
            raise ValueError(f"the codes of {effects.factor.name!r} don't fit its levels")
    for array, shape in sizes:
        if array.shape != shape or array.dtype.kind not in "fb":
            raise ValueError(f"an array of {array.dtype} {array.shape} stands where {shape} should")


def _maybe(arrays: Mapping[str, Array], name: str | None) -> Array | None:
    return None if name is None else arrays[name]
