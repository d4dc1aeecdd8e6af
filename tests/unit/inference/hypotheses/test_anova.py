"""Tests of terms on unbalanced data, against R; stored fits are in tests/reference."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import partialpool as pp
from partialpool.errors import DataError, ModelError
from partialpool.inference.hypotheses.overparametrized import general_form
from tests.unit.inference import models

STORED = json.loads((Path(__file__).parent / "unbalanced.json").read_text())


def data():
    return pd.DataFrame(STORED["data"])


@pytest.mark.parametrize("kind", [1, 2, 3])
@pytest.mark.parametrize("coding", ["treatment", "helmert"])
def test_unbalanced_interactions_are_tested_as_in_lmertest(coding, kind):
    theirs = STORED["lmer y ~ a*b*x + (1|g)"][coding][str(kind)]
    formula = f"y ~ C(a, contr.{coding}) * C(b, contr.{coding}) * x + (1 | g)"
    table = pp.lmm(formula, data()).anova(kind)
    # lmer's own optimiser stops 1e-5 or so from the variance ratio, and F of 0.01 shows it.
    np.testing.assert_allclose(table["statistic"], theirs["F"], rtol=5e-6)
    np.testing.assert_allclose(table["den_df"], theirs["den"], rtol=1e-6)


def test_type_three_does_not_depend_on_the_contrasts():
    codings = ["treatment", "sum", "helmert", "poly", "treatment('b')"]
    tables = [
        pp.lmm(f"y ~ C(a, contr.{c}) * b + x + (1 | g)", data()).anova(3)["statistic"]
        for c in codings
    ]
    np.testing.assert_allclose(tables, np.tile(tables[0], (len(codings), 1)), rtol=1e-6)


def test_generalized_models_follow_car():
    theirs = STORED["car Anova type 2, glmer k ~ a*b + x + (1|g), poisson"]
    fit = pp.glmm("k ~ a * b + x + (1 | g)", data(), family="poisson")
    table = fit.anova(2)
    assert list(table.columns) == ["term", "statistic", "df", "p_value"]
    assert table["df"].tolist() == [2, 1, 1, 2]
    # glmer's own optimum is good to about 1e-5 here.
    np.testing.assert_allclose(table["statistic"], theirs["chisq"], rtol=2e-5)
    np.testing.assert_allclose(table["p_value"], theirs["p"], rtol=1e-4)


def test_a_last_term_is_the_same_in_every_type():
    fit = pp.lmm("y ~ x + a + (x | g)", data())
    last = [fit.anova(kind, "kenward-roger").iloc[-1]["statistic"] for kind in (1, 2, 3)]
    np.testing.assert_allclose(last, last[0])


def test_an_interaction_without_margins_is_one_term():
    table = pp.lmm("y ~ a:b + x + (1 | g)", data()).anova()
    assert table["term"].tolist() == ["x", "a:b"] or table["term"].tolist() == ["a:b", "x"]
    assert dict(zip(table["term"], table["num_df"], strict=True))["a:b"] == 5


def test_without_an_intercept_a_factor_tests_all_its_means():
    table = pp.lmm("y ~ 0 + a + x + (1 | g)", data()).anova(1)
    assert table["num_df"].tolist() == [3, 1]


def test_the_general_form_says_what_the_coefficients_are():
    spec = pp.lmm("y ~ b * a + (1 | g)", data()).design.spec
    form = general_form(spec)
    # Columns: mean, b (2), a (3), b:a (6, b fastest).
    cells = np.array([[i, j] for j in range(3) for i in range(2)])
    full = np.column_stack(
        [
            np.ones(6),
            *(cells[:, 0] == i for i in range(2)),
            *(cells[:, 1] == j for j in range(3)),
            *((cells[:, 0] == i) & (cells[:, 1] == j) for j in range(3) for i in range(2)),
        ]
    )
    b, a1, a2 = cells[:, 0], cells[:, 1] == 1, cells[:, 1] == 2
    X = np.column_stack([np.ones(6), b, a1, a2, b * a1, b * a2])
    np.testing.assert_allclose(X @ form, full, atol=1e-12)


def test_dropping_terms_is_r_s_drop1():
    theirs = STORED["drop1 lmer y ~ a*b + x + (1|g) ML"]
    table = pp.lmm("y ~ a * b + x + (1 | g)", data()).drop_tests()
    assert table["term"].tolist() == ["", "x", "a:b"]
    np.testing.assert_allclose(table["aic"], theirs["aic"], atol=5e-3)  # printed to 2 decimals
    np.testing.assert_allclose(table["statistic"][1:], theirs["lrt"], atol=5e-5)


def test_a_type_that_doesn_t_exist_is_refused():
    with pytest.raises(DataError, match="type must be 1, 2 or 3, found 4"):
        models.fit("y ~ x + (x | g)").anova(4)


def test_a_model_of_an_intercept_has_no_terms():
    fit = pp.lmm("y ~ 1 + (1 | g)", data())
    with pytest.raises(ModelError, match="no fixed terms besides the intercept, so none to test"):
        fit.anova()
    with pytest.raises(ModelError, match="none to drop"):
        fit.drop_tests()


def test_a_second_fit_is_sent_to_compare():
    sleep = pp.load_dataset("sleepstudy")
    fit = pp.lmm("Reaction ~ Days + (1 | Subject)", sleep)
    with pytest.raises(DataError, match=r"partialpool\.compare") as refused:
        fit.anova(pp.lmm("Reaction ~ 1 + (1 | Subject)", sleep))
    assert len(str(refused.value)) < 200
