"""Whole formulas: both sides, columns, offsets, and errors that point at the place."""

import timeit

import pytest

from partialpool.errors import FormulaError
from partialpool.formula import Formula, RandomTerm, parse


def test_the_sleepstudy_formula_in_full():
    text = "Reaction ~ Days + (Days | Subject)"
    assert parse(text) == Formula(
        text=text,
        response="Reaction",
        fixed="1 + Days",
        offsets=(),
        random=(RandomTerm("(Days | Subject)", "1 + Days", ("Subject",), "unstructured"),),
        columns=("Reaction", "Days", "Subject"),
    )


def test_the_sleepstudy_formula_is_read_in_a_fraction_of_a_millisecond():
    text = "Reaction ~ Days + (Days | Subject)"
    best = min(timeit.repeat(lambda: parse(text), number=20, repeat=10)) / 20
    assert best < 0.3e-3


@pytest.mark.parametrize(
    ("written", "response", "columns"),
    [
        ("y", "y", ("y",)),
        ("log(y)", "log(y)", ("y",)),
        ("I(y/100)", "I(y / 100)", ("y",)),
        ("y/100", "y / 100", ("y",)),
        ("a - b", "a - b", ("a", "b")),
        ("as.integer(resp)", "as_integer(resp)", ("resp",)),
        ("total.fruits", "`total.fruits`", ("total.fruits",)),
        ("I(yield/100)", "I(`yield` / 100)", ("yield",)),
        ("y > 2", "y > 2", ("y",)),
        ("cbind(a, n - a)", "cbind(a, n - a)", ("a", "n")),
        ("pi * r", "pi * r", ("r",)),
    ],
)
def test_the_response_is_an_expression(written, response, columns):
    formula = parse(f"{written} ~ x")
    assert formula.response == response
    assert formula.columns == (*columns, "x")


def test_offsets_leave_the_fixed_part():
    formula = parse("y ~ x + offset(log(t)) + (1 | g) + offset(5 * x^2/9)")
    assert formula.fixed == "1 + x"
    assert formula.offsets == ("log(t)", "5 * x ** 2 / 9")


def test_columns_stand_in_order_of_appearance():
    formula = parse("log(y) ~ b*a + (c | d/e) + offset(f) + poly(b, 2) + C(h, contr.sum) + I(pi*k)")
    assert formula.columns == ("y", "b", "a", "c", "d", "e", "f", "h", "k")


@pytest.mark.parametrize(
    "name", ["IQ.ver.cen", ".x", "x.", "größe", "名前", "e\u0301te\u0301", "a1"]
)
def test_a_name_of_r_is_one_column(name):
    assert parse(f"y ~ {name} + ({name} | {name})").columns == ("y", name)


@pytest.mark.parametrize(
    "name", ["litter size", "2nd", "class", "a:b", "it's", "(x)", "log", "名 前"]
)
def test_a_name_in_backticks_is_one_column(name):
    formula = parse(f"y ~ `{name}` + log(`{name}`) + (1 | `{name}`)")
    assert formula.columns == ("y", name)
    assert formula.fixed == f"1 + `{name}` + log(`{name}`)"
    assert formula.random[0].factors == (name,)


def test_a_column_in_patsys_quotes_is_a_column():
    assert parse("y ~ Q('litter size') + x").fixed == "1 + `litter size` + x"


def test_backticks_appear_only_where_needed():
    assert parse("`y` ~ `x` + `x.1`").fixed == "1 + x + `x.1`"


def test_pi_is_a_column_where_a_number_would_mean_nothing():
    assert parse("y ~ pi + I(2*pi*x)").fixed == "1 + `pi` + I(2 * pi * x)"


def test_formulas_may_span_lines():
    assert parse("y ~\n  x +\n\t(1 | g)\n").fixed == "1 + x"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the formula is empty"),
        ("  \n", "the formula is empty"),
        ("~ x", "nothing stands left of '~'"),
        ("y ~", "nothing stands right of '~'.*write 'y ~ 1'"),
        ("y", "a formula needs '~' between response and predictors"),
        ("y = x", "a formula needs '~'"),
        ("y ~ x ~ z", "only one '~'"),
        ("y ~ x z", "found 'z' where an operator was needed. Is a '\\+' missing"),
        ("y ~ x z", "A name with blanks goes in backticks"),
        ("y ~ + ", "ends too early"),
        ("y ~ * x", r"found '\*' where a column, a number or a function was needed"),
        ("y ~ ()", "nothing stands between these parentheses"),
        ("y ~ x, data", "found ',' outside a function's arguments"),
        ("y ~ x = 2", "found '='. Write '~' after the response, and '==' to compare"),
        ("y ~ x and z", "found 'and'. Write '&'"),
        ("y ~ splines::ns(x)", "found '::'. Write the function's name alone"),
        ("2 ~ x", "the response 2 uses no column"),
        ("y ~ y + x", "the response y is also a predictor"),
        ("log(y) ~ x:log(y)", r"the response log\(y\) is also a predictor"),
        ("cbind(a) ~ x", r"cbind\(successes, failures\)"),
        ("y ~ cbind(a, b)", r"cbind\(\) can only be the whole response"),
        ("y ~ offset()", r"offset\(\) takes one expression"),
        ("y ~ offset(a, b)", r"offset\(\) takes one expression"),
        ("y ~ Q(x)", r"Q\(\) takes one column name in quotes"),
        ("y ~ " + "(" * 50 + "x" + ")" * 50, "nested more than 40 levels deep"),
        ("y ~ " + "-" * 200 + "x", "nested more than 40 levels deep"),
    ],
)
def test_what_is_no_formula_is_refused(text, message):
    with pytest.raises(FormulaError, match=message):
        parse(text)


@pytest.mark.parametrize("text", [None, 3, b"y ~ x", ["y ~ x"]])
def test_a_formula_that_is_no_text_is_refused(text):
    with pytest.raises(FormulaError, match=f"found {type(text).__name__}"):
        parse(text)


def test_a_dot_in_backticks_is_a_column():
    assert parse("y ~ `.`").columns == ("y", ".")


def test_a_dot_is_refused_with_the_columns_listed():
    with pytest.raises(
        FormulaError, match=r"'\.' \(every other column\) is not supported"
    ) as caught:
        parse("y ~ . + (1 | g)", columns=["y", "Days", "litter size", "g"])
    assert "Name the columns you mean: Days + `litter size`." in str(caught.value)


@pytest.mark.parametrize("text", ["y ~ .", "y ~ log(.)", "y ~ (. | g)", ". ~ x"])
def test_a_dot_is_refused_anywhere(text):
    with pytest.raises(FormulaError, match=r"'\.' \(every other column\) is not supported"):
        parse(text)


def test_an_error_points_at_its_place():
    with pytest.raises(FormulaError) as caught:
        parse("y ~ x + (1 | g")
    assert str(caught.value).splitlines() == [
        "'(' is never closed: add a ')'.",
        "    y ~ x + (1 | g",
        "            ^",
    ]


def test_an_error_points_into_the_line_that_holds_it():
    with pytest.raises(FormulaError) as caught:
        parse("y ~\n  x +\n  lgo(x)")
    assert str(caught.value).splitlines()[1:] == ["      lgo(x)", "      ^^^^^^"]


def test_the_caret_stands_below_wide_and_combined_letters():
    with pytest.raises(FormulaError) as caught:
        parse("名前 ~ e\u0301 $ x")
    shown, caret = str(caught.value).splitlines()[1:]
    assert shown == "    名前 ~ e\u0301 $ x"
    assert caret == " " * (4 + 4 + 3 + 1 + 1) + "^"


def test_a_long_formula_is_shown_around_the_fault():
    text = "y ~ " + " + ".join(f"x{i}" for i in range(500)) + " + $ + " + "z + " * 99 + "z"
    with pytest.raises(FormulaError) as caught:
        parse(text)
    shown, caret = str(caught.value).splitlines()[1:]
    assert len(shown) < 100
    assert shown[caret.index("^")] == "$"
