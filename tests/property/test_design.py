"""Laws of a design, on random tables and formulas."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
from formulaic import model_matrix
from hypothesis import given, settings
from hypothesis import strategies as st

from partialpool.design import DesignSpec, build, replay
from partialpool.formula import parse

N = 40
seeds = st.integers(0, 2**16)


def table(seed: int, n: int = N) -> pd.DataFrame:
    """Factors a (2 levels), b and c (3), numbers x and z, in random order."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "y": rng.normal(size=n),
            "x": rng.normal(size=n),
            "z": rng.uniform(1, 9, size=n),
            "a": rng.permutation(np.resize(["q", "p"], n)),
            "b": rng.permutation(np.resize(["s", "r", "t"], n)),
            "c": pd.Categorical(rng.permutation(np.resize(["w", "v", "u"], n)), ["v", "u", "w"]),
            "g": rng.permutation(np.resize([5, 3, 11, 7], n)),
        }
    )


factors = st.sampled_from(["a", "b", "c", "x", "z", "log(z)", "I(x ** 2)"])
terms = st.lists(factors, min_size=1, max_size=3, unique=True).map(":".join)
sums = st.lists(terms, min_size=1, max_size=4, unique_by=lambda t: frozenset(t.split(":")))


@given(seeds, sums, st.booleans())
def test_columns_are_formulaic_s_in_name_order_and_value(seed, chosen, intercept):
    data = table(seed)
    formula = parse(f"y ~ {int(intercept)} + {' + '.join(chosen)}")
    ours, theirs = build(formula, data), model_matrix(formula.fixed, data)
    assert [*ours.columns] == [*theirs.columns]
    np.testing.assert_allclose(ours.X, theirs.to_numpy(dtype=float))


@given(seeds, sums, st.booleans())
def test_columns_span_what_all_products_of_levels_span_without_a_surplus(seed, chosen, intercept):
    # Enough rows that chance aliasing can't happen.
    data = table(seed, 400)
    X = build(parse(f"y ~ {int(intercept)} + {' + '.join(chosen)}"), data).X
    assert np.linalg.matrix_rank(X / np.linalg.norm(X, axis=0)) == X.shape[1]


right = st.sampled_from(
    [
        "x * b + (x | g)",
        "0 + c + c:z + (0 + c | g) + (1 | a:b)",
        "poly(x, 3) + ns(z, df = 4):a + (scale(z) || g)",
        "bs(z, df = 5) + C(b, contr.helmert) + I(x > 0) + (1 | g/a)",
        "factor(g) + center(x) + I(z - mean(z)) + offset(log(z)) + (1 | c)",
    ]
)


@given(seeds, right)
def test_the_rows_fitted_are_made_again_by_what_was_saved(seed, text):
    data = table(seed)
    built = build(parse(f"y ~ {text}"), data)
    spec = DesignSpec.from_json(json.loads(json.dumps(built.spec.to_json())))
    new = replay(spec, data)
    np.testing.assert_array_equal(new.X, built.X)
    for effects, old in zip(new.effects, built.random, strict=True):
        np.testing.assert_array_equal(effects.codes, old.factor.codes)
        np.testing.assert_array_equal(effects.basis, old.basis)


@given(seeds, right)
def test_the_order_of_rows_changes_nothing_but_their_order(seed, text):
    data = table(seed)
    order = np.random.default_rng(seed).permutation(N)
    first, second = (build(parse(f"y ~ {text}"), d) for d in (data, data.iloc[order]))
    np.testing.assert_allclose(second.X, first.X[order], atol=1e-9)
    for mine, other in zip(first.random, second.random, strict=True):
        assert other.factor.levels.tolist() == mine.factor.levels.tolist()
        np.testing.assert_array_equal(other.factor.codes, mine.factor.codes[order])


@given(seeds, right, st.lists(st.integers(0, N - 1), min_size=1, max_size=9))
def test_dropping_rows_is_as_never_having_had_them(seed, text, holes):
    data = table(seed)
    gappy = data.assign(y=data["y"].mask(data.index.isin(holes)))
    dropped = build(parse(f"y ~ {text}"), gappy, missing="drop")
    alone = build(parse(f"y ~ {text}"), data.drop(index=holes))
    np.testing.assert_array_equal(dropped.X, alone.X)
    assert dropped.columns == alone.columns
    assert dropped.rows.dropped == {"y": len(set(holes))}


@given(seeds, st.sampled_from(["x", "scale(x)", "poly(x, 2)", "x:a", "I(x ** 2):z", "b * x"]))
@settings(max_examples=50)
def test_a_masked_covariate_is_learned_on_its_rows_and_absent_from_the_others(seed, text):
    data = table(seed)
    applies = (data["c"] != "u").to_numpy()
    formula = parse(f"y ~ {text} + z")
    masked = build(formula, data, applicable={"x": "c != 'u'"})
    alone = build(formula, data[applies])
    np.testing.assert_array_equal(masked.X[applies], alone.X)
    # A column with x in it, and no other, is zero where x doesn't apply.
    with_x = ["x" in name.replace("[", "") for name in masked.columns]
    assert not masked.X[~applies][:, with_x].any()


labels = st.lists(
    st.one_of(st.text(max_size=5), st.integers(-(2**60), 2**60)), min_size=2, max_size=30
).filter(lambda values: len({str(value) for value in values}) > 1)


@given(labels)
def test_levels_and_codes_restore_a_grouping_column(values):
    same_text = {str(value): type(value) for value in values}
    values = [value for value in values if same_text[str(value)] is type(value)]
    if len(set(values)) < 2:
        return
    data = {"y": np.arange(len(values)) * 1.0, "g": np.array([*values, None], dtype=object)[:-1]}
    factor = build(parse("y ~ 1 + (1 | g)"), data).random[0].factor
    assert factor.levels[factor.codes].tolist() == values
