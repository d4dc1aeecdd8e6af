"""Laws of the formula language."""

import ast
import re
from contextlib import suppress

import formulaic
from hypothesis import given
from hypothesis import strategies as st

from partialpool.errors import FormulaError
from partialpool.formula import (
    check_expression,
    combine,
    expression_columns,
    parse,
    python_expression,
)

# Pieces that make text more like a formula than letters drawn at random.
PIECES = [
    "y", "~", "x", "g", "(", ")", "|", "||", "+", "-", "*", "/", ":", "^", "0", "1", "2.5", " ",
    "I(", "log(", "C(", "cs(", "offset(", "c(", "[", "]", ",", "=", "==", "<", "!", "%in%", "'a'",
    "`b c`", ".", ".z", "contr.sum", "{", "}", "__x", "$", "é", "\n", "pi", "TRUE", "\\",
]  # fmt: skip
pieces = st.sampled_from(PIECES)
noise = st.one_of(st.text(max_size=30), st.lists(pieces, max_size=20).map("".join))

names = st.sampled_from(["x", "z", "total.fruits", "`litter size`", "größe", "f", "if"])
factors = st.one_of(
    names,
    names.map("log({})".format),
    names.map("I({}^2 > 3)".format),
    st.builds("poly({}, {})".format, names, st.integers(1, 5)),
)


def _joined(inner):
    return st.builds("({} {} {})".format, inner, st.sampled_from(["+", ":", "*", "/"]), inner)


terms = st.recursive(factors, _joined, max_leaves=5)
random_terms = st.builds(
    "{}({} | {})".format,
    st.sampled_from(["", "us", "diag", "homcs"]),
    st.sampled_from(["1", "x", "0 + x", "x:z"]),
    st.sampled_from(["g", "a:b", "h", "`plot no`"]),
)


@given(noise)
def test_any_text_is_read_or_refused(text):
    with suppress(FormulaError):
        formula = parse(text)
        assert formula.response
        assert formula.columns


@given(noise)
def test_any_formula_that_is_read_is_read_by_formulaic(text):
    try:
        formula = parse("y ~ " + text)
    except FormulaError:
        return
    formulaic.Formula(formula.fixed)
    for term in formula.random:
        formulaic.Formula(term.basis)


@given(noise)
def test_any_expression_is_safe_python_or_refused(text):
    try:
        python = python_expression(text)
    except FormulaError:
        return
    check_expression(python)
    assert python_expression(python) == python
    ast.parse(re.sub(r"'(?:[^'\\]|\\.)*'|`[^`]*`", "a", python), mode="eval")


@given(noise)
def test_any_python_passes_the_check_or_is_refused(text):
    try:
        check_expression(text)
    except FormulaError:
        return
    expression_columns(text)


@given(noise, noise, noise)
def test_arguments_of_statsmodels_are_combined_or_refused(text, groups, re_formula):
    with suppress(FormulaError):
        assert combine(text, groups, re_formula)


@given(st.lists(st.one_of(terms, random_terms), min_size=1, max_size=6), st.data())
def test_whitespace_does_not_matter(parts, data):
    try:
        one = parse("y ~ " + " + ".join(parts))
    except FormulaError:
        return
    blank = st.sampled_from([" ", "  ", "\n", "\t "])
    words = re.split(r"(`[^`]*`)|( )", one.text)
    spaced = "".join(data.draw(blank) if word == " " else word or "" for word in words)
    other = parse(spaced)
    assert (one.fixed, one.columns) == (other.fixed, other.columns)
    assert one.random == other.random


@given(st.permutations(["a", "b", "c", "d e", "g.h"]), st.lists(terms, max_size=3))
def test_random_terms_keep_their_order(groups, fixed):
    parts = [*fixed, *(f"(1 | `{group}`)" for group in groups)]
    assert [term.group for term in parse("y ~ " + " + ".join(parts)).random] == groups


@given(terms, terms)
def test_columns_do_not_depend_on_the_place_of_random_terms(first, second):
    assert (
        parse(f"y ~ {first} + (1 | g) + {second}").fixed
        == parse(f"y ~ {first} + {second} + (1 | g)").fixed
    )


@given(terms)
def test_an_expanded_formula_expands_to_the_same_terms(written):
    def sets(fixed):
        return [frozenset(term.split(":")) for term in fixed.split(" + ")]

    fixed = parse(f"y ~ {written}").fixed
    assert sets(parse(f"y ~ {fixed}").fixed) == sets(fixed)
