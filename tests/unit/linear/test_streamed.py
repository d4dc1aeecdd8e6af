"""Models of rows that come in batches are those of all rows at once."""

import contextlib
import pickle

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from numpy.testing import assert_allclose
from pyarrow import dataset

import partialpool as pp
from partialpool.errors import DataError, ModelError, NotAvailableError
from partialpool.solve.stream import restore_batches

N = 600


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(11)
    data = pd.DataFrame(
        {
            "g": rng.choice(list("abcdefghijkl"), N),
            "h": rng.integers(1, 9, N),
            "f": pd.Categorical(rng.choice(["low", "mid", "high"], N), ["low", "mid", "high"]),
            "t": pd.Categorical(rng.choice(["1", "2", "3"], N), ["1", "2", "3"], ordered=True),
            "x": rng.normal(size=N) + 50,
            "w": rng.uniform(0.5, 2.0, N),
            "o": rng.normal(size=N),
        }
    )
    effects = dict(zip("abcdefghijkl", rng.normal(size=12), strict=True))
    slopes = dict(zip("abcdefghijkl", 0.3 * rng.normal(size=12), strict=True))
    data["y"] = (
        data["g"].map(effects)
        + (0.4 + data["g"].map(slopes)) * (data["x"] - 50)
        + 0.3 * (data["f"] == "mid")
        + 0.2 * data["h"]
        + rng.normal(size=N)
    )
    return data


def in_batches(data, size):
    return lambda: (data[i : i + size] for i in range(0, len(data), size))


def once(data):
    left = iter([data])
    return lambda: left


def assert_same(streamed, whole):
    # Sums over batches round in another order, and either search ends where a step promises no
    # more than 1e-9: parameters then differ by some 1e-5 of their standard errors.
    assert streamed.objective == pytest.approx(whole.objective, abs=1e-7)
    assert streamed.nobs == whole.nobs
    assert streamed.ngroups == whole.ngroups
    assert streamed.fixef.names == whole.fixef.names
    assert_allclose(streamed.fixef.values, whole.fixef.values, rtol=1e-6, atol=1e-9)
    assert_allclose(streamed.vcov, whole.vcov, rtol=1e-5, atol=1e-12)
    assert_allclose(streamed.theta, whole.theta, rtol=1e-4, atol=1e-6)
    assert streamed.singular == whole.singular
    for ours, theirs in zip(streamed.varcorr.terms, whole.varcorr.terms, strict=True):
        assert ours.columns == theirs.columns


@pytest.mark.parametrize(
    "formula",
    [
        "y ~ x",
        "y ~ x + f + (1 | g)",
        "y ~ x * f + (x | g)",
        "y ~ x + t + (x || g)",
        "y ~ x + (1 | g) + (1 | h)",
        "y ~ log(x) + I(x > 50) + (1 | g/h)",
        "y ~ x + (1 | g) + (1 | h) + (1 | f)",
        "y ~ f + diag(f | g)",
        "y ~ f + cs(0 + f | g)",
        "y ~ f + homcs(0 + f | g)",
        "y ~ t + ar1(0 + t | g)",
        "y ~ t + toep(0 + t | g)",
        "sqrt(w) ~ x + offset(o) + (0 + x | h)",
    ],
)
@pytest.mark.parametrize("size", [97, N])
def test_a_streamed_fit_is_that_of_all_rows(table, formula, size):
    assert_same(pp.stream_lmm(formula, in_batches(table, size)), pp.lmm(formula, table))


@pytest.mark.parametrize(
    "options",
    [
        {"weights": "w"},
        {"weights": "w / 2", "offset": "o + 1"},
        {"reml": False},
        {"sigma": 1.1},
    ],
)
def test_arguments_mean_what_they_mean_in_lmm(table, options):
    formula = "y ~ x + f + (x | g)"
    streamed = pp.stream_lmm(formula, in_batches(table, 150), **options)
    assert_same(streamed, pp.lmm(formula, table, **options))


def test_a_batch_may_be_a_row(table):
    formula = "y ~ x + f + (x | g) + (1 | h)"
    few = table[:80]
    assert_same(pp.stream_lmm(formula, in_batches(few, 1)), pp.lmm(formula, few))


def test_levels_may_come_late_and_rows_in_any_order(table):
    ordered = table.sort_values(["g", "x"])
    formula = "y ~ x + f + (x | g) + (1 | h)"
    assert_same(pp.stream_lmm(formula, in_batches(ordered, 40)), pp.lmm(formula, table))


def test_factors_that_start_alike_are_not_taken_for_one():
    rng = np.random.default_rng(5)
    a = np.r_[np.arange(30), rng.integers(0, 30, 300)]
    b = np.r_[np.arange(30), rng.integers(0, 30, 300)]
    data = pd.DataFrame({"a": a, "b": b})
    data["y"] = rng.normal(size=30)[a] + rng.normal(size=30)[b] + rng.normal(size=330)
    formula = "y ~ 1 + (1 | a) + (1 | b)"
    assert_same(pp.stream_lmm(formula, in_batches(data, 30)), pp.lmm(formula, data))


def test_digits_survive_far_from_zero(table):
    far = table.assign(x=table["x"] + 1e6, y=table["y"] + 1e7)
    formula = "y ~ x + (x | g)"
    assert_same(pp.stream_lmm(formula, in_batches(far, 77)), pp.lmm(formula, far))


def test_aliased_columns_leave_as_they_do_in_lmm(table):
    data = table.assign(z=2 * table["x"] - 1)
    formula = "y ~ x + z + (1 | g)"
    streamed, whole = pp.stream_lmm(formula, in_batches(data, 100)), pp.lmm(formula, data)
    assert streamed.aliased == whole.aliased
    assert_same(streamed, whole)


def test_what_follows_a_fit_is_what_follows_lmm(table):
    formula = "y ~ x * f + (x | g)"
    streamed, whole = pp.stream_lmm(formula, in_batches(table, 100)), pp.lmm(formula, table)
    for ask in (
        lambda fit: fit.tidy(conf_int=True),
        lambda fit: fit.tidy(ddf="kenward-roger"),
        lambda fit: fit.anova(),
        lambda fit: fit.anova(type=1),
        lambda fit: fit.means("f", contrasts="pairwise"),
        lambda fit: fit.slopes("x", by="f"),
        lambda fit: fit.ranef(cond_sd=True),
        lambda fit: fit.coef(),
        lambda fit: fit.variance_parameters(),
        lambda fit: fit.glance(),
        lambda fit: fit.predict(table[:9], se=True),
        lambda fit: fit.predict(table[:9], interval="prediction"),
        lambda fit: fit.by_ml().tidy(),
    ):
        ours, theirs = ask(streamed), ask(whole)
        assert list(ours.columns) == list(theirs.columns)
        for name in ours.columns:
            if ours[name].dtype.kind == "f":
                # As in assert_same; degrees of freedom hang on derivatives of all parameters.
                assert_allclose(ours[name], theirs[name], rtol=2e-4, atol=1e-6, err_msg=name)
            else:
                assert ours[name].tolist() == theirs[name].tolist()
    p_values = [fit.test("x = 0.4").p_value for fit in (streamed, whole)]
    assert p_values[0] == pytest.approx(p_values[1], rel=1e-4)


def test_the_summary_leaves_out_what_rows_would_be_needed_for(table):
    text = str(pp.stream_lmm("y ~ x + (1 | g)", in_batches(table, 100)))
    assert "Rows:    600" in text
    assert "Scaled residuals" not in text
    assert "Scaled residuals" in str(pp.lmm("y ~ x + (1 | g)", table))
    assert "Linear model" in str(pp.stream_lmm("y ~ x", in_batches(table, 100)))


@pytest.mark.parametrize("form", ["dataset", "file", "LazyFrame", "DuckDB"])
def test_sources_are_read_in_batches(table, form, tmp_path):
    path = tmp_path / "a.parquet"
    table.to_parquet(path, row_group_size=100)
    if form == "DuckDB":
        source = duckdb.read_parquet(str(path))
    else:
        source = {
            "dataset": dataset.dataset(pa.Table.from_pandas(table)),
            "file": str(path),
            "LazyFrame": pl.from_pandas(table).lazy(),
        }[form]
    streamed = pp.stream_lmm("y ~ x + (x | g)", source, batch_rows=64)
    assert_same(streamed, pp.lmm("y ~ x + (x | g)", table))
    assert type(streamed.tidy()) is (pl.DataFrame if form == "LazyFrame" else pa.Table)


def test_rows_with_missing_values_are_refused_by_number_or_left_out(table):
    data = table.copy()
    data.loc[[130, 410], "x"] = np.nan
    words = r"'x' in 1 row\(s\) of one batch \(row 130, counted from 0\)"
    with pytest.raises(DataError, match=words):
        pp.stream_lmm("y ~ x + (1 | g)", in_batches(data, 100))
    streamed = pp.stream_lmm("y ~ x + (1 | g)", in_batches(data, 100), missing="drop")
    assert_same(streamed, pp.lmm("y ~ x + (1 | g)", data, missing="drop"))
    assert "2 rows of 600 left out for missing values: x in 2" in " ".join(str(streamed).split())


@pytest.mark.parametrize(
    ("formula", "options", "words"),
    [
        ("y ~ scale(x) + (1 | g)", {}, r"scale\(x\) takes something from all rows"),
        ("y ~ poly(x, 2) + (1 | g)", {}, r"takes something from all rows"),
        ("y ~ I(x - mean(x)) + (1 | g)", {}, r"takes something from all rows"),
        ("scale(y) ~ x + (1 | g)", {}, r"scale\(y\) takes something"),
        ("y ~ x + (1 | g)", {"weights": "w / mean(w)"}, r"w / mean\(w\) takes something"),
        ("y ~ 1 + (1 | row)", {}, r"600 levels in 600 rows"),
        ("y ~ x + (x + twice | g)", {}, r"combination of"),
        ("twice ~ x + (1 | g)", {}, r"fit the response 'twice' exactly"),
    ],
)
def test_models_that_batches_can_not_tell_are_refused(table, formula, options, words):
    data = table.assign(row=np.arange(N), twice=2 * table["x"])
    with pytest.raises(ModelError, match=words):
        pp.stream_lmm(formula, in_batches(data, 100), **options)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (lambda t: t, r"found DataFrame, which is in memory"),
        (lambda t: iter([t]), r"a list_iterator of tables is read only once"),
        (once, r"the source gave no rows\. A function given as data has to start"),
        (lambda t: [t], r"a list of tables is read only once, or in memory"),
        (lambda t: lambda: t, r"returned a DataFrame, and not an iterator of tables"),
        (lambda t: lambda: iter([]), r"returned no table\."),
        (lambda t: in_batches(t.drop(columns="x"), 100), r"no column 'x'"),
    ],
)
def test_sources_that_can_not_be_read_in_batches_are_refused(table, source, words):
    with pytest.raises(DataError, match=words):
        pp.stream_lmm("y ~ x + (1 | g)", source(table))


def test_text_files_and_arrays_beside_them_are_refused(table, tmp_path):
    path = tmp_path / "a.csv"
    table.to_csv(path)
    with pytest.raises(DataError, match=r"can't be read in batches\. Write it as Parquet"):
        pp.stream_lmm("y ~ x + (1 | g)", path)
    with pytest.raises(DataError, match=r"weights= must be a column"):
        pp.stream_lmm("y ~ x + (1 | g)", in_batches(table, 9), weights=np.ones(N))
    with pytest.raises(DataError, match="batch_rows must be a whole number"):
        pp.stream_lmm("y ~ x + (1 | g)", in_batches(table, 9), batch_rows=0)


def test_a_column_of_two_kinds_and_other_levels_later_are_refused(table):
    mixed = table.astype({"h": object})
    mixed.loc[300:, "h"] = mixed.loc[300:, "h"].astype(str)
    with pytest.raises(DataError, match="'h' holds numbers in some batches and text in others"):
        pp.stream_lmm("y ~ x + (1 | h)", in_batches(mixed, 100))
    calls = []

    def other():
        calls.append(1)
        changed = table.assign(g="new") if len(calls) > 2 else table
        return in_batches(changed, 100)()

    with pytest.raises(DataError, match=r"other levels of 'g' on a later look"):
        pp.stream_lmm("y ~ x + (1 | g)", other)


def test_what_needs_the_rows_says_so(table):
    fit = pp.stream_lmm("y ~ x + (1 | g)", in_batches(table, 100))
    for ask in (
        lambda: fit.predict(),
        lambda: fit.confint(method="profile"),
        lambda: fit.confint(method="bootstrap"),
        lambda: fit.predict(table, interval="prediction", method="bootstrap"),
    ):
        with pytest.raises(NotAvailableError, match="went by in batches"):
            ask()


FORMULAS = [
    "y ~ x + (x | g)",
    "y ~ x + (1 | g) + (1 | h)",
    "y ~ x + f",
    "y ~ x + f + x:f + (1 | g)",
]


@pytest.mark.parametrize("formula", FORMULAS)
def test_a_fit_is_saved_with_sums_in_place_of_rows(table, formula, tmp_path):
    fit = pp.stream_lmm(formula, in_batches(table, 100), weights="w")
    fit.save(tmp_path / "some.model")
    for again in (pp.load(tmp_path / "some.model"), pickle.loads(pickle.dumps(fit))):
        assert type(again) is pp.StreamedLmm
        assert str(again.summary()) == str(fit.summary())
        # Evaluated at the optimum once more: the last digits come by another way.
        assert_allclose(again.predict(table), fit.predict(table), rtol=1e-10)
        assert_allclose(again.anova()["p_value"], fit.anova()["p_value"], rtol=1e-8)
        if fit.design.random:
            ours, theirs = (f.ranef("g", cond_sd=True).drop(columns="g") for f in (again, fit))
            assert_allclose(ours, theirs, rtol=1e-8)
            assert again.by_ml().loglik == pytest.approx(fit.by_ml().loglik, rel=1e-12)
    twice = pp.load(tmp_path / "some.model")
    twice.save(tmp_path / "again.model")
    assert pp.load(tmp_path / "again.model").loglik == pytest.approx(fit.loglik, rel=1e-13)


def test_sums_that_are_not_the_models_are_refused(table):
    fit = pp.stream_lmm("y ~ x + (1 | g) + (1 | h)", in_batches(table, 100))
    reduced = fit.solution.reduced
    looks, sums = reduced.stream.looks(), reduced.problem.sums()
    other = pp.stream_lmm("y ~ x + (x | g) + (1 | h)", in_batches(table, 100)).solution.reduced
    for bad in (
        (looks[:-1], sums),
        (looks, sums[:-1]),
        (looks, np.append(sums, 0.0)),
        (looks, np.full_like(sums, np.nan)),
        (looks, np.full_like(sums, 1e300)),
        (looks, other.problem.sums()),
        (other.stream.looks(), sums),
    ):
        with pytest.raises(ValueError, match="sums"):
            restore_batches(fit.design, *bad)


def test_no_change_of_one_number_reads_past_an_end(table):
    """Every number of the file is changed in turn: an error or other numbers, and no crash."""
    fit = pp.stream_lmm("y ~ x + (1 | g) + (1 | h)", in_batches(table, 100))
    reduced = fit.solution.reduced
    looks, sums = reduced.stream.looks(), reduced.problem.sums()
    for at in range(len(sums)):
        for value in (-1.0, 2.0**40, sums[at] + 1.0):
            changed = sums.copy()
            changed[at] = value
            with contextlib.suppress(ValueError):
                again = restore_batches(fit.design, looks, changed)
                again.problem.at(np.array(fit.solution.optimum.psi), True, -1.0)


@pytest.mark.parametrize("kind", [1, 2, 3])
def test_terms_are_tested_as_in_lmm_with_weights_too(table, kind):
    formula = "y ~ x + f * t + (1 | g)"
    fits = (
        pp.stream_lmm(formula, in_batches(table, 90), weights="w"),
        pp.lmm(formula, table, weights="w"),
    )
    ours, theirs = (fit.anova(kind) for fit in fits)
    assert_allclose(ours["statistic"], theirs["statistic"], rtol=1e-6)
    assert_allclose(ours["den_df"], theirs["den_df"], rtol=1e-4)


@pytest.mark.parametrize(
    ("change", "k"),
    [
        *((lambda t: t[:100], k) for k in (3, 4, 5)),
        *((lambda t: t.assign(y=2 * t["y"]), k) for k in (4, 5)),
    ],
)
def test_a_source_that_gives_other_rows_later_is_refused(table, change, k):
    calls = []

    def source():
        calls.append(1)
        return in_batches(change(table) if len(calls) >= k else table, 100)()

    with pytest.raises(DataError, match="It has to give the same rows each time"):
        pp.stream_lmm("y ~ x + (1 | f)", source)


def test_ordered_levels_have_one_order_in_all_batches(table):
    def source():
        yield table[:300]
        yield table[300:].assign(t=table["t"][300:].cat.reorder_categories(["3", "1", "2"]))

    with pytest.raises(DataError, match="ordered factor 't' has the levels '1', '2', '3' in one"):
        pp.stream_lmm("y ~ t + (1 | g)", source)


def test_streamed_fits_are_compared_with_each_other(table):
    formulas = "y ~ x + (1 | g)", "y ~ x + (x | g)"
    streamed = pp.compare(*(pp.stream_lmm(f, in_batches(table, 100)) for f in formulas))
    whole = pp.compare(*(pp.lmm(f, table) for f in formulas))
    assert_allclose(streamed.to_frame()["aic"], whole.to_frame()["aic"], rtol=1e-9)
    fit = pp.stream_lmm(formulas[0], in_batches(table, 100))
    with pytest.raises(DataError, match="Fit both in the same way"):
        pp.compare(fit, pp.lmm(formulas[1], table))
    with pytest.raises(DataError, match=r"different rows \(600 and 500\)"):
        pp.compare(fit, pp.stream_lmm(formulas[1], in_batches(table[:500], 100)))


def test_what_a_streamed_fit_has_not_says_why(table):
    fit = pp.stream_lmm("y ~ x + (1 | g)", in_batches(table, 100))
    with pytest.raises(AttributeError, match="has no residuals, which needs the rows"):
        fit.residuals()
    with pytest.raises(AttributeError, match="no attribute 'residualz'"):
        fit.residualz  # noqa: B018 - looking it up is the test
    with pytest.raises(NotAvailableError, match="went by in batches"):
        pp.plots.fitted_lines(fit)
