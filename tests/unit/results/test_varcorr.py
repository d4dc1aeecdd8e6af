from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

import partialpool as pp
from tests import dense
from tests.unit.inference import models


def fit(formula):
    return models.fit(formula)


def test_there_is_a_term_for_each_term_of_the_formula_in_its_order():
    varcorr = fit("y ~ x + (1 | k) + (x | g) + (0 + z | g)").varcorr
    assert [(t.group, t.columns) for t in varcorr.terms] == [
        ("k", ("Intercept",)),
        ("g", ("Intercept", "x")),
        ("g", ("z",)),
    ]


@pytest.mark.parametrize(
    "formula", ["y ~ (x | g)", "y ~ (x || g)", "y ~ cs(0 + f | g)", "y ~ ar1(0 + f | g)"]
)
def test_deviations_and_correlations_make_up_the_covariance(formula):
    (term,) = fit(formula).varcorr.terms
    assert_allclose(term.cov, np.outer(term.sd, term.sd) * term.corr, rtol=1e-10, atol=1e-14)
    np.testing.assert_array_equal(np.diag(term.corr), 1.0)


def test_covariances_are_in_units_of_the_response():
    ours = fit("y ~ (x | g)")
    (term,) = ours.varcorr.terms
    large = ours.refit(ours.design.y * 1000).varcorr.terms[0]
    assert_allclose(large.cov, term.cov * 1e6, rtol=1e-5)
    assert_allclose(large.corr, term.corr, rtol=1e-5)


STRUCTURED = {
    "y ~ (x | g)": (dense.unstructured, ("g.Intercept", "g.Intercept.x", "g.x")),
    "y ~ (x || g)": (dense.diagonal, ("g.Intercept", "g.x")),
    "y ~ homdiag(0 + f | g)": (dense.diagonal, ("g.sd",)),
    "y ~ cs(0 + f | g)": (dense.compound_symmetric, ("g.f[u]", "g.f[v]", "g.f[w]", "g.corr")),
    "y ~ homcs(0 + f | g)": (dense.compound_symmetric, ("g.sd", "g.corr")),
    "y ~ ar1(0 + f | g)": (dense.autoregressive, ("g.sd", "g.corr")),
    "y ~ hetar1(0 + f | g)": (
        dense.heterogeneous_autoregressive,
        ("g.f[u]", "g.f[v]", "g.f[w]", "g.corr"),
    ),
    "y ~ toep(0 + f | g)": (
        dense.toeplitz,
        ("g.f[u]", "g.f[v]", "g.f[w]", "g.lag1", "g.lag2"),
    ),
    "y ~ homtoep(0 + f | g)": (dense.toeplitz, ("g.sd", "g.lag1", "g.lag2")),
    "y ~ cs(1 | g)": (dense.diagonal, ("g.Intercept",)),
    "y ~ homcs(1 | g)": (dense.diagonal, ("g.sd",)),
}


@pytest.mark.parametrize("formula", STRUCTURED)
def test_theta_holds_the_parameters_of_the_structure_over_sigma(formula):
    ours, (chart, names) = fit(formula), STRUCTURED[formula]
    (term,) = ours.varcorr.terms
    assert ours.theta_names == names
    assert term.structure in formula or term.structure in ("unstructured", "diagonal")
    Sigma = chart(ours.theta, len(term.columns))
    assert_allclose(Sigma * ours.sigma**2, term.cov, rtol=1e-9, atol=1e-12)


def test_a_term_has_as_many_parameters_as_are_counted():
    for formula in STRUCTURED:
        ours = fit(formula)
        assert ours.df == 1 + len(ours.theta) + 1


def test_theta_of_several_terms_stands_one_after_the_other():
    ours = fit("y ~ x + (1 | k) + (x | g)")
    assert ours.theta_names == ("k.Intercept", "g.Intercept", "g.Intercept.x", "g.x")
    assert_allclose(ours.theta[0] * ours.sigma, ours.varcorr.terms[0].sd[0], rtol=1e-12)


def test_theta_of_three_effects_goes_down_the_columns_as_in_lme4():
    ours = fit("y ~ x + (x + z | g)")
    assert [name.removeprefix("g.") for name in ours.theta_names] == [
        "Intercept", "Intercept.x", "Intercept.z", "x", "x.z", "z",
    ]  # fmt: skip
    (term,) = ours.varcorr.terms
    assert_allclose(dense.unstructured(ours.theta, 3) * ours.sigma**2, term.cov, rtol=1e-9)


def test_diagonals_of_theta_are_not_negative():
    ours = pp.lmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"))
    assert ours.theta[0] >= 0
    assert ours.theta[2] >= 0


def test_a_correlation_beside_a_zero_deviation_is_not_a_number():
    data = models.table()
    y = data["y"] - data.groupby("g")["y"].transform("mean")
    ours = pp.lmm("y ~ x + (1 | g) + (x || h)", data.assign(y=y))
    (g, _) = ours.varcorr.terms
    assert g.sd[0] == 0
    assert g.corr[0, 0] == 1
    vector = pp.lmm("y ~ 0 + (x | g)", data.assign(y=y - y.mean(), x=1e-0 * data["x"]))
    term = vector.varcorr.terms[0]
    assert np.isnan(term.corr[0, 1]) == (term.sd.min() == 0)


def test_the_printed_table_lists_every_deviation():
    text = repr(fit("y ~ x + (1 | k) + (x | g)").varcorr).splitlines()
    assert [line.split()[0] for line in text] == ["k", "g", "x", "Residual"]
    assert "corr" in text[2]


def test_the_printed_table_has_no_correlations_where_there_are_none():
    assert "corr" not in repr(fit("y ~ x + (x || g)").varcorr)
