"""What an expression can do to columns: operators, and functions by name."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from partialpool.design.polynomials import apply_poly, learn_poly
from partialpool.design.scaling import apply_scale, learn_scale
from partialpool.design.splines import apply_bs, apply_ns, learn_bs, learn_ns

__all__ = ["ARITHMETIC", "COMPARISONS", "ELEMENTWISE", "LEARNED", "LOGIC", "State"]

State = dict[str, Any]
"""What a function learned on the rows fitted, as plain values."""

ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: np.true_divide,
    ast.FloorDiv: np.floor_divide,
    ast.Mod: np.mod,
    ast.Pow: np.power,
}
LOGIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.BitAnd: np.logical_and,
    ast.BitOr: np.logical_or,
}
COMPARISONS: dict[type[ast.cmpop], tuple[str, Callable[[Any, Any], Any]]] = {
    ast.Eq: ("==", operator.eq),
    ast.NotEq: ("!=", operator.ne),
    ast.Lt: ("<", operator.lt),
    ast.LtE: ("<=", operator.le),
    ast.Gt: (">", operator.gt),
    ast.GtE: (">=", operator.ge),
}
ELEMENTWISE: dict[str, Callable[[Any], Any]] = {
    "abs": np.abs, "cos": np.cos, "exp": np.exp, "expm1": np.expm1, "log": np.log,
    "log10": np.log10, "log1p": np.log1p, "log2": np.log2, "sin": np.sin, "sqrt": np.sqrt,
    "tan": np.tan,
}  # fmt: skip
LEARNED: dict[str, tuple[Callable[..., State], Callable[[Any, State], Any]]] = {
    "bs": (learn_bs, apply_bs),
    "center": (lambda x: learn_scale(x, scale=False), apply_scale),
    "ns": (learn_ns, apply_ns),
    "poly": (learn_poly, apply_poly),
    "scale": (learn_scale, apply_scale),
}
"""Functions in two halves: what is learned on the rows fitted, and its use on any rows."""
