from __future__ import annotations

import numpy as np
import pytest

from partialpool.errors import ModelError
from tests.unit.design.tables import design, table

# The same groups as g's under another name.
COPY = table(k=np.repeat([9, 3, 5], 4), w=table()["x"] * 2 + 1)


@pytest.mark.parametrize(
    ("random", "shared"),
    [
        ("(1 | g) + (1 | k)", "'Intercept'"),
        ("(x | g) + (0 + x | k)", "'x'"),
        ("(x | g) + (0 + w | k)", "columns with a common direction"),
        ("(1 | g) + (0 + f | g)", "columns with a common direction"),
        ("(x | g) + diag(0 + w | k)", "'w'"),
        ("diag(0 + w | k) + (x | g)", "'w'"),
        ("diag(1 + x | g) + diag(0 + x + z | k)", "'x'"),
        ("cs(0 + f | g) + cs(0 + f | k)", r"'f\[u\]', 'f\[v\]'"),
    ],
)
def test_terms_that_say_the_same_twice_are_refused_by_name(random, shared):
    with pytest.raises(ModelError, match=f"both hold {shared} .* can't be told apart"):
        design(f"y ~ x + {random}", COPY)


@pytest.mark.parametrize(
    "random",
    [
        "(1 | g) + (0 + x | g)",
        "(1 | g) + (1 | h)",
        "(1 | g/h)",
        "(1 | g) + diag(0 + f | g)",
        "diag(0 + x | g) + (0 + w | k)",
        "cs(0 + f | g) + (0 + x | k)",
    ],
)
def test_terms_that_can_be_told_apart_are_not_refused(random):
    assert len(design(f"y ~ x + {random}", COPY).random) == 2


def test_a_column_far_from_zero_is_no_intercept():
    x = table()["x"] + 1e7
    assert len(design("y ~ x + (1 | g) + (0 + x | g)", table(x=x)).random) == 2


def test_both_terms_are_named_as_written():
    with pytest.raises(ModelError, match=r"\(1 \| g\) on 'g' and \(1\|k\) on 'k'"):
        design("y ~ x + (1 | g) + (1|k)", COPY)
