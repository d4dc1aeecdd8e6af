import numpy as np
import pytest

import partialpool as pp
from partialpool.errors import DataError
from partialpool.inference.hypotheses.equations import read_equation
from tests.unit.inference import models

NAMES = ["Intercept", "a", "a2", "f[T.x y]", "a:f[T.x y]", "poly(t, 2)[1]"]


@pytest.mark.parametrize(
    ("text", "coefficients", "value"),
    [
        ("a = 10", {"a": 1}, 10),
        ("a - a2 = 0", {"a": 1, "a2": -1}, 0),
        ("a == a2", {"a": 1, "a2": -1}, 0),
        ("2*a + 3", {"a": 2}, -3),
        ("a/4 - .5 = -(a2 - 1e1)*2", {"a": 0.25, "a2": 2}, 20.5),
        ("`f[T.x y]` = f[T.x y] - a", {"a": 1}, 0),
        ("a:f[T.x y] + a", {"a:f[T.x y]": 1, "a": 1}, 0),
        ("poly(t, 2)[1]*-1 = Intercept", {"poly(t, 2)[1]": -1, "Intercept": -1}, 0),
    ],
)
def test_equations_are_read(text, coefficients, value):
    found = read_equation(text, NAMES)
    assert {NAMES[i]: c for i, c in enumerate(found.coefficients) if c} == coefficients
    assert found.value == pytest.approx(value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a * a2 = 1", "multiplies two coefficients. Hypotheses have to be linear"),
        ("1 / a = 1", "divides by something that isn't a number"),
        ("a = 1 = 2", "has more than one '='"),
        ("A = 1", r"names 'A', which is no coefficient.* Did you mean 'a'"),
        ("a3 = 1", "names 'a3', which is no coefficient"),
        ("a3", "^'a3' is no coefficient or term. The coefficients are 'Intercept', 'a'"),
        ("a > 0", "'a > 0' is no equation, .* halve the p-value"),
        ("a <= b", "'a <= b' is no equation"),
        ("a - a = 1", "says nothing about a coefficient"),
        ("a +", "can't be read as a linear hypothesis"),
        ("(a = 1", "can't be read as a linear hypothesis"),
        ("a a2", "can't be read as a linear hypothesis"),
    ],
)
def test_what_is_no_linear_hypothesis_is_refused(text, message):
    with pytest.raises(DataError, match=message):
        read_equation(text, NAMES)


def test_text_and_matrix_say_the_same():
    fit = models.fit("y ~ x + (x | g)")
    text = fit.test(["x = 1", "Intercept - 2*x = 0"])
    matrix = fit.test([[0, 1], [1, -2]], rhs=[1, 0])
    assert text.statistic == pytest.approx(matrix.statistic)
    assert matrix.hypotheses == ("+1*x = 1", "+1*Intercept -2*x = 0")
    beta = fit.fixef.values
    L = np.array([[0, 1], [1, -2]])
    d = L @ beta - [1, 0]
    assert text.statistic == pytest.approx(d @ np.linalg.solve(L @ fit.vcov @ L.T, d) / 2)
    np.testing.assert_allclose(text.single.estimate, d)


def test_repetitions_count_once():
    fit = models.fit("y ~ x + (x | g)")
    assert fit.test(["x = 1", "2*x = 2"]).num_df == 1


def test_contradictions_are_refused():
    with pytest.raises(DataError, match=r"contradict one another: x = 1; 2\*x = 3"):
        models.fit("y ~ x + (x | g)").test(["x = 1", "2*x = 3"])


def test_a_matrix_of_another_width_is_refused():
    with pytest.raises(DataError, match=r"needs 2 finite columns.*found one of shape \(1, 3\)"):
        models.fit("y ~ x + (x | g)").test([1, 0, 0])


def test_right_hand_sides_beside_a_text_are_refused():
    with pytest.raises(DataError, match="rhs= belongs to a matrix"):
        models.fit("y ~ x + (x | g)").test("x = 0", rhs=[1])


def test_a_coefficient_that_was_left_out_cannot_be_tested():
    data = models.table().assign(twice=lambda d: 2 * d["x"])
    fit = pp.lmm("y ~ x + twice + (1 | g)", data)
    with pytest.raises(DataError, match="is about 'twice', which the other columns determine"):
        fit.test("twice = 0")


def test_generalized_models_take_the_normal_distribution():
    fit = pp.glmm("TICKS ~ YEAR + (1 | LOCATION)", pp.load_dataset("grouseticks"), family="poisson")
    found = fit.test("YEAR[T.96] = 0")
    assert np.isinf(found.den_df)
    assert found.p_value == pytest.approx(float(fit.tidy()["p_value"][1]))
    assert "z = " in repr(found)


def test_what_is_no_hypothesis_is_refused():
    data = models.table()
    with pytest.raises(DataError, match=r"found \{'x': 1\}"):
        pp.lmm("y ~ x + (1 | g)", data).test({"x": 1})
    with pytest.raises(DataError, match="no fixed effects, so no hypothesis"):
        pp.lmm("y ~ 0 + (1 | g)", data).test("x = 0")


@pytest.fixture(scope="module")
def rats():
    formula = "weight ~ treatment * sex + bs(litsize, df=3) + (1 | litter)"
    return pp.lmm(formula, pp.load_dataset("ratpup"))


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("treatment", [1, 2]),
        (" `treatment` ", [1, 2]),
        ("treatment:sex", [7, 8]),
        ("sex:treatment", [7, 8]),
        ("bs(litsize, df=3)", [4, 5, 6]),
        ("sex", [3]),
    ],
)
def test_the_name_of_a_term_stands_for_all_its_coefficients(rats, name, columns):
    found = rats.test(name)
    by_matrix = rats.test(np.eye(len(rats.fixef))[columns])
    assert found.num_df == len(columns)
    assert (found.statistic, found.p_value) == (by_matrix.statistic, by_matrix.p_value)
    assert found.hypotheses == tuple(f"{rats.fixef.names[i]} = 0" for i in columns)


def test_terms_and_equations_stand_in_one_list(rats):
    found = rats.test(["treatment", "sex[T.Male] = 1"])
    assert len(found.hypotheses) == 3


def test_power_takes_a_term(rats):
    found = rats.power("treatment", n=3, seed=1)
    assert found.hypothesis == "treatment[T.High] = 0 and treatment[T.Low] = 0"
    assert np.isfinite(found.p_values).all()


def test_a_term_in_an_equation_is_refused(rats):
    with pytest.raises(DataError, match="names the term 'treatment', which has several"):
        rats.test("treatment = 0")


def test_a_misspelt_term_is_suggested(rats):
    with pytest.raises(DataError, match="Did you mean 'treatment'"):
        rats.test("treatmen")


def test_a_term_whose_coefficients_were_all_left_out_is_refused():
    data = pp.load_dataset("ratpup").assign(twin=lambda d: d["treatment"].astype(str))
    fit = pp.lmm("weight ~ treatment + twin + (1 | litter)", data)
    with pytest.raises(DataError, match="all coefficients of 'twin' were left out"):
        fit.test("twin")


def test_terms_of_generalized_models_are_tested_by_chi_square():
    fit = pp.glmm("TICKS ~ YEAR + (1 | LOCATION)", pp.load_dataset("grouseticks"), family="poisson")
    found = fit.test("YEAR")
    table = fit.anova()
    assert (found.num_df, found.den_df) == (2, np.inf)
    assert found.statistic * 2 == pytest.approx(table["statistic"][0])
    assert f"chi-square(2) = {2 * found.statistic:.3f}, p = " in repr(found)
    assert "  z = " in repr(found)


def test_an_empty_list_is_refused(rats):
    with pytest.raises(DataError, match="no hypothesis to test in an empty list"):
        rats.test([])


@pytest.mark.parametrize(
    ("formula", "name", "count"),
    [
        ("Reaction ~ factor(Days) + (1 | Subject)", "Days", 9),
        ("Reaction ~ factor(Days) + (1 | Subject)", "factor( Days )", 9),
        ("Reaction ~ poly(Days, 2) + (1 | Subject)", "poly(Days,2)", 2),
        ("Reaction ~ Days + I(Days**2) + (1 | Subject)", "I(Days**2)", 1),
    ],
)
def test_a_term_is_found_by_its_column_and_however_it_is_spaced(formula, name, count):
    assert pp.lmm(formula, pp.load_dataset("sleepstudy")).test(name).num_df == count


def test_a_column_of_two_terms_names_neither():
    fit = pp.lmm("Reaction ~ sin(Days) + cos(Days) + (1 | Subject)", pp.load_dataset("sleepstudy"))
    with pytest.raises(DataError, match=r"^'Days' is no coefficient or term"):
        fit.test("Days")


def test_beside_a_coefficient_left_out_another_is_tested_as_in_the_tables():
    data = pp.load_dataset("sleepstudy").assign(twice=lambda d: 2 * d["Days"])
    fit = pp.lmm("Reaction ~ Days + twice + (1 | Subject)", data)
    found, table = fit.test("Days"), fit.tidy()
    assert found.single.statistic[0] == pytest.approx(table["statistic"][1])
    assert found.p_value == pytest.approx(table["p_value"][1])
