"""The sampler as compiled programs that know shapes, and are given numbers.

Data, priors' numbers and coordinates are arguments, so that a second fit of the same shape, of
other data or with other priors' numbers, compiles nothing. Numbers of draws aren't part of a
program either: it is told how many iterations to make.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
from numpyro.infer import init_to_uniform
from numpyro.infer.hmc import hmc
from numpyro.infer.util import constrain_fn, initialize_model, potential_energy

from partialpool.bayes.general.model import GeneralModel, model

__all__ = ["CHUNK", "Program", "program"]

# Iterations between two looks at the outside world: a bar to move, a keyboard's interrupt.
CHUNK = 100
# Programs of so many warm-ups, acceptances and depths are remembered.
_REMEMBERED = 8
_TRAJECTORY = 6.283185307179586
# Starting points are uniform within this distance of zero on the unconstrained scale.
_RADIUS = 1.0


@dataclass(frozen=True, slots=True)
class Program:
    """Compiled parts of a sampler.

    Attributes
    ----------
    start
        From keys (C,) and a model to the chains' states and whether each has a finite density.
    advance
        From states, a model and a number of iterations up to ``CHUNK`` to states, unconstrained
        positions and statistics, (CHUNK, C, ...) each.
    read
        From positions and a model to the sites' values.
    """

    start: Callable[..., Any]
    advance: Callable[..., Any]
    read: Callable[..., Any]


@lru_cache(_REMEMBERED)
def program(tune: int, target_accept: float, max_depth: int) -> Program:
    """Make the programs of a warm-up; JAX compiles them for every new shape of model."""
    first, following = hmc(potential_fn_gen=_potential, algo="NUTS")

    def begin(key: Any, stated: GeneralModel) -> Any:
        where, how = jax.random.split(key)
        found = initialize_model(
            where,
            model,
            init_strategy=init_to_uniform(radius=_RADIUS),
            dynamic_args=True,
            model_args=(stated,),
        ).param_info
        state = first(
            found,
            num_warmup=tune,
            dense_mass=[],
            target_accept_prob=target_accept,
            trajectory_length=_TRAJECTORY,
            max_tree_depth=max_depth,
            model_args=(stated,),
            rng_key=how,
        )
        slopes = jnp.concatenate([jnp.ravel(x) for x in jax.tree.leaves(found.z_grad)])
        return state, jnp.isfinite(found.potential_energy) & jnp.isfinite(slopes).all()

    def advance(states: Any, stated: GeneralModel, count: Any) -> Any:
        def step(i: Any, carried: Any) -> Any:
            states, kept = carried
            states = jax.vmap(following, in_axes=(0, None))(states, (stated,))
            kept = jax.tree.map(lambda all_, now: all_.at[i].set(now), kept, _record(states))
            return states, kept

        empty = jax.tree.map(lambda x: jnp.zeros((CHUNK, *x.shape), x.dtype), _record(states))
        return jax.lax.fori_loop(0, count, step, (states, empty))

    def read(positions: Any, stated: GeneralModel) -> Any:
        found = constrain_fn(
            model, (stated,), {}, positions, return_deterministic=True, batch_ndims=2
        )
        # Effects in the sampler's coordinates are told by the effects themselves.
        return {name: x for name, x in found.items() if not name.endswith((".z", ".sum"))}

    start = jax.jit(jax.vmap(begin, in_axes=(0, None)))
    return Program(start, jax.jit(advance), jax.jit(read))


def _potential(stated: GeneralModel) -> Callable[[Any], Any]:
    return lambda position: potential_energy(model, (stated,), {}, position)


def _record(states: Any) -> Any:
    return states.z, {
        "accept": states.accept_prob,
        "step_size": states.adapt_state.step_size,
        "energy": states.energy,
        "log_density": -states.potential_energy,
        "steps": states.num_steps,
        "diverging": states.diverging,
    }
