"""A user's log-density in NumPy's functions, as part of a program of JAX.

Its function is called once with stand-ins for arrays, which turn every function of NumPy and
SciPy into JAX's of the same name. Derivatives are those that the family finds by itself.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NoReturn

import jax.numpy as jnp
import numpy as np
from jax import nn
from jax.scipy import special
from numpy.lib.mixins import NDArrayOperatorsMixin

from partialpool.families import Family, Response
from partialpool.families.jets import Jet, variables

__all__ = ["traced_log_density"]


def traced_log_density(family: Family, rows: Any, eta: Any) -> tuple[Any, Any] | None:
    """Log-density of every row and its slopes, if JAX has all that the function is made of.

    Parameters
    ----------
    family
        The user's.
    rows
        Response, trials and weights (n,), the last two perhaps None.
    eta
        Linear predictors (d, n).

    Returns
    -------
    tuple or None
        Values (n,) and slopes (d, n).
    """
    y, trials, weights = rows
    stand_ins: dict[str, Any] = {"y": _Traced(y)}
    stand_ins |= {} if trials is None else {"trials": _Traced(trials)}
    density = replace(family.density(Response("", np.zeros(y.shape))), **stand_ins)
    predictors: list[Any] = [_Traced(x) for x in eta]
    try:
        found = density.evaluate(slice(0, len(y)), [*variables(predictors, 1)])
        terms = [_plain(found.terms.get((a,), 0.0)) for a in range(len(eta))]
        value, *slopes = (jnp.broadcast_to(x, y.shape) for x in (_plain(found.value), *terms))
    except Exception:  # a function that JAX lacks, a branch on values: whatever it is made of
        return None
    both = value, jnp.stack(slopes)
    if weights is None:
        return both
    of, by = (jnp.where(weights == 0.0, 0.0, weights * x) for x in both)
    return of, by


@dataclass(frozen=True, eq=False)
class _Traced(NDArrayOperatorsMixin):
    """What stands for an array while NumPy's functions are written down as JAX's."""

    array: Any

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        if any(isinstance(x, Jet) for x in inputs):
            return NotImplemented
        if method != "__call__" or options:
            raise TypeError(f"JAX is given no {ufunc.__name__}.{method}")
        return _Traced(_function(ufunc.__name__)(*map(_plain, inputs)))

    def __array_function__(
        self, function: Any, types: Any, inputs: tuple[Any, ...], options: dict[str, Any]
    ) -> Any:
        if Jet in types:
            return NotImplemented
        if function is np.shape:
            return self.array.shape
        if function is not np.where or options:
            raise TypeError(f"JAX is given no {function.__name__}")
        return _Traced(jnp.where(*map(_plain, inputs)))

    def __getitem__(self, rows: slice) -> _Traced:
        return _Traced(self.array[rows])

    def __array__(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("numbers aren't known before the program runs")

    __bool__ = __float__ = __iter__ = __array__


def _plain(x: Any) -> Any:
    return x.array if isinstance(x, _Traced) else x


def _function(name: str) -> Any:
    """JAX's function of a ufunc's name."""
    found = _NAMED.get(name) or getattr(jnp, name, None) or getattr(special, name, None)
    if found is None:
        raise TypeError(f"JAX has no {name}")
    return found


def _betaln(a: Any, b: Any) -> Any:
    # JAX's own has eight digits.
    return special.gammaln(a) + special.gammaln(b) - special.gammaln(a + b)


_NAMED = {"betaln": _betaln, "log_expit": nn.log_sigmoid, "psi": special.digamma}
