"""A formula and a table become arrays, and the same arrays again for new rows."""

from __future__ import annotations

from partialpool.design.arguments import as_expression
from partialpool.design.build import Parts, build, build_parts
from partialpool.design.distances import Decay, distances_between
from partialpool.design.evaluation import columns_of
from partialpool.design.new_rows import NewEffects, NewRows
from partialpool.design.replay import replay, replay_parts, unknown_level
from partialpool.design.spec import DesignSpec
from partialpool.design.typical import Typical
from partialpool.design.values import Design, GroupingFactor, Mask, RandomEffects, RowReport
from partialpool.design.weights import new_weights

__all__ = [
    "Decay",
    "Design",
    "DesignSpec",
    "GroupingFactor",
    "Mask",
    "NewEffects",
    "NewRows",
    "Parts",
    "RandomEffects",
    "RowReport",
    "Typical",
    "as_expression",
    "build",
    "build_parts",
    "columns_of",
    "distances_between",
    "new_weights",
    "replay",
    "replay_parts",
    "unknown_level",
]
