from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest

from partialpool.errors import DataError, FormulaError
from tests.unit.design.tables import N, design, table

W = np.arange(N) + 0.5


@pytest.mark.parametrize(
    "weights",
    ["w", W, W.tolist(), pd.Series(W, index=np.arange(N)[::-1]), pl.Series(W), "w * 1"],
    ids=["column", "array", "list", "pandas, not aligned", "polars", "expression"],
)
def test_weights_are_a_column_an_expression_or_an_array(weights):
    np.testing.assert_array_equal(design("y ~ x", table(w=W), weights=weights).weights, W)


def test_an_expression_over_columns_knows_the_functions_of_formulas():
    weights = design("y ~ x", table(w=W), weights="w / mean(w)").weights
    np.testing.assert_allclose(weights, W / W.mean())


def test_a_column_s_name_may_be_no_identifier():
    weights = design("y ~ x", table(**{"a weight": W}), weights="a weight").weights
    np.testing.assert_array_equal(weights, W)


def test_offsets_of_formula_and_argument_are_added():
    data = table(w=W)
    built = design("y ~ x + offset(log(w)) + offset(z)", data, offset="w")
    np.testing.assert_allclose(built.offset, np.log(W) + data["z"] + W)
    assert design("y ~ x").offset is None


def test_a_condition_counts_as_0_and_1():
    built = design("y ~ x", weights="z > 6")
    np.testing.assert_array_equal(built.weights, table()["z"] > 6)


def test_zero_weights_are_allowed():
    assert design("y ~ x", weights=np.r_[0.0, W[1:]]).weights[0] == 0


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (W[:3], "weights has 3 values, but the data have 12 rows"),
        (np.r_[1.0, -W[1:]], r"negative in 11 row\(s\): rows 1, 2, 3, 4, 5, \.\.\."),
        (np.zeros(N), "all weights are zero"),
        (np.r_[np.nan, W[1:]], r"'weights=' in 1 row\(s\) \(row 0, counted from 0\)"),
        (np.r_[np.inf, W[1:]], r"'weights=' is infinite in 1 row\(s\): row 0"),
        (3.0, "weights=3.0 must be a column's name, an expression or an array"),
        ("w8", "no column 'w8'"),
        ("f", r"'f' holds text \('u', 'v'\), but weights=f needs numbers"),
        ("poly(x, 2)", r"weights=poly\(x, 2\) makes several columns"),
    ],
)
def test_weights_that_are_none_are_refused(weights, message):
    with pytest.raises(DataError, match=message):
        design("y ~ x", weights=weights)


def test_an_expression_that_runs_code_is_refused():
    with pytest.raises(FormulaError):
        design("y ~ x", weights="__import__('os').getcwd()")


@pytest.mark.parametrize(
    ("offset", "message"),
    [(W[:3], "offset has 3 values"), ("log(-z)", r"log\(-z\) is not a number"),
     (["a"] * N, "'offset=' holds text")],
)  # fmt: skip
def test_offsets_that_are_none_are_refused(offset, message):
    with pytest.raises(DataError, match=message):
        design("y ~ x", offset=offset)
