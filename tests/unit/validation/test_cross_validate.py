import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import log_loss
from sklearn.naive_bayes import GaussianNB

import partialpool as pp
from partialpool.errors import DataError, ModelError, NotAvailableError
from partialpool.validation.splits import split


@pytest.fixture(scope="module")
def sleep():
    return pp.load_dataset("sleepstudy")


@pytest.fixture(scope="module")
def slopes(sleep):
    return pp.lmm("Reaction ~ Days + (Days | Subject)", sleep)


def by_hand(table, formula, group, scheme, **settings):
    """Fold by fold, with the same folds."""
    codes = pd.factorize(table[group], sort=True)[0].astype(np.int32)
    mean, density = np.full(len(table), np.nan), np.full(len(table), np.nan)
    for rows in split(codes, scheme, 5, 0):
        fit = pp.lmm(formula, table.drop(table.index[rows]), **settings)
        found = fit.predict(table.iloc[rows], new_levels="population", se=True)
        mean[rows] = found["estimate"]
        sd = np.hypot(found["std_error"], fit.sigma)
        density[rows] = stats.norm.logpdf(table["Reaction"].iloc[rows], found["estimate"], sd)
    return mean, density


@pytest.mark.parametrize("scheme", ["within", "new-groups"])
def test_a_fit_is_fitted_again_without_the_held_out_rows(sleep, slopes, scheme):
    found = pp.cross_validate(slopes, sleep, "Subject", scheme)
    mean, density = by_hand(sleep, "Reaction ~ Days + (Days | Subject)", "Subject", scheme)
    np.testing.assert_array_equal(found.predictions["LmmFit", "with"], mean)
    error = sleep["Reaction"] - mean
    assert found.scores[0].rmse == pytest.approx(np.sqrt(np.mean(error**2)))
    assert found.scores[0].mae == pytest.approx(np.mean(np.abs(error)))
    assert found.scores[0].loglik == pytest.approx(density.sum())
    assert found.random == ("with", "without")


def test_random_effects_help_within_groups_and_not_in_new_ones(sleep, slopes):
    known = pp.cross_validate(slopes, sleep, "Subject").scores
    new = pp.cross_validate(slopes, sleep, "Subject", "new-groups").scores
    assert known[0].rmse < 0.7 * known[1].rmse
    assert new[0].rmse == new[1].rmse


def test_a_function_is_scored_as_its_fit(sleep, slopes):
    def model(data):
        return pp.lmm("Reaction ~ Days + (Days | Subject)", data)

    found = pp.cross_validate({"fit": slopes, "function": model}, sleep, "Subject")
    assert found.names == ("fit", "fit", "function", "function")
    assert found.scores[0] == found.scores[2]
    assert found.scores[1].rmse == found.scores[3].rmse


def test_weights_offsets_and_dropped_rows_go_along(sleep):
    w = np.linspace(0.5, 2.0, len(sleep))
    holes = sleep.assign(Reaction=sleep["Reaction"].where(np.arange(len(sleep)) % 9 != 4), w=w)
    shift = np.arange(len(sleep)) / 10.0
    formula = "Reaction ~ Days + (1 | Subject)"
    fit = pp.lmm(formula, holes, weights="w", offset=shift, missing="drop")
    found = pp.cross_validate(fit, holes, "Subject")
    kept = holes.assign(o=shift).dropna()
    other = pp.lmm(formula, kept, weights="w", offset="o")
    reference = pp.cross_validate(other, kept, "Subject")
    assert found.rows == len(kept)
    assert found.scores[0] == reference.scores[0]


def test_generalized_models_are_scored_by_their_density():
    cbpp = pp.load_dataset("cbpp")
    formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
    fit = pp.glmm(formula, cbpp, family="binomial")
    found = pp.cross_validate(fit, cbpp, "herd", folds=4)
    codes = pd.factorize(cbpp["herd"], sort=True)[0].astype(np.int32)
    total = 0.0
    for rows in split(codes, "within", 4, 0):
        again = pp.glmm(formula, cbpp.drop(cbpp.index[rows]), family="binomial")
        at = again.predict(cbpp.iloc[rows], type="link", se=True)
        draws = np.random.default_rng(1).normal(size=(40_000, 1)) * at["std_error"].to_numpy()
        p = 1 / (1 + np.exp(-(at["estimate"].to_numpy() + draws)))
        held = cbpp.iloc[rows]
        density = stats.binom.pmf(held["incidence"].to_numpy(), held["size"].to_numpy(), p)
        total += np.log(density.mean(axis=0)).sum()
    # Forty thousand draws: an error of about 0.005 for each of 56 rows.
    assert found.scores[0].loglik == pytest.approx(total, abs=0.15)


def test_trials_passed_as_weights_go_along():
    cbpp = pp.load_dataset("cbpp").assign(share=lambda d: d["incidence"] / d["size"])
    whole = pp.glmm("share ~ period + (1 | herd)", cbpp, family="binomial", weights="size")
    bound = pp.glmm(
        "cbind(incidence, size - incidence) ~ period + (1 | herd)", cbpp, family="binomial"
    )
    found = pp.cross_validate({"share": whole, "cbind": bound}, cbpp, "herd", folds=4)
    assert found.scores[0].rmse == pytest.approx(found.scores[2].rmse, rel=1e-10)
    assert found.scores[0].loglik == pytest.approx(found.scores[2].loglik, rel=1e-10)


def test_estimators_with_and_without_groups_stand_in_one_table(sleep):
    models = {
        "linear": LinearRegression(),
        "by array": pp.MixedEffectsRegressor(LinearRegression()),
        "by formula": pp.MixedEffectsRegressor(LinearRegression(), random="1 | Subject"),
    }
    found = pp.cross_validate(models, sleep, "Subject", response="Reaction")
    table = found.to_frame()
    assert table["model"].tolist() == ["linear", *["by array"] * 2, *["by formula"] * 2]
    assert table["random"].tolist() == ["none", "with", "without", "with", "without"]
    assert np.isnan(table["loglik"][0])
    assert table["rmse"][1] == pytest.approx(table["rmse"][3])
    assert np.isfinite(table["loglik"][1])
    assert table["rmse"][1] < table["rmse"][0]


def test_probabilities_of_two_classes_are_scored():
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"x": rng.normal(size=200), "g": np.arange(200) % 10})
    data["y"] = np.where(data["x"] + rng.normal(size=200) > 0, "yes", "no")
    found = pp.cross_validate(LogisticRegression(), data, "g", response="y")
    assert 0 < found.scores[0].rmse < 0.5
    assert found.scores[0].loglik < 0


def test_a_classifier_with_random_effects_is_scored_with_and_without_them():
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"x": rng.normal(size=400), "g": np.arange(400) % 20})
    push = rng.normal(size=20)[data["g"]] * 2
    data["y"] = (data["x"] + push + rng.logistic(size=400) > 0).astype(int)
    model = pp.MixedEffectsClassifier(LinearRegression(), random="1 | g", max_iter=3)
    found = pp.cross_validate(model, data, "g", response="y")
    assert found.random == ("with", "without")
    assert found.scores[0].loglik > found.scores[1].loglik


def test_anything_that_predicts_a_table_is_scored(sleep):
    class Mean:
        def __init__(self, data):
            self.mean = data["Reaction"].mean()

        def predict(self, table):
            return np.full(len(table), self.mean)

    found = pp.cross_validate({"mean": lambda d: Mean(d)}, sleep, "Subject", response="Reaction")
    assert found.random == ("none",)
    assert found.scores[0].r2 < 0.01
    with pytest.raises(DataError, match="doesn't say what its response is"):
        pp.cross_validate({"mean": lambda d: Mean(d)}, sleep, "Subject")


@pytest.mark.parametrize("kind", ["polars", "pyarrow", "dict"])
def test_tables_of_other_libraries(sleep, kind):
    import polars as pl

    frame = pl.from_pandas(sleep.astype({"Subject": str}))
    data = {"polars": frame, "pyarrow": frame.to_arrow(), "dict": frame.to_dict(as_series=False)}
    fit = pp.lmm("Reaction ~ Days + (1 | Subject)", data[kind])
    found = pp.cross_validate(
        {"fit": fit, "learner": LinearRegression()}, data[kind], "Subject", response="Reaction"
    )
    assert np.isfinite(found.scores[0].rmse)
    assert np.isfinite(found.scores[2].rmse)


def test_the_table_is_shown(sleep, slopes):
    shown = repr(pp.cross_validate(slopes, sleep, "Subject"))
    assert shown.startswith("180 held-out rows of groups that the models know\nmodel")


def test_within_folds_leave_no_group_out():
    codes = np.repeat(np.arange(7), [1, 2, 3, 5, 8, 13, 21]).astype(np.int32)
    folds = split(codes, "within", 4, 1)
    held = np.concatenate(folds)
    assert len(np.unique(held)) == len(held) == len(codes) - 1
    for rows in folds:
        assert set(codes[rows]) <= set(np.delete(codes, rows))


def test_new_groups_are_held_out_whole():
    codes = np.repeat(np.arange(7), 3).astype(np.int32)
    for rows in split(codes, "new-groups", 3, 1):
        assert not set(codes[rows]) & set(np.delete(codes, rows))


@pytest.mark.parametrize(
    ("arguments", "settings", "message"),
    [
        (("Subject", "rows"), {}, "scheme must be 'within' or 'new-groups'"),
        (("Subject",), {"folds": 1}, "folds must be a whole number from 2"),
        (("Subject", "new-groups"), {"folds": 19}, "there are 18 groups, too few for folds=19"),
        (("Child",), {}, "there is no column 'Child'"),
        ((np.arange(3),), {}, "groups has 3 labels, but the data have 180 rows"),
        ((np.arange(180),), {}, "no group has two rows"),
    ],
)
def test_arguments_are_checked(sleep, slopes, arguments, settings, message):
    with pytest.raises(DataError, match=message):
        pp.cross_validate(slopes, sleep, *arguments, **settings)


def test_missing_groups_are_refused_by_row(sleep, slopes):
    groups = [None if i == 5 else str(label) for i, label in enumerate(sleep["Subject"])]
    with pytest.raises(DataError, match=r"'groups=' is missing in 1 row.*row 5"):
        pp.cross_validate(slopes, sleep, groups)


def test_another_table_than_the_fits_is_refused(sleep, slopes):
    with pytest.raises(DataError, match="of a table of 180 rows, but the data have 10"):
        pp.cross_validate(slopes, sleep.head(10), "Subject")


def test_estimators_need_a_response(sleep):
    with pytest.raises(DataError, match="response= is needed for an estimator"):
        pp.cross_validate(LinearRegression(), sleep, "Subject")


def test_what_is_no_model_is_refused(sleep):
    with pytest.raises(ModelError, match="found int"):
        pp.cross_validate(3, sleep, "Subject")
    with pytest.raises(DataError, match="the dict is empty"):
        pp.cross_validate({}, sleep, "Subject")


def test_ordinal_models_are_refused():
    verbal = pp.load_dataset("VerbAgg")[:400]

    def model(data):
        return pp.glmm("resp ~ Anger + (1 | id)", data, family="ordinal")

    for each in (model(verbal), model):
        with pytest.raises(NotAvailableError, match="ordinal model of 'resp'"):
            pp.cross_validate(each, verbal, "id")


def test_learners_of_counts_have_errors_and_no_density():
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"x": rng.normal(size=120), "g": np.arange(120) % 8})
    data["y"] = rng.poisson(np.exp(0.3 * data["x"] + 1.0))
    model = pp.MixedEffectsRegressor(LinearRegression(), random="1 | g", family="poisson")
    found = pp.cross_validate(model, data, "g", folds=2, response="y")
    assert np.isnan(found.scores[0].loglik)
    assert 0 < found.scores[0].mae <= found.scores[0].rmse < 3


def test_models_of_different_responses_are_refused(sleep, slopes):
    logs = pp.lmm("log(Reaction) ~ Days + (1 | Subject)", sleep)
    with pytest.raises(DataError, match=r"'a' predicts 'Reaction' and 'b' predicts 'log\(Reac"):
        pp.cross_validate({"a": slopes, "b": logs}, sleep, "Subject")
    with pytest.raises(DataError, match="response='Days', but 'LmmFit' predicts 'Reaction'"):
        pp.cross_validate(slopes, sleep, "Subject", response="Days")


def test_several_classes_are_scored_by_their_probabilities():
    rng = np.random.default_rng(2)
    data = pd.DataFrame({"x": rng.normal(size=300), "g": np.arange(300) % 10})
    noisy = data["x"] + 0.5 * rng.normal(size=300)
    data["y"] = np.array(["a", "b", "c"])[np.digitize(noisy, [-0.5, 0.5])]
    found = pp.cross_validate(LogisticRegression(), data, "g", response="y")
    shares = found.predictions["LogisticRegression", "none"]
    own = data["y"].map({"a": 0, "b": 1, "c": 2}).to_numpy()
    scores = found.scores[0]
    assert scores.loglik == pytest.approx(-len(data) * log_loss(data["y"], shares))
    assert scores.accuracy == pytest.approx(np.mean(shares.argmax(axis=1) == own))
    assert scores.brier == pytest.approx(((shares - np.eye(3)[own]) ** 2).sum(axis=1).mean())
    assert "rmse" not in found.to_frame().columns
    assert "Brier" in repr(found)
    assert "RMSE" not in repr(found)


def test_a_mixed_classifier_of_three_classes_is_scored():
    rng = np.random.default_rng(2)
    data = pd.DataFrame({"x": rng.normal(size=300), "g": np.arange(300) % 10})
    push = rng.normal(size=10)[data["g"]]
    data["y"] = np.digitize(data["x"] + push + 0.5 * rng.normal(size=300), [-0.5, 0.5])
    model = pp.MixedEffectsClassifier(LinearRegression(), random="1 | g", max_iter=2)
    found = pp.cross_validate(model, data, "g", response="y")
    assert found.random == ("with", "without")
    assert found.scores[0].accuracy > found.scores[1].accuracy > 1 / 3


def test_a_class_that_a_fold_lacks_has_no_probability():
    data = pd.DataFrame({"x": np.arange(40.0), "g": np.repeat(np.arange(4), 10)})
    data["y"] = np.where(data["g"] == 3, "rare", np.where(data["x"] % 2 == 0, "even", "odd"))
    found = pp.cross_validate(GaussianNB(), data, "g", "new-groups", response="y", folds=4)
    shares = found.predictions["GaussianNB", "none"]
    np.testing.assert_array_equal(shares[data["g"] == 3, 2], 0.0)
    assert np.isfinite(found.scores[0].loglik)


def test_a_single_class_is_refused():
    data = pd.DataFrame({"x": np.arange(20.0), "g": np.arange(20) % 4, "y": "same"})
    with pytest.raises(DataError, match="'y' has 1 class, 'same'"):
        pp.cross_validate(GaussianNB(), data, "g", response="y")
