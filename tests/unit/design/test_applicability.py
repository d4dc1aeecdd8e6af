"""Covariates that don't apply everywhere: seed 003's cutting wait time."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import partialpool as pp
from partialpool.design import DesignSpec, replay
from partialpool.errors import DataError, FormulaError, ModelError
from tests.unit.design.tables import design

DATA = pp.load_dataset("manufacturing")
DATA["machine"] = [f"{group}{i % 3}" for i, group in enumerate(DATA["product_group"])]
DATA["day"] = np.arange(len(DATA)) % 7
WAIT = DATA["cutting_wait_time"]
SECOND = (DATA["product_group"] == "PG2").to_numpy()
TEXT = (
    "production_speed ~ 0 + product_group"
    " + product_group:(feed_speed + pull_acceleration + cutting_wait_time)"
)
RULE = {"cutting_wait_time": "product_group == 'PG2'"}
WAYS = {
    "condition": RULE,
    "array": {"cutting_wait_time": SECOND},
    "list": {"cutting_wait_time": SECOND.tolist()},
    "frame": WAIT.notna().to_frame(),
    "whole frame": DATA.notna(),
    "auto": "auto",
}
every_way = pytest.mark.parametrize("way", WAYS)


def by_hand():
    columns = []
    for name in (None, "feed_speed", "pull_acceleration", "cutting_wait_time"):
        values = np.ones(len(DATA)) if name is None else DATA[name].fillna(0).to_numpy()
        columns += [values * ~SECOND, values * SECOND]
    del columns[6]
    return np.column_stack(columns)


@every_way
def test_the_design_is_that_of_columns_made_by_hand(way):
    built = design(TEXT, DATA, applicable=WAYS[way])
    np.testing.assert_array_equal(built.X, by_hand())
    assert built.not_applicable == ("product_group[PG1]:cutting_wait_time",)
    assert built.not_applicable[0] not in built.columns
    assert built.rows.kept is None


@pytest.mark.parametrize(
    ("way", "sentence"),
    [
        ("condition", "does not apply in 250 of 500 rows, where product_group == 'PG2' is false."),
        ("array", "does not apply in 250 of 500 rows, as given."),
        ("auto", "is missing in all 250 rows of product_group 'PG1', and was taken not to apply"),
    ],
)
def test_a_mask_says_in_a_sentence_where_it_comes_from(way, sentence):
    (mask,) = design(TEXT, DATA, applicable=WAYS[way]).masks
    assert sentence in mask.sentence
    assert mask.column == "cutting_wait_time"
    np.testing.assert_array_equal(mask.applies, SECOND)


def test_values_given_where_they_do_not_apply_contribute_nothing():
    filled = DATA.assign(cutting_wait_time=WAIT.fillna(17.0))
    np.testing.assert_array_equal(design(TEXT, filled, applicable=RULE).X, by_hand())


@pytest.mark.parametrize(
    "term",
    ["scale(cutting_wait_time)", "center(cutting_wait_time)", "poly(cutting_wait_time, 2)",
     "ns(cutting_wait_time, df = 3)", "I(cutting_wait_time^2 + feed_speed)",
     "log(cutting_wait_time)", "I(cutting_wait_time > 1)", "feed_speed:cutting_wait_time"],
)  # fmt: skip
def test_derived_columns_learn_where_they_apply_and_are_zero_elsewhere(term):
    built = design(f"production_speed ~ {term}", DATA, applicable=RULE)
    alone = design(f"production_speed ~ {term}", DATA[SECOND])
    np.testing.assert_array_equal(built.X[SECOND], alone.X)
    assert not built.X[~SECOND, 1:].any()
    assert built.X[:, 0].all()


def test_a_factor_that_does_not_apply_has_levels_where_it_does():
    tool = np.where(SECOND, np.where(DATA["day"] > 3, "saw", "knife"), "none")
    built = design(
        "production_speed ~ tool", DATA.assign(tool=tool), applicable={"tool": "tool != 'none'"}
    )
    assert built.columns == ("Intercept", "tool[T.saw]")
    np.testing.assert_array_equal(built.X[:, 1], tool == "saw")


def test_an_offset_is_zero_where_it_does_not_apply():
    text = "production_speed ~ feed_speed + offset(log(cutting_wait_time))"
    offset = design(text, DATA, applicable=RULE).offset
    np.testing.assert_array_equal(offset, np.log(WAIT).fillna(0))


def test_a_level_has_only_the_random_effects_that_apply_to_it():
    (effects,) = design(
        "production_speed ~ feed_speed + (cutting_wait_time | machine)", DATA, applicable=RULE
    ).random
    assert effects.columns == ("Intercept", "cutting_wait_time")
    second = [str(level).startswith("PG2") for level in effects.factor.levels]
    np.testing.assert_array_equal(effects.applicable, np.column_stack([np.ones(6), second]))
    np.testing.assert_array_equal(effects.basis[:, 1], WAIT.fillna(0))


def test_a_random_column_that_applies_to_no_level_leaves_the_term():
    (effects,) = design(
        "production_speed ~ feed_speed + (0 + product_group:cutting_wait_time | day)",
        DATA,
        applicable=RULE,
    ).random
    assert effects.columns == ("product_group[PG2]:cutting_wait_time",)
    assert effects.not_applicable == ("product_group[PG1]:cutting_wait_time",)
    assert effects.applicable is None


def test_a_random_term_of_which_nothing_applies_is_refused():
    with pytest.raises(ModelError, match=r"no covariate of the random term .* applies in any row"):
        design(
            "production_speed ~ 1 + (0 + first:cutting_wait_time | day)",
            DATA.assign(first=~SECOND * 1.0),
            applicable=RULE,
        )


def test_a_column_that_is_zero_for_another_reason_stays():
    zero = DATA.assign(cutting_wait_time=WAIT * 0)
    built = design(TEXT, zero, applicable=RULE)
    assert "product_group[PG2]:cutting_wait_time" in built.columns
    assert "product_group[PG1]:cutting_wait_time" in built.not_applicable


def test_other_missing_values_are_missing():
    gap = DATA.assign(cutting_wait_time=WAIT.mask(np.arange(len(DATA)) == 400))
    with pytest.raises(DataError, match=r"'cutting_wait_time' in 1 row\(s\) \(row 400"):
        design(TEXT, gap, applicable="auto")
    built = design(TEXT, gap, applicable="auto", missing="drop")
    assert built.rows.dropped == {"cutting_wait_time": 1}
    assert len(built.masks[0].applies) == len(built.y) == 499


def test_auto_without_a_covariate_missing_by_group_finds_nothing():
    built = design("production_speed ~ feed_speed + product_group", DATA, applicable="auto")
    assert built.masks == ()


def test_auto_looks_at_grouping_factors_too():
    text = "production_speed ~ cutting_wait_time + (1 | machine)"
    built = design(text, DATA, applicable="auto")
    assert "rows of machine 'PG10', 'PG11', 'PG12'" in built.masks[0].sentence
    joint = design("production_speed ~ cutting_wait_time + (1 | machine:day)", DATA,
                   applicable="auto")  # fmt: skip
    np.testing.assert_array_equal(joint.masks[0].applies, SECOND)


def test_auto_with_more_than_one_explanation_lists_them_and_what_to_write():
    message = (
        "of machine 'PG10', 'PG11', 'PG12'; or in all rows of product_group 'PG1'.*"
        r"applicable=\{'cutting_wait_time': \"\(product_group != 'PG1'\)\"\}"
    )
    with pytest.raises(DataError, match=message):
        design(TEXT + " + (1 | machine)", DATA, applicable="auto")


def test_a_factor_with_a_level_for_each_row_explains_nothing():
    text = "production_speed ~ cutting_wait_time + (1 | run)"
    with pytest.raises(DataError, match="values are missing: 'cutting_wait_time' in 250"):
        design(text, DATA.assign(run=np.arange(len(DATA))), applicable="auto")


@pytest.mark.parametrize(
    ("applicable", "message"),
    [
        ({"cuttin_wait_time": "day > 1"}, "names 'cuttin_wait_time', but only predictors .* Did"),
        ({"production_speed": "day > 1"}, "names 'production_speed', but only predictors"),
        ({"machine": "day > 1"}, "names 'machine', but only predictors"),
        ({"cutting_wait_time": "feed_speed"}, "'feed_speed'} is no condition"),
        ({"cutting_wait_time": "day > 9"}, "'cutting_wait_time' applies in no row"),
        ({"cutting_wait_time": [True, False]}, "has 2 values for 'cutting_wait_time', but the"),
        ({"cutting_wait_time": np.ones(500)}, "must hold True or False for each row"),
        ({"cutting_wait_time": "nothing == 'a'"}, "no column 'nothing'"),
        ("automatic", "applicable='automatic' is not known. Give 'auto'"),
    ],
)
def test_a_mask_that_is_none_is_refused(applicable, message):
    with pytest.raises(DataError, match=message):
        design(TEXT + " + (1 | machine)", DATA, applicable=applicable)


def test_a_condition_that_runs_code_is_refused():
    with pytest.raises(FormulaError):
        design(TEXT, DATA, applicable={"cutting_wait_time": "open('f')"})


def test_weights_have_to_apply_everywhere():
    text = "production_speed ~ cutting_wait_time"
    with pytest.raises(DataError, match="weights use 'cutting_wait_time', which does not apply"):
        design(text, DATA, applicable=RULE, weights="cutting_wait_time")


# New rows.

NEW = pd.DataFrame(
    {"product_group": ["PG1", "PG2"], "feed_speed": 3.0, "pull_acceleration": 2.0,
     "cutting_wait_time": [np.nan, 2.0]}
)  # fmt: skip
X_NEW = [[1, 0, 3, 0, 2, 0, 0], [0, 1, 0, 3, 0, 2, 2]]


def spec_of(way):
    spec = design(TEXT, DATA, applicable=WAYS[way]).spec
    return DesignSpec.from_json(json.loads(json.dumps(spec.to_json())))


@every_way
def test_new_rows_are_masked_as_the_rows_fitted_were(way):
    np.testing.assert_array_equal(replay(spec_of(way), NEW).X, X_NEW)


@every_way
def test_a_value_given_where_it_does_not_apply_is_refused_or_disregarded(way):
    given = NEW.assign(cutting_wait_time=2.0)
    with pytest.raises(DataError, match=r"values in 1 row\(s\) where it does not apply: row 0"):
        replay(spec_of(way), given)
    np.testing.assert_array_equal(replay(spec_of(way), given, inapplicable="ignore").X, X_NEW)


@every_way
def test_a_column_that_applies_in_no_new_row_need_not_be_there(way):
    first = NEW.drop(columns="cutting_wait_time")
    np.testing.assert_array_equal(replay(spec_of(way), first[:1]).X, X_NEW[:1])
    with pytest.raises(DataError, match=r"lack the column\(s\) 'cutting_wait_time'"):
        replay(spec_of(way), first)


def test_a_value_missing_where_it_applies_is_unknown():
    new = replay(spec_of("auto"), NEW.assign(cutting_wait_time=np.nan))
    np.testing.assert_array_equal(np.isnan(new.X[:, -1]), [False, True])


def test_a_new_group_has_to_say_what_applies():
    text = "production_speed ~ feed_speed + cutting_wait_time + (1 | product_group)"
    spec = design(text, DATA, applicable="auto").spec
    new = NEW.assign(product_group=["PG3", "PG2"])
    message = r"'product_group' has level\(s\) 'PG3' .* whether 'cutting_wait_time' applies"
    with pytest.raises(DataError, match=message):
        replay(spec, new)
    said = replay(spec, new, applicable={"cutting_wait_time": [False, True]})
    np.testing.assert_array_equal(said.X, [[1, 3, 0], [1, 3, 2]])
    said = replay(spec, new, applicable={"cutting_wait_time": "product_group == 'PG2'"})
    np.testing.assert_array_equal(said.X, [[1, 3, 0], [1, 3, 2]])


def test_a_condition_speaks_for_new_groups_too():
    text = "production_speed ~ feed_speed + cutting_wait_time + (1 | product_group)"
    spec = design(text, DATA, applicable=RULE).spec
    new = replay(spec, NEW.assign(product_group=["PG3", "PG2"]))
    np.testing.assert_array_equal(new.X, [[1, 3, 0], [1, 3, 2]])


def test_an_array_that_no_factor_explains_has_to_be_given_again():
    applies = (DATA["day"] > 2).to_numpy() & SECOND
    spec = design(TEXT, DATA, applicable={"cutting_wait_time": applies}).spec
    with pytest.raises(DataError, match=r"given as an array for the rows fitted.*Pass applicable="):
        replay(spec, NEW)
    new = replay(spec, NEW, applicable={"cutting_wait_time": [False, True]})
    np.testing.assert_array_equal(new.X, X_NEW)


def test_a_mask_for_a_model_without_any_is_refused():
    spec = design("production_speed ~ feed_speed", DATA).spec
    with pytest.raises(DataError, match="all covariates of the fitted model apply everywhere"):
        replay(spec, NEW, applicable={"feed_speed": [True, False]})
