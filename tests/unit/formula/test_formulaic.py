"""Whatever comes out goes through formulaic and means there what R means."""

import formulaic
import numpy as np
import pandas as pd
import pytest

from partialpool.formula import parse, python_expression

DATA = pd.DataFrame(
    {
        "x": [1.0, 2.0, 3.0, 4.0, 5.0, 7.0],
        "litter size": [3.0, 1.0, 2.0, 5.0, 4.0, 6.0],
        "total.fruits": [2.0, 1.0, 4.0, 3.0, 6.0, 5.0],
        "größe": [1.0, 0.0, 1.0, 0.0, 1.0, 1.0],
        "f": ["a", "b", "c", "a", "b", "c"],
        "h": ["u", "u", "v", "v", "u", "v"],
    }
)
FUNCTIONS = {
    "factor": formulaic.transforms.C,
    "as_integer": lambda values: pd.Series(np.asarray(values, dtype=int)),
    "pi": np.pi,
    "sin": np.sin,
    "sqrt": np.sqrt,
}


def columns(written):
    fixed = parse(f"y ~ {written}").fixed
    return formulaic.model_matrix(fixed, DATA, context=FUNCTIONS)


@pytest.mark.parametrize(
    ("written", "names"),
    [
        ("x", ["Intercept", "x"]),
        ("0 + x", ["x"]),
        ("1", ["Intercept"]),
        (
            "`litter size` + total.fruits + größe",
            ["Intercept", "litter size", "total.fruits", "größe"],
        ),
        ("x:`litter size`", ["Intercept", "x:litter size"]),
        ("f", ["Intercept", "f[T.b]", "f[T.c]"]),
        ("0 + f", ["f[a]", "f[b]", "f[c]"]),
        ("x*h", ["Intercept", "x", "h[T.v]", "x:h[T.v]"]),
        ("factor(f)", ["Intercept", "factor(f)[T.b]", "factor(f)[T.c]"]),
        (
            "C(h, contr.treatment('v'))",
            ["Intercept", "C(h, contr.treatment('v'))[T.u]"],
        ),
        ("C(h, Sum)", ["Intercept", "C(h, contr.sum)[S.u]"]),
        ("C(h, contr.helmert)", ["Intercept", "C(h, contr.helmert)[H.v]"]),
        ("C(f, Poly)", ["Intercept", "C(f, contr.poly)[.L]", "C(f, contr.poly)[.Q]"]),
        ("C(f, contr.poly(scores = c(1, 2, 4)))", None),
        ("poly(x, 2)", ["Intercept", "poly(x, 2)[1]", "poly(x, 2)[2]"]),
        ("poly(x, 2, raw = TRUE)", None),
        ("bs(x, df = 4, Boundary.knots = c(0, 10))", None),
        ("scale(x, scale = FALSE) + center(total.fruits)", None),
        ("as.integer(x)", ["Intercept", "as_integer(x)"]),
    ],
)
def test_formulaic_makes_the_columns(written, names):
    made = columns(written)
    assert np.isfinite(made.to_numpy(float)).all()
    if names is not None:
        assert list(made.columns) == names


@pytest.mark.parametrize(
    ("written", "values"),
    [
        ("I(x^2)", DATA["x"] ** 2),
        ("I(x > 2)", DATA["x"] > 2),
        ("I(x > 2 & x < 5)", (DATA["x"] > 2) & (DATA["x"] < 5)),
        ("I(f %in% c('a', 'c'))", DATA["f"].isin(["a", "c"])),
        ("I(!f == 'a')", DATA["f"] != "a"),
        ("log(total.fruits, 2)", np.log2(DATA["total.fruits"])),
        ("sin(2*pi*x/7)", np.sin(2 * np.pi * DATA["x"] / 7)),
        ("sqrt(`litter size`)", np.sqrt(DATA["litter size"])),
        ("I(x %% 2)", DATA["x"] % 2),
        ("I(-x^2/total.fruits)", -(DATA["x"] ** 2) / DATA["total.fruits"]),
        ("I(x == 'a)(`\\\\\"')", DATA["x"] > 99),
    ],
)
def test_formulaic_computes_what_r_means(written, values):
    made = columns(f"0 + {written}").to_numpy(float)
    np.testing.assert_allclose(made[:, -1], values.to_numpy(float))


@pytest.mark.parametrize("written", ["x^2 - 1", "(x - 1)^2 * x", "-x^2", "2^-x", "x %/% 2 * 3"])
def test_python_has_the_precedence_of_r(written):
    x = DATA["x"].to_numpy()
    python_by_hand = {
        "x^2 - 1": x * x - 1,
        "(x - 1)^2 * x": (x - 1) * (x - 1) * x,
        "-x^2": -(x * x),
        "2^-x": 1 / 2**x,
        "x %/% 2 * 3": (x // 2) * 3,
    }
    np.testing.assert_allclose(eval(python_expression(written), {"x": x}), python_by_hand[written])
