"""How often the objective of a generalized model is evaluated."""

from __future__ import annotations

import pytest

import partialpool as pp

MODELS = {
    "cbpp": ("cbind(incidence, size - incidence) ~ period + (1 | herd)", "binomial"),
    "Contraception": ("use ~ age + I(age^2) + urban + livch + (urban | district)", "binomial"),
    "grouseticks": (
        "TICKS ~ YEAR + HEIGHT + (1 | BROOD) + (1 | INDEX) + (1 | LOCATION)",
        "poisson",
    ),
    "VerbAgg": ("r2 ~ Anger + Gender + btype + situ + (1 | id) + (1 | item)", "binomial"),
}


@pytest.mark.parametrize("name", MODELS)
def test_two_dozen_evaluations_are_enough(name):
    formula, family = MODELS[name]
    ours = pp.glmm(formula, pp.load_dataset(name), family=family).solution
    assert ours.converged
    assert 1 < ours.evaluations <= 25


@pytest.mark.parametrize("quadrature", [5, 25])
def test_two_dozen_evaluations_are_enough_for_quadrature(quadrature):
    formula, family = MODELS["cbpp"]
    ours = pp.glmm(formula, pp.load_dataset("cbpp"), family=family, quadrature=quadrature).solution
    assert ours.converged
    assert 1 < ours.evaluations <= 25
