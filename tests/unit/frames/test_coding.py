from __future__ import annotations

import sys

import numpy as np
import pytest

from partialpool.frames import encode

rng = np.random.default_rng(1)
MANY = 150_000
KEYS = {
    "small range": rng.integers(-5, 500, MANY),
    "wide range": rng.choice(rng.integers(-(2**62), 2**62, 700), MANY),
    "halves": rng.integers(0, 50, MANY) / 2,
    "wide floats": rng.choice(rng.normal(size=300) * 1e12, MANY),
    "whole floats": rng.integers(0, 50, MANY) * 1.0,
    "conditions": rng.integers(0, 2, MANY).astype(bool),
    "dates": np.array(["2020-01-01"], dtype="M8[D]") + rng.integers(0, 300, MANY),
    "few rows": rng.integers(0, 2**60, 20),
}


@pytest.mark.parametrize("kind", KEYS)
def test_coding_is_that_of_a_sort(kind):
    coding = encode(KEYS[kind])
    levels, codes = np.unique(KEYS[kind], return_inverse=True)
    np.testing.assert_array_equal(coding.levels, levels)
    np.testing.assert_array_equal(coding.codes, codes)
    assert coding.levels.dtype == KEYS[kind].dtype
    assert coding.codes.dtype == np.int32


def test_without_pandas_a_sort_does_the_same(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    test_coding_is_that_of_a_sort("wide range")


def test_floats_that_look_whole_at_first_are_not_cut_off():
    values = np.append(np.ones(5000), 1.5)
    assert encode(values).levels.tolist() == [1.0, 1.5]


def test_no_rows_have_no_levels():
    assert len(encode(np.array([], dtype=np.int64)).levels) == 0
