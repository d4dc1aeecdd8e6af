from __future__ import annotations

import json

import numpy as np
import pandas as pd
import polars as pl
import pytest

from partialpool.design import DesignSpec, replay
from partialpool.errors import DataError, SavedModelError
from tests.unit.design.tables import N, design, table

TEXTS = [
    "y ~ x + (x | g)",
    "y ~ f * x + g + (f || g) + (1 | g:h)",
    "y ~ poly(x, 3) + bs(z, df = 5) + ns(z, df = 3):f + (scale(x) | g)",
    "y ~ C(g, contr.sum) + factor(h) + as.integer(k) + I(x > 0) + (1 | f)",
    "y ~ I(x - mean(x)) + C(g, contr.poly(c(1, 2, 4))) + offset(log(z)) + (1 | d)",
]


def data():
    return table(
        k=pd.Categorical(["q", "p"] * 6, ["q", "p", "unused"]),
        d=np.array(["2020-01-01", "2021-01-01"] * 6, dtype="M8[D]"),
    )


def stored(spec):
    """The specification after a trip through a file."""
    return DesignSpec.from_json(json.loads(json.dumps(spec.to_json())))


@pytest.mark.parametrize("text", TEXTS)
def test_the_rows_fitted_get_their_own_columns_back(text):
    built = design(text, data())
    new = replay(stored(built.spec), data())
    np.testing.assert_array_equal(new.X, built.X)
    if built.offset is not None:
        np.testing.assert_array_equal(new.offset, built.offset)
    for effects, old in zip(new.effects, built.random, strict=True):
        np.testing.assert_array_equal(effects.codes, old.factor.codes)
        np.testing.assert_array_equal(effects.basis, old.basis)


@pytest.mark.parametrize("text", TEXTS)
def test_each_row_gets_the_same_columns_alone(text):
    built = design(text, data())
    row = {name: np.asarray(values)[4:5] for name, values in data().items()}
    row["k"] = ["q"]
    np.testing.assert_allclose(replay(built.spec, row).X, built.X[4:5], atol=1e-14)


def test_a_new_level_of_a_group_is_coded_minus_one_and_labelled():
    spec = design("y ~ x + (1 | g) + (1 | g:h)").spec
    new = replay(spec, {"x": [1.0, 2.0, 3.0], "g": ["b", "q", None], "h": [10, 10, 10]})
    np.testing.assert_array_equal(new.effects[0].codes, [1, -1, -1])
    assert new.effects[0].labels.tolist() == ["b", "q", None]
    assert new.effects[1].labels.tolist() == ["b:10", "q:10", None]


def test_missing_values_give_nan_where_they_are_used():
    spec = design("y ~ x + f + x:z + (z | g)").spec
    new = replay(spec, {"x": [1.0, None], "f": [None, "v"], "z": [2.0, 3.0], "g": ["a", "a"]})
    nan = np.nan
    np.testing.assert_array_equal(new.X, [[1, 1, nan, 2], [1, nan, 1, nan]])
    np.testing.assert_array_equal(new.effects[0].basis, [[1, 2], [1, 3]])


def test_missing_values_everywhere_give_nan():
    spec = design("y ~ ns(x, df = 3) + poly(z, 2)").spec
    new = replay(spec, {"x": [None], "z": [np.nan]})
    np.testing.assert_array_equal(new.X, [[1] + [np.nan] * 5])


def test_no_new_row_gives_no_row():
    new = replay(design("y ~ x + f + (x | g)").spec, {"x": [], "f": [], "g": []})
    assert new.X.shape == (0, 3)


def test_only_the_groups_of_the_terms_wanted_are_needed():
    spec = design("y ~ x + (1 | g) + (1 | h)").spec
    assert replay(spec, {"x": [1.0]}, random=()).effects == ()
    (effects,) = replay(spec, {"x": [1.0], "h": [20]}, random={1}).effects
    assert effects.codes.tolist() == [1]


def test_new_rows_may_come_from_another_library():
    spec = design("y ~ x + (1 | h)").spec
    new = replay(spec, pl.DataFrame({"x": [1.0], "h": ["20"]}))
    assert new.effects[0].codes.tolist() == [1]


def test_columns_that_are_missing_are_all_listed():
    spec = design("y ~ x + f + (1 | g)").spec
    message = r"lack the column.s. 'x', 'g'. Did you mean 'X'.* The model needs 'x', 'f', 'g'"
    with pytest.raises(DataError, match=message):
        replay(spec, {"X": [1.0], "f": ["u"]})


def test_new_levels_of_a_fixed_factor_are_named():
    spec = design("y ~ f").spec
    with pytest.raises(DataError, match=r"factor 'f' has level\(s\) 'w' that were not .*'u', 'v'"):
        replay(spec, {"f": ["u", "w"]})


@pytest.mark.parametrize("x", [["1", "2"], [True, False]])
def test_text_or_conditions_where_numbers_were_fitted_are_refused(x):
    spec = design("y ~ x").spec
    with pytest.raises(DataError, match=r"'x' holds .* in the new data, but x was fitted as a num"):
        replay(spec, {"x": x})


def test_infinite_new_values_are_refused():
    with pytest.raises(DataError, match="'x' is infinite in 1"):
        replay(design("y ~ x").spec, {"x": [np.inf]})


def test_an_offset_array_has_to_be_given_again():
    spec = design("y ~ x", offset=np.ones(N)).spec
    with pytest.raises(DataError, match=r"an array as offset, .* Pass offset="):
        replay(spec, {"x": [1.0]})
    np.testing.assert_array_equal(replay(spec, {"x": [1.0]}, offset=[3.0]).offset, [3.0])
    with pytest.raises(DataError, match="offset has 2 values, but there are 1 new rows"):
        replay(spec, {"x": [1.0]}, offset=[3.0, 4.0])


def test_offsets_by_name_are_found_in_the_new_rows():
    spec = design("y ~ x + offset(2 * z)", offset="h").spec
    new = replay(spec, {"x": [1.0, 1.0], "z": [1.0, None], "h": [5, 5]})
    np.testing.assert_array_equal(new.offset, [7, np.nan])


@pytest.mark.parametrize(
    ("formula", "extra"), [("y ~ x", {"offset": "log(z)"}), ("y ~ x + offset(log(z))", {})]
)
def test_an_offset_is_refused_where_the_new_rows_carry_it(formula, extra):
    spec = design(formula, **extra).spec
    with pytest.raises(DataError, match=r"which new data carry. Leave offset= out"):
        replay(spec, {"x": [1.0]}, offset=[1.0])
    with pytest.raises(DataError, match=r"an expression of columns, 'log\(z\)', which new data"):
        replay(spec, {"x": [1.0], "z": [2.0]}, offset=[3.0])


def test_group_labels_may_all_be_missing():
    spec = design("y ~ x + (1 | g)").spec
    effects = replay(spec, {"x": [1.0, 2.0], "g": np.array([None, None], dtype=object)}).effects
    assert effects[0].codes.tolist() == [-1, -1]
    assert effects[0].labels.tolist() == [None, None]


def test_an_unknown_way_with_inapplicable_values_is_refused():
    with pytest.raises(DataError, match="inapplicable must be 'error' or 'ignore', found 'drop'"):
        replay(design("y ~ x").spec, {"x": [1.0]}, inapplicable="drop")


def test_a_specification_that_was_changed_is_refused():
    values = design("y ~ x + (1 | g)").spec.to_json()
    del values["fixed"]["terms"]
    with pytest.raises(SavedModelError, match="can't be read: KeyError"):
        DesignSpec.from_json(values)


def test_a_specification_remembers_the_library_and_the_types_of_levels():
    spec = stored(design("y ~ x + (1 | h) + (1 | f)", pl.DataFrame(table())).spec)
    assert spec.kind == "polars"
    assert spec.groups[0].levels[0].dtype == np.int64
    assert spec.groups[1].levels[0].tolist() == ["u", "v"]
