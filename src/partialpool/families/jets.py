"""Numbers that carry their derivatives: forward-mode differentiation to third order.

A log-density written with NumPy's and SciPy's elementwise functions is called with jets in
place of arrays, and comes back with its derivatives in up to three variables: exact to
rounding, since every step is a chain or product rule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NoReturn

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.typing import NDArray

from partialpool.errors import ModelError
from partialpool.families.calculus import Multi, multis, partitions, splits
from partialpool.families.rules import RULES, log1p_exp, power

__all__ = ["Jet", "variables"]

Vector = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Jet(NDArrayOperatorsMixin):
    """Values of n rows with their partial derivatives.

    Operators come from NumPy's mixin, which turns each into the ufunc of the same name.

    Attributes
    ----------
    value : (n,) array
        The values.
    terms
        The partial derivatives that aren't zero everywhere, (n,) arrays or numbers.
    d
        Number of variables.
    order
        Up to which order derivatives are carried.

    Examples
    --------
    >>> (x,) = variables([np.array([1.0, 2.0])], order=2)
    >>> y = x * np.log(x)
    >>> y.derivative(0), y.derivative(0, 0)
    (array([1.        , 1.69314718]), array([1. , 0.5]))
    """

    value: Vector
    terms: dict[Multi, Any]
    d: int
    order: int

    def derivative(self, *multi: int) -> Vector:
        """Return a partial derivative, its variables in ascending order."""
        term = self.terms.get(multi, 0.0)
        return np.array(np.broadcast_to(term, np.shape(self.value)), dtype=np.float64)

    def compose(self, outer: Iterable[Any]) -> Jet:
        """Return a function of this jet, from its value and derivatives at ``value``."""
        value, *slopes = islice(outer, self.order + 1)
        terms = {}
        for multi in self._all:
            total = None
            for blocks in partitions(multi):
                if all(block in self.terms for block in blocks):
                    part = slopes[len(blocks) - 1]
                    for block in blocks:
                        part = part * self.terms[block]
                    total = part if total is None else total + part
            if total is not None:
                terms[multi] = total
        return Jet(value, terms, self.d, self.order)

    def times(self, other: Jet) -> Jet:
        """Return the product with another jet."""
        left, right = {(): self.value, **self.terms}, {(): other.value, **other.terms}
        terms = {}
        for multi in self._all:
            parts = [left[a] * right[b] for a, b in splits(multi) if a in left and b in right]
            if parts:
                terms[multi] = sum(parts[1:], start=parts[0])
        return Jet(self.value * other.value, terms, self.d, self.order)

    def plus(self, other: Jet) -> Jet:
        """Return the sum with another jet."""
        terms = dict(self.terms)
        for multi, term in other.terms.items():
            terms[multi] = terms[multi] + term if multi in terms else term
        return Jet(self.value + other.value, terms, self.d, self.order)

    def scaled(self, factor: Any) -> Jet:
        """Return the product with an array or a number."""
        terms = {multi: factor * term for multi, term in self.terms.items()}
        return Jet(factor * self.value, terms, self.d, self.order)

    def shifted(self, summand: Any) -> Jet:
        """Return the sum with an array or a number."""
        return Jet(self.value + summand, self.terms, self.d, self.order)

    @property
    def _all(self) -> tuple[Multi, ...]:
        return sum((multis(self.d, order) for order in range(1, self.order + 1)), start=())

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        name = ufunc.__name__
        if method != "__call__" or options:
            raise _refusal(f"{name}.{method}" if method != "__call__" else f"{name}(..., out=)")
        if name in _COMPARISONS:
            return ufunc(*(x.value if isinstance(x, Jet) else x for x in inputs))
        # Not finite is what the core hears; a branch that isn't taken may be anything.
        with np.errstate(all="ignore"):
            if name in RULES:
                return self.compose(RULES[name](self.value))
            if name in _PAIRS:
                return _PAIRS[name](*inputs)
        raise _refusal(name)

    def __array_function__(
        self, function: Any, types: Any, inputs: tuple[Any, ...], options: dict[str, Any]
    ) -> Any:
        if function is not np.where or len(inputs) != 3 or options:
            raise _refusal(function.__name__)
        return _where(*inputs)

    def __array__(self, *_: Any, **__: Any) -> NoReturn:
        raise _refusal("a function that makes plain arrays, as those of scipy.stats do")

    def __float__(self) -> NoReturn:
        raise _refusal("a function of single numbers, as those of math are")

    def __getitem__(self, _: Any) -> NoReturn:
        raise _refusal("an index")

    def __iter__(self) -> NoReturn:
        raise _refusal("a loop over rows")


def variables(values: Sequence[Vector], order: int) -> tuple[Jet, ...]:
    """Return jets of which each is a variable."""
    d = len(values)
    return tuple(Jet(x, {(i,): 1.0} if order else {}, d, order) for i, x in enumerate(values))


def _refusal(what: str) -> ModelError:
    known = sorted({*RULES, *_PAIRS} - {"psi"} | {"digamma"})
    return ModelError(
        "a log-density is differentiated automatically, which doesn't work through "
        f"{what}. Write it with operators, np.where and these functions of NumPy and "
        f"scipy.special: {', '.join(known)}. Or give its derivatives with derivatives=."
    )


def _add(a: Any, b: Any) -> Jet:
    if isinstance(a, Jet) and isinstance(b, Jet):
        return a.plus(b)
    return a.shifted(b) if isinstance(a, Jet) else b.shifted(a)


def _multiply(a: Any, b: Any) -> Jet:
    if isinstance(a, Jet) and isinstance(b, Jet):
        return a.times(b)
    return a.scaled(b) if isinstance(a, Jet) else b.scaled(a)


def _divide(a: Any, b: Any) -> Jet:
    return a * np.reciprocal(b) if isinstance(b, Jet) else _multiply(a, 1.0 / b)


def _power(base: Any, exponent: Any) -> Jet:
    raised: Jet
    if isinstance(exponent, Jet):
        raised = np.exp(exponent * np.log(base))
        return raised
    raised = base.compose(power(base.value, exponent))
    return raised


def _where(condition: Any, yes: Any, no: Any) -> Jet:
    """Pick rows: terms of the other side never enter, be they infinite or NaN."""
    jet = yes if isinstance(yes, Jet) else no
    sides = [
        side if isinstance(side, Jet) else Jet(side, {}, jet.d, jet.order) for side in (yes, no)
    ]
    terms = {
        multi: np.where(condition, *(side.terms.get(multi, 0.0) for side in sides))
        for multi in dict.fromkeys((*sides[0].terms, *sides[1].terms))
    }
    value = np.where(condition, sides[0].value, sides[1].value)
    return Jet(value, terms, jet.d, jet.order)


def _larger(a: Any, b: Any) -> Jet:
    return _where(a >= b, a, b)


def _smaller(a: Any, b: Any) -> Jet:
    return _where(a <= b, a, b)


def _log_add_exp(a: Any, b: Any) -> Jet:
    gap = a - b
    # The larger one is taken out, so that one of them may be minus infinity.
    return _where(
        gap >= 0.0,
        a + gap.scaled(-1.0).compose(log1p_exp(-gap.value)),
        b + gap.compose(log1p_exp(gap.value)),
    )


def _times_log(a: Any, b: Any, log: Callable[[Any], Any]) -> Jet:
    # Of a count of zero nothing is left, whatever the logarithm.
    return _where(a == 0.0, a * 0.0, a * log(b))


def _xlogy(a: Any, b: Any) -> Jet:
    return _times_log(a, b, np.log)


def _xlog1py(a: Any, b: Any) -> Jet:
    return _times_log(a, b, np.log1p)


def _betaln(a: Any, b: Any) -> Jet:
    from scipy.special import gammaln

    ends: Jet = gammaln(a) + gammaln(b) - gammaln(a + b)
    return ends


_COMPARISONS = frozenset(
    (
        "equal",
        "greater",
        "greater_equal",
        "isfinite",
        "isinf",
        "isnan",
        "less",
        "less_equal",
        "not_equal",
    )
)
_PAIRS: dict[str, Callable[[Any, Any], Jet]] = {
    "add": _add, "betaln": _betaln, "divide": _divide, "float_power": _power,
    "logaddexp": _log_add_exp, "maximum": _larger, "minimum": _smaller, "multiply": _multiply,
    "power": _power, "subtract": lambda a, b: a + (-b), "xlog1py": _xlog1py, "xlogy": _xlogy,
}  # fmt: skip
