"""Expressions in R's and Python's words, as the Python that is evaluated."""

import pytest

from partialpool.errors import FormulaError
from partialpool.formula import python_expression


@pytest.mark.parametrize(
    ("written", "python"),
    [
        ("x", "x"),
        ("I(x^2)", "I(x ** 2)"),
        ("I(x**2)", "I(x ** 2)"),
        ("-x^2", "-x ** 2"),
        ("(-x)^2", "(-x) ** 2"),
        ("x^-1", "x ** -1"),
        ("2^x^3", "2 ** x ** 3"),
        ("(2*x)^3", "(2 * x) ** 3"),
        ("5 * Days^2/9", "5 * Days ** 2 / 9"),
        ("(a + b) * c", "(a + b) * c"),
        ("a - (b - c)", "a - (b - c)"),
        ("a - b - c", "a - b - c"),
        ("a / (b * c)", "a / (b * c)"),
        ("((a))", "a"),
        ("a * b %% c", "a * (b % c)"),
        ("a %/% b", "a // b"),
        ("a % b", "a % b"),
        ("swt / mean(swt)", "swt / mean(swt)"),
        ("log(total.fruits)", "log(`total.fruits`)"),
        ("product_group == 'PG2'", "product_group == 'PG2'"),
        ('f == "it\'s"', r"f == 'it\x27s'"),
        ("f == 'a(b'", r"f == 'a\x28b'"),
        ("I(week > 2)", "I(week > 2)"),
        ("a < b & c", "(a < b) & c"),
        ("a < b && !c == d | e", "(a < b) & ~(c == d) | e"),
        ("~a", "~a"),
        ("a == TRUE", "a == True"),
        ("f %in% c('a', 'b')", "(f == 'a') | (f == 'b')"),
        ("!f %in% c('a')", "~(f == 'a')"),
        ("sin(2*pi*x)", "sin(2 * pi * x)"),
        ("`pi` * pi", "`pi` * pi"),
        ("T + F", "T + F"),
        ("np.log(x) + numpy.exp(x)", "log(x) + exp(x)"),
        ("`a b` + class", "`a b` + `class`"),
        ("log(log)", "log(`log`)"),
        ("ﬁx + 1", "`ﬁx` + 1"),
    ],
)
def test_an_expression_becomes_python(written, python):
    assert python_expression(written) == python
    assert python_expression(python) == python


@pytest.mark.parametrize(
    ("written", "python"),
    [
        ("as.integer(resp)", "as_integer(resp)"),
        ("as.numeric(f)", "as_numeric(f)"),
        ("as.factor(f)", "as_factor(f)"),
        ("factor(f)", "factor(f)"),
        ("factor(f, levels = c('b', 'a'))", "factor(f, levels=['b', 'a'])"),
        ("factor(f, c(2, -1))", "factor(f, [2, -1])"),
        ("poly(Days, 2)", "poly(Days, 2)"),
        ("poly(Days, degree = 2, raw = TRUE)", "poly(Days, degree=2, raw=True)"),
        ("poly(x = Days, 2)", "poly(Days, 2)"),
        ("bs(x, df = 4)", "bs(x, df=4)"),
        ("bs(x, knots = c(3, 6), degree = 2)", "bs(x, knots=[3, 6], degree=2)"),
        ("bs(x, df = 4, intercept = TRUE)", "bs(x, df=4, include_intercept=True)"),
        ("ns(x, df = 3)", "ns(x, df=3)"),
        ("ns(x, knots = [3, 6])", "ns(x, knots=[3, 6])"),
        (
            "ns(x, df = 3, Boundary.knots = c(0, 9))",
            "ns(x, df=3, lower_bound=0, upper_bound=9)",
        ),
        ("log(x, 2)", "I(log(x) / log(2))"),
        ("log(x, base = 10)", "I(log(x) / log(10))"),
        ("scale(log(x), scale = FALSE)", "scale(log(x), scale=False)"),
        ("center(x)", "center(x)"),
        ("C(f)", "C(f)"),
        ("C(f, contr.treatment)", "C(f, contr.treatment)"),
        ("C(f, contr.treatment('b'))", "C(f, contr.treatment('b'))"),
        ("C(f, contr.treatment(base = 'b'))", "C(f, contr.treatment('b'))"),
        ("C(f, Treatment('b'))", "C(f, contr.treatment('b'))"),
        ("C(f, Treatment(reference = 'b'))", "C(f, contr.treatment('b'))"),
        ("C(f, Treatment(2))", "C(f, contr.treatment(2))"),
        ("C(f, contr.sum)", "C(f, contr.sum)"),
        ("C(f, contr = contr.sum)", "C(f, contr.sum)"),
        ("C(f, contr.sum())", "C(f, contr.sum)"),
        ("C(f, Sum)", "C(f, contr.sum)"),
        ("C(f, sum)", "C(f, contr.sum)"),
        ("C(f, 'contr.sum')", "C(f, contr.sum)"),
        ("C(f, contr.poly)", "C(f, contr.poly)"),
        ("C(f, contr.poly(scores = c(1, 2, 4)))", "C(f, contr.poly([1, 2, 4]))"),
        ("C(f, Poly)", "C(f, contr.poly)"),
        ("C(f, contr.helmert)", "C(f, contr.helmert)"),
        ("C(f, Helmert)", "C(f, contr.helmert)"),
        ("C(f, Diff)", "C(f, contr.diff)"),
        ("C(f, contr.SAS)", "C(f, contr.SAS)"),
        ("C(f, levels = c('b', 'a'), contr = Sum)", "C(f, contr.sum, levels=['b', 'a'])"),
    ],
)
def test_a_call_becomes_python(written, python):
    assert python_expression(written) == python
    assert python_expression(python) == python


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("lgo(x)", "'lgo' is not known. Did you mean 'log'?"),
        ("foo(x)", "'foo' is not known. A formula may call only C, I, abs, as.factor"),
        ("__import__('os')", "'__import__' is not known"),
        ("x.mean()", r"methods can't be called in a formula, found 'x.mean'. Write mean\(...\)"),
        ("relevel(f, 'b')", r"'relevel' is not available.*C\(f, contr.treatment\('level'\)\)"),
        ("ifelse(x > 2, 1, 0)", r"'ifelse' is not available.*I\(x > 2\)"),
        ("standardize(x)", r"Write scale\(x\)"),
        ("s(x)", r"Smooth terms are not available: use ns\(x, df = 4\)"),
        ("log()", r"log\(\) needs a column as its first argument"),
        ("poly(degree = 2)", r"poly\(\) needs a column as its first argument"),
        ("mean(x, 2)", r"mean\(\) takes at most 1 argument\(s\), found 2"),
        ("bs(x, def = 4)", r"bs\(\) has no argument 'def'. Its options: df, knots"),
        ("mean(x = y, na.rm = TRUE)", "takes at most 1"),
        ("bs(x, 4, df = 4)", r"bs\(\) is given 'df' twice"),
        ("bs(x, df = 4, 3)", "without a name can't follow one with a name"),
        ("bs(x, df = k)", "a number, a text or a list of them was needed here, found the name 'k'"),
        ("bs(x, Boundary.knots = 3)", r"two numbers were needed here: Boundary.knots = c\(0, 10\)"),
        ("C(f, contr.foo)", "the contrast 'contr.foo' is not known. Use one of contr.treatment"),
        ("C(f, 3)", "contrasts are written by name"),
        ("C(f, contr.sum(3))", "contr.sum takes no arguments here"),
        ("C(f, contr.treatment(3, base = 2))", "contr.treatment takes only base here"),
        ("C(f, contr.treatment, base = 2)", r"Write the reference level as C\(f, contr.treatment"),
        ("1 < x < 3", r"comparisons can't be chained. Write \(1 < x\) & \(x < 3\)"),
        ("a:b", "':' makes an interaction"),
        ("x[1]", "indexing is not allowed"),
        ("(x).real", "found '.real': attributes and methods can't be used"),
        ("x + c(1, 2)", "a list of values can only be an argument"),
        ("f %in% 3", "'%in%' is followed by values here"),
        ("f == '\\q'", "a backslash that starts no known character"),
        (".", "'.' is not supported"),
        ("__x", "starts with two underscores"),
        ("cbind(a, b)", r"cbind\(\) can only be the whole response"),
        ("(1 | g)", "can't stand here"),
        ("", "the expression is empty"),
        ("x y", "found 'y' where an operator was needed"),
    ],
)
def test_an_expression_that_cannot_be_meant_is_refused(written, message):
    with pytest.raises(FormulaError, match=message):
        python_expression(written)


def test_an_expression_that_is_no_text_is_refused():
    with pytest.raises(FormulaError, match="found int"):
        python_expression(3)
