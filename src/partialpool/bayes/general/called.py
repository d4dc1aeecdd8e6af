"""Log-densities that aren't written in JAX: a user's own, and some of the core's.

A user's function becomes part of the program if it can. Otherwise, and where the core's density
is a series that stops where a row lets it, the sampler calls it on the host.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from numpy.typing import NDArray

from partialpool.bayes.general.traced import traced_log_density
from partialpool.families import Family, Response, ResponseFamily, Zero
from partialpool.solve.generalized import row_density

__all__ = ["called_log_density"]

Array = NDArray[np.float64]
Rows = tuple[Array, Array | None, Array | None]
"""Response, trials and weights."""


def called_log_density(
    family: ResponseFamily, zero: Zero, y: Any, trials: Any, weights: Any, eta: Any
) -> Any:
    """Log-density of every row (n,), as :func:`partialpool.bayes.general.densities.log_density`."""
    parts = family.parts(zero)
    stacked = jnp.stack([jnp.broadcast_to(eta[part], y.shape) for part in parts])
    return _log_density(family, zero, (y, trials if family.has_trials else None, weights), stacked)


@partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def _log_density(family: ResponseFamily, zero: Zero, rows: Any, eta: Any) -> Any:
    return _forward(family, zero, rows, eta)[0]


def _forward(family: ResponseFamily, zero: Zero, rows: Any, eta: Any) -> Any:
    """Values (n,) and slopes (d, n)."""
    found = traced_log_density(family, rows, eta) if isinstance(family, Family) else None
    return found or _called(family, zero, rows, eta)


def _backward(family: ResponseFamily, zero: Zero, slopes: Any, of: Any) -> Any:
    return None, slopes * of


_log_density.defvjp(_forward, _backward)


def _called(family: ResponseFamily, zero: Zero, rows: Any, eta: Any) -> Any:
    shapes = [jax.ShapeDtypeStruct((*x.shape, 2), np.uint32) for x in (rows[0], eta)]
    bits = jax.tree.map(_bits, (rows, eta))
    host = partial(_on_host, family, zero)
    found = jax.pure_callback(host, shapes, *bits, vmap_method="broadcast_all")
    return tuple(lax.bitcast_convert_type(x, np.float64) for x in found)


def _bits(x: Any) -> Any:
    """Cut numbers in halves: a thread outside ``enable_x64`` is called, and may have no more."""
    return lax.bitcast_convert_type(x, np.uint32)


def _on_host(family: ResponseFamily, zero: Zero, rows: Any, eta: Any) -> list[Array]:
    """Values and slopes of every chain and data set in turn: leading dimensions are theirs."""
    *_, d, n, _ = eta.shape
    etas = _numbers(eta, (d, n))
    given = [None if x is None else _numbers(x, (n,)) for x in rows]
    value, slopes = np.empty((len(etas), n)), np.empty_like(etas)
    for i, predictors in enumerate(etas):
        y, trials, weights = (None if x is None else x[i] for x in given)
        assert y is not None
        density = row_density(Response("", y, trials, weights=weights), family, zero)
        value[i], slopes[i], _, _ = density.evaluate(list(predictors), 1, True)
        # The core knows what no predictor enters as one sum, and so does the sampler.
        value[i] += density.constant / n
    return [value.view(np.uint32).reshape(rows[0].shape), slopes.view(np.uint32).reshape(eta.shape)]


def _numbers(bits: Any, shape: tuple[int, ...]) -> Array:
    return np.ascontiguousarray(bits).view(np.float64).reshape(-1, *shape)
