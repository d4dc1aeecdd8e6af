"""The same model on other rows of its table, with what was passed besides the table."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.design import Design
from partialpool.errors import NotAvailableError
from partialpool.generalized import GlmmFit, glmm
from partialpool.linear import LmmFit, lmm
from partialpool.validation.rows import take_rows

__all__ = ["given_for", "refit", "weights_for"]

Rows = NDArray[Any]


def refit(fit: LmmFit | GlmmFit, data: Any, rows: Rows) -> Any:
    """Fit a model again to some rows of its table.

    Parameters
    ----------
    fit
        The model.
    data
        The table that it was fitted to.
    rows
        Positions in the table, of rows that the fit has used.
    """
    table = take_rows(data, rows)
    given: dict[str, Any] = given_for(fit, rows)
    text = _offset_text(fit.design)
    if text is not None:
        given["offset"] = text
    weights = weights_for(fit, rows)
    if isinstance(fit, LmmFit):
        return lmm(
            fit.design.formula.text,
            table,
            reml=fit.reml,
            weights=weights,
            sigma=fit.solution.likelihood.sigma,
            **given,
        )
    return _refit_generalized(fit, table, weights, given)


def _refit_generalized(fit: GlmmFit, table: Any, weights: Any, given: dict[str, Any]) -> GlmmFit:
    asked = fit.approximation
    formulas = {name: design.formula.text for name, design in fit.designs.items()}
    free = "~ 1" if asked.free_scale else None
    return glmm(
        formulas["mean"],
        table,
        family=fit.family,
        method=asked.method,
        quadrature=asked.quadrature,
        reml=asked.reml,
        information=asked.information,
        penalty=asked.penalty,
        weights=weights,
        zero_inflation=formulas.get("zero_inflation"),
        dispersion=formulas.get("dispersion", free),
        **given,
    )


def weights_for(fit: LmmFit | GlmmFit, rows: Rows) -> NDArray[np.float64] | None:
    """Return the weights of some rows, as they were passed."""
    places = _places(fit.design, rows)
    if isinstance(fit, LmmFit):
        weights = fit.design.weights
        return None if weights is None else weights[places]
    response = fit.response
    if response.weights is not None:
        return response.weights[places]
    trials = response.trials
    own = response.text.startswith("cbind(") or response.levels is not None
    if trials is None or own or bool((trials == 1.0).all()):
        return None
    # Trials were passed as weights, with a proportion as response.
    return trials[places]


def given_for(fit: LmmFit | GlmmFit, rows: Rows) -> dict[str, Any]:
    """Return arrays for some rows: offsets, and where covariates apply."""
    design = fit.design
    places = _places(design, rows)
    given: dict[str, Any] = {}
    masks = [mask for mask in design.masks if not mask.applies.all()]
    if masks:
        given["applicable"] = {mask.column: mask.applies[places] for mask in masks}
    if design.spec.offset.is_array:
        if design.spec.offset.texts:
            raise NotAvailableError(
                "the model has offsets both in its formula and as an array, which can't be told "
                "apart any more. Put the array in the table and name it in the formula."
            )
        assert design.offset is not None
        given["offset"] = design.offset[places]
    return given


def _offset_text(design: Design) -> str | None:
    """Return the offset that was passed as a column or an expression, if one was."""
    extra = design.spec.offset.texts[len(design.formula.offsets) :]
    return extra[0] if extra else None


def _places(design: Design, rows: Rows) -> NDArray[np.intp]:
    """Positions of the table's rows among those fitted."""
    if design.rows.kept is None:
        return np.asarray(rows)
    return np.searchsorted(design.rows.kept, rows)
