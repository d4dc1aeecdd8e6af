"""Posteriors of many responses of one model: one after the other, or in lockstep."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

import partialpool as pp
from benchmarks.calibration_cases import with_response
from partialpool.bayes.control import Control
from partialpool.bayes.draws import Draws
from partialpool.bayes.marginal import sample_marginal
from partialpool.bayes.statement import Statement

__all__ = ["BATCH", "posteriors"]

# Data sets that NumPyro's sampler works on at once, each with one chain.
BATCH = 50


def posteriors(
    base: Statement, responses: list[np.ndarray], engine: str, draws: int
) -> Iterator[pp.bayes.BayesFit]:
    """Draw from the posterior of every response, in order."""
    # Shorter trajectories than usual: in lockstep all wait for the longest.
    control = Control(draws, 150, 1, 0, 0.9, 7)
    stated = [with_response(base, y) for y in responses]
    make = _one_by_one if engine == "marginal" else _in_lockstep
    for statement, drawn in zip(stated, make(stated, control), strict=True):
        yield pp.bayes.BayesFit(statement, drawn, engine, control)


def _one_by_one(stated: list[Statement], control: Control) -> Iterator[Draws]:
    for seed, statement in enumerate(stated):
        own = Control(control.draws, control.tune, control.chains, seed, control.target_accept)
        yield sample_marginal(statement, own, None)


def _in_lockstep(stated: list[Statement], control: Control) -> Iterator[Draws]:
    """Run the engine's programs on stacks of models; those of one shape share one."""
    import jax

    from partialpool.bayes.general.sampling import general_model, read_draws

    with jax.enable_x64(True):
        models = [general_model(statement) for statement in stated]
        shapes = [jax.tree.structure(model) for model in models]
        found: dict[int, tuple] = {}
        for shape in dict.fromkeys(shapes):
            places = [i for i, own in enumerate(shapes) if own == shape]
            for first in range(0, len(places), BATCH):
                batch = places[first : first + BATCH]
                found |= dict(zip(batch, _batch(models, batch, control), strict=True))
    for i, statement in enumerate(stated):
        yield read_draws(statement, models[i], *found.pop(i))


def _batch(models: list, places: list[int], control: Control) -> Iterator[tuple]:
    import jax
    import jax.numpy as jnp

    from partialpool.bayes.general.program import program
    from partialpool.bayes.general.sampling import chunks

    # The last batch is filled up, so that no other size is compiled.
    filled = (places * BATCH)[:BATCH]
    stacked = jax.tree.map(lambda *x: jnp.stack(x), *(models[i] for i in filled))
    keys = jax.random.split(jax.random.PRNGKey(places[0]), (BATCH, control.chains))
    parts = program(control.tune, control.target_accept, control.max_depth)
    states, there = _vmapped(parts.start, (0, 0))(keys, stacked)
    assert np.asarray(there)[: len(places)].all()
    kept = []
    for count in (*chunks(control.tune), *chunks(control.draws)):
        states, (positions, how) = _vmapped(parts.advance, (0, 0, None))(
            states, stacked, jnp.int64(count)
        )
        if int(states.i[0, 0]) > control.tune:
            sites = _vmapped(parts.read, (0, 0))(positions, stacked)
            kept.append(jax.tree.map(lambda x, n=count: np.asarray(x[:, :n]), (sites, how)))
    sites, how = jax.tree.map(lambda *x: np.concatenate(x, axis=1).swapaxes(1, 2), *kept)
    for r in range(len(places)):
        yield {k: v[r] for k, v in sites.items()}, {k: v[r] for k, v in how.items()}


_COMPILED: dict = {}


def _vmapped(function, axes):
    import jax

    if (function, axes) not in _COMPILED:
        _COMPILED[function, axes] = jax.jit(jax.vmap(function, in_axes=axes))
    return _COMPILED[function, axes]
