"""Running the sampler, and reading its draws."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray
from numpyro.infer import MCMC, NUTS, init_to_uniform

from partialpool.bayes.control import Control
from partialpool.bayes.draws import Draws, PartDraws
from partialpool.bayes.general.layout import PartLayout, lay_out
from partialpool.bayes.general.model import Likelihood, model
from partialpool.bayes.statement import Statement
from partialpool.design import Design

__all__ = ["sample_general"]

Array = NDArray[np.float64]
_FIELDS = (
    "accept_prob",
    "adapt_state.step_size",
    "energy",
    "potential_energy",
    "num_steps",
    "diverging",
)


def sample_general(statement: Statement, control: Control, progress: bool) -> Draws:
    """Draw from the posterior of a model of any family.

    Parameters
    ----------
    statement
        The model.
    control
        How to sample.
    progress
        Whether to show NumPyro's bar.
    """
    layout = lay_out(statement)
    # In double precision, without changing JAX for whoever else uses it.
    with jax.enable_x64(True):
        sampler = MCMC(
            NUTS(
                model,
                target_accept_prob=control.target_accept,
                max_tree_depth=control.max_depth,
                init_strategy=init_to_uniform(radius=1.0),
            ),
            num_warmup=control.tune,
            num_samples=control.draws,
            num_chains=control.chains,
            chain_method="vectorized",
            progress_bar=progress,
        )
        sampler.run(
            jax.random.PRNGKey(control.seed),
            layout,
            _scales(statement),
            _likelihood(statement),
            extra_fields=_FIELDS,
        )
        sites = {k: np.asarray(v) for k, v in sampler.get_samples(group_by_chain=True).items()}
        extra = sampler.get_extra_fields(group_by_chain=True)
        stats = {k: np.asarray(v, dtype=np.float64) for k, v in extra.items()}
    parts = {
        name: _part(name, design, statement.kept[name], layout[name], sites, control)
        for name, design in statement.designs.items()
    }
    scales = {symbol: sites[symbol] for symbol in statement.symbols.values()}
    return Draws(parts, scales, _stats(stats))


def _scales(statement: Statement) -> dict[str, Any]:
    return {
        part: (symbol, statement.priors.scales[symbol])
        for part, symbol in statement.symbols.items()
    }


def _likelihood(statement: Statement) -> Likelihood:
    response, used = statement.response, statement.response.counted
    trials = np.ones(len(used)) if response.trials is None else response.trials
    weights = response.weights
    if not used.all():
        # Rows that don't count stay, with nothing to say.
        weights = np.where(used, 1.0 if weights is None else weights, 0.0)
    return Likelihood(
        statement.family.name,
        statement.family.link.name,
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
    control: Control,
) -> PartDraws:
    fixef = np.full((control.chains, control.draws, len(design.columns)), np.nan)
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


def _stats(found: dict[str, Array]) -> dict[str, Array]:
    steps = found["num_steps"]
    return {
        "accept": found["accept_prob"],
        "step_size": found["adapt_state.step_size"],
        "energy": found["energy"],
        "log_density": -found["potential_energy"],
        "steps": steps,
        "depth": np.ceil(np.log2(steps + 1.0)),
        "diverging": found["diverging"],
    }
