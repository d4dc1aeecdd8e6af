"""Random terms: bases, grouping factors, structures, and what can't be meant."""

import pytest

from partialpool.errors import FormulaError
from partialpool.formula import RandomTerm, parse


def random(written):
    return parse(f"y ~ x + {written}").random


@pytest.mark.parametrize(
    ("written", "basis", "structure"),
    [
        ("(1 | g)", "1", "unstructured"),
        ("(x | g)", "1 + x", "unstructured"),
        ("(1 + x | g)", "1 + x", "unstructured"),
        ("(0 + x | g)", "0 + x", "unstructured"),
        ("(x - 1 | g)", "0 + x", "unstructured"),
        ("(-1 + x | g)", "0 + x", "unstructured"),
        ("(x + 0 | g)", "0 + x", "unstructured"),
        ("(x*z | g)", "1 + x + z + x:z", "unstructured"),
        ("(x || g)", "1 + x", "diagonal"),
        ("(0 + f || g)", "0 + f", "diagonal"),
        ("(I(x^2) | g)", "1 + I(x ** 2)", "unstructured"),
        ("us(x | g)", "1 + x", "unstructured"),
        ("diag(x | g)", "1 + x", "diagonal"),
        ("homdiag(0 + f | g)", "0 + f", "homdiag"),
        ("cs(0 + f | g)", "0 + f", "cs"),
        ("homcs(0 + f | g)", "0 + f", "homcs"),
        ("ar1(0 + time | g)", "0 + time", "ar1"),
        ("hetar1(0 + time | g)", "0 + time", "hetar1"),
        ("toep(0 + time | g)", "0 + time", "toep"),
        ("homtoep(0 + time | g)", "0 + time", "homtoep"),
        ("ar1(factor(time) + 0 | g)", "0 + factor(time)", "ar1"),
    ],
)
def test_a_random_term_has_a_basis_and_a_structure(written, basis, structure):
    assert random(written) == (RandomTerm(written, basis, ("g",), structure),)


@pytest.mark.parametrize(
    ("grouping", "groups"),
    [
        ("a:b", ["a:b"]),
        ("a/b", ["a", "a:b"]),
        ("a/b/c", ["a", "a:b", "a:b:c"]),
        ("(a/b)", ["a", "a:b"]),
        ("a:b/c", ["a:b", "a:b:c"]),
        ("a/(b:c)", ["a", "a:b:c"]),
        ("factor(a)", ["a"]),
        ("as.factor(a):b", ["a:b"]),
        ("C(a)", ["a"]),
        ("interaction(a, b)", ["a:b"]),
        ("`plot no`", ["plot no"]),
        ("plot.no", ["plot.no"]),
    ],
)
def test_a_grouping_factor_may_be_nested_or_an_interaction(grouping, groups):
    assert [term.group for term in random(f"(1 | {grouping})")] == groups


def test_slopes_go_to_every_level_of_nesting():
    terms = random("cs(0 + f | a/b)")
    assert [(t.basis, t.factors, t.structure) for t in terms] == [
        ("0 + f", ("a",), "cs"),
        ("0 + f", ("a", "b"), "cs"),
    ]
    assert {term.source for term in terms} == {"cs(0 + f | a/b)"}


def test_random_terms_keep_the_order_in_which_they_stand():
    terms = random("(1 | s) + z + (1 | d) + (0 + z | s)")
    assert [(term.basis, term.group) for term in terms] == [("1", "s"), ("1", "d"), ("0 + z", "s")]


@pytest.mark.parametrize(
    "text",
    [
        "y ~ ((1 | g)) + x",
        "y ~ (1 | g) + x",
        "y ~ (x + (1 | g))",
        "y ~ +(1 | g) + x",
        "y ~ (x) + ((1 | g))",
    ],
)
def test_a_random_term_is_found_wherever_it_is_added(text):
    formula = parse(text)
    assert formula.fixed == "1 + x"
    assert [term.group for term in formula.random] == ["g"]


def test_random_terms_alone_leave_the_intercept():
    assert parse("y ~ (1 | g)").fixed == "1"
    assert parse("y ~ (1 | g) - 1").fixed == "0"
    assert parse("y ~ 0 + (1 | g)").fixed == "0"


@pytest.mark.parametrize(
    ("text", "fixes"),
    [
        ("y ~ x + 1 | g", ["y ~ (x + 1 | g)", "y ~ x + (1 | g)"]),
        ("y ~ x | g", ["y ~ (x | g)"]),
        ("y ~ x + z || g", ["y ~ (x + z || g)", "y ~ x + (z || g)"]),
        ("log(y) ~ a*b + x | g", ["log(y) ~ (a*b + x | g)", "log(y) ~ a*b + (x | g)"]),
    ],
)
def test_a_bare_bar_is_refused_with_the_ways_to_write_it(text, fixes):
    with pytest.raises(FormulaError, match="needs parentheses around it") as caught:
        parse(text)
    assert f"Write {' or '.join(fixes)}." in str(caught.value)
    for fix in fixes:
        assert parse(fix).random


def test_a_bare_bar_after_another_random_term_takes_the_last_column():
    with pytest.raises(FormulaError) as caught:
        parse("y ~ x + (1 | h) + x | g")
    assert "Write y ~ x + (1 | h) + (x | g)." in str(caught.value)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("x:(1 | g)", r"random term \(1 \| g\) can't stand here.*'y ~ x \+ \(1 \| g\)'"),
        ("x*(1 | g)", "can't stand here"),
        ("x - (1 | g)", "can't stand here"),
        ("(1 | g)^2", "can't stand here"),
        ("log((1 | g))", "can't stand here"),
        ("(z + (1 | h) | g)", r"\(1 \| h\) can't stand here"),
        ("(x | g | h)", "has one bar"),
        ("(0 | g)", "has no columns"),
        ("(x - x - 1 | g)", "has no columns"),
        ("(1 | 1)", "1 can't be a grouping factor: a column was needed"),
        ("(1 | log(g))", r"log\(g\) can't be a grouping factor"),
        ("(1 | factor(g, levels = c(1, 2)))", "can't be a grouping factor"),
        ("(1 | g + h)", r"one term for each: \(1 \| g\) \+ \(1 \| h\)"),
        ("(1 | g*h)", r"one term for each: \(1 \| g\) \+ \(1 \| h\) \+ \(1 \| g:h\)"),
        ("(1 | g - h)", "g - h can't be a grouping factor"),
        ("(1 | (a/b):c)", "'/' can't stand within an interaction"),
        ("stoep(x | g)", "'stoep' is not a covariance structure. Known are us, diag, homdiag"),
        ("x (1 | g)", "'x' is not a covariance structure.*a '\\+' is missing"),
        ("toep(time | g)", r"no intercept: toep\(0 \+ time \| g\)"),
        ("ar1(time | g)", r"no intercept: ar1\(0 \+ time \| g\)"),
        ("ar1(0 + s + t | g)", "takes one factor of time points"),
        ("diag(x || g)", r"Write '\|' inside diag\(\)"),
        ("cs(x | g, 2)", r"cs\(\) takes one random term and nothing else"),
        ("cs(x)", r"cs\(\) needs a random term: cs\(x \| g\)"),
    ],
)
def test_a_random_term_that_cannot_be_meant_is_refused(written, message):
    with pytest.raises(FormulaError, match=message):
        random(written)


@pytest.mark.parametrize("grouping", ["g/g", "g:g", "a/b/a", "interaction(g, g)"])
def test_a_grouping_factor_with_a_column_twice_is_refused(grouping):
    with pytest.raises(FormulaError, match="twice, which would give it two variances"):
        random(f"(1 | {grouping})")


@pytest.mark.parametrize(
    "written",
    [
        "(1 | g) + (1 | g)",
        "(x | g) + (1 + x | g)",
        "(1 | a/b) + (1 | a)",
        "(1 | a:b) + (1 | b:a)",
        "cs(0 + f | g) + cs(0 + f | g)",
        "(1 | g) + homdiag(1 | g)",
    ],
)
def test_a_term_written_twice_is_refused(written):
    with pytest.raises(FormulaError, match="is in the formula twice"):
        random(written)


@pytest.mark.parametrize(
    "written",
    [
        "(1 | g) + (x | g)",
        "(x || g) + (1 | g)",
        "(0 + x | g) + (0 + x + z | g)",
        "(x | a/b) + (1 | b:a)",
        "(x | g) + (x || g)",
    ],
)
def test_terms_that_share_a_column_are_refused(written):
    with pytest.raises(FormulaError, match="the data can't tell the two apart"):
        random(written)


@pytest.mark.parametrize(
    "written",
    [
        "(1 | g) + (0 + x | g)",
        "(1 | g) + (1 | h)",
        "(1 | g) + (1 | g:h)",
        "(1 | g) + homcs(1 + x | g)",
        "(1 | g) + ar1(0 + time | g)",
    ],
)
def test_terms_on_one_factor_that_can_be_told_apart_are_kept(written):
    assert len(random(written)) == 2
