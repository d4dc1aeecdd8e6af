import arviz_stats
import numpy as np
import pytest
from scipy import stats

import partialpool as pp
from partialpool.errors import DataError

SLEEP = "Reaction ~ Days + (Days | Subject)"


@pytest.fixture(scope="module")
def fit():
    return pp.bmm(SLEEP, pp.load_dataset("sleepstudy"), seed=1)


@pytest.fixture(scope="module")
def tree(fit):
    return fit.to_arviz()


def test_it_has_every_group_that_arviz_asks_for(tree):
    assert set(tree.children) == {
        "posterior",
        "sample_stats",
        "log_prior",
        "log_likelihood",
        "posterior_predictive",
        "observed_data",
        "constant_data",
        "prior",
        "prior_predictive",
    }
    shape = tree["posterior_predictive"]["Reaction"].shape
    assert shape == tree["log_likelihood"]["Reaction"].shape == (4, 1000, 180)
    assert tree["prior"]["sigma"].shape == (1, 500)
    assert tree["constant_data"]["X"].dims == ("row", "coefficient")
    assert tree["constant_data"]["level[Subject]"].values[0] == "308"


# A few rows of this data set surprise every model.
@pytest.mark.filterwarnings("ignore:Estimated shape parameter:UserWarning")
def test_arviz_finds_the_loo_that_we_find(fit, tree):
    ours = fit.loo()
    theirs = arviz_stats.loo(tree, pointwise=True)
    # They differ in how long a tail is smoothed: by each row's own number of effective draws.
    assert theirs.elpd == pytest.approx(ours.elpd, abs=0.1)
    assert theirs.se == pytest.approx(ours.se, abs=0.1)
    sure = ours.pareto_k < 0.7
    assert sure.mean() > 0.97
    np.testing.assert_allclose(theirs.elpd_i.values[sure], ours.pointwise[sure], atol=0.05)


@pytest.mark.filterwarnings("ignore:Estimated shape parameter:UserWarning")
@pytest.mark.filterwarnings("ignore:The inplace keyword")
def test_arviz_compares_as_we_do(fit, tree):
    common = pp.bmm("Reaction ~ Days + (1 | Subject)", pp.load_dataset("sleepstudy"), seed=1)
    table = arviz_stats.compare({"slopes": tree, "intercepts": common.to_arviz()})
    gain, error = fit.loo().difference(common.loo())
    assert list(table.index) == ["slopes", "intercepts"]
    assert abs(float(table["elpd_diff"].iloc[1])) == pytest.approx(gain, abs=0.2)
    assert float(table["dse"].iloc[1]) == pytest.approx(error, abs=0.2)
    ours = pp.bayes.loo_compare(common, fit, names=["intercepts", "slopes"])
    assert ours["model"].tolist() == ["slopes", "intercepts"]
    np.testing.assert_allclose(ours["weight"], table["weight"], atol=0.02)
    np.testing.assert_allclose(ours["elpd"], table["elpd"], atol=0.2)


def test_predictions_are_drawn_from_the_fitted_distribution(fit, tree):
    drawn = tree["posterior_predictive"]["Reaction"].values.reshape(4000, 180)
    np.testing.assert_allclose(drawn.mean(axis=0), fit.fitted, atol=3.0)
    assert np.sqrt(((drawn - fit.fitted) ** 2).mean()) > fit.sigma


def test_log_priors_are_those_of_scipy(fit, tree):
    found = {name: values.values for name, values in tree["log_prior"].data_vars.items()}
    priors = {a.parameter: a.prior for a in fit.statement.priors.everything()}
    own = fit.parameters
    at_means = own["Intercept"] + 4.5 * own["Days"]
    centre = priors["Intercept"]
    exact = stats.norm.logpdf(at_means, centre.mean, centre.sd)
    np.testing.assert_allclose(found["Intercept"], exact)
    half = priors["sd(Subject.Days)"]
    exact = np.log(2) + stats.t.logpdf(own["sd(Subject.Days)"], half.df, scale=half.scale)
    np.testing.assert_allclose(found["sd(Subject.Days)"], exact)
    np.testing.assert_array_equal(found["corr(Subject)"], 0.0)


def test_rows_can_be_left_out_and_flat_priors_have_no_draws():
    data = pp.load_dataset("sleepstudy")
    weights = np.where(np.arange(180) < 10, 0.0, 1.0)
    fit = pp.bmm(SLEEP, data, weights=weights, priors={"Days": "flat()"}, draws=50, seed=1)
    tree = fit.to_arviz(rows=False)
    assert "prior" not in tree.children
    assert "log_likelihood" not in tree.children
    assert len(tree["observed_data"]["Reaction"]) == 170
    assert tree["observed_data"]["row"].values[0] == 10
    assert fit.to_arviz(rows=True)["log_likelihood"]["Reaction"].shape == (4, 50, 170)
    with pytest.raises(DataError, match="rows must be"):
        fit.to_arviz(rows="all")
