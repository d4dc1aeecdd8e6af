from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from partialpool.design.evaluation import evaluate
from partialpool.design.sheet import Sheet
from partialpool.errors import DataError, FormulaError
from partialpool.formula import python_expression
from partialpool.frames import read_column

X = np.array([1.0, 2.0, 4.0])
COLUMNS = {
    "x": X,
    "i": np.array([3, 1, 2]),
    "t": np.array([True, False, True]),
    "g": np.array(["a", "b", "a"]),
    "n": np.array(["3", "1.5", "2"]),
    "o": pd.Categorical(["lo", "hi", "mid"], ["lo", "mid", "hi"], ordered=True),
    "k": pd.Categorical(["v", "u", "v"], ["u", "v"]),
    "k2": pd.Categorical(["v", "v", "v"], ["unused", "v"]),
}
SHEET = Sheet(3, {name: read_column(name, values) for name, values in COLUMNS.items()})


def value(text, sheet=SHEET, states=None):
    return evaluate(python_expression(text), sheet, states).value


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2 * x + i / 2 - 1", 2 * X + np.array([3, 1, 2]) / 2 - 1),
        ("x^2 ^ 0.5", X ** (2**0.5)),
        ("x %/% 3 + x %% 3", X // 3 + X % 3),
        ("-x", -X),
        ("I(x > 1 & i < 3)", [False, True, True]),
        ("!t | x == 1", [True, True, False]),
        ("t + t", [2.0, 0.0, 2.0]),
        ("x * t", [1.0, 0.0, 4.0]),
        ("sqrt(abs(-x)) + log2(x) + log(x, 10) + log1p(x) + expm1(x)",
         np.sqrt(X) + np.log2(X) + np.log10(X) + np.log1p(X) + np.expm1(X)),
        ("sin(pi * x) + cos(x) + tan(x) + exp(x) + log10(x)",
         np.sin(np.pi * X) + np.cos(X) + np.tan(X) + np.exp(X) + np.log10(X)),
        ("x - mean(x) + sd(x) + var(x) + sum(x) + min(x) + max(x) + median(x)",
         X - 7 / 3 + np.std(X, ddof=1) + np.var(X, ddof=1) + 7 + 1 + 4 + 2),
        ("g == 'a'", [True, False, True]),
        ("'a' != g", [False, True, False]),
        ("g == k", [False, False, False]),
        ("k == k2", [True, False, True]),
        ("o >= 'mid'", [False, True, True]),
        ("'mid' > o", [True, False, False]),
        ("i == 3", [True, False, False]),
        ("factor(i) == 3", [True, False, False]),
        ("as.integer(o)", [1, 3, 2]),
        ("as.numeric(k2)", [2, 2, 2]),
        ("as.numeric(n)", [3, 1.5, 2]),
        ("as.integer(x / 1.5)", [0, 1, 2]),
        ("g %in% c('a', 'c')", [True, False, True]),
        ("scale(x)", (X - X.mean()) / np.std(X, ddof=1)),
        ("scale(x, center = FALSE)", X / np.sqrt(21 / 2)),
        ("scale(x, scale = FALSE)", X - X.mean()),
        ("center(x)", X - X.mean()),
    ],
)  # fmt: skip
def test_expressions_mean_what_they_mean_in_r(text, wanted):
    np.testing.assert_allclose(value(text), wanted)


def test_a_sum_of_two_thousand_columns_is_no_deep_recursion():
    assert value(" + ".join(["x"] * 2000))[0] == 2000


def test_what_was_learned_is_used_on_new_rows():
    text = "scale(x) + x - mean(x)"
    learned = evaluate(text, SHEET)
    new = Sheet(1, {"x": read_column("x", [10.0])})
    wanted = (10 - X.mean()) / np.std(X, ddof=1) + 10 - X.mean()
    np.testing.assert_allclose(value(text, new, learned.states), [wanted])


def test_numbers_of_levels_are_those_of_the_rows_fitted():
    learned = evaluate("as_integer(o)", SHEET)
    new = Sheet(2, {"o": read_column("o", ["hi", "lo"])})
    np.testing.assert_array_equal(value("as.integer(o)", new, learned.states), [3, 1])
    unknown = Sheet(1, {"o": read_column("o", ["top"])})
    with pytest.raises(DataError, match=r"'o' has level\(s\) 'top' that were not in"):
        value("as.integer(o)", unknown, learned.states)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("g + 1", r"'g' holds text \('a', 'b'\), but g \+ 1 needs numbers"),
        ("factor(i) + 1", r"computes with a factor. Write as.numeric\(\)"),
        ("poly(x, 2) + 1", "a function that makes several columns"),
        ("x & t", "combine conditions such as .*, but x is none"),
        ("i == '3'", "compares numbers with a text. Write the number without quotes"),
        ("g < 'b'", "the labels of 'g' have no order"),
        ("g < k", "the labels of 'g' have no order"),
        ("o < 'tiny'", "'tiny' is not a level of 'o', which has 'lo', 'mid', 'hi'"),
        ("g == x", "can be compared with one label"),
        ("as.numeric(g)", "'g' holds text that is no number: .* make it categorical first"),
        ("scale(x - x)", "at least two different values"),
        ("poly(x, 3)", "degree 3 needs more than 3 different values, found 3"),
        ("poly(x, 1.5)", "must be a whole number from 1 on, found 1.5"),
        ("bs(x, df = 2)", "a whole number from 3 on here, found 2"),
        ("ns(x, knots = 9)", r"knots of ns\(\) must lie between 1 and 4, found 9"),
        ("ns(x - x, df = 2)", "lower bound below its upper bound"),
        ("bs(g == 'a', df = 5)", r"bs\(\) can't place 2 knots .* Lower df, or give knots="),
    ],
)
def test_what_can_not_be_computed_is_refused_with_the_column(text, message):
    with pytest.raises(DataError, match=message):
        value(text)


@pytest.mark.parametrize("text", ["x.__class__", "open('f')", "[v for v in x]", "x if x else x"])
def test_what_is_no_arithmetic_is_refused_even_unparsed(text):
    with pytest.raises(FormulaError):
        evaluate(text, SHEET)


def test_two_columns_stand_side_by_side_but_are_no_number():
    columns = [evaluate(name, SHEET).value for name in ("x", "i")]
    value = evaluate("cbind(x, i)", SHEET).value
    np.testing.assert_array_equal(value.values, np.column_stack(columns))
    with pytest.raises(DataError, match="computes with a function that makes several columns"):
        evaluate("log(cbind(x, i))", SHEET)
