"""Generalized linear mixed models: from linear predictors to estimates."""

from __future__ import annotations

from partialpool.solve.generalized.densities import row_constants, row_density
from partialpool.solve.generalized.layout import Part
from partialpool.solve.generalized.objective import Objective
from partialpool.solve.generalized.shares import gradient_by_cluster
from partialpool.solve.generalized.solution import GeneralizedSolution
from partialpool.solve.generalized.solving import restore_generalized, solve_generalized
from partialpool.solve.generalized.starting import link_unit
from partialpool.solve.generalized.terms import CoreTerm, core_terms, term_of
from partialpool.solve.generalized.without import solve_without

__all__ = [
    "CoreTerm",
    "GeneralizedSolution",
    "Objective",
    "Part",
    "core_terms",
    "gradient_by_cluster",
    "link_unit",
    "restore_generalized",
    "row_constants",
    "row_density",
    "solve_generalized",
    "solve_without",
    "term_of",
]
