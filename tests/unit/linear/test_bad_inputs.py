"""What a linear model does with data and formulas that are wrong, through the front door.

The cases are those that lme4 was seen to answer wrongly, silently or in riddles. A message
has to say what was found, by name and row, and what to do; here the names are tested.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from numpy.testing import assert_allclose

import partialpool as pp
from partialpool.errors import DataError, FormulaError, ModelError, PartialPoolWarning

GROUPS, PER_GROUP = 20, 8
ROWS = GROUPS * PER_GROUP


def table(**changes):
    """20 groups of 8 rows from y = 1 + 0.5 x + b + e, with columns added or replaced."""
    rng = np.random.default_rng(42)
    g = np.repeat(np.arange(GROUPS), PER_GROUP)
    x, b = rng.normal(size=ROWS), rng.normal(size=GROUPS)
    y = 1 + 0.5 * x + b[g] + rng.normal(size=ROWS)
    return pd.DataFrame({"y": y, "x": x, "z": rng.normal(size=ROWS), "g": g} | changes)


def with_value(column, rows, value):
    """The table with one value put into some rows of a column."""
    data = table()
    data[column] = data[column].astype(float)
    data.loc[rows, column] = value
    return data


def fit(data=None, formula="y ~ x + (1 | g)", **arguments):
    return pp.lmm(formula, table() if data is None else data, **arguments)


def says(*parts):
    """A pattern that finds the parts in any order."""
    return re.compile("".join(f"(?=.*(?:{part}))" for part in parts), re.DOTALL)


# --- missing and infinite values --------------------------------------------------------


@pytest.mark.parametrize("column", ["y", "x", "g"])
def test_missing_values_are_refused_with_the_column_and_the_count(column):
    with pytest.raises(DataError, match=says(f"'{column}'", "2 row", "missing='drop'")):
        fit(with_value(column, [3, 11], np.nan))


@pytest.mark.parametrize("column", ["y", "x", "g"])
def test_dropped_rows_are_reported_by_column(column):
    ours = fit(with_value(column, [3, 11], np.nan), missing="drop")
    assert ours.nobs == ROWS - 2
    assert ours.design.rows.n_given == ROWS
    assert ours.design.rows.dropped == {column: 2}
    assert_allclose(ours.objective, fit(table().drop([3, 11])).objective)


def test_missing_values_in_columns_that_the_model_does_not_use_do_not_matter():
    assert fit(with_value("z", [0], np.nan)).nobs == ROWS


@pytest.mark.parametrize("column", ["y", "x"])
@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_infinite_values_are_refused_with_the_column_and_the_row(column, value):
    with pytest.raises(DataError, match=says(column, "infinite", "17")):
        fit(with_value(column, [17], value))


def test_an_infinite_value_made_by_the_formula_is_refused_with_the_expression():
    data = table()
    data["x"] = np.abs(data["x"])
    data.loc[5, "x"] = 0.0
    with pytest.raises(DataError, match=says(r"log\(x\)", "5")):
        fit(data, "y ~ log(x) + (1 | g)")


def test_a_missing_weight_is_refused_not_dropped():
    with pytest.raises(DataError, match=says("weights|'w'", "1")):
        fit(table(w=np.r_[np.nan, np.ones(ROWS - 1)]), weights="w")


def test_a_column_that_is_missing_everywhere_is_named():
    with pytest.raises(DataError, match="'x'"):
        fit(table(x=np.nan), missing="drop")


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_a_table_of_hardly_any_rows_says_how_many_there_are(rows):
    with pytest.raises((DataError, ModelError), match=rf"\b{rows}\b|no rows|one level"):
        fit(table().head(rows))


# --- levels -----------------------------------------------------------------------------


def test_a_grouping_factor_of_one_level_is_named():
    with pytest.raises(DataError, match=says("'g'", "1 level")):
        fit(table(g="only"))


def test_a_fixed_factor_of_one_level_is_named():
    with pytest.raises(DataError, match=says("'f'", "only the level 'only'")):
        fit(table(f="only"), "y ~ f + (1 | g)")


def test_as_many_levels_as_rows_names_the_factor_and_both_counts():
    with pytest.raises(ModelError, match=says("row", f"{ROWS}")):
        fit(table(row=np.arange(ROWS)), "y ~ x + (1 | row)")


def test_a_continuous_column_as_a_group_is_the_same_mistake():
    with pytest.raises(ModelError, match=says("z", f"{ROWS}")):
        fit(formula="y ~ x + (1 | z)")


def test_more_random_effects_than_rows_names_the_term():
    few = table().head(40).assign(g=np.repeat(np.arange(20), 2))
    with pytest.raises(ModelError, match=says(r"1 \+ x \+ z \| g", "60", "40")):
        fit(few, "y ~ x + (1 + x + z | g)")


def test_a_known_sigma_allows_as_many_effects_as_rows():
    ours = fit(table(row=np.arange(ROWS)), "y ~ x + (1 | row)", sigma=0.5)
    assert ours.sigma == 0.5
    assert ours.ngroups == {"row": ROWS}


# --- responses --------------------------------------------------------------------------


def test_a_constant_response_is_refused():
    with pytest.raises(ModelError, match=says("y", "constant")):
        fit(table(y=3.0))


def test_a_response_that_is_the_group_says_that_no_residual_is_left():
    data = table()
    with pytest.raises(ModelError, match="residual variance is zero"):
        fit(data.assign(y=data["g"].astype(float)))


def test_a_response_that_the_fixed_effects_fit_exactly_says_so():
    data = table()
    with pytest.raises(ModelError, match="residual variance is zero"):
        fit(data.assign(y=2 * data["x"]))


@pytest.mark.parametrize(
    "values",
    [["a", "b"] * (ROWS // 2), pd.Categorical(["a", "b"] * (ROWS // 2))],
    ids=["text", "factor"],
)
def test_a_response_that_is_not_numeric_is_named(values):
    with pytest.raises(DataError, match=says("response y", "numeric")):
        fit(table(y=values))


def test_a_logical_response_is_fitted_with_a_warning_that_names_the_family():
    with pytest.warns(PartialPoolWarning, match=says("response y", "binomial")):
        ours = fit(table(y=table()["y"] > 1))
    assert ours.nobs == ROWS


def test_a_response_of_two_columns_is_refused_by_name():
    data = {name: column.to_numpy() for name, column in table().items()}
    data["y"] = np.column_stack([data["y"], data["y"]])
    with pytest.raises(DataError, match="'y'"):
        fit(data)


def test_a_response_whose_digits_are_used_up_says_so():
    data = table()
    with pytest.raises((DataError, ModelError), match=says("y", "digits|resolution|precision")):
        fit(data.assign(y=data["y"] + 1e15))


@pytest.mark.parametrize("factor", [1e-12, 1e150, 1e300])
def test_the_size_of_the_response_changes_units_only(factor):
    data = table()
    plain, scaled = fit(data), fit(data.assign(y=data["y"] * factor))
    assert_allclose(np.asarray(scaled.fixef) / factor, np.asarray(plain.fixef), rtol=1e-8)
    assert_allclose(scaled.theta, plain.theta, rtol=1e-6)


# --- columns of the design --------------------------------------------------------------


def test_a_duplicated_column_is_dropped_and_named_with_what_it_equals():
    data = table()
    ours = fit(data.assign(twin=data["x"]), "y ~ x + twin + (1 | g)")
    assert list(ours.aliased) == ["twin"]
    assert "x" in ours.aliased["twin"]
    assert np.isnan(ours.fixef["twin"])
    assert_allclose(ours.objective, fit(data).objective)


def test_more_coefficients_than_rows_says_how_many_of_each():
    rng = np.random.default_rng(1)
    wide = {f"x{i}": rng.normal(size=12) for i in range(14)}
    data = {"y": rng.normal(size=12), "g": np.repeat([1, 2, 3], 4)} | wide
    with pytest.raises(ModelError, match=says("15", "12")):
        fit(data, "y ~ " + " + ".join(wide) + " + (1 | g)")


def test_a_random_slope_on_a_column_of_zeros_is_named():
    with pytest.raises((DataError, ModelError), match="nothing"):
        fit(table(nothing=0.0), "y ~ x + (1 + nothing | g)")


def test_a_slope_that_never_varies_within_a_group_is_explained():
    data = table()
    between = data.assign(size=data["g"] / 10)
    ours = fit(between, "y ~ size + (1 + size | g)")
    assert ours.converged
    if ours.singular:  # then the summary says which term and why
        assert "size" in str(ours.summary())


def test_duplicated_names_of_columns_are_refused():
    data = table()
    twice = pd.concat([data, data[["x"]]], axis=1)
    with pytest.raises(DataError, match="more than one column named 'x'"):
        fit(twice)


def test_a_column_of_lists_is_refused_by_name():
    with pytest.raises(DataError, match="'x'"):
        fit(table(x=pd.Series([[1.0]] * ROWS, dtype=object)))


def test_names_with_blanks_dots_and_accents_work():
    data = table().rename(columns={"x": "größe der gruppe", "g": "école.1"})
    ours = fit(data, "y ~ `größe der gruppe` + (1 | école.1)")
    assert_allclose(ours.objective, fit().objective)
    assert ours.ngroups == {"école.1": GROUPS}


def test_identical_random_terms_are_refused():
    with pytest.raises((FormulaError, ModelError), match="g"):
        fit(formula="y ~ x + (1 | g) + (1 | g)")


def test_a_factor_nested_in_itself_is_refused():
    with pytest.raises((FormulaError, ModelError), match="g"):
        fit(formula="y ~ x + (1 | g/g)")


def test_two_factors_that_are_copies_are_refused_by_both_names():
    data = table()
    with pytest.raises(ModelError, match=says("'g'", "'copy'")):
        fit(data.assign(copy=data["g"] + 100), "y ~ x + (1 | g) + (1 | copy)")


# --- weights and offsets ----------------------------------------------------------------


def test_negative_weights_are_refused_with_their_rows():
    with pytest.raises(DataError, match=says("weight|'w'", "negative", "7")):
        fit(table(w=np.where(np.arange(ROWS) == 7, -1.0, 1.0)), weights="w")


def test_rows_of_weight_zero_are_not_counted():
    half = np.arange(ROWS) % 2 == 0
    ours, rest = fit(weights=half.astype(float)), fit(table()[half])
    assert ours.nobs == rest.nobs == ROWS // 2
    assert (ours.df, ours.df_residual) == (rest.df, rest.df_residual)
    assert_allclose(ours.objective, rest.objective)
    assert_allclose(ours.sigma, rest.sigma)
    assert len(ours.fitted) == ROWS


@pytest.mark.parametrize("argument", ["weights", "offset"])
def test_an_argument_of_the_wrong_length_says_both_lengths(argument):
    with pytest.raises(DataError, match=says(argument, f"{ROWS - 1}", f"{ROWS}")):
        fit(**{argument: np.ones(ROWS - 1)})


def test_tiny_weights_are_units_and_no_alarm():
    ours, plain = fit(weights=np.full(ROWS, 1e-10)), fit()
    assert ours.converged
    assert_allclose(ours.objective, plain.objective, rtol=1e-10)
    assert_allclose(ours.sigma, plain.sigma * 1e-5)


# --- formulas ---------------------------------------------------------------------------


def test_an_unknown_column_is_met_with_the_nearest_name():
    with pytest.raises((DataError, FormulaError), match=says("tretment", "treatment")):
        fit(table(treatment=1.0 * (table()["z"] > 0)), "y ~ tretment + (1 | g)")


@pytest.mark.parametrize(
    ("formula", "parts"),
    [
        ("y ~ x + 1 | g", [r"\(", r"\|", "g"]),
        ("~ x + (1 | g)", ["response|left"]),
        ("y ~ .", ["x", "z", "g"]),
        ("y ~ {__import__('os').getcwd()} + (1 | g)", ["__import__|{"]),
        ("y ~ x.__class__ + (1 | g)", ["__class__"]),
        ("y ~ open(x) + (1 | g)", ["open"]),
        ("y ~ x + (1 | )", ["\\|"]),
        ("", ["empty|formula"]),
    ],
)
def test_a_formula_that_cannot_be_meant_is_refused_with_the_place(formula, parts):
    with pytest.raises((FormulaError, DataError), match=says(*parts)):
        fit(formula=formula)


def test_a_model_without_random_effects_is_least_squares():
    ours, data = fit(formula="y ~ x"), table()
    beta, *_ = np.linalg.lstsq(np.column_stack([np.ones(ROWS), data["x"]]), data["y"])
    assert_allclose(np.asarray(ours.fixef), beta)


@pytest.mark.parametrize(
    "arguments", [{"missing": "omit"}, {"sigma": -1.0}, {"sigma": 0.0}, {"sigma": np.nan}]
)
def test_an_argument_outside_its_values_is_named(arguments):
    (name,) = arguments
    with pytest.raises((DataError, ModelError), match=name):
        fit(**arguments)


# --- new data ---------------------------------------------------------------------------


def new(**changes):
    return table().head(3).drop(columns="y").assign(**changes)


def test_a_new_level_is_refused_by_name_unless_the_population_is_asked_for():
    ours, strangers = fit(), new(g=[0, 99, 98])
    with pytest.raises(DataError, match=says("'g'", "99", "98", "population")):
        ours.predict(strangers)
    predicted = ours.predict(strangers, new_levels="population")
    alone = ours.predict(strangers, random="none")
    assert_allclose(predicted[1:], alone[1:])
    assert_allclose(predicted[0], ours.predict(new(g=0))[0])


def test_all_columns_missing_at_predict_are_listed():
    with pytest.raises(DataError, match=says("'x'", "'g'")):
        fit().predict(new()[["z"]])


def test_a_missing_predictor_predicts_nothing_for_its_row():
    ours = fit().predict(new(x=[0.1, np.nan, 0.3]))
    assert np.isnan(ours).tolist() == [False, True, False]


def test_a_missing_group_at_predict_is_refused_by_name():
    with pytest.raises(DataError, match=says("'g'", "missing")):
        fit().predict(new(g=[0.0, np.nan, 1.0]))


def test_text_where_numbers_were_fitted_is_refused_by_name():
    with pytest.raises(DataError, match=says("'x'", "number|numeric")):
        fit().predict(new(x=["1", "2", "3"]))


def test_a_new_level_of_a_fixed_factor_is_refused_by_name():
    data = table(f=np.where(np.arange(ROWS) % 3 == 0, "low", "high"))
    with pytest.raises(DataError, match=says("'f'", "middle")):
        fit(data, "y ~ f + (1 | g)").predict(new(f=["low", "middle", "high"]))


@pytest.mark.parametrize("argument", ["se.fit", "re_form", "allow_new_levels"])
def test_an_argument_that_predict_does_not_know_is_an_error(argument):
    with pytest.raises(TypeError):
        fit().predict(new(), **{argument: True})


# --- Python's own traps: every way to hold a column gives the plain column's fit ----------


def assert_same_fit(ours, plain, rtol=1e-10):
    assert_allclose(ours.objective, plain.objective, rtol=rtol)
    assert_allclose(np.asarray(ours.fixef), np.asarray(plain.fixef), rtol=1e3 * rtol)
    assert_allclose(ours.theta, plain.theta, rtol=1e4 * rtol)


def strided(values):
    """A column of a C-ordered matrix: the next value is four numbers away."""
    matrix = np.zeros((len(values), 4))
    matrix[:, 2] = values
    return matrix[:, 2]


def field(values):
    """A field of a structured array."""
    records = np.zeros(len(values), dtype=[("a", "i1"), ("v", "f8"), ("b", "i4")])
    records["v"] = values
    return records["v"]


def frozen(values):
    copy = np.array(values)
    copy.flags.writeable = False
    return copy


VIEWS = {
    "strided": strided,
    "reversed": lambda v: np.array(v)[::-1].copy()[::-1],
    "structured field": field,
    "read-only": frozen,
    "big-endian": lambda v: np.asarray(v, dtype=">f8"),
    "Fortran slice": lambda v: np.asfortranarray(np.column_stack([v, v]))[:, 1],
}


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
@pytest.mark.parametrize("column", ["y", "x"])
def test_the_memory_layout_of_a_column_does_not_matter(column, view):
    data = {name: values.to_numpy() for name, values in table().items()}
    data[column] = view(data[column])
    assert_same_fit(fit(data), fit())


def test_single_precision_columns_are_computed_in_double():
    data = table().astype({"y": np.float32, "x": np.float32})
    assert_same_fit(fit(data), fit(data.astype({"y": float, "x": float})))


KEYS = {
    "float": lambda g: g.astype(float),
    "halves": lambda g: 1 + g / 2,
    "nullable integers": lambda g: pd.array(g, dtype="Int64"),
    "text": lambda g: np.array([f"{v:02d}" for v in g], dtype=object),
    "bytes": lambda g: np.array([f"{v:02d}".encode() for v in g], dtype=object),
    "fixed-width bytes": lambda g: np.array([f"{v:02d}" for v in g], dtype="S2"),
    "unused categories": lambda g: pd.Categorical(g, categories=range(-5, 40)),
    "unsigned": lambda g: g.astype(np.uint8),
    "big-endian": lambda g: g.astype(">i4"),
    "negative": lambda g: g - 10,
    "huge": lambda g: g.astype(np.int64) + 2**53,
}


@pytest.mark.parametrize("keys", KEYS.values(), ids=KEYS)
def test_the_type_of_the_group_keys_does_not_matter(keys):
    data = table()
    ours = fit(data.assign(g=keys(data["g"].to_numpy())))
    assert ours.ngroups == {"g": GROUPS}
    assert_same_fit(ours, fit())


def test_boolean_group_keys_are_two_groups():
    data = table()
    flag = data["g"] >= 10
    assert_same_fit(fit(data.assign(g=flag)), fit(data.assign(g=flag.astype(int))))


def test_group_keys_of_mixed_types_are_kept_apart():
    data = table()
    mixed = data["g"].astype(object).where(data["g"] > 0, "0")
    assert_same_fit(fit(data.assign(g=mixed)), fit())


def test_a_nullable_key_with_a_missing_value_is_refused_by_name():
    data = table()
    keys = pd.array(data["g"], dtype="Int64")
    keys[4] = pd.NA
    with pytest.raises(DataError, match=says("'g'", "1", "missing")):
        fit(data.assign(g=keys))


@pytest.mark.parametrize(
    "index",
    [np.arange(ROWS)[::-1], np.zeros(ROWS, dtype=int), np.arange(ROWS) * 3.5],
    ids=["reversed", "duplicated", "floats"],
)
def test_nothing_is_aligned_by_a_pandas_index(index):
    w = 1 + np.arange(ROWS) / ROWS
    plain = fit(weights=pd.Series(w))
    ours = fit(table().set_axis(index), weights=pd.Series(w, index=index))
    assert_same_fit(ours, plain)
    assert_allclose(ours.fitted, plain.fitted)


def arrow_chunks(data):
    """The table in three chunks whose dictionaries of the group differ."""
    parts = [data.iloc[a:b] for a, b in ((0, 40), (40, 41), (41, ROWS))]
    return pa.chunked_array(
        [pa.array(part["g"].astype(str).to_numpy()).dictionary_encode() for part in parts]
    )


def test_chunks_with_dictionaries_of_their_own_are_united():
    data = table()
    chunked = pa.table({"y": data["y"], "x": data["x"], "g": arrow_chunks(data)})
    plain = pa.table({"y": data["y"], "x": data["x"], "g": data["g"].astype(str)})
    assert_same_fit(fit(chunked), fit(plain))


@pytest.mark.parametrize("kind", [pl.Categorical, pl.Enum(["z", *map(str, range(GROUPS))])])
def test_polars_categories_are_groups(kind):
    data = pl.DataFrame(table()).with_columns(pl.col("g").cast(pl.String).cast(kind))
    assert_same_fit(fit(data), fit())


@pytest.mark.parametrize("reml", ["no", None, 0, "ML"])
def test_reml_is_true_or_false(reml):
    with pytest.raises(DataError, match=f"reml must be True .* or False .*, found {reml!r}"):
        pp.lmm("y ~ x + (1 | g)", table(), reml=reml)


def test_complex_numbers_in_a_frame_are_refused():
    with pytest.raises(DataError, match=r"'x' holds values of type complex128"):
        pp.lmm("y ~ x + (1 | g)", table(x=np.full(ROWS, 1j)))


@pytest.mark.parametrize("function", ["ns", "bs"])
def test_a_spline_with_more_knots_than_values_is_refused_at_once(function):
    with pytest.raises(DataError, match=rf"{function}\(\) can't place \d+ knots among 160 values"):
        pp.lmm(f"y ~ {function}(x, df = 99999999) + (1 | g)", table())


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda fit: fit.predict(random=5), r"random must be 'all', .* found 5"),
        (lambda fit: fit.predict(random=None), r"random must be 'all', .* found None"),
        (lambda fit: fit.ranef(3), r"no grouping factor 3, but g"),
        (lambda fit: fit.refit(["a"] * ROWS), r"refit needs an array of numbers: .*'a'"),
        (lambda fit: fit.simulate("a"), r"nsim must be a whole number of at least 1, found 'a'"),
        (lambda fit: fit.simulate(1.5), r"nsim must be a whole number .* found 1.5"),
    ],
)
def test_arguments_of_another_type_are_refused_by_name(ask, message):
    with pytest.raises(DataError, match=message):
        ask(pp.lmm("y ~ x + (1 | g)", table()))


def test_a_file_that_is_not_there_is_named():
    with pytest.raises(DataError, match=r"there is no file 'sleep.csv'"):
        pp.lmm("y ~ x + (1 | g)", "sleep.csv")
