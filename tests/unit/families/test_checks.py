from __future__ import annotations

import numpy as np
import pytest

from partialpool.errors import DataError, ModelError
from partialpool.families import Ordinal, Response, resolve


def response(values, **others):
    return Response("y", np.array(values, dtype=float), **others)


@pytest.mark.parametrize(
    ("family", "values", "message"),
    [
        ("poisson", [1, -2, 3, -0.5], r"negative in 2 row\(s\): rows 1 and 3, .*\(-2, -0.5\)"),
        ("nbinom2", [1, 3.5], r"not a whole number in 1 row\(s\): row 1, .*\(3.5\).*offset=log"),
        ("truncated_poisson", [1, 0, 2], r"is zero in 1 row.*Truncated.*zero_inflation='~ 1"),
        ("gamma", [1, 0], r"y is zero in 1 row\(s\): row 1.*Gamma is for positive.*Tweedie"),
        ("inverse_gaussian", [-1, 0, 3], r"y is zero or negative in 2 row\(s\): rows 0 and 1"),
        ("tweedie", [0, 2, -1], r"y is negative in 1 row\(s\): row 2.*numbers from 0 on"),
        ("beta", [0.5, 50], r"outside 0 to 1 in 1 row.*\(50\).*Divide percentages by 100"),
        ("beta", [0, 0.2, 1], r"exactly 0 or 1 in 2 row.*BetaBinomial.*\(y \* \(n - 1\) \+ 0.5\)"),
        ("binomial", [0, -1], r"negative number of successes in 1 row\(s\): row 1"),
        ("binomial", [0, 2], r"more successes than trials in 1 row\(s\): row 1, .*\(2\)"),
        ("binomial", [0, 0.5], r"not a whole number of successes in 1 row\(s\): row 1, .*\(0.5\)"),
    ],
)  # fmt: skip
def test_a_response_outside_the_familys_range_names_rows_and_values(family, values, message):
    with pytest.raises(DataError, match=message):
        resolve(family).check(response(values))


def test_only_the_first_five_rows_are_listed():
    with pytest.raises(DataError, match=r"7 row\(s\): rows 0, 1, 2, 3, 4, \.\.\., .*-1, \.\.\.\)"):
        resolve("poisson").check(response([-1] * 7))


def test_rows_are_those_of_the_table():
    given = response([1, -2], rows=np.array([4, 9]))
    with pytest.raises(DataError, match=r"1 row\(s\): row 9, counted from 0 \(-2\)"):
        resolve("poisson").check(given)


@pytest.mark.parametrize(
    ("family", "values"),
    [
        ("binomial", [0, 0]),
        ("binomial", [1, 1]),
        ("poisson", [0, 0]),
        ("truncated_poisson", [1, 1]),
        ("gamma", [2, 2]),
        ("gaussian", [-1, -1]),
        ("student_t", [3, 3]),
        ("inverse_gaussian", [3, 3]),
        ("tweedie", [3, 3]),
        ("beta", [0.5, 0.5]),
    ],
)
def test_a_constant_response_is_refused(family, values):
    with pytest.raises(ModelError, match=f"response is constant: y is {values[0]} in all 2 rows"):
        resolve(family).check(response(values))


def test_a_constant_label_is_named():
    with pytest.raises(ModelError, match="response is constant: y is 'yes' in all 2 rows"):
        resolve("binomial").check(response([1, 1], levels=("no", "yes")))


def test_counts_may_be_one_throughout_and_shares_the_same():
    resolve("poisson").check(response([1, 1]))
    resolve("binomial").check(response([1, 2], trials=np.array([2.0, 4.0])))


@pytest.mark.parametrize(
    ("successes", "words"), [([0, 0], "without successes"), ([2, 4], "all successes")]
)
def test_all_or_no_successes_are_refused(successes, words):
    with pytest.raises(ModelError, match=f"y is {words} in all 2 rows"):
        resolve("binomial").check(response(successes, trials=np.array([2.0, 4.0])))


def test_rows_of_weight_zero_say_nothing():
    with pytest.raises(ModelError, match="y is 0 in all 2 rows that count"):
        resolve("poisson").check(response([0, 0, 5], weights=np.array([1.0, 1.0, 0.0])))
    with pytest.raises(ModelError, match="no row of the response y counts"):
        resolve("binomial").check(response([0, 0], trials=np.zeros(2)))


def test_a_hurdle_may_have_zeros_but_not_only_zeros():
    resolve("truncated_poisson").check(response([0, 1, 1]), "hurdle")
    with pytest.raises(ModelError, match="y is 0 in all"):
        resolve("truncated_poisson").check(response([0, 0]), "hurdle")


def test_single_trials_have_no_precision():
    with pytest.raises(
        ModelError, match=r"every row of the response y is a single trial.*Binomial"
    ):
        resolve("betabinomial").check(response([0, 1]))
    resolve("betabinomial").check(response([0, 1], trials=np.array([1.0, 2.0])))


def test_an_ordinal_response_has_two_categories_all_of_them_seen():
    with pytest.raises(ModelError, match=r"y is 'a' in every row .* at least 2 categories"):
        Ordinal().check(response([0, 0], levels=("a", "b")))
    with pytest.raises(ModelError, match=r"occur in no row that counts: 'b', 'd'\..*unused_cat"):
        Ordinal().check(response([0, 2], levels=("a", "b", "c", "d")))
