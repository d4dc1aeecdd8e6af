"""NamedVector: read by name, by position, as an array."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

from partialpool.errors import PartialPoolError
from partialpool.named import NamedVector


@pytest.fixture
def beta():
    return NamedVector(("Intercept", "Days", "Days:sex[T.Male]"), [251.405, 10.467286, np.nan])


def test_a_value_is_found_by_name_and_by_position(beta):
    assert beta["Days"] == beta[1] == 10.467286
    assert np.isnan(beta[-1])


def test_single_values_are_plain_floats(beta):
    assert type(beta["Days"]) is float
    assert [type(value) for value in beta] == [float] * 3


def test_a_slice_keeps_the_names(beta):
    part = beta[:2]
    assert part.to_dict() == {"Intercept": 251.405, "Days": 10.467286}


def test_it_is_an_array_where_numpy_wants_one(beta):
    np.testing.assert_array_equal(np.asarray(beta), [251.405, 10.467286, np.nan])
    assert np.asarray(beta, dtype=np.float32).dtype == np.float32
    np.testing.assert_array_equal(2 * np.asarray(beta[:2]), [502.81, 20.934572])


def test_a_copy_asked_for_can_be_written(beta):
    own = np.array(beta)
    own[0] = 0.0
    assert beta[0] == 251.405


def test_it_cannot_be_written(beta):
    with pytest.raises(ValueError, match="read-only"):
        beta.values[0] = 0.0
    with pytest.raises(AttributeError):
        beta.names = ()


def test_the_array_it_was_made_from_can_change_without_it():
    values = np.array([1.0, 2.0])
    vector = NamedVector(("a", "b"), values)
    values[0] = 5.0
    assert vector["a"] == 1.0


def test_iterating_gives_the_values_and_items_the_pairs(beta):
    assert list(beta[:2]) == [251.405, 10.467286]
    assert list(beta[:2].items()) == [("Intercept", 251.405), ("Days", 10.467286)]
    assert len(beta) == 3


def test_a_name_can_be_asked_for(beta):
    assert "Days" in beta
    assert "days" not in beta


def test_it_prints_as_two_columns_with_the_points_in_line(beta):
    assert repr(beta).splitlines() == [
        "Intercept         251.405",
        "Days               10.4673",
        "Days:sex[T.Male]  n/a",
    ]


def test_an_empty_vector_prints_as_nothing():
    assert repr(NamedVector((), [])) == ""


def test_an_unknown_name_is_answered_with_the_names_and_a_guess(beta):
    with pytest.raises(
        KeyError,
        match=r"^there is no element 'days'; the names are 'Intercept', 'Days', .*"
        r"Did you mean 'Days'\?$",
    ) as caught:
        beta["days"]
    assert isinstance(caught.value, PartialPoolError)


def test_a_position_past_the_end_is_refused(beta):
    with pytest.raises(IndexError, match="index 3 is out of bounds"):
        beta[3]


def test_it_can_be_copied_and_sent_to_another_process(beta):
    assert repr(pickle.loads(pickle.dumps(beta))) == repr(copy.deepcopy(beta)) == repr(beta)


def test_a_vector_becomes_a_dict():
    vector = NamedVector(("a", "b"), [1.0, 2.0])
    assert dict(vector) == vector.to_dict() == {"a": 1.0, "b": 2.0}
