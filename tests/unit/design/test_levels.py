from __future__ import annotations

import numpy as np
import pytest

from partialpool.design.levels import joint_coding, known_codes, row_labels
from partialpool.design.sheet import Sheet
from partialpool.frames import read_column


def sheet(**columns):
    read = {name: read_column(name, values) for name, values in columns.items()}
    return Sheet(len(next(iter(read.values()))), read)


@pytest.mark.parametrize(
    ("new", "codes"),
    [
        ([20, 10, 99], [1, 0, -1]),
        (["20", "10", "x"], [1, 0, -1]),
        ([20.0, 10.5, None], [1, -1, -1]),
        (np.array(["10", "20"], dtype="S2"), [0, 1]),
    ],
)
def test_levels_of_new_rows_are_found_whatever_holds_them(new, codes):
    known = joint_coding(("h",), sheet(h=[10, 20, 10])).levels
    np.testing.assert_array_equal(known_codes(known, sheet(h=new).columns), codes)


def test_joint_levels_of_new_rows_are_found_or_new():
    known = joint_coding(("a", "b"), sheet(a=["x", "y", "x"], b=[1, 2, 2])).levels
    new = sheet(a=["y", "y", "x", "q", None, "x"], b=[2, 1, 2, 1, 1, 9])
    np.testing.assert_array_equal(known_codes(known, new.columns), [2, -1, 1, -1, -1, -1])


def test_joint_levels_of_three_columns_vary_slowest_in_the_first():
    coding = joint_coding(("a", "b", "c"), sheet(a=[2, 1, 1], b=["u", "v", "u"], c=[7, 7, 9]))
    assert coding.levels.joint().tolist() == ["1:u:9", "1:v:7", "2:u:7"]
    np.testing.assert_array_equal(coding.codes, [2, 1, 0])


def test_joint_levels_of_many_large_factors_do_not_overflow():
    rng = np.random.default_rng(0)
    columns = {name: rng.integers(0, 10**6, 5000) for name in "abcd"}
    levels = joint_coding(tuple("abcd"), sheet(**columns)).levels
    rows = set(zip(*columns.values(), strict=True))
    assert len(levels.joint()) == len(rows)


def test_dates_are_groups_too():
    days = np.array(["2020-01-02", "2020-01-01"], dtype="M8[D]")
    known = joint_coding(("d",), sheet(d=days)).levels
    np.testing.assert_array_equal(known_codes(known, sheet(d=days[::-1]).columns), [0, 1])


def test_rows_are_labelled_for_messages():
    columns = sheet(a=["x", None], b=[1, 2]).columns
    assert row_labels(("a",), columns).tolist() == ["x", None]
    assert row_labels(("a", "b"), columns).tolist() == ["x:1", None]
