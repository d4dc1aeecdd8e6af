"""How often the objective is evaluated: at most a dozen times, on easy and hard data."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import partialpool as pp

MODELS = {
    "sleepstudy": "Reaction ~ Days + (Days | Subject)",
    "Penicillin": "diameter ~ 1 + (1 | plate) + (1 | sample)",
    "Pastes": "strength ~ 1 + (1 | batch/cask)",
    "Machines": "score ~ Machine + (0 + Machine | Worker)",
    "ratpup": "weight ~ treatment + sex + litsize + (1 | litter)",
    "InstEval": "y ~ 1 + service + (1 | s) + (1 | d) + (1 | dept)",
}


def maximal_design(subjects=50, items=40, seed=20) -> pd.DataFrame:
    """Everybody sees every item: four effects vary by subject and by item, 20 parameters."""
    rng = np.random.default_rng(seed)
    subject, item = (m.ravel() for m in np.indices((subjects, items)))
    # Two conditions, coded -1/2 and 1/2, in a Latin square over subjects and items.
    a, b = ((subject + item) % 2 - 0.5, (subject + item) // 2 % 2 - 0.5)
    X = np.column_stack([np.ones(len(a)), a, b, a * b])
    y = X @ [500.0, 30.0, -20.0, 10.0] + 60 * rng.normal(size=len(a))
    for codes, size in ((subject, subjects), (item, items)):
        factor = rng.normal(size=(4, 4)) * [[40.0], [20.0], [20.0], [15.0]]
        y += np.einsum("ij,ij->i", X, (rng.normal(size=(size, 4)) @ factor.T)[codes])
    return pd.DataFrame({"y": y, "a": a, "b": b, "subject": subject, "item": item})


@pytest.mark.parametrize("reml", [True, False], ids=["REML", "ML"])
@pytest.mark.parametrize("name", MODELS)
def test_a_dozen_evaluations_are_enough(name, reml):
    fit = pp.lmm(MODELS[name], pp.load_dataset(name), reml=reml)
    assert fit.converged
    assert 1 < fit.evaluations <= 12


@pytest.mark.parametrize("reml", [True, False], ids=["REML", "ML"])
def test_a_dozen_evaluations_are_enough_for_a_maximal_design(reml):
    fit = pp.lmm("y ~ a * b + (a * b | subject) + (a * b | item)", maximal_design(), reml=reml)
    assert fit.converged
    assert len(fit.theta) == 20
    assert 1 < fit.evaluations <= 12
