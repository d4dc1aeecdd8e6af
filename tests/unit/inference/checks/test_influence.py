"""Deletion from the blocks against least squares without the row or group, V held."""

import numpy as np
import pytest

import partialpool as pp
from partialpool.errors import DataError, ModelError
from tests.unit.inference import models

FORMULAS = ["slope", "crossed", "nested", "two terms", "least squares"]


def covariance(fit):
    """V over sigma^2 of all rows with weight, X and y of these."""
    w = np.ones(96) if fit.design.weights is None else fit.design.weights
    use = np.flatnonzero(w > 0)
    V = np.diag(1 / w[use])
    for effects, term in zip(fit.design.random, fit.varcorr.terms, strict=True):
        codes, z = effects.factor.codes[use], effects.basis[use]
        V = V + np.equal.outer(codes, codes) * (z @ (term.cov / fit.sigma**2) @ z.T)
    return use, V, fit.design.X[use], fit.design.y[use]


def without(V, X, y, gone):
    stay = np.setdiff1d(np.arange(len(y)), gone)
    W = np.linalg.inv(V[np.ix_(stay, stay)])
    XW = X[stay].T @ W
    inverse = np.linalg.inv(XW @ X[stay])
    return inverse @ XW @ y[stay], inverse


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", FORMULAS)
def test_a_row_s_influence_is_what_its_deletion_does(name, weighted):
    fit = models.fit(models.FORMULAS[name], weighted)
    use, V, X, y = covariance(fit)
    table = fit.row_influence()
    p = X.shape[1]
    for i in (0, 5, 40, 77):
        place = int(np.searchsorted(use, i))
        beta, _ = without(V, X, y, [place])
        change = beta - fit.fixef.values
        row = table.iloc[i]
        np.testing.assert_allclose(
            row.filter(like="dfbetas").to_numpy(float), change / fit.stderr.values, atol=1e-7
        )
        cooks = change @ np.linalg.solve(fit.vcov, change) / p
        assert row["cooks_fixed"] == pytest.approx(cooks, rel=1e-5, abs=1e-12)


def test_a_row_of_weight_zero_has_no_influence():
    table = models.fit(models.FORMULAS["slope"], True).row_influence()
    assert table.iloc[7][["studentized", "cooks", "cooks_fixed"]].isna().all()
    assert table["cooks"].notna().sum() == 95


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", ["slope", "nested", "two terms"])
def test_a_group_s_influence_is_what_its_deletion_does(name, weighted):
    fit = models.fit(models.FORMULAS[name], weighted)
    use, V, X, y = covariance(fit)
    table = fit.group_influence("g")
    codes = fit.design.random[0].factor.codes[use]
    for j in (0, 3, 7):
        beta, inverse = without(V, X, y, np.flatnonzero(codes == j))
        change = beta - fit.fixef.values
        row = table.iloc[j]
        scaled = change / (fit.sigma * np.sqrt(np.diag(inverse)))
        np.testing.assert_allclose(row.filter(like="dfbetas").to_numpy(float), scaled, atol=1e-9)
        cooks = change @ np.linalg.solve(fit.vcov, change) / X.shape[1]
        assert row["cooks"] == pytest.approx(cooks)
    assert table["leverage"].sum() == pytest.approx(fit.hatvalues().sum())


def test_refitting_is_a_fit_without_the_group():
    fit = models.fit("y ~ x + (x | g) + (1 | h)")
    table = fit.group_influence("h", refit=True)
    data = models.table()
    less = pp.lmm("y ~ x + (x | g) + (1 | h)", data[data["h"] != 2])
    expected = (less.fixef.values - fit.fixef.values) / less.stderr.values
    found = table[table["h"] == 2].filter(like="dfbetas").to_numpy()[0]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_crossed_groups_need_refits():
    with pytest.raises(ModelError, match="reach over several clusters"):
        models.fit("y ~ x + (x | g) + (1 | h)").group_influence("g")


@pytest.mark.parametrize("refit", [False, True])
def test_a_column_of_one_group_alone_cannot_do_without_it(refit):
    data = models.table().assign(only=lambda d: (d["g"] == "g3") * d["z"])
    with pytest.raises(ModelError, match="without the group 'g3' the fixed effects aren't all"):
        pp.lmm("y ~ x + only + (1 | g)", data).group_influence(refit=refit)


def test_unknown_and_missing_groups_are_refused():
    with pytest.raises(DataError, match=r"'G' is no grouping factor.*Did you mean 'g'"):
        models.fit("y ~ x + (x | g)").group_influence("G")
    with pytest.raises(ModelError, match="no grouping factor whose levels"):
        models.fit("y ~ x + z").group_influence()


@pytest.mark.parametrize("ask", ["row_influence", "group_influence"])
def test_without_fixed_effects_nothing_can_be_moved(ask):
    fit = pp.lmm("y ~ 0 + (1 | g)", models.table())
    with pytest.raises(ModelError, match="how far the fixed effects move, and the model has none"):
        getattr(fit, ask)()


def test_a_group_is_asked_for_by_its_name():
    fit = pp.lmm("y ~ x + (1 | g)", models.table())
    with pytest.raises(DataError, match=r"the name of one grouping factor \('g'\), found \['g'\]"):
        fit.group_influence(["g"])
