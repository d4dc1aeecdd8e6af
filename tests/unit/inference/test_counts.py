from __future__ import annotations

import numpy as np
import pytest

from partialpool.errors import DataError
from partialpool.inference.counts import check_count


@pytest.mark.parametrize("value", [3, np.int32(3)])
def test_whole_numbers_are_counts(value):
    assert type(check_count("n", value)) is int


@pytest.mark.parametrize("value", [0, 1.0, True, "3", None])
def test_what_counts_nothing_is_refused_by_name(value):
    with pytest.raises(DataError, match=f"n must be a whole number of at least 1, found {value!r}"):
        check_count("n", value)
