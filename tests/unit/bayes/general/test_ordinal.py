"""Ordinal models: thresholds, priors of them, and probabilities of the categories."""

import numpy as np
import pytest

import partialpool as pp
from partialpool.core import Density
from partialpool.errors import DataError, ModelError

FORMULA = "y ~ x + kind + (1 | g)"
LABELS = ("never", "rarely", "often", "always")


def made():
    rng = np.random.default_rng(2)
    n, J = 300, 20
    g, x, kind = np.repeat(np.arange(J), n // J), 1 + rng.normal(size=n), np.tile([0, 1], n // 2)
    eta = x - 0.5 * kind + rng.normal(0, 0.8, J)[g] + rng.logistic(size=n)
    y = np.searchsorted([-0.5, 1.0, 2.5], eta)
    return {
        "y": y + 1.0,
        "x": x,
        "kind": np.where(kind, "b", "a"),
        "g": g.astype(str),
        "said": np.array(LABELS)[y],
    }


@pytest.fixture(scope="module")
def fit():
    formula = FORMULA.replace("y", f"factor(said, levels={list(LABELS)})", 1)
    return pp.bmm(formula, made(), "ordinal", draws=500, tune=500, chains=2, seed=1)


@pytest.fixture(scope="module")
def likelihood(fit):
    return pp.glmm(fit.design.formula.text, made(), family="ordinal")


def test_the_posterior_lies_about_the_likelihoods_maximum(fit, likelihood):
    assert fit.divergences == 0
    gap = np.abs(fit.fixef.values - likelihood.fixef.values)
    assert (gap < 0.5 * likelihood.stderr.values).all()
    assert fit.thresholds.names == likelihood.thresholds.names
    gap = np.abs(fit.thresholds.values - likelihood.thresholds.values)
    assert (gap < 0.5 * likelihood.stderr_of("thresholds").values).all()
    cuts = np.stack(list(fit.draws.thresholds.values()), axis=-1)
    assert (np.diff(cuts, axis=-1) > 0).all()


def test_probabilities_of_categories_are_a_table(fit, likelihood):
    new = {"x": [0.0, 2.0], "kind": ["a", "b"], "g": ["1", "2"]}
    found = fit.predict(new, interval="confidence", se=True)
    known = likelihood.predict(new)
    total = np.zeros(2)
    for label in LABELS:
        assert (found[f"{label}_conf_low"] < known[label]).all()
        assert (known[label] < found[f"{label}_conf_high"]).all()
        assert (np.abs(found[label] - known[label]) < found[f"{label}_std_error"]).all()
        total += found[label]
    np.testing.assert_allclose(total, 1.0, rtol=1e-12)
    assert list(fit.predict(new, type="probabilities")) == list(LABELS)
    assert list(fit.predict(new, type="class")) == list(likelihood.predict(new, type="class"))
    assert fit.predict(new, type="link").shape == (2,)
    somebody = {"x": [0.0], "kind": ["a"], "g": ["new"]}
    wide = fit.predict(somebody, new_levels="sample", interval="confidence", seed=1)
    assert wide["never_conf_high"] - wide["never_conf_low"] > 0.3


def test_what_has_no_meaning_of_categories_is_refused(fit):
    with pytest.raises(DataError, match="a new response is a category"):
        fit.predict(interval="prediction")
    with pytest.raises(DataError, match="a most probable category has no interval"):
        fit.predict(type="class", se=True)
    with pytest.raises(DataError, match="type must be one of 'response'"):
        fit.predict(type="latent")
    line = pp.bmm("x ~ 1", made(), engine="prior", seed=1)
    with pytest.raises(ModelError, match="type='class' is for ordinal models"):
        line.predict(type="class")


def test_rows_densities_are_the_cores(fit):
    y = fit.statement.response.values
    cuts = np.array([x[1, 3] for x in fit.draws.thresholds.values()])
    part = fit.draws.parts["mean"]
    effects = part.effects[0][1, 3, fit.design.random[0].factor.codes, 0]
    eta = fit.design.X @ part.fixef[1, 3] + effects
    chances = fit.family.probabilities({"mean": eta, "thresholds": cuts})
    own = np.log(chances[np.arange(len(y)), y.astype(int)])
    from partialpool.bayes.loglik import row_loglik

    np.testing.assert_allclose(row_loglik(fit)[503], own, rtol=1e-9)


@pytest.mark.parametrize("link", ["logit", "probit", "cloglog"])
def test_the_samplers_density_is_the_cores(link):
    import jax

    from partialpool.bayes.general.densities import log_density

    rng = np.random.default_rng(3)
    y = np.repeat(np.arange(4.0), 25)
    eta, cuts = rng.normal(0, 4, 100), np.array([-1.0, 0.2, 1.5])
    place = y.astype(int)
    above, below = cuts[np.minimum(place, 2)], cuts[np.maximum(place - 1, 0)]
    core = Density("ordinal", link, y, np.full(100, 4.0), None)
    value, slope, _, _ = core.evaluate([eta, above, below], 2, True)
    with jax.enable_x64(True):

        def rows(eta):
            given = {"mean": eta, "thresholds": cuts}
            return log_density(
                pp.families.Ordinal(link), "none", jax.numpy.array(y), None, None, given
            )

        np.testing.assert_allclose(rows(jax.numpy.array(eta)), value, rtol=1e-8, atol=1e-12)
        found = jax.grad(lambda eta: rows(eta).sum())(jax.numpy.array(eta))
    np.testing.assert_allclose(found, slope[0], rtol=1e-6, atol=1e-10)


def test_tables_files_and_draws_have_the_thresholds(fit, tmp_path):
    assert "never|rarely" in str(fit)
    table = fit.tidy()
    assert list(table["component"][:4]) == ["thresholds"] * 3 + ["mean"]
    fit.save(tmp_path / "ordinal.model")
    again = pp.load(tmp_path / "ordinal.model")
    np.testing.assert_array_equal(again.thresholds.values, fit.thresholds.values)
    np.testing.assert_array_equal(again.fitted, fit.fitted)
    tree = fit.to_arviz()
    assert tuple(tree["posterior"]["threshold"].values) == fit.thresholds.names
    assert set(np.unique(fit.simulate(4, seed=1))) == {0.0, 1.0, 2.0, 3.0}
    assert np.isfinite(fit.loo().elpd)
    assert 0.1 < fit.r_squared().estimate < 0.7
    assert np.abs(fit.augment()["residual"].mean()) < 0.1
    assert "never|rarely at the means ~ normal(0, 2.5)" in str(fit.render())
    assert fit.hypothesis("never|rarely < rarely|often").probability == 1.0


def test_priors_of_thresholds_by_name_and_class():
    given = {"thresholds": "normal(0, 3)", "2|3": "student_t(4, 1, 1)", "3|4": "flat()"}
    fit = pp.bmm(FORMULA, made(), "ordinal", priors=given | {"3|4": "normal(2, 1)"},
                 engine="prior", draws=200, seed=1)  # fmt: skip
    table = fit.prior_summary()
    assert list(table["prior"][:3]) == ["normal(0, 3)", "student_t(4, 1, 1)", "normal(2, 1)"]
    cuts = np.stack(list(fit.draws.thresholds.values()), axis=-1)
    assert (np.diff(cuts, axis=-1) > 0).all()
    with pytest.raises(ModelError, match="no parameter of the model"):
        pp.bmm(FORMULA, made(), "ordinal", priors={"Intercept": "normal(0, 1)"}, engine="prior")
    falling = {"1|2": "normal(9, 1)", "2|3": "normal(0, 1)", "3|4": "normal(-9, 1)"}
    with pytest.raises(ModelError, match="give them means that rise"):
        pp.bmm(FORMULA, made(), "ordinal", priors=falling, engine="prior", seed=1)


def test_flat_priors_of_separated_categories_are_refused():
    x = np.repeat([0.0, 1.0, 2.0, 3.0], 10)
    data = {"y": np.repeat([1, 1, 2, 3], 10), "x": x}
    flat = {"fixef": "flat()", "thresholds": "flat()"}
    with pytest.raises(ModelError, match="the columns separate the response y"):
        pp.bmm("y ~ x", data, "ordinal", priors=flat)
    mixed = {"y": np.tile([1, 2, 3, 2], 10), "x": x}
    assert pp.bmm("y ~ x", mixed, "ordinal", priors=flat, draws=200, tune=200, seed=1).nobs == 40


def test_a_column_that_is_constant_moves_as_the_thresholds_do():
    data = made() | {"one": np.ones(300)}
    fit = pp.bmm("y ~ one + x", data, "ordinal", engine="prior", draws=20, seed=1)
    assert list(fit.aliased) == ["one"]


def test_an_offset_moves_the_thresholds():
    data = made() | {"shift": np.full(300, 7.0)}
    fit = pp.bmm("y ~ x + offset(shift)", data, "ordinal", engine="prior", draws=20, seed=1)
    assert list(fit.prior_summary()["prior"]) == ["normal(7, 2.5)"] * 3 + [
        str(pp.bayes.Normal(0, 2.5 / data["x"].std()))
    ]


@pytest.mark.slow
def test_verbal_aggression_lies_about_the_likelihoods_maximum():
    data = pp.load_dataset("VerbAgg")
    data = data[data["id"].astype(int) <= 100]
    formula = "resp ~ Anger + Gender + mode + (1 | id) + (1 | item)"
    flat = {"fixef": "flat()", "thresholds": "flat()"}
    fit = pp.bmm(formula, data, "ordinal", priors=flat, draws=500, tune=400, chains=2, seed=1)
    likelihood = pp.glmm(formula, data, family="ordinal")
    gap = np.abs(fit.fixef.values - likelihood.fixef.values)
    assert (gap < 0.3 * likelihood.stderr.values).all()
    gap = np.abs(fit.thresholds.values - likelihood.thresholds.values)
    assert (gap < 0.3 * likelihood.stderr_of("thresholds").values).all()
    assert fit.converged
