from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
import pytest

from partialpool.design import build_parts
from partialpool.design.outcomes import read_generalized_response
from partialpool.errors import DataError, ModelError, PartialPoolWarning
from partialpool.families import resolve
from partialpool.formula import parse
from tests.unit.design.tables import N, table

COUNTS = np.arange(N) % 4


def read(formula, family="binomial", zero="none", weights=None, missing="error", **columns):
    reader = partial(read_generalized_response, family=resolve(family), zero=zero)
    data = table(**columns)
    return build_parts(
        {"mean": parse(formula)}, data, read=reader, weights=weights, missing=missing
    ).response


@pytest.mark.parametrize(
    ("y", "levels"),
    [
        (np.tile([0, 1], 6), None),
        (np.tile([0.0, 1.0], 6), None),
        (np.tile([False, True], 6), None),
        (["no", "yes"] * 6, ("no", "yes")),
        (pd.Categorical(["yes", "no"] * 6, ["yes", "no"]), ("yes", "no")),
        (pd.Categorical(["b", "c"] * 6, ["a", "b", "c"]), ("b", "c")),
    ],
    ids=["whole", "real", "boolean", "text", "categorical", "unused"],
)
def test_one_of_two_is_zero_and_one(y, levels):
    response = read("y ~ x", y=y)
    np.testing.assert_array_equal(response.values, np.tile([0.0, 1.0], 6))
    assert response.levels == levels
    assert response.trials is None


def test_the_second_level_asked_for_is_the_success():
    response = read("factor(y, levels=['yes', 'no']) ~ x", y=["no", "yes"] * 6)
    np.testing.assert_array_equal(response.values, np.tile([1.0, 0.0], 6))
    assert response.levels == ("yes", "no")


def test_a_condition_is_a_response():
    np.testing.assert_array_equal(read("I(z > 6) ~ x").values, np.repeat([0.0, 1.0], 6))


def test_successes_and_failures_make_trials():
    response = read("cbind(k, `all of` - k) ~ x", **{"k": COUNTS, "all of": np.full(N, 5)})
    np.testing.assert_array_equal(response.values, COUNTS)
    np.testing.assert_array_equal(response.trials, np.full(N, 5.0))


def test_prior_weights_stay_beside_successes_and_failures():
    response = read("cbind(k, z) ~ x", weights="h", k=COUNTS)
    np.testing.assert_array_equal(response.weights, table()["h"])
    np.testing.assert_array_equal(response.trials, COUNTS + table()["z"])


@pytest.mark.parametrize("family", ["binomial", "betabinomial"])
def test_proportions_with_trials_as_weights_are_successes(family):
    trials = np.full(N, 3)
    # Thirds stored to three digits are thirds.
    response = read("p ~ x", family, weights="m", p=np.round(COUNTS / 3, 3), m=trials)
    np.testing.assert_array_equal(response.values, COUNTS)
    np.testing.assert_array_equal(response.trials, trials)
    assert response.weights is None


def test_weights_of_zeros_and_ones_are_prior_weights():
    response = read("y ~ x", weights="x2", y=np.tile([0, 1], 6), x2=np.full(N, 0.7))
    assert response.trials is None
    np.testing.assert_array_equal(response.weights, np.full(N, 0.7))


def test_weights_of_zeros_and_ones_are_trials_of_a_beta_binomial():
    response = read("y ~ x", "betabinomial", weights="m", y=np.tile([0, 1], 6), m=np.full(N, 2))
    np.testing.assert_array_equal(response.values, np.tile([0.0, 2.0], 6))


@pytest.mark.parametrize(
    ("formula", "columns", "error", "message"),
    [
        (
            "g ~ x",
            {},
            DataError,
            r"g has 3 classes \('a', 'b', 'c'\).*Write I\(g == 'c'\) .* family='ordinal'",
        ),
        ("y ~ x", {"y": COUNTS}, DataError, r"neither 0 nor 1 in 6 row\(s\): rows 2, 3.*cbind\("),
        ("y ~ x", {"y": COUNTS % 2 + 1}, DataError, r"If 1 and 2 are labels, write I\(y == 2\)"),
        ("y ~ x", {"y": COUNTS / 4}, DataError, r"pass them as weights="),
        ("y ~ x", {"y": ["no"] * N}, ModelError, "response is constant: y is 'no'"),
        ("cbind(z, x, h) ~ f", {}, DataError, "has 3 columns, but it needs 2"),
        (
            "cbind(k, z - k) ~ x",
            {"k": np.full(N, 2)},
            DataError,
            r"negative number of failures in 1 row\(s\): row 0, .* \(-1\): more successes than",
        ),
        ("cbind(z / 2, z) ~ x", {}, DataError, "not a whole number of successes in 6 row"),
        ("poly(z, 2) ~ x", {}, DataError, "has several columns, but binomial needs one"),
    ],
)
def test_what_is_not_successes_is_refused(formula, columns, error, message):
    with pytest.raises(error, match=message):
        read(formula, **columns)


@pytest.mark.parametrize(
    ("p", "m", "message"),
    [
        (COUNTS / 4, np.full(N, 3), r"not a whole number .* rows 1, 2, 3, 5, 6, \.\.\.,.*\(0.75"),
        (COUNTS / 2, np.full(N, 2), r"is no proportion in 3 row\(s\): rows 3, 7 and 11.*\(1.5, "),
    ],
)
def test_weights_that_are_no_trials_are_refused(p, m, message):
    with pytest.raises(DataError, match=message):
        read("p ~ x", weights="m", p=p, m=m)


def test_counts_are_numbers_and_weights_stay():
    response = read("k ~ x", "poisson", weights="h", k=COUNTS)
    np.testing.assert_array_equal(response.values, COUNTS)
    np.testing.assert_array_equal(response.weights, table()["h"])


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (["no", "yes"] * 6, r"must be numeric for poisson, found text .*family='binomial'"),
        (["a", "b", "c"] * 4, r"found text \('a', 'b', 'c'\).*family='ordinal'"),
        ([True, False] * 6, r"holds True and False, but poisson needs numbers"),
        ([np.inf] + [1.0] * 11, r"column 'y' is infinite in 1 row"),
        ([-1.0] + [1.0] * 11, r"y is negative in 1 row\(s\): row 0"),
    ],
)
def test_what_is_no_number_is_refused_for_counts(y, message):
    with pytest.raises(DataError, match=message):
        read("y ~ x", "poisson", y=y)


def test_two_columns_are_for_binomial_models():
    with pytest.raises(DataError, match=r"cbind\(z, h\) has several columns, but poisson needs"):
        read("cbind(z, h) ~ x", "poisson")


def test_rows_in_messages_are_those_of_the_table():
    y = np.array([np.nan, np.nan, *np.ones(N - 3), -4.0])
    with pytest.raises(DataError, match=r"row 11, counted from 0 \(-4\)"):
        read("y ~ x", "poisson", y=y, missing="drop")


def test_zeros_of_truncated_counts_need_a_hurdle():
    with pytest.raises(DataError, match=r"is zero in 3 row\(s\): rows 0, 4 and 8.*hurdle"):
        read("k ~ x", "truncated_poisson", k=COUNTS)
    assert read("k ~ x", "truncated_poisson", "hurdle", k=COUNTS).values.min() == 0


def test_lost_digits_are_noticed_where_the_response_may_be_anywhere():
    with pytest.raises(DataError, match="its digits are lost"):
        read("y ~ x", "gaussian", y=table()["y"] + 1e15)


@pytest.mark.parametrize(
    ("y", "labels", "values"),
    [
        (np.tile([10, 30, 20], 4), ("10", "20", "30"), [0, 2, 1]),
        (np.tile([1.5, 1.0, 2.0], 4), ("1", "1.5", "2"), [1, 0, 2]),
        (pd.Categorical(["lo", "hi", "mid"] * 4, ["lo", "mid", "hi"], ordered=True),
         ("lo", "mid", "hi"), [0, 2, 1]),
        (["no", "yes", "no"] * 4, ("no", "yes"), [0, 1, 0]),
        ([False, True, True] * 4, ("0", "1"), [0, 1, 1]),
    ],
)  # fmt: skip
def test_categories_are_positions_in_their_order(y, labels, values):
    response = read("y ~ x", "ordinal", y=y)
    assert response.levels == labels
    np.testing.assert_array_equal(response.values, np.tile(values, 4))
    np.testing.assert_array_equal(response.trials, np.full(N, float(len(labels))))


def test_the_order_of_labels_can_be_written():
    formula = "factor(y, levels=['lo', 'mid', 'hi']) ~ x"
    response = read(formula, "ordinal", y=["lo", "hi", "mid"] * 4)
    np.testing.assert_array_equal(response.values, np.tile([0, 2, 1], 4))


def test_labels_without_an_order_are_taken_by_the_alphabet_with_a_warning():
    with pytest.warns(PartialPoolWarning, match=r"'hi' < 'lo' < 'mid'.*factor\(y, levels="):
        response = read("y ~ x", "ordinal", y=["lo", "hi", "mid"] * 4)
    assert response.levels == ("hi", "lo", "mid")


def test_a_category_that_never_occurs_is_named():
    y = pd.Categorical(["a", "c"] * 6, ["a", "b", "c"], ordered=True)
    with pytest.raises(ModelError, match="occur in no row that counts: 'b'"):
        read("y ~ x", "ordinal", y=y)
    with pytest.raises(ModelError, match="occur in no row that counts: 'b'"):
        read("factor(y, levels=['a', 'b', 'c']) ~ x", "ordinal", y=["a", "c"] * 6)


def test_labels_outside_the_levels_asked_for_are_named():
    with pytest.raises(DataError, match=r"label\(s\) 'c' that are not among its levels=: 'a', 'b'"):
        read("factor(y, levels=['a', 'b']) ~ x", "ordinal", y=["a", "c"] * 6)


def test_measurements_are_no_categories():
    data = {"y": np.arange(60.0), "x": np.arange(60.0) % 7}
    reader = partial(read_generalized_response, family=resolve("ordinal"))
    with pytest.raises(DataError, match="has 60 different values, but an ordinal model is for up"):
        build_parts({"mean": parse("y ~ x")}, data, read=reader)
