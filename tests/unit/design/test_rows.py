from __future__ import annotations

import numpy as np
import pytest

from partialpool.errors import DataError
from tests.unit.design.tables import N, design, table


def gaps():
    x, z = table()["x"], table()["z"]
    g = table()["g"].astype(object)
    x[1], z[2], g[[1, 4]] = np.nan, np.nan, None
    return table(x=x, z=z, g=g)


def test_missing_values_are_refused_with_columns_rows_and_cure():
    message = (
        r"'x' in 1 row\(s\), 'g' in 2 row\(s\) \(rows 1 and 4, counted from 0\).*missing='drop'"
    )
    with pytest.raises(DataError, match=message):
        design("y ~ x + (1 | g)", gaps())


def test_dropped_rows_are_reported_by_column():
    built = design("y ~ x + (1 | g)", gaps(), missing="drop")
    assert built.rows.dropped == {"x": 1, "g": 2}
    assert built.rows.n_given == N
    np.testing.assert_array_equal(built.rows.kept, [0, 2, 3, *range(5, N)])
    assert len(built.y) == len(built.X) == len(built.random[0].factor.codes) == N - 2


def test_columns_that_the_model_does_not_use_may_be_missing():
    built = design("y ~ f", gaps())
    assert built.rows.kept is None
    assert built.rows.dropped == {}


def test_levels_that_lost_all_rows_are_gone():
    data = table(x=np.r_[np.full(4, np.nan), np.ones(8)])
    built = design("y ~ x + (1 | g)", data, missing="drop")
    assert built.random[0].factor.levels.tolist() == ["b", "c"]


def test_functions_learn_on_the_rows_kept():
    built = design("y ~ center(x)", gaps(), missing="drop")
    assert abs(built.X[:, 1].mean()) < 1e-15


def test_missing_weights_and_offsets_count():
    data = gaps()
    built = design("y ~ f", data, weights="z", offset=data["x"], missing="drop")
    assert built.rows.dropped == {"z": 1, "offset=": 1}
    np.testing.assert_array_equal(built.weights, np.delete(data["z"], [1, 2]))


def test_no_complete_row_is_refused():
    with pytest.raises(DataError, match=r"only 0 of 12 rows .* Missing are 'x' in 12 row\(s\)"):
        design("y ~ x", table(x=[np.nan] * N), missing="drop")


def test_no_row_is_refused():
    with pytest.raises(DataError, match="the data have no rows"):
        design("y ~ x", {name: values[:0] for name, values in table().items()})


def test_one_row_is_refused():
    with pytest.raises(DataError, match="the data have 1 row, but a model needs at least 2"):
        design("y ~ x", {name: values[:1] for name, values in table().items()})


def test_an_unknown_way_with_missing_values_is_refused():
    with pytest.raises(DataError, match="missing must be 'error' or 'drop', found 'ignore'"):
        design("y ~ x", missing="ignore")
