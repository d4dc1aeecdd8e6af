"""Characters that mean something, and those that don't."""

import pytest

from partialpool.errors import FormulaError
from partialpool.formula import parse


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("y ~ {__import__('os').system('x')}", r"found '\{': braces would run Python code"),
        ("y ~ data$x", "columns are written by their name alone: x, not data"),
        ("y ~ x @ z", "'@' is not an operator of formulas"),
        ("y ~ x # why", "comments can't stand in a formula"),
        ("y ~ x; z", "one formula at a time"),
        ("y ~ ?x", "is not an operator of formulas"),
        ("y ~ \\x", "a backslash can only stand inside quotes"),
        ("y ~ `x", "a backtick opens a column name that is empty or is never closed"),
        ("y ~ ``", "a backtick opens a column name that is empty"),
        ("y ~ I(f == 'a)", "a quote is never closed on its line"),
        ("y ~ x \x00", "has no meaning in a formula. Remove it"),
        ("y ~ x − 1", r"U\+2212, a look-alike: write - instead"),
        ("y ∼ x", r"U\+223C, a look-alike: write ~ instead"),
        ("y ~ I(f == “a”)", r"U\+201C, a look-alike"),
        ("y ~ x\u200b", r"U\+200B, a look-alike: write nothing instead"),
        ("y ~ x)", r"'\)' closes nothing"),
        ("y ~ (x]", r"'\]' closes nothing: remove it, or add the '\['"),
        ("y ~ (x", r"'\(' is never closed: add a '\)'"),
        ("y ~ bs(x, knots = [1, 2", r"'\[' is never closed: add a '\]'"),
    ],
)
def test_a_character_without_meaning_is_refused(text, message):
    with pytest.raises(FormulaError, match=message):
        parse(text)


@pytest.mark.parametrize(
    ("number", "python"),
    [("5", "5"), ("5L", "5"), ("007", "7"), (".5", "0.5"), ("5.", "5.0"), ("1e3", "1000.0")],
)
def test_numbers_of_r_become_numbers_of_python(number, python):
    assert parse(f"y ~ I({number} * x)").fixed == f"1 + I({python} * x)"


def test_a_number_beyond_floating_point_is_refused():
    with pytest.raises(FormulaError, match="too large for a computer's arithmetic"):
        parse("y ~ I(x * 1e999)")
