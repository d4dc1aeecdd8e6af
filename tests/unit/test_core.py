from __future__ import annotations

import os

import numpy as np
import pytest

import partialpool as pp
from partialpool import core


@pytest.fixture(autouse=True)
def _threads_afterwards():
    before = core.get_threads()
    yield
    core.set_threads(before)


@pytest.mark.parametrize("n", [1, 2, 64])
def test_the_number_of_threads_is_what_was_set(n):
    pp.set_threads(n)
    assert pp.get_threads() == n


def test_without_a_number_there_is_a_thread_for_each_physical_core():
    pp.set_threads()
    assert pp.get_threads() == core.physical_cores()
    assert 1 <= core.physical_cores() <= (os.cpu_count() or 1)


@pytest.mark.parametrize("n", [0, -3])
def test_fewer_threads_than_one_are_refused(n):
    with pytest.raises(ValueError, match=f"at least 1, found {n}"):
        pp.set_threads(n)


@pytest.mark.parametrize("make", [core.vector, core.matrix])
@pytest.mark.parametrize(
    "values",
    [
        np.arange(12, dtype=np.int8).reshape(3, 4),
        np.arange(12.0).reshape(3, 4).astype(">f8"),
        np.arange(24.0).reshape(3, 8)[:, ::2],
        np.asfortranarray(np.arange(12.0).reshape(3, 4)),
        np.arange(12, dtype=np.float32).reshape(3, 4),
    ],
    ids=["integers", "big-endian", "strided", "column-major", "single precision"],
)
def test_numbers_are_made_native_contiguous_doubles(make, values):
    made = make(values)
    assert made.dtype == np.dtype(np.float64)
    assert made.dtype.isnative
    assert made.flags.c_contiguous
    np.testing.assert_array_equal(made, values)


def test_arrays_that_fit_already_are_not_copied():
    values = np.arange(6.0).reshape(2, 3)
    assert core.matrix(values) is values


def test_codes_are_32_bit_integers():
    made = core.codes([2, 0, 1])
    assert (made.dtype, made.tolist()) == (np.int32, [2, 0, 1])


def test_blas_has_one_thread_inside_and_its_own_again_afterwards():
    import threadpoolctl

    def threads():
        return [
            pool["num_threads"]
            for pool in threadpoolctl.threadpool_info()
            if pool["user_api"] == "blas"
        ]

    np.ones((2, 2)) @ np.ones((2, 2))
    with core.dense_algebra():
        pass  # loads SciPy's BLAS, which is a second one
    before = threads()
    with core.dense_algebra():
        assert set(threads()) == {1}
    assert threads() == before


def test_the_structures_have_the_positions_of_the_core_s_enumeration():
    from partialpool import _core

    sizes = {name: _core.covariance_size(i, 3) for name, i in core.STRUCTURE_CODES.items()}
    assert sizes == {
        "unstructured": 6, "diagonal": 3, "homdiag": 1, "cs": 4, "homcs": 2, "ar1": 2,
        "hetar1": 4, "toep": 5, "homtoep": 3,
    }  # fmt: skip
    assert {_core.covariance_size(i, 3) for i in core.DISTANCE_CODES.values()} == {2}
    names = {**core.STRUCTURE_CODES, **core.DISTANCE_CODES}
    # ou and exp are the same to the core.
    assert all(core.structure_name(i) == name for name, i in names.items() if name != "ou")
