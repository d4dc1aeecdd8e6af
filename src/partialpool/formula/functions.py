"""The functions that a formula may call, and how their arguments are written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from partialpool.errors import did_you_mean
from partialpool.formula.terms import STRUCTURES


@dataclass(frozen=True, slots=True)
class Function:
    """How a known function is called.

    Attributes
    ----------
    python
        Its name in Python, which the design evaluates.
    parameters
        Names of its arguments in order; the first is the data, the others are constants.
    """

    python: str
    parameters: tuple[str, ...] = ("x",)


_SPLINE = ("x", "df", "knots", "degree", "include_intercept", "lower_bound", "upper_bound")
_FUNCTIONS = {
    **{
        name: Function(name)
        for name in (
            "I", "abs", "center", "cos", "exp", "expm1", "log10", "log1p", "log2", "max", "mean",
            "median", "min", "sd", "sin", "sqrt", "sum", "tan", "var",
        )
    },
    "C": Function("C", ("x", "contrast", "levels")),
    "as.factor": Function("as_factor"),
    "as.integer": Function("as_integer"),
    "as.numeric": Function("as_numeric"),
    "bs": Function("bs", _SPLINE),
    "cbind": Function("cbind", ()),
    "factor": Function("factor", ("x", "levels")),
    "log": Function("log", ("x", "base")),
    "ns": Function("ns", tuple(name for name in _SPLINE if name != "degree")),
    "poly": Function("poly", ("x", "degree", "raw")),
    "scale": Function("scale", ("x", "center", "scale")),
}  # fmt: skip

KNOWN_FUNCTIONS: Mapping[str, str] = MappingProxyType(
    {name: function.python for name, function in sorted(_FUNCTIONS.items())}
)
"""Every function that a formula may call: its name in R's spelling, and its name in Python."""

_BY_ANY_NAME = {**_FUNCTIONS, **{f.python: f for f in _FUNCTIONS.values()}}

# Keywords of R's functions, under the names that patsy and formulaic gave them.
KEYWORDS = {
    "Boundary.knots": "lower_bound",
    "contr": "contrast",
    "contrasts": "contrast",
    "intercept": "include_intercept",
}

_ADVICE = {
    "cut": "Make the classes a column of the data first.",
    "dummy": "Write I(f == 'level').",
    "identity": "Write I(x).",
    "ifelse": "Write the condition as I(x > 2), or make a column of it first.",
    "interaction": "Write a:b.",
    "lag": "Make the lagged values a column of the data first.",
    "power": "Write I(x^2).",
    "relevel": "Write C(f, contr.treatment('level')).",
    "s": "Smooth terms are not available: use ns(x, df = 4) or bs(x, df = 4).",
    "standardize": "Write scale(x), which divides by the standard deviation of n - 1.",
    "te": "Smooth terms are not available: use ns(x, df = 4) or bs(x, df = 4).",
}


def known_function(name: str) -> Function | None:
    """Return the function of a name in R's, Python's or NumPy's spelling, if there is one.

    Examples
    --------
    >>> known_function("as.integer").python, known_function("np.log").python
    ('as_integer', 'log')
    """
    head, _, tail = name.rpartition(".")
    if head in ("np", "numpy"):
        name = tail
    return _BY_ANY_NAME.get(name)


def unknown_function(name: str, *, holds_bar: bool = False) -> str:
    """Say that a function isn't known, and what may have been meant."""
    tail = name.rpartition(".")[2]
    if holds_bar and name in STRUCTURES:
        return (
            f"a random term such as {name}(x | g) can only be added to the formula. If | means "
            "'or' here, put the condition in parentheses."
        )
    if holds_bar:
        return (
            f"{name!r} is not a covariance structure. Known are {', '.join(STRUCTURES)}; "
            "for an ordinary random term after a column, a '+' is missing."
        )
    if name in STRUCTURES:
        return f"{name}() needs a random term: {name}(x | g)."
    if name in _ADVICE:
        return f"the function {name!r} is not available in a formula. {_ADVICE[name]}"
    if tail != name and tail in _BY_ANY_NAME:
        return f"methods can't be called in a formula, found {name!r}. Write {tail}(...)."
    if suggestion := did_you_mean(name, KNOWN_FUNCTIONS):
        return f"the function {name!r} is not known.{suggestion}"
    return (
        f"the function {name!r} is not known. A formula may call only {', '.join(KNOWN_FUNCTIONS)}"
        "; make a column of anything else first, or add a missing '+' before '('."
    )
