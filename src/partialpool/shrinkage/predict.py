"""Predictions of a penalised fit, for rows old or new."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from partialpool.design import NewEffects, NewRows, replay
from partialpool.errors import DataError
from partialpool.inference.fitted import linear_part
from partialpool.inference.rows import find_terms, refuse_new_levels

if TYPE_CHECKING:
    from partialpool.shrinkage.fit import PenalizedFit

__all__ = ["predict"]

Vector = NDArray[np.float64]


def predict(
    fit: PenalizedFit,
    new: Any = None,
    *,
    random: Literal["all", "none"] | Sequence[str] = "all",
    new_levels: Literal["error", "population"] = "error",
    type: Literal["response", "link"] = "response",  # noqa: A002 - as in GlmmFit
    inapplicable: Literal["error", "ignore"] = "error",
    offset: Any = None,
    applicable: Any = None,
) -> Vector:
    """Predict every row.

    Parameters
    ----------
    fit
        A penalised fit.
    new
        Table with the columns that the model needs; None for the rows fitted.
    random
        Deviations to use: ``"all"``, ``"none"``, or names of grouping factors or terms.
    new_levels
        What to do with a level that the fit hasn't seen: ``"error"``, or ``"population"`` to
        predict it by the shared coefficients.
    type
        ``"response"``: probabilities of the second label for two classes; ``"link"``: the
        linear predictor.
    inapplicable
        What to do with a value where its covariate doesn't apply: ``"error"`` or ``"ignore"``.
    offset, applicable
        For new rows, in place of arrays given with the rows fitted.

    Returns
    -------
    (m,) array
        NaN where a row lacks a value.

    Raises
    ------
    DataError
        If columns are missing or of another type, or a level is new.

    Examples
    --------
    >>> import partialpool as pp
    >>> sleep = pp.load_dataset("sleepstudy")
    >>> fit = pp.penalized("Reaction ~ Days + (Days | Subject)", sleep, l2=0.5)
    >>> fit.predict({"Days": [0], "Subject": ["new"]}, new_levels="population").round(2)
    array([251.41])
    """
    for name, value, allowed in (
        ("new_levels", new_levels, ("error", "population")),
        ("type", type, ("response", "link")),
    ):
        if value not in allowed:
            raise DataError(f"{name} must be {' or '.join(map(repr, allowed))}, found {value!r}.")
    design = fit.design
    wanted = find_terms(design.random, random)
    if new is None:
        rows = NewRows(
            n=len(design.y),
            X=design.X,
            offset=design.offset,
            effects=tuple(
                NewEffects(e.factor.codes, e.basis, e.factor.codes)
                for e in (design.random[i] for i in wanted)
            ),
        )
    else:
        rows = replay(
            design.spec,
            new,
            random=wanted,
            inapplicable=inapplicable,
            offset=offset,
            applicable=applicable,
        )
    effects = dict(zip(wanted, rows.effects, strict=True))
    if new_levels == "error":
        refuse_new_levels(design, effects)
    eta = linear_part(rows.X, fit.solution.beta, rows.offset)
    for i, own in effects.items():
        known = np.where(own.codes[:, None] < 0, 0.0, fit.solution.deviations[i][own.codes])
        eta = eta + np.einsum("ij,ij->i", own.basis, known)
    if fit.asked.loss == "logistic" and type == "response":
        return np.asarray(0.5 * (1.0 + np.tanh(0.5 * eta)))
    return np.asarray(eta)
