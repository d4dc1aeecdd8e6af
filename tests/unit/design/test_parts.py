"""Several linear predictors on the same rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from partialpool.design import DesignSpec, build, build_parts, replay_parts
from partialpool.errors import DataError, ModelError
from partialpool.formula import parse, parse_part


@dataclass(frozen=True)
class Response:
    values: np.ndarray
    weights: np.ndarray | None


def read(text, sheet, weights):
    return Response(sheet.columns[text].as_float(text), weights)


def table():
    rng = np.random.default_rng(2)
    return pd.DataFrame(
        {
            "y": rng.normal(size=12),
            "x": rng.normal(size=12),
            "z": rng.normal(size=12),
            "t": np.arange(12.0),
            "f": np.tile(["u", "v", "w"], 4),
            "g": np.repeat(["a", "b", "c", "d"], 3),
        }
    )


def made(mean="y ~ x + (1 | g)", zero="~ z + f + (1 | g)", data=None, **options):
    formulas = {"mean": parse(mean), "zero_inflation": parse_part(zero, "y")}
    return build_parts(formulas, table() if data is None else data, read=read, **options)


def test_the_first_predictor_is_the_design_of_its_formula_alone():
    ours, alone = made().designs["mean"], build(parse("y ~ x + (1 | g)"), table())
    np.testing.assert_array_equal(ours.X, alone.X)
    np.testing.assert_array_equal(ours.random[0].factor.codes, alone.random[0].factor.codes)
    assert ours.spec.to_json() == alone.spec.to_json()


def test_every_predictor_has_its_own_columns_on_the_same_rows():
    designs = made().designs
    assert designs["zero_inflation"].columns == ("Intercept", "z", "f[T.v]", "f[T.w]")
    assert designs["zero_inflation"].y is designs["mean"].y
    assert designs["zero_inflation"].rows is designs["mean"].rows


def test_predictors_with_the_same_groups_share_them():
    designs = made().designs.values()
    first, second = (design.random[0].factor for design in designs)
    assert first is second


def test_a_row_is_left_out_for_a_missing_value_in_any_formula():
    data = table()
    data.loc[1, "x"] = np.nan
    data.loc[[4, 5], "z"] = np.nan
    designs = made(data=data, missing="drop").designs
    assert designs["mean"].rows.dropped == {"x": 1, "z": 2}
    assert {len(design.X) for design in designs.values()} == {9}


def test_missing_values_of_any_formula_are_refused_by_column():
    data = table()
    data.loc[4, "z"] = np.nan
    with pytest.raises(DataError, match=r"'z' in 1 row\(s\) \(row 4"):
        made(data=data)


def test_the_offset_argument_is_the_means_and_formulas_have_their_own():
    designs = made(zero="~ z + offset(t)", offset="x").designs
    np.testing.assert_array_equal(designs["mean"].offset, table()["x"])
    np.testing.assert_array_equal(designs["zero_inflation"].offset, table()["t"])


def test_weights_go_to_the_reader_of_the_response():
    parts = made(weights="t + 1")
    np.testing.assert_array_equal(parts.response.weights, table()["t"] + 1)
    np.testing.assert_array_equal(parts.designs["mean"].weights, table()["t"] + 1)


def masked():
    data = table()
    data.loc[data["g"] == "b", "z"] = np.nan
    return data


def test_a_covariate_of_another_predictor_may_not_apply():
    designs = made(data=masked(), applicable={"z": "g != 'b'"}).designs
    assert designs["mean"].masks == ()
    assert [mask.column for mask in designs["zero_inflation"].masks] == ["z"]
    assert (designs["zero_inflation"].X[3:6, 1] == 0).all()


def test_a_column_that_one_predictor_groups_by_applies_everywhere_for_all():
    with pytest.raises(DataError, match="names 'g', but only predictors can fail to apply"):
        made(zero="~ g", applicable={"g": "x > 0"})


def test_new_rows_get_the_columns_of_every_predictor():
    specs = {name: design.spec for name, design in made().designs.items()}
    new = {"x": [1.0], "z": [2.0], "f": ["w"], "g": ["b"]}
    rows = replay_parts(specs, new, random={"mean": [0], "zero_inflation": []})
    assert rows["mean"].X.tolist() == [[1.0, 1.0]]
    assert rows["zero_inflation"].X.tolist() == [[1.0, 2.0, 0.0, 1.0]]
    assert (len(rows["mean"].effects), len(rows["zero_inflation"].effects)) == (1, 0)


def test_new_rows_may_say_where_another_predictors_covariate_applies():
    designs = made(data=masked(), applicable={"z": "g != 'b'"}).designs
    specs = {name: design.spec for name, design in designs.items()}
    new = {"x": [1.0, 1.0], "z": [2.0, np.nan], "f": ["w", "w"], "g": ["b", "new"]}
    rows = replay_parts(
        specs,
        new,
        random={"mean": [], "zero_inflation": []},
        applicable={"z": np.array([True, False])},
    )
    np.testing.assert_array_equal(rows["zero_inflation"].X[:, 1], [2.0, 0.0])


def test_terms_to_average_over_need_no_group():
    specs = {name: design.spec for name, design in made(mean="y ~ x + (x | g)").designs.items()}
    new = {"x": [3.0], "z": [2.0], "f": ["w"]}
    rows = replay_parts(specs, new, random={"mean": [], "zero_inflation": []}, averaged=True)
    (effects,) = rows["mean"].effects
    assert (effects.codes.tolist(), effects.basis.tolist()) == ([-1], [[1.0, 3.0]])


def test_a_predictor_survives_json():
    spec = made().designs["zero_inflation"].spec
    assert DesignSpec.from_json(spec.to_json()).to_json() == spec.to_json()


def test_new_rows_are_handled_as_one_of_two_ways():
    with pytest.raises(DataError, match="must be 'error' or 'ignore', found 'drop'"):
        replay_parts({}, {}, random={}, inapplicable="drop")


# --- thresholds in place of the intercept -------------------------------------------------------


def ordinal(formula):
    return build_parts({"mean": parse(formula)}, table(), read=read, thresholds=True)


def test_thresholds_take_the_place_of_the_intercept():
    design = ordinal("y ~ x + f").designs["mean"]
    plain = build(parse("y ~ x + f"), table())
    assert design.columns == ("x", "f[T.v]", "f[T.w]")
    np.testing.assert_array_equal(design.X, plain.X[:, 1:])
    rows = replay_parts({"mean": design.spec}, table(), random={"mean": []})
    np.testing.assert_array_equal(rows["mean"].X, design.X)


def test_thresholds_alone_leave_no_column():
    assert ordinal("y ~ 1 + (1 | g)").designs["mean"].X.shape == (12, 0)


def test_there_is_no_intercept_to_leave_out_where_thresholds_are():
    with pytest.raises(ModelError, match=r"none to leave out of 'y ~ 0 \+ x'. Remove the 0"):
        ordinal("y ~ 0 + x")
