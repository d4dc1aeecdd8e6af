from __future__ import annotations

import pytest

from partialpool.design.terms import read_terms, scope


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("1", [()]),
        ("0", []),
        ("1 + a + a:b", [(), ("a",), ("a", "b")]),
        ("0 + I(x + 1):bs(x, knots=[1, 2])", [("I(x + 1)", "bs(x, knots=[1, 2])")]),
        ("1 + C(f, contr.treatment('a + b:c'))", [(), ("C(f, contr.treatment('a + b:c'))",)]),
        ("1 + `a + b`:x", [(), ("`a + b`", "x")]),
        ("1 + I(f == 'it\\x27s')", [(), ("I(f == 'it\\x27s')",)]),
    ],
)
def test_a_sum_is_split_into_the_factors_of_its_terms(text, terms):
    assert [*read_terms(text)] == terms


def shown(text):
    kinds = {"a": True, "b": True, "x": False}
    terms = scope(read_terms(text), kinds)
    return [":".join(f.text + "-" * f.reduced for f in term) or "1" for term in terms]


# A minus stands for contrasts, as in patsy's documentation.
@pytest.mark.parametrize(
    ("text", "scoped"),
    [
        ("1 + a", ["1", "a-"]),
        ("0 + a + b", ["a", "b-"]),
        ("1 + a + b + a:b", ["1", "a-", "b-", "a-:b-"]),
        ("1 + a + a:b", ["1", "a-", "a:b-"]),
        ("0 + a:b", ["a:b"]),
        ("1 + a:b", ["1", "b-", "a-:b"]),
        ("1 + x + a:x", ["1", "x", "a-:x"]),
        ("1 + a:x", ["1", "a:x"]),
        ("0 + a + a:x", ["a", "a:x"]),
    ],
)
def test_contrasts_are_coded_where_the_rest_spans_the_mean(text, scoped):
    assert shown(text) == scoped
