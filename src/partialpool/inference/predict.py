"""Predictions for rows, old or new, with the random effects that are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from partialpool.core import STRUCTURE_CODES
from partialpool.design import Design, NewEffects, NewRows, RandomEffects, replay
from partialpool.errors import DataError
from partialpool.frames import make_frame, read_table
from partialpool.inference.fitted import linear_part
from partialpool.inference.protocol import Fit, GaussianFit
from partialpool.solve import Solution
from partialpool.solve.problem import CoreBlock

__all__ = ["NewLevels", "RandomPart", "core_rows", "find_terms", "predict", "refuse_new_levels"]

NewLevels = Literal["error", "population"]
RandomPart = Literal["all", "none"] | Sequence[str]


def predict(
    fit: GaussianFit,
    new: Any = None,
    *,
    random: RandomPart = "all",
    new_levels: NewLevels = "error",
    se: bool = False,
    inapplicable: Literal["error", "ignore"] = "error",
    offset: Any = None,
    applicable: Any = None,
) -> Any:
    """Predict the mean of every row.

    Parameters
    ----------
    fit
        A fitted linear mixed model.
    new
        Table with the columns that the model needs; None for the rows fitted.
    random
        Random effects to use: ``"all"``, ``"none"``, or names of grouping factors or terms
        such as ``["Subject"]`` or ``["(Days | Subject)"]``.
    new_levels
        What to do with a level that the fit hasn't seen: ``"error"``, or ``"population"`` to
        predict it by the fixed effects and the effects of its known levels.
    se
        Add standard errors. They carry the fixed and the random effects jointly, given the
        covariance parameters; a new level adds the variance of its effects.
    inapplicable
        What to do with a value where its covariate doesn't apply: ``"error"``, or
        ``"ignore"`` to disregard it.
    offset, applicable
        For new rows, in place of arrays given with the rows fitted.

    Returns
    -------
    (m,) array, or native frame with columns ``fit`` and ``se``
        In units of the response; NaN where a row lacks a value.

    Raises
    ------
    DataError
        If columns are missing or of another type, or a level is new.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.lmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"))
    >>> predict(fit, {"Days": [0, 10], "Subject": ["308", "308"]}).round(2)
    array([253.66, 450.33])
    >>> predict(fit, {"Days": [10]}, random="none").round(2)
    array([356.08])

    References
    ----------
    Henderson (1975), Biometrics 31(2), 423-447: the joint covariance of the errors.
    """
    if new_levels not in ("error", "population"):
        raise DataError(f"new_levels must be 'error' or 'population', found {new_levels!r}.")
    design = fit.design
    wanted = find_terms(design.random, random)
    if new is None:
        rows = _fitted_rows(design, wanted)
        kind, index = design.spec.kind, None
    else:
        rows = replay(
            design.spec,
            new,
            random=wanted,
            inapplicable=inapplicable,
            offset=offset,
            applicable=applicable,
        )
        kind, index = read_table(new).kind, getattr(new, "index", None)
    effects = dict(zip(wanted, rows.effects, strict=True))
    if new_levels == "error":
        refuse_new_levels(design, effects)
    mean = _mean(fit, rows, effects)
    if not se:
        return mean
    frame = make_frame({"fit": mean, "se": _standard_errors(fit, rows, effects)}, kind)
    if kind == "pandas" and index is not None:
        # Aligned by position; a pandas user will join it to the rows by their index.
        frame.index = index
    return frame


def find_terms(terms: Sequence[RandomEffects], random: RandomPart) -> list[int]:
    """Find the positions of the random terms that are named.

    Raises
    ------
    DataError
        If a name is none of theirs.
    """
    everything = list(range(len(terms)))
    if isinstance(random, str):
        if random in ("all", "none"):
            return everything if random == "all" else []
        random = [random]
    if not isinstance(random, Iterable) or not all(isinstance(name, str) for name in random):
        raise DataError(
            "random must be 'all', 'none' or a list of names such as ['Subject'], found "
            f"{random!r}."
        )
    chosen: set[int] = set()
    for name in random:
        bare = name.replace(" ", "")
        found = [
            i
            for i, effects in enumerate(terms)
            if effects.factor.name == name or effects.term.source.replace(" ", "") == bare
        ]
        if not found:
            groups = dict.fromkeys(e.factor.name for e in terms)
            sources = dict.fromkeys(e.term.source for e in terms)
            raise DataError(
                f"random={name!r} is neither a grouping factor ({', '.join(groups) or 'none'}) "
                f"nor a term ({', '.join(sources) or 'none'}) of the model. Use 'all', 'none' or "
                "a list of these."
            )
        chosen.update(found)
    return sorted(chosen)


def _fitted_rows(design: Design, wanted: list[int]) -> NewRows:
    return NewRows(
        n=len(design.y),
        X=design.X,
        offset=design.offset,
        effects=tuple(
            NewEffects(e.factor.codes, e.basis, e.factor.codes)
            for e in (design.random[i] for i in wanted)
        ),
    )


def refuse_new_levels(design: Design, effects: Mapping[int, NewEffects]) -> None:
    """Refuse rows whose levels the fit hasn't seen, or don't say.

    Raises
    ------
    DataError
        Naming the levels and the first row.
    """
    for i, new in effects.items():
        unseen = np.flatnonzero(new.codes < 0)
        name = design.random[i].factor.name
        missing = [row for row in unseen if new.labels[row] is None]
        if missing:
            raise DataError(
                f"the grouping factor {name!r} is missing in {len(missing)} row(s), first in row "
                f"{missing[0]}. Fill the levels in, or pass new_levels='population' to predict "
                "these rows without an effect of their own."
            )
        if len(unseen):
            labels = list(dict.fromkeys(str(x) for x in np.asarray(new.labels)[unseen]))
            shown = ", ".join(map(repr, labels[:5])) + (", ..." if len(labels) > 5 else "")
            raise DataError(
                f"the grouping factor {name!r} has {len(labels)} level(s) that the fit hasn't "
                f"seen: {shown}, first in row {unseen[0]}. Pass new_levels='population' to "
                "predict them without an effect of their own."
            )


def _mean(fit: Fit, rows: NewRows, effects: dict[int, NewEffects]) -> NDArray[np.float64]:
    eta = linear_part(rows.X, fit.fixef.values, rows.offset)
    if not effects:
        return eta
    b = fit.solution.effects(fit.design)
    for i, new in effects.items():
        known = np.where(new.codes[:, None] < 0, 0.0, b[i][new.codes])
        eta = eta + np.einsum("ij,ij->i", new.basis, known)
    return eta


def _standard_errors(
    fit: GaussianFit, rows: NewRows, effects: dict[int, NewEffects]
) -> NDArray[np.float64]:
    solution = fit.solution
    forms = solution.quadratic_forms(rows.X, core_rows(solution, fit.design, rows.n, effects))
    for i, new in effects.items():
        unseen = new.codes < 0
        if unseen.any():
            z = new.basis[unseen] @ solution.factor(i)
            forms[unseen] += np.einsum("ij,ij->i", z, z)
    return np.sqrt(forms) * solution.sigma


def core_rows(
    solution: Solution, design: Design, m: int, effects: Mapping[int, NewEffects]
) -> list[CoreBlock]:
    """Lay the rows out as the core's blocks; terms that aren't wanted get columns of zero."""
    out = []
    for block in solution.reduced.blocks:
        codes = np.full(m, -1, dtype=np.int32)
        terms = []
        for i in block.terms:
            term = design.random[i]
            if i in effects:
                codes = effects[i].codes
                basis = effects[i].basis
            else:
                basis = np.zeros((m, len(term.columns)))
            terms.append((np.ascontiguousarray(basis), STRUCTURE_CODES[term.term.structure]))
        out.append((codes, len(design.random[block.terms[0]].factor.levels), terms))
    return out
