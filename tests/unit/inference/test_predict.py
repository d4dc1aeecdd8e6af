from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import partialpool as pp
from partialpool.errors import DataError, PartialPoolWarning
from tests import dense
from tests.unit.inference import models

formulas = pytest.mark.parametrize("formula", models.FORMULAS.values(), ids=models.FORMULAS)
weights = pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weights"])
CROSSED = models.FORMULAS["crossed"]


def new_rows(seed=1, m=7):
    """Rows of known levels with new values of the covariates."""
    rng = np.random.default_rng(seed)
    table = models.table().iloc[rng.integers(96, size=m)].drop(columns="y")
    return table.assign(x=rng.normal(size=m) * 2, z=rng.normal(size=m)).reset_index(drop=True)


# --- means ------------------------------------------------------------------------------------


@weights
@formulas
def test_predictions_of_the_rows_fitted_are_the_fitted_values(formula, weighted):
    fit = models.fit(formula, weighted)
    assert_allclose(fit.predict(), fit.fitted, rtol=1e-12)
    assert_allclose(fit.predict(models.table()), fit.fitted, rtol=1e-12)


@formulas
def test_without_random_effects_the_mean_is_that_of_the_fixed_ones(formula):
    fit = models.fit(formula)
    assert_allclose(fit.predict(random="none"), fit.design.X @ fit.fixef.values, rtol=1e-12)
    assert_allclose(fit.predict(models.table(), random="none"), fit.predict(random="none"))


@pytest.mark.parametrize(
    ("formula", "random", "terms"),
    [
        (CROSSED, ["g"], [0]),
        (CROSSED, ["h"], [1]),
        (CROSSED, "h", [1]),
        (CROSSED, ["(1 | h)"], [1]),
        (CROSSED, ["(x|g)"], [0]),
        (CROSSED, ["g", "(1 | h)"], [0, 1]),
        (CROSSED, [], []),
        (models.FORMULAS["two terms"], ["(0 + z | g)"], [1]),
        (models.FORMULAS["two terms"], ["g"], [0, 1]),
        (models.FORMULAS["nested"], ["g:h"], [1]),
        (models.FORMULAS["slope"], ("g",), [0]),
    ],
)
def test_random_effects_are_chosen_by_factor_or_by_term(formula, random, terms):
    fit = models.fit(formula)
    wanted = fit.design.X @ fit.fixef.values
    b = fit.solution.effects(fit.design)
    for i in terms:
        effects = fit.design.random[i]
        wanted = wanted + np.sum(effects.basis * b[i][effects.factor.codes], axis=1)
    assert_allclose(fit.predict(random=random), wanted, rtol=1e-12)
    assert_allclose(fit.predict(models.table(), random=random), wanted, rtol=1e-12)


def test_only_the_factors_that_are_asked_for_have_to_be_in_the_table():
    fit = models.fit(CROSSED)
    rows = new_rows()
    assert_allclose(
        fit.predict(rows.drop(columns="h"), random=["g"]), fit.predict(rows, random=["g"])
    )


# --- standard errors --------------------------------------------------------------------------


def dense_errors(fit, rows, terms):
    """Errors from the joint covariance of all of beta and b, for rows given as NewRows."""
    model, solution = models.twin(fit)
    n = len(rows)
    codes, bases = [], []
    for i, effects in enumerate(fit.design.random):
        levels = {str(level): c for c, level in enumerate(effects.factor.levels)}
        labels = rows[list(effects.factor.columns)].astype(str).agg(":".join, axis=1)
        codes.append(np.array([levels[x] if i in terms else -1 for x in labels]))
        bases.append(np.column_stack([_column(rows, name) for name in effects.columns]))
    X = np.column_stack([_column(rows, name) for name in fit.design.columns])
    assert len(X) == n
    return np.sqrt(dense.prediction_variance(model, solution, X, codes, bases))


def _column(rows, name):
    if name == "Intercept":
        return np.ones(len(rows))
    if name.startswith("f["):
        return (rows["f"] == name[2:-1]).to_numpy(dtype=float)
    return rows[name].to_numpy()


SUBSETS = [
    (CROSSED, "all", {0, 1}),
    (CROSSED, "none", set()),
    (CROSSED, ["g"], {0}),
    (CROSSED, ["h"], {1}),
    (models.FORMULAS["slope"], "all", {0}),
    (models.FORMULAS["slope"], "none", set()),
    (models.FORMULAS["independent"], "all", {0}),
    (models.FORMULAS["nested"], ["g"], {0}),
    (models.FORMULAS["nested"], "all", {0, 1}),
    (models.FORMULAS["three factors"], ["g", "k"], {0, 2}),
    (models.FORMULAS["compound symmetric"], "all", {0}),
    (models.FORMULAS["two terms"], "all", {0, 1}),
    (models.FORMULAS["least squares"], "all", set()),
]


@weights
@pytest.mark.parametrize(("formula", "random", "terms"), SUBSETS)
def test_standard_errors_carry_beta_and_b_jointly(formula, random, terms, weighted):
    fit = models.fit(formula, weighted)
    rows = new_rows()
    table = fit.predict(rows, random=random, se=True)
    assert_allclose(table["estimate"], fit.predict(rows, random=random), rtol=1e-12)
    assert_allclose(table["std_error"], dense_errors(fit, rows, terms), rtol=1e-6)


def test_standard_errors_of_one_term_of_two_on_a_factor_leave_the_other_out():
    fit = models.fit(models.FORMULAS["two terms"])
    rows = new_rows()
    ours = fit.predict(rows, random=["(1 | g)"], se=True)["std_error"]
    assert_allclose(ours, dense_errors(fit, rows.assign(z=0.0), {0, 1}), rtol=1e-6)


def test_standard_errors_of_the_population_mean_are_those_of_the_fixed_effects():
    fit = models.fit(CROSSED)
    X = fit.design.X
    wanted = np.sqrt(np.einsum("ij,jk,ik->i", X, fit.vcov, X))
    assert_allclose(fit.predict(random="none", se=True)["std_error"], wanted, rtol=1e-9)


def test_standard_errors_of_the_rows_fitted_are_those_of_the_same_rows_as_new():
    fit = models.fit(CROSSED)
    assert_allclose(fit.predict(se=True), fit.predict(models.table(), se=True), rtol=1e-12)


def test_a_pandas_frame_of_predictions_keeps_the_index_of_the_rows():
    rows = new_rows().set_axis(list("abcdefg"))
    assert models.fit(CROSSED).predict(rows, se=True).index.tolist() == list("abcdefg")


def test_standard_errors_of_a_random_slope_only_term_need_no_fixed_effects():
    fit = models.fit("y ~ 0 + (1 | g)")
    model, solution = models.twin(fit)
    wanted = np.sqrt(np.diag(solution.joint_cov))[[0, 5]]
    assert_allclose(fit.predict({"g": ["g0", "g5"]}, se=True)["std_error"], wanted, rtol=1e-6)
    assert len(model.terms) == 1


# --- new levels -------------------------------------------------------------------------------


def test_a_new_level_is_predicted_by_the_population_and_the_other_factors():
    fit = models.fit(CROSSED)
    rows = new_rows().assign(g="unseen")
    ours = fit.predict(rows, new_levels="population")
    assert_allclose(ours, fit.predict(rows, random=["h"]), rtol=1e-12)


def test_a_new_level_adds_the_variance_of_its_effects():
    fit = models.fit(CROSSED)
    rows = new_rows().assign(g="unseen")
    known = dense_errors(fit, rows.assign(g="g0"), {1})
    cov = fit.varcorr.terms[0].cov
    Z = np.column_stack([np.ones(len(rows)), rows["x"]])
    wanted = np.sqrt(known**2 + np.einsum("ij,jk,ik->i", Z, cov, Z))
    table = fit.predict(rows, new_levels="population", se=True)
    assert_allclose(table["std_error"], wanted, rtol=1e-6)


def test_known_and_new_levels_can_stand_in_one_table():
    fit = models.fit(CROSSED)
    rows = new_rows()
    mixed = rows.assign(g=np.where(np.arange(7) == 3, "unseen", rows["g"]))
    ours = fit.predict(mixed, new_levels="population", se=True)
    known = fit.predict(rows, se=True)
    assert_allclose(ours.drop(index=3), known.drop(index=3), rtol=1e-12)
    assert ours["std_error"][3] > fit.varcorr.terms[0].sd[0]


def test_new_levels_are_refused_by_name_with_the_first_row():
    rows = new_rows().assign(g=["g1", "q9", "q8", "q9", "g2", "g3", "q7"])
    with pytest.raises(
        DataError, match=r"'g' has 3 level\(s\).*'q9', 'q8', 'q7', first in row 1.*population"
    ):
        models.fit(CROSSED).predict(rows)


def test_of_many_new_levels_five_are_named():
    rows = new_rows().assign(g=list("tuvwxyz"))
    with pytest.raises(DataError, match=r"7 level\(s\).*'t', 'u', 'v', 'w', 'x', \.\.\."):
        models.fit(CROSSED).predict(rows)


@pytest.mark.parametrize("missing", [None, np.nan])
def test_a_missing_level_is_refused_by_name_and_row(missing):
    rows = new_rows()
    rows["g"] = rows["g"].astype(object)
    rows.loc[[2, 4], "g"] = missing
    with pytest.raises(DataError, match=r"'g' is missing in 2 row\(s\), first in row 2"):
        models.fit(CROSSED).predict(rows)


def test_a_missing_level_is_like_a_new_one_where_these_are_allowed():
    rows = new_rows()
    lost = rows.assign(g=rows["g"].where(np.arange(7) != 2, None))
    ours = models.fit(CROSSED).predict(lost, new_levels="population")
    assert_allclose(ours[2], models.fit(CROSSED).predict(rows, random=["h"])[2])


def test_levels_are_not_looked_at_where_no_random_effect_is_asked_for():
    rows = new_rows().assign(g="unseen")
    assert np.isfinite(models.fit(CROSSED).predict(rows, random="none")).all()


# --- rows that lack values, and errors --------------------------------------------------------


@pytest.mark.parametrize("formula", [CROSSED, models.FORMULAS["slope"]])
def test_a_row_that_lacks_a_value_gets_no_number_and_the_others_keep_theirs(formula):
    fit = models.fit(formula)
    rows = new_rows()
    ours = fit.predict(rows.assign(x=rows["x"].where(np.arange(7) != 4)), se=True)
    assert ours.isna().all(axis=1).tolist() == [i == 4 for i in range(7)]
    assert_allclose(ours.drop(index=4), fit.predict(rows, se=True).drop(index=4), rtol=1e-12)


def test_no_rows_give_no_predictions():
    assert models.fit(CROSSED).predict(new_rows().iloc[:0]).shape == (0,)
    assert len(models.fit(CROSSED).predict(new_rows().iloc[:0], se=True)) == 0


def test_an_offset_given_as_an_array_has_to_be_given_again():
    data = models.table()
    fit = pp.lmm("y ~ x + (1 | g)", data, offset=data["z"].to_numpy())
    rows = new_rows()
    with pytest.raises(DataError, match="Pass offset= for these"):
        fit.predict(rows)
    plain = fit.predict(rows, offset=np.zeros(7))
    assert_allclose(fit.predict(rows, offset=np.arange(7.0)), plain + np.arange(7), rtol=1e-12)


def test_an_unknown_choice_of_new_levels_is_refused():
    with pytest.raises(DataError, match="'error' or 'population', found 'ignore'"):
        models.fit(CROSSED).predict(new_levels="ignore")


@pytest.mark.parametrize("random", ["G", ["g", "(1 | q)"]])
def test_an_unknown_random_part_is_refused_with_those_there_are(random):
    with pytest.raises(
        DataError, match=r"neither a grouping factor \(g, h\) nor a term \(\(x \| g\), \(1 \| h\)"
    ):
        models.fit(CROSSED).predict(random=random)


def test_least_squares_has_no_random_part_to_choose():
    with pytest.raises(DataError, match=r"neither a grouping factor \(none\)"):
        models.fit("y ~ x").predict(random=["g"])


def test_a_level_is_known_by_its_value_whatever_its_type():
    fit = models.fit("y ~ x + (1 | h)")
    ours = [fit.predict({"x": [0.0], "h": [h]})[0] for h in (3, 3.0, "3")]
    assert len(set(ours)) == 1


def test_predictions_do_not_depend_on_the_kind_of_the_table():
    rows = new_rows()
    as_dict = {name: rows[name].to_numpy() for name in rows}
    fit = models.fit(CROSSED)
    np.testing.assert_array_equal(fit.predict(as_dict), fit.predict(rows))
    assert isinstance(fit.predict(rows, se=True), pd.DataFrame)


def without_a_cell():
    data = models.table().assign(h=lambda d: np.where(d["k"] > 2, "late", "early"))
    return data[(data["f"] != "w") | (data["h"] != "late")].reset_index(drop=True)


@pytest.mark.parametrize("asked", [{}, {"se": True}, {"interval": "prediction"}])
def test_a_cell_that_the_data_never_had_is_no_number(asked):
    data = without_a_cell()
    fit = pp.lmm("y ~ f * h + (1 | g)", data)
    new = {"f": ["u", "w", "w"], "h": ["late", "early", "late"], "g": data["g"][:3].tolist()}
    with pytest.warns(PartialPoolWarning, match=r"1 row\(s\) are predicted as NaN: 2\."):
        found = fit.predict(new, **asked)
    for values in found.values() if asked else [found]:
        assert np.isfinite(values).tolist() == [True, True, False]


@pytest.mark.filterwarnings("error")
def test_rows_fitted_are_determined_whatever_was_left_out():
    data = without_a_cell()
    fit = pp.lmm("y ~ f * h + (1 | g)", data)
    np.testing.assert_allclose(fit.predict(data), fit.predict())
    # A column that repeats another but for digits beyond those that tell them apart.
    twin = data.assign(z=data["x"] + 1e-9 * np.cos(np.arange(len(data))))
    fit = pp.lmm("y ~ x + z + (1 | g)", twin)
    assert np.isfinite(fit.predict(twin)).all()
