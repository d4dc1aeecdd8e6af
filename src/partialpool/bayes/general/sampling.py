"""Running the sampler, and reading its draws."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from partialpool.bayes.control import Control
from partialpool.bayes.draws import Draws, PartDraws, in_single_precision
from partialpool.bayes.general.layout import PartLayout, lay_out, start_thresholds
from partialpool.bayes.general.model import Cuts, GeneralModel, Likelihood, Number
from partialpool.bayes.general.possible import refuse_impossible
from partialpool.bayes.general.program import CHUNK, Program, program
from partialpool.bayes.general.sites import law_of
from partialpool.bayes.statement import Statement
from partialpool.design import Design
from partialpool.errors import ModelError
from partialpool.families.scales import scale_of

__all__ = ["chunks", "general_model", "read_draws", "sample_general"]

Array = NDArray[np.float64]
Progress = Callable[[int, int], None]


def sample_general(statement: Statement, control: Control, progress: Progress | None) -> Draws:
    """Draw from the posterior of a model of any family.

    Parameters
    ----------
    statement
        The model.
    control
        How to sample.
    progress
        Told the iterations done and their total, of all chains.

    Raises
    ------
    ModelError
        If no chain finds a place to start, or a user's log-density is nowhere finite in a row.
    """
    refuse_impossible(statement)
    # In double precision, without changing JAX for whoever else uses it.
    with jax.enable_x64(True):
        stated = general_model(statement)
        parts = program(control.tune, control.target_accept, control.max_depth)
        single = in_single_precision(statement.designs, control.chains * control.draws)
        sites, stats = _run(parts, stated, control, progress, single)
    return read_draws(statement, stated, sites, stats)


def general_model(statement: Statement) -> GeneralModel:
    """Lay a model out for the programs."""
    numbers = {
        part: Number(
            scale_of(part, statement.family.name), law_of(statement.priors.scales[symbol].prior)
        )
        for part, symbol in statement.symbols.items()
    }
    return GeneralModel(lay_out(statement), numbers, _likelihood(statement), _cuts(statement))


def read_draws(
    statement: Statement, stated: GeneralModel, sites: dict[str, Array], stats: dict[str, Array]
) -> Draws:
    """Read what the programs drew, sites and statistics by name, (C, D, ...) each."""
    parts = {
        name: _part(name, design, statement.kept[name], stated.parts[name], sites, stats)
        for name, design in statement.designs.items()
    }
    scales = {symbol: sites[symbol] for symbol in statement.symbols.values()}
    how = {name: np.asarray(x, dtype=np.float64) for name, x in stats.items()}
    how |= {"depth": np.ceil(np.log2(how["steps"] + 1.0))}
    return Draws(parts, scales, how, _thresholds(statement, stated, sites, parts["mean"].fixef))


def _run(
    parts: Program,
    stated: GeneralModel,
    control: Control,
    progress: Progress | None,
    single: bool,
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Draw by chunks: sites and statistics, (C, D, ...) each."""
    stated = jax.device_put(stated)
    keys = jax.random.split(jax.random.PRNGKey(control.seed), control.chains)
    states, there = parts.start(keys, stated)
    if not np.asarray(there).all():
        raise ModelError(
            "no point with a finite posterior density was found in 100 attempts. Look for priors "
            "that exclude what the data say, or for values of extreme size."
        )
    kept, total = [], control.tune + control.draws
    # Chunks end with the warm-up, so that none holds draws of both kinds.
    for count in (*chunks(control.tune), *chunks(control.draws)):
        states, (positions, stats) = parts.advance(states, stated, jnp.int64(count))
        done = int(states.i[0])
        if done > control.tune:
            sites = parts.read(positions, stated)
            sites = {
                name: x.astype(jnp.float32) if single and name.endswith(".b") else x
                for name, x in sites.items()
            }
            kept.append(jax.tree.map(lambda x, n=count: np.asarray(x[:n]), (sites, stats)))
        if progress is not None:
            progress(done * control.chains, total * control.chains)
    joined = jax.tree.map(lambda *x: np.swapaxes(np.concatenate(x), 0, 1), *kept)
    return joined[0], joined[1]


def chunks(total: int) -> list[int]:
    """Cut a number of iterations into chunks."""
    whole, rest = divmod(total, CHUNK)
    return [CHUNK] * whole + ([rest] if rest else [])


def _cuts(statement: Statement) -> Cuts | None:
    priors = statement.priors.thresholds
    if not priors:
        return None
    offset = statement.design.offset
    shift = 0.0 if offset is None else float(offset[statement.response.counted].mean())
    return Cuts(start_thresholds(statement) + shift, tuple(law_of(a.prior) for a in priors))


def _thresholds(
    statement: Statement, stated: GeneralModel, sites: dict[str, Array], fixef: Array
) -> dict[str, Array]:
    """Move thresholds from where the columns are at their means to where they are zero."""
    priors = statement.priors.thresholds
    shift = fixef[:, :, statement.kept["mean"]] @ stated.parts["mean"].means if priors else 0.0
    return {a.parameter: sites["thresholds"][:, :, i] + shift for i, a in enumerate(priors)}


def _likelihood(statement: Statement) -> Likelihood:
    response, used = statement.response, statement.response.counted
    trials = np.ones(len(used)) if response.trials is None else response.trials
    weights = response.weights
    if not used.all():
        # Rows that don't count stay, with nothing to say.
        weights = np.where(used, 1.0 if weights is None else weights, 0.0)
    return Likelihood(
        statement.family,
        statement.zero,
        response.values,
        trials,
        weights,
    )


def _part(
    name: str,
    design: Design,
    kept: list[int],
    layout: PartLayout,
    sites: dict[str, Any],
    stats: dict[str, Array],
) -> PartDraws:
    fixef = np.full((*stats["accept"].shape, len(design.columns)), np.nan)
    if kept:
        fixef[:, :, kept] = layout.origin + sites[f"{name}.gamma"] @ layout.map.T
    terms = range(len(layout.terms))
    lower = [sites[f"{name}.{t}.lower"] for t in terms]
    return PartDraws(
        fixef,
        tuple(sites[f"{name}.{t}.sd"] for t in terms),
        tuple(x @ np.swapaxes(x, -1, -2) for x in lower),
        tuple(sites[f"{name}.{t}.b"] for t in terms),
    )
