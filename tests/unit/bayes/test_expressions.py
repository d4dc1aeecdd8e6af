"""Names of any kind are found in hypotheses, and what can't be read is said in words."""

import numpy as np
import pytest

from partialpool.bayes.comparisons import read_comparison
from partialpool.bayes.expressions import evaluate_expression
from partialpool.errors import ModelError, UnknownNameError
from partialpool.inference.hypotheses.equations import read_equation

NAMES = {
    "Intercept": 0.5,
    "x": 2.0,
    "I(x ** 2)": 3.0,
    "x:I(x ** 2)": 4.0,
    "ns(x, df=3)[1]": 5.0,
    "k[T.a=1]": 6.0,
    "k[T.b<2]": 7.0,
    "k[T.b]": 8.0,
    "exp(x)": 9.0,
    "low|high": 10.0,
    "1|2": 11.0,
    "sd(my g.x)": 12.0,
    "total.fruits": 13.0,
    "C(f, contr.treatment('b'))[T.a]": 14.0,
}
VALUES = {name: np.array([value]) for name, value in NAMES.items()}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("quote", ["", "`"])
@pytest.mark.parametrize("sign", ["<", "=", ">"])
def test_every_name_is_found_on_either_side(name, quote, sign):
    for text in (f"{quote}{name}{quote} {sign} 1", f"1{sign}{quote}{name}{quote}"):
        read = read_comparison(text, VALUES)
        assert read.names == (name,)
        assert read.sign == sign
        assert abs(read.difference(VALUES)) == abs(NAMES[name] - 1)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("I(x^2)", "I(x ** 2)"),
        ("I( x**2 )", "I(x ** 2)"),
        ("x : I(x^2)", "x:I(x ** 2)"),
        ("ns(x,df = 3)[1]", "ns(x, df=3)[1]"),
        ("sd( my g.x )", "sd(my g.x)"),
        ('C(f, contr.treatment("b"))[T.a]', "C(f, contr.treatment('b'))[T.a]"),
    ],
)
def test_a_name_may_be_spelled_as_formulas_are(text, name):
    assert read_comparison(f"{text} > 0", VALUES).names == (name,)
    assert read_equation(f"{text} = 0", list(NAMES)).coefficients[list(NAMES).index(name)] == 1


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("x^2", 4.0),
        ("x**2", 4.0),
        ("-x^2", -4.0),
        ("2^-x", 0.25),
        ("2 ^ x ^ 3", 256.0),
        ("(x + 1)*2 - -3", 9.0),
        ("log(Intercept * x)", 0.0),
        ("sqrt(x + 7) / 3", 1.0),
        ("abs(1 - x) * 2", 2.0),
        ("exp(0*x)", 1.0),
        # A coefficient of this name comes before the function.
        ("exp(x)", 9.0),
        ("expit(log(3) + 0*x)", 0.75),
        ("1e1 * .5 + x", 7.0),
    ],
)
def test_arithmetic_is_that_of_mathematics(text, value):
    assert evaluate_expression(text, VALUES)[()] == pytest.approx(value)


LANGUAGE = r"\+ - \* / \^ and brackets, the functions abs, exp, expit, log, sqrt, and one of < > ="


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("w > 3", UnknownNameError, f"no parameter 'w'.*There are Intercept, x,.*{LANGUAGE}"),
        ("sin(x) > 3", UnknownNameError, rf"no parameter 'sin\(x\)'.*{LANGUAGE}"),
        ("k[T.c] > 3", UnknownNameError, r"no parameter 'k\[T.c\]'. Did you mean 'k\[T.b\]'"),
        ("x2 > 3", UnknownNameError, "no parameter 'x2'"),
        ("`x", UnknownNameError, "no parameter 'x'"),
        ("x % 2 > 0", ModelError, f"can't be read from '% 2 > 0' on.*{LANGUAGE}, as in 'x > 0'"),
        ("2 x > 0", ModelError, "can't be read from 'x > 0' on"),
        ("(x > 0", ModelError, "can't be read from '> 0' on"),
        ("x >", ModelError, "can't be read to its end"),
        ("x", ModelError, "no comparison. Write it as 'x > 0' or 'x = 0'"),
        ("  ", ModelError, "is empty. Write it as 'x > 0'"),
        ("x != 0", ModelError, "excludes one value.*Ask for 'x = 0'.*or for 'x > 0'"),
        ("1 < x < 2", ModelError, r"more than one comparison.*'abs\(x - 1.5\) < 0.5'"),
    ],
)
def test_what_can_not_be_read_is_said_with_what_could(text, error, message):
    with pytest.raises(error, match=message):
        read_comparison(text, VALUES)


def test_examples_have_a_name_of_the_model():
    with pytest.raises(ModelError, match=r"Write it as 'sd\(g.x\) > 0'"):
        read_comparison("2", ["sd(g.x)", "corr(g.x,g.z)"])
