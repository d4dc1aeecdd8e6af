import numpy as np
import pytest

import partialpool as pp
from partialpool.errors import DataError, ModelError
from partialpool.inference.variances.exact import null_distribution
from tests import dense
from tests.unit.inference import models


def differenced(fit, parameters):
    """Standard errors from differences of the dense objective in sds and correlations, sigma."""
    model, _ = models.twin(fit)

    def value(x):
        *terms, sigma = parameters(x)
        relative = [t / sigma**2 for t in terms]
        return dense.objective(
            dense.Model(model.y, model.X, model.terms, model.weights, None, fit.reml, sigma),
            relative,
        )

    return value


def slope_parameters(x):
    s0, rho, s1, sigma = x
    cov = rho * s0 * s1
    return np.array([[s0**2, cov], [cov, s1**2]]), sigma


@pytest.mark.parametrize("reml", [True, False])
def test_standard_errors_are_those_of_the_differenced_likelihood(reml):
    fit = models.fit("y ~ x + (x | g)", False, reml)
    table = fit.variance_parameters()
    names = ["sd__Intercept", "cor__Intercept.x", "sd__x", "sd__Observation"]
    assert table["term"].tolist() == names
    H = dense.hessian(differenced(fit, slope_parameters), table["estimate"].to_numpy())
    expected = np.sqrt(2 * np.diag(np.linalg.inv(H)))
    # Second differences of a dense objective: four digits or so.
    np.testing.assert_allclose(table["std_error"], expected, rtol=1e-3)


def test_variances_have_the_errors_that_the_delta_method_gives_them():
    fit = models.fit("y ~ x + (x | g)")
    sd, variance = fit.variance_parameters(), fit.variance_parameters("variance")
    own = [0, 2, 3]
    np.testing.assert_allclose(variance["estimate"][own], sd["estimate"][own] ** 2)
    np.testing.assert_allclose(
        variance["std_error"][own], 2 * sd["estimate"][own] * sd["std_error"][own]
    )


def test_a_variance_of_zero_has_no_standard_error():
    fit = pp.lmm("strength ~ 1 + (1 | sample) + (1 | cask)", pp.load_dataset("Pastes"))
    table = fit.variance_parameters().set_index("group")
    assert np.isnan(table.loc["cask", "std_error"])
    assert table.loc["sample", "std_error"] > 0


def test_an_unknown_scale_is_refused():
    with pytest.raises(DataError, match="scale must be 'sd' or 'variance', found 'log'"):
        models.fit("y ~ x + (x | g)").variance_parameters("log")


def test_a_slope_mixes_one_and_two_degrees_of_freedom():
    sleep = pp.load_dataset("sleepstudy")
    fit = pp.lmm("Reaction ~ Days + (Days | Subject)", sleep)
    row = fit.variance_tests().iloc[1]
    assert row["term"] == "Days of (Days | Subject)"
    # lmerTest's ranova, tests/reference/inference.
    assert row["statistic"] == pytest.approx(42.83681343643, abs=1e-6)
    assert (row["df_low"], row["df_high"]) == (1, 2)
    from scipy.stats import chi2

    expected = 0.5 * (chi2.sf(row["statistic"], 1) + chi2.sf(row["statistic"], 2))
    assert row["p_value"] == pytest.approx(expected)


def test_a_single_variance_mixes_zero_and_one():
    table = models.fit("y ~ x + (x || g)").variance_tests()
    assert table["df_low"].tolist() == [0, 0]
    assert table["df_high"].tolist() == [1, 1]


def test_the_exact_distribution_is_that_of_refits():
    """Under the null, from simulated responses that are fitted with and without the term."""
    data = models.table()
    small, large = (pp.lmm(f"y ~ x{t}", data) for t in ("", " + (1 | g)"))
    rng = np.random.default_rng(5)
    drawn = null_distribution(large.design, large.design.random[0], True, 20_000, rng)
    refits = []
    for y in rng.normal(size=(400, len(data))):
        fit = large.refit(y)
        null = pp.lmm("y ~ x", data.assign(y=y))
        gone = -2 * _restricted(null)
        refits.append(max(gone - fit.objective, 0.0))
    for q in (0.5, 1.0, 2.0, 3.0):
        share = np.mean(np.array(refits) > q)
        expected = np.mean(drawn > q)
        # Four standard errors of a share among 400.
        assert abs(share - expected) < 4 * np.sqrt(expected * (1 - expected) / 400) + 1e-3
    assert small.nobs == 96


def _restricted(fit):
    """The restricted log-likelihood of least squares."""
    X, y = fit.design.X, fit.design.y
    n, p = X.shape
    s = np.sum((y - fit.fitted) ** 2)
    log_det = np.linalg.slogdet(X.T @ X)[1]
    return -0.5 * ((n - p) * (1 + np.log(2 * np.pi * s / (n - p))) + log_det)


def test_simulation_gives_the_same_for_the_same_seed():
    fit = pp.lmm("Yield ~ 1 + (1 | Batch)", pp.load_dataset("Dyestuff"))
    one, two = (fit.variance_tests("simulate", 2000, seed=3)["p_simulated"] for _ in range(2))
    assert one.equals(two)
    assert 0.001 < one[0] < 0.02


def test_bad_arguments_and_models_without_random_terms_are_refused():
    fit = models.fit("y ~ x + (x | g)")
    with pytest.raises(DataError, match="method must be 'mixture' or 'simulate'"):
        fit.variance_tests("exact")
    with pytest.raises(DataError, match="nsim must be a whole number"):
        fit.variance_tests("simulate", 0)
    with pytest.raises(ModelError, match="no random terms, so no variance to test"):
        models.fit("y ~ x + z").variance_tests()


def test_principal_effects_of_a_factor_s_terms_stand_together():
    (one,) = models.fit("y ~ x + (x || g)").principal_effects()
    assert one.columns == ("Intercept", "x")
    assert one.share.sum() == pytest.approx(1)
    assert "g:" in repr(one)


def test_a_gain_of_rounding_is_none():
    rng, data, zeros = np.random.default_rng(3), models.table(), 0
    data["h"] = np.arange(len(data)) % 5
    for _ in range(10):
        y = rng.normal(size=len(data))
        fit = pp.lmm("y ~ x + (1 | g) + (1 | h)", data.assign(y=y))
        found = fit.variance_tests()
        none = (found["statistic"] == 0.0).to_numpy()
        assert ((found["statistic"] > 1e-6) | none).all()
        assert ((found["p_value"] == 1.0) == none).all()
        zeros += none.sum()
    assert zeros > 3


def test_terms_written_as_one_are_told_apart():
    fit = pp.lmm("strength ~ 1 + (1 | batch/cask)", pp.load_dataset("Pastes"))
    assert fit.variance_tests()["term"].tolist() == ["(1 | batch)", "(1 | batch:cask)"]


@pytest.mark.parametrize("seed", ["a", 1.5, -1])
def test_a_seed_that_is_none_is_refused(seed):
    fit = pp.lmm("y ~ x + (1 | g)", models.table())
    message = "seed must be a whole number of at least 0"
    with pytest.raises(DataError, match=message):
        fit.variance_tests("simulate", seed=seed)
    with pytest.raises(DataError, match=message):
        fit.simulate(1, seed=seed)
    with pytest.raises(DataError, match=message):
        fit.quantile_residuals(seed=seed)
