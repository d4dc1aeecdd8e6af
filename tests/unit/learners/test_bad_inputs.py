import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsRegressor

from partialpool import MixedEffectsClassifier, MixedEffectsRegressor
from partialpool.errors import DataError, FormulaError, ModelError, NotAvailableError
from tests.unit.learners.twin import grouped_rows

x, Z, CODES, Y = grouped_rows(2)
TABLE = pd.DataFrame(x, columns=["a", "b"]).assign(g=CODES)


def model(**settings):
    return MixedEffectsRegressor(LinearRegression(), **settings)


def test_a_missing_group_is_refused_by_row():
    table = TABLE.assign(g=pd.Series(CODES).where(np.arange(len(Y)) != 4))
    with pytest.raises(DataError, match=r"'g'.*row 4"):
        model(random="1 | g").fit(table, Y)


def test_a_missing_label_of_an_array_is_refused_by_row():
    groups = [None if i == 4 else str(code) for i, code in enumerate(CODES)]
    with pytest.raises(DataError, match=r"'group'.*row 4.*leave these rows out of X") as caught:
        model().fit(x, Y, groups=groups)
    assert "applicable" not in str(caught.value)


def test_a_missing_value_of_a_random_slope_is_refused_by_row():
    with pytest.raises(DataError, match=r"'a'.*row 7"):
        model(random="a | g").fit(TABLE.assign(a=TABLE["a"].where(TABLE.index != 7)), Y)


def test_a_single_group_is_refused():
    with pytest.raises(DataError, match="has 1 level"):
        model().fit(x, Y, groups=np.zeros(len(Y)))


def test_a_group_for_every_row_is_refused():
    with pytest.raises(ModelError, match="fewer levels than rows") as caught:
        model().fit(x, Y, groups=np.arange(len(Y)))
    assert "sigma" not in str(caught.value)


def test_fixed_terms_have_no_place_in_random():
    with pytest.raises(FormulaError, match="random terms and nothing else"):
        model(random="a + (1 | g)").fit(TABLE, Y)


def test_a_formula_and_arrays_together_are_refused():
    with pytest.raises(DataError, match="Pass one or the other"):
        model(random="1 | g").fit(TABLE, Y, groups=CODES)


def test_columns_without_groups_are_refused():
    with pytest.raises(DataError, match="Z= was given without groups="):
        model().fit(x, Y, Z=Z)


def test_a_formula_needs_named_columns():
    with pytest.raises(DataError, match="X is ndarray without names"):
        model(random="1 | g").fit(x, Y)


def test_an_unknown_column_is_named():
    with pytest.raises(DataError, match="there is no column 'h'"):
        model(random="1 | h").fit(TABLE, Y)


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ({"groups": CODES[1:]}, "groups has 89 rows, but X has 90"),
        ({"groups": CODES, "Z": Z[1:]}, "Z has 89 rows, but X has 90"),
        ({"groups": Z}, "groups must hold one label for each row, found 2 dimensions"),
        ({"groups": CODES, "sample_weight": np.ones(3)}, r"sample_weight has shape \(3,\)"),
        ({"groups": CODES, "sample_weight": -np.ones(90)}, "must be finite and not negative"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(extra, message):
    with pytest.raises(DataError, match=message):
        model().fit(x, Y, **extra)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"variance": "reml"}, "variance must be one of"),
        ({"algorithm": "em"}, "algorithm must be one of"),
        ({"residuals": "oob"}, "residuals must be one of"),
        ({"max_iter": 0}, "max_iter must be a whole number from 1, or .auto., found 0"),
        ({"folds": 1}, "folds must be a whole number from 2, found 1"),
        ({"tol": -1.0}, "tol must be a number from 0"),
        ({"rescale": "yes"}, "rescale must be 'auto', True or False"),
        ({"random_state": -3}, "random_state must be"),
    ],
)
def test_options_are_checked(settings, message):
    with pytest.raises(DataError, match=message):
        model(**settings).fit(x, Y, groups=CODES)


def test_rescaling_needs_held_out_predictions():
    with pytest.raises(ModelError, match="rescale=True needs predictions of rows"):
        model(rescale=True, residuals="in-sample").fit(x, Y, groups=CODES)


def test_expectation_is_for_one_term():
    with pytest.raises(ModelError, match="takes one unstructured random term"):
        model(random="(1 | g) + (1 | h)", variance="em").fit(TABLE.assign(h=CODES % 3), Y)


def test_weights_need_a_learner_that_takes_them():
    learner = MixedEffectsRegressor(KNeighborsRegressor())
    with pytest.raises(DataError, match="KNeighborsRegressor takes no sample_weight"):
        learner.fit(x, Y, groups=CODES, sample_weight=np.linspace(1, 2, len(Y)))


def test_the_estimator_has_to_be_one():
    with pytest.raises(ModelError, match="must have fit"):
        MixedEffectsRegressor("forest").fit(x, Y, groups=CODES)
    with pytest.raises(ModelError, match=r"Pass an instance: LinearRegression\(\)"):
        MixedEffectsRegressor(LinearRegression).fit(x, Y, groups=CODES)


def test_a_new_level_can_be_refused():
    fitted = model().fit(x, Y, groups=CODES)
    with pytest.raises(DataError, match=r"1 level.* that the fit hasn't seen: '99'"):
        fitted.predict(x[:1], groups=[99], new_levels="error")
    with pytest.raises(DataError, match="new_levels must be 'error' or 'population'"):
        fitted.predict(x[:1], groups=[99], new_levels="zero")


def test_columns_of_the_random_part_are_needed_again():
    fitted = model().fit(x, Y, groups=CODES, Z=Z)
    with pytest.raises(DataError, match="fitted with Z="):
        fitted.predict(x, groups=CODES)
    with pytest.raises(DataError, match="Z has 1 columns, but the model was fitted with 2"):
        fitted.predict(x, groups=CODES, Z=Z[:, :1])


def test_without_groups_there_are_no_effects():
    with pytest.warns(UserWarning, match="alone"):
        fitted = model().fit(x, Y)
    with pytest.raises(NotAvailableError, match="no random effects"):
        fitted.effects()
    with pytest.raises(DataError, match="fitted without groups"):
        fitted.predict(x, groups=CODES)


def test_a_response_has_no_place_in_random():
    with pytest.raises(FormulaError, match="the response is passed to fit as y"):
        model(random="y ~ a + (1 | g)").fit(TABLE, Y)


def test_a_classifier_is_no_learner():
    learner = LogisticRegression()
    for each in (MixedEffectsClassifier(learner), MixedEffectsRegressor(learner)):
        with pytest.raises(ModelError, match="estimator is the classifier LogisticRegression"):
            each.fit(x, np.where(np.median(Y) < Y, 1, 0), groups=CODES)


def test_a_single_class_is_named_plainly():
    with pytest.raises(DataError, match=r"one class only, 0\. Two"):
        MixedEffectsClassifier(LinearRegression()).fit(x, np.zeros(len(Y), int), groups=CODES)


def test_classes_that_the_learner_separates_get_a_weak_prior():
    rows = np.arange(12)
    features = np.where(rows % 2, 1.0, -1.0)[:, None] + np.random.default_rng(0).normal(
        size=(12, 1), scale=0.1
    )
    fitted = MixedEffectsClassifier().fit(features, rows % 2, groups=rows // 4)
    shares = fitted.predict_proba(features, groups=rows // 4)[:, 1]
    assert np.isfinite(shares).all()
    assert ((shares > 0.5) == (rows % 2 == 1)).all()


def test_probabilities_without_random_effects_need_no_groups():
    learner = MixedEffectsClassifier(LinearRegression(), random="1 | g", max_iter=2)
    fitted = learner.fit(TABLE, np.where(np.median(Y) < Y, 1, 0))
    without = fitted.predict_proba(TABLE.drop(columns="g"), random="none")
    np.testing.assert_array_equal(without, fitted.predict_proba(TABLE, random="none"))


def test_a_column_cannot_be_named_as_groups():
    with pytest.raises(DataError, match=r"found the text 'g'. To name a column of X, pass random"):
        model().fit(TABLE, Y, groups="g")


def test_a_table_of_groups_alone_leaves_nothing_to_learn_from():
    with pytest.raises(DataError, match="X holds grouping columns only, g, and leaves no feature"):
        model(random="1 | g").fit(TABLE[["g"]], Y)
