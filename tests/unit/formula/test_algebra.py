"""Expansion of a right-hand side into terms.

The expected values are the labels that terms() of R 4.2.2 gives, intercept first.
"""

import pytest

from partialpool.errors import FormulaError
from partialpool.formula import parse


@pytest.mark.parametrize(
    ("written", "expanded"),
    [
        ("1", "1"),
        ("0", "0"),
        ("a", "1 + a"),
        ("a + b", "1 + a + b"),
        ("a*b", "1 + a + b + a:b"),
        ("a:b", "1 + a:b"),
        ("a/b", "1 + a + a:b"),
        ("a/b/c", "1 + a + a:b + a:b:c"),
        ("(a + b)/c", "1 + a + b + a:b:c"),
        ("(a + b):c", "1 + a:c + b:c"),
        ("(a + b + c)^2", "1 + a + b + c + a:b + a:c + b:c"),
        ("(a + b + c)**2", "1 + a + b + c + a:b + a:c + b:c"),
        ("(a + b)^7", "1 + a + b + a:b"),
        ("a*b*c", "1 + a + b + c + a:b + a:c + b:c + a:b:c"),
        ("a*b*c - a:b:c", "1 + a + b + c + a:b + a:c + b:c"),
        ("a + b %in% a", "1 + a + a:b"),
        ("(a + b) %in% c", "1 + a:c + b:c"),
        ("a + a + b + a", "1 + a + b"),
        ("a:a", "1 + a"),
        ("b:a + a", "1 + a + b:a"),
        ("a + b:a", "1 + a + a:b"),
        ("a:b + c + d", "1 + c + d + a:b"),
        ("b + (a - b)", "1 + b + a"),
        ("b + a - b", "1 + a"),
        ("a - a", "1"),
        ("I(a - 11) * b", "1 + I(a - 11) + b + I(a - 11):b"),
        ("(x + z):z", "1 + z + x:z"),
        ("a/(b + c)", "1 + a + a:b + a:c"),
        ("(a*b)/c", "1 + a + b + a:b + a:b:c"),
        ("a*b %in% c", "1 + a + b:c + a:b:c"),
        ("(a + b + c)^3 - a:b", "1 + a + b + c + a:c + b:c + a:b:c"),
        ("c:(a/b) + b", "1 + b + c:a + c:a:b"),
        ("0 + g:(a + b)", "0 + g:a + g:b"),
    ],
)
def test_a_right_hand_side_expands_as_in_r(written, expanded):
    assert parse(f"y ~ {written}").fixed == expanded


@pytest.mark.parametrize(
    ("written", "expanded"),
    [
        ("a - 1", "0 + a"),
        ("-1 + a", "0 + a"),
        ("a + 0", "0 + a"),
        ("0 + a", "0 + a"),
        ("a - 0", "1 + a"),
        ("0 + a + 1", "1 + a"),
        ("1 + a - 1", "0 + a"),
        ("(0 + a)", "0 + a"),
        ("(a - 1)", "0 + a"),
        ("(a - 1) + b", "0 + a + b"),
        ("+a", "1 + a"),
        ("-a", "1"),
        ("b * (+a)", "1 + b + a + b:a"),
        ("a - (1 + b)", "0 + a"),
        ("a - (0 + b)", "1 + a"),
        ("(1 + a) * b", "1 + a + b + a:b"),
    ],
)
def test_the_intercept_is_explicit_and_the_last_word_counts(written, expanded):
    assert parse(f"y ~ {written}").fixed == expanded


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("2", "number 2 can't be a term. Only 0 and 1"),
        ("x * 2", r"write I\(2 \* x\)"),
        ("x + 1.5", "number 1.5 can't be a term"),
        ("'x'", "text 'x' can't be a term. Column names stand in backticks"),
        ("x > 2", r"x > 2 can't be a term as it stands.*write I\(x > 2\)"),
        ("x %% 2", r"write I\(x %% 2\)"),
        ("!x", r"write I\(!x\)"),
        ("a * b // c", r"a \* b // c can't be a term"),
        ("c(1, 2)", r"c\(1, 2\) can't be a term"),
        ("log(2)", r"log\(2\) uses no column"),
        ("1:x", "needs a column on both sides"),
        ("x^2", r"'\^' crosses terms, so that x\^2 is only x. For the power write I\(x\^2\)"),
        ("x**2", r"For the power write I\(x\*\*2\)"),
        ("(a + b)^a", "must be a whole number from 1 to 100"),
        ("(a + b)^0", "must be a whole number from 1 to 100"),
        ("(a + b)^1.5", "must be a whole number from 1 to 100"),
        ("(a+b+c+d+e+f+g+h+i+j+k+l+m+n+o+p+q)^17", "expands to more than 20000 terms"),
        ("offset(x):z", r"offset\(\) can only be added on its own"),
        ("x - offset(z)", r"offset\(\) can only be added on its own"),
    ],
)
def test_what_is_no_term_is_refused(written, message):
    with pytest.raises(FormulaError, match=message):
        parse(f"y ~ {written}")


def test_a_sum_of_thousands_of_columns_is_read():
    names = [f"x{i}" for i in range(5000)]
    formula = parse("y ~ " + " + ".join(names))
    assert formula.fixed == "1 + " + " + ".join(names)
    assert formula.columns == ("y", *names)
