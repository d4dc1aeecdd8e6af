"""Deletion of groups against fits of the other groups' rows."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

import partialpool as pp
from partialpool.errors import DataError, ModelError, NotAvailableError
from partialpool.generalized.inference.parameters import estimated
from tests.unit.generalized.inference.fits import FITS, fit_of, table

DELETED = [n for n in FITS if n not in ("no effects",)]


@pytest.mark.parametrize("name", DELETED)
def test_a_group_s_influence_is_what_its_deletion_does(name):
    fit = fit_of(name)
    formula, arguments = FITS[name]
    formula = formula.replace("y ~", "y01 ~") if name == "slope" else formula
    data, group = table(), ("h" if name == "crossed" else "g")
    found = fit.group_influence(group)
    level = 3
    rows = data[group] != level
    again = pp.glmm(formula, {k: v[rows] for k, v in data.items()}, **arguments)
    change = again.fixef.values - fit.fixef.values
    for c, column in enumerate(fit.fixef.names):
        expected = change[c] / fit.stderr[column]
        assert found[f"dfbetas_{column}"][level] == pytest.approx(expected, abs=2e-4)
    cooks = change @ np.linalg.solve(fit.vcov, change) / len(change)
    assert found["cooks"][level] == pytest.approx(cooks, rel=2e-3, abs=1e-7)
    values = {e.parameter.label: e.value for e in estimated(again, again.solution)}
    for e in estimated(fit, fit.solution):
        if e.parameter.kind == "sd":
            label = e.parameter.label
            moved = found[f"change_{label}"][level]
            assert moved == pytest.approx(values[label] - e.value, abs=1e-4)


def test_a_column_of_one_group_alone_is_named():
    data = dict(table())
    data["only"] = (data["g"] == 4) * data["x"]
    fit = pp.glmm("y ~ only + (1 | g)", data, family="poisson")
    with pytest.raises(ModelError, match="without the group '4' the model can't be estimated"):
        fit.group_influence()


def test_what_has_no_groups_says_so():
    with pytest.raises(ModelError, match="no grouping factor"):
        fit_of("no effects").group_influence()
    with pytest.raises(DataError, match="'k' is no grouping factor"):
        fit_of("slope").group_influence("k")
    joint = pp.glmm("y ~ x + (1 | g)", table(), family="poisson", method="joint")
    with pytest.raises(NotAvailableError, match="method='joint'"):
        joint.group_influence()


def test_the_levels_are_the_rows():
    found = fit_of("slope").group_influence()
    assert_allclose(found["g"], np.arange(24))


def test_the_most_influential_are_drawn():
    figure = pp.plots.group_influence(fit_of("slope"))
    assert len(figure.axes) == 1
