"""A Bayesian fit as one file, and back: designs, priors and all draws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, astuple
from os import PathLike
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from partialpool.bayes.assignment import Assigned, Assignment, PartPriors, TermPriors
from partialpool.bayes.control import Control
from partialpool.bayes.draws import Draws, PartDraws
from partialpool.bayes.fit import BayesFit
from partialpool.bayes.priors import PRIORS
from partialpool.bayes.statement import Statement
from partialpool.families import Response, from_json
from partialpool.results.storage import (
    Shelf,
    design_entry,
    read_design,
    refuse_own_family,
    write_model,
)

__all__ = ["MODEL", "VERSION", "read", "save"]

MODEL: Final = "Bayesian mixed model"
VERSION: Final = 1

Array = NDArray[Any]


def save(fit: BayesFit, path: str | PathLike[str]) -> None:
    """See :meth:`BayesFit.save`."""
    refuse_own_family(fit.family)
    shelf = Shelf()
    statement, response = fit.statement, fit.statement.response
    entries = {
        "designs": {
            name: design_entry(design, shelf, "" if name == "mean" else f"{name}.")
            for name, design in fit.designs.items()
        },
        "response": {
            "text": response.text,
            "values": shelf.put("y", response.values),
            "trials": shelf.put("trials", response.trials),
            "levels": response.levels,
            "weights": shelf.put("weights", response.weights),
            "rows": shelf.put("response.rows", response.rows),
        },
        "family": statement.family.to_json(),
        "zero": statement.zero,
        "kept": dict(statement.kept),
        "symbols": dict(statement.symbols),
        "priors": _priors_entry(statement.priors),
        "engine": fit.engine,
        "control": asdict(fit.control),
        "draws": _draws_entry(fit.draws, shelf),
    }
    write_model(MODEL, VERSION, entries, shelf, path)


def read(header: Mapping[str, Any], arrays: Mapping[str, Array]) -> BayesFit:
    """Read a fit from the contents of a file; :func:`partialpool.load` opens it."""
    designs = {name: read_design(entry, arrays) for name, entry in header["designs"].items()}
    entry = header["response"]
    own = {
        name: None if entry[name] is None else arrays[entry[name]]
        for name in ("values", "trials", "weights", "rows")
    }
    n = len(designs["mean"].y)
    if own["values"] is None or any(x is not None and x.shape != (n,) for x in own.values()):
        raise ValueError("the response doesn't fit its rows")
    levels = None if entry["levels"] is None else tuple(entry["levels"])
    response = Response(
        entry["text"], own["values"], own["trials"], levels, own["weights"], own["rows"]
    )
    statement = Statement(
        designs,
        response,
        from_json(header["family"]),
        header["zero"],
        {name: list(kept) for name, kept in header["kept"].items()},
        dict(header["symbols"]),
        _read_priors(header["priors"]),
    )
    draws = _read_draws(header["draws"], arrays)
    _check_draws(statement, draws)
    return BayesFit(statement, draws, header["engine"], Control(**header["control"]))


def _assigned_entry(assigned: Assigned) -> list[Any]:
    prior = assigned.prior
    return [assigned.parameter, prior.name, [float(x) for x in astuple(prior)], assigned.own]


def _read_assigned(entry: list[Any]) -> Assigned:
    parameter, name, numbers, own = entry
    return Assigned(parameter, PRIORS[name](*numbers), bool(own))


def _priors_entry(priors: Assignment) -> dict[str, Any]:
    return {
        "parts": {
            name: {
                "fixed": [_assigned_entry(a) for a in part.fixed],
                "centred": part.centred,
                "terms": [
                    {
                        "scales": [_assigned_entry(a) for a in term.scales],
                        "correlation": term.correlation and _assigned_entry(term.correlation),
                    }
                    for term in part.terms
                ],
            }
            for name, part in priors.parts.items()
        },
        "scales": {name: _assigned_entry(a) for name, a in priors.scales.items()},
        "thresholds": [_assigned_entry(a) for a in priors.thresholds],
    }


def _read_priors(entry: Mapping[str, Any]) -> Assignment:
    parts = {}
    for name, part in entry["parts"].items():
        terms = tuple(
            TermPriors(
                tuple(_read_assigned(a) for a in term["scales"]),
                None if term["correlation"] is None else _read_assigned(term["correlation"]),
            )
            for term in part["terms"]
        )
        fixed = tuple(_read_assigned(a) for a in part["fixed"])
        parts[name] = PartPriors(fixed, bool(part["centred"]), terms)
    scales = {name: _read_assigned(a) for name, a in entry["scales"].items()}
    return Assignment(parts, scales, tuple(_read_assigned(a) for a in entry["thresholds"]))


def _draws_entry(draws: Draws, shelf: Shelf) -> dict[str, Any]:
    def put(name: str, values: Array) -> str | None:
        # Copies in C order: parts of one array in memory would be taken for each other.
        return shelf.put(name, np.array(values, order="C"))

    parts = {}
    for name, part in draws.parts.items():
        parts[name] = {
            "fixef": put(f"{name}.fixef", part.fixef),
            "sd": [put(f"{name}.sd{i}", x) for i, x in enumerate(part.sd)],
            "corr": [put(f"{name}.corr{i}", x) for i, x in enumerate(part.corr)],
            "effects": [put(f"{name}.effects{i}", x) for i, x in enumerate(part.effects)],
        }
    return {
        "parts": parts,
        "scales": {name: put(f"scale.{name}", x) for name, x in draws.scales.items()},
        "stats": {name: put(f"stats.{name}", x) for name, x in draws.stats.items()},
        "thresholds": [
            (name, put(f"threshold.{i}", x)) for i, (name, x) in enumerate(draws.thresholds.items())
        ],
    }


def _read_draws(entry: Mapping[str, Any], arrays: Mapping[str, Array]) -> Draws:
    parts = {
        name: PartDraws(
            arrays[part["fixef"]],
            tuple(arrays[x] for x in part["sd"]),
            tuple(arrays[x] for x in part["corr"]),
            tuple(arrays[x] for x in part["effects"]),
        )
        for name, part in entry["parts"].items()
    }
    scales = {name: arrays[x] for name, x in entry["scales"].items()}
    stats = {name: arrays[x] for name, x in entry["stats"].items()}
    return Draws(parts, scales, stats, {name: arrays[x] for name, x in entry["thresholds"]})


def _check_draws(statement: Statement, draws: Draws) -> None:
    """Refuse draws that don't fit the designs."""
    shape = (draws.chains, draws.draws)
    cuts = [a.parameter for a in statement.priors.thresholds]
    if cuts != list(draws.thresholds) or any(x.shape != shape for x in draws.thresholds.values()):
        raise ValueError("the thresholds don't fit the categories")
    for name, design in statement.designs.items():
        part = draws.parts[name]
        if part.fixef.shape != (*shape, len(design.columns)):
            raise ValueError(f"the coefficients of {name!r} don't fit its columns")
        for effects, sd, corr, b in zip(
            design.random, part.sd, part.corr, part.effects, strict=True
        ):
            J, k = len(effects.factor.levels), len(effects.columns)
            wanted = ((*shape, k), (*shape, k, k), (*shape, J, k))
            if (sd.shape, corr.shape, b.shape) != wanted:
                raise ValueError(f"the draws of {effects.term.source} don't fit its levels")
