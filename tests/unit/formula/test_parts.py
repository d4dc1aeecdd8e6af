from __future__ import annotations

import pytest

from partialpool.errors import FormulaError
from partialpool.formula import parse_part


def test_a_part_has_the_response_of_the_model():
    formula = parse_part("~ x + offset(t) + (1 | g)", "log(y)")
    assert (formula.response, formula.fixed, formula.offsets) == ("log(y)", "1 + x", ("t",))
    assert formula.columns == ("x", "t", "g")
    assert [term.group for term in formula.random] == ["g"]


def test_a_part_without_columns_is_empty():
    assert parse_part("~ 0", "y").fixed == "0"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("y ~ x", "nothing can stand left of '~' here"),
        ("x + z", "this formula begins with '~'"),
        ("", "this formula begins with '~'"),
        ("~", "nothing stands right of '~'"),
        ("~ x ~ z", "only one '~'"),
        ("~ 1 | g", r"Write ~ \(1 \| g\)"),
        ("~ y + x", "the response y is also a predictor"),
        ("~ .", "not supported"),
        ("~ x +", "ends"),
        (3, "found int"),
    ],
)
def test_a_part_that_cannot_be_meant_is_refused(text, message):
    with pytest.raises(FormulaError, match=message):
        parse_part(text, "y")
