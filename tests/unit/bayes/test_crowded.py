"""Models with as many coefficients as rows, or more."""

import numpy as np
import pytest

import partialpool as pp
from partialpool.errors import ModelError


def table(n=12, p=20):
    rng = np.random.default_rng(7)
    X = rng.normal(size=(n, p))
    data = {f"x{i}": X[:, i] for i in range(p)}
    return data | {"y": X[:, 0] - X[:, 1] + rng.normal(size=n), "g": np.arange(n) % 4}


COLUMNS = " + ".join(f"x{i}" for i in range(20))
PROPER = {"fixef": "normal(0, 1)"}


def test_more_coefficients_than_rows_have_the_posterior_of_a_ridge_regression():
    data = table()
    fit = pp.bmm(f"y ~ 0 + {COLUMNS}", data, priors=PROPER, sigma=1.0, seed=1)
    assert fit.engine == "nuts"
    assert not fit.aliased
    X, y = fit.design.X, data["y"]
    V = np.linalg.inv(X.T @ X + np.eye(20))
    error = np.sqrt(np.diag(V))
    # Four Monte Carlo errors of at least 1,000 effective draws.
    np.testing.assert_allclose(fit.fixef.values, V @ X.T @ y, atol=4 * error.max() / np.sqrt(1000))
    np.testing.assert_allclose(fit.stderr.values, error, rtol=0.1)
    new = {name: values[:1] for name, values in data.items()}
    np.testing.assert_allclose(fit.predict(new), fit.fitted[:1])


def test_two_rows_tell_what_proper_priors_leave_to_them():
    fit = pp.bmm("y ~ 0 + x", {"y": [1.0, 2.0], "x": [1.0, 1.0]}, priors=PROPER, sigma=1.0, seed=1)
    assert fit.engine == "marginal"
    data = {"y": [1.0, 3.0], "x": [0.0, 1.0], "z": [1.0, 0.0]}
    fit = pp.bmm("y ~ 0 + x + z", data, priors=PROPER, sigma=1.0, seed=1)
    assert fit.engine == "nuts"
    # Each coefficient has one observation and a prior of the same precision at zero.
    np.testing.assert_allclose(fit.fixef.values, [1.5, 0.5], atol=0.1)
    np.testing.assert_allclose(fit.stderr.values, np.sqrt(0.5), rtol=0.1)


def test_rows_of_no_weight_do_not_count_as_rows():
    data = {"y": [1.0, 3.0, 9.0, 9.0], "x": [1.0, 0.0, 1.0, 1.0], "z": [0.0, 1.0, 1.0, 1.0]}
    data |= {"both": np.add(data["x"], data["z"])}
    weights = [1.0, 1.0, 0.0, 0.0]
    fit = pp.bmm("y ~ 0 + x + z + both", data, weights=weights, priors=PROPER, sigma=1.0, seed=1)
    X, y = fit.design.X[:2], np.array(data["y"][:2])
    V = np.linalg.inv(X.T @ X + np.eye(3))
    np.testing.assert_allclose(fit.fixef.values, V @ X.T @ y, atol=0.1)


def test_counts_of_few_rows_keep_all_columns():
    data = table() | {"k": np.arange(12) % 4}
    fit = pp.bmm(f"k ~ {COLUMNS}", data, "poisson", priors=PROPER, engine="prior", seed=1, draws=50)
    assert np.isfinite(fit.fixef.values).all()


def test_flat_priors_of_too_many_coefficients_are_refused():
    with pytest.raises(ModelError, match=r"12 rows can't tell 21 coefficients .* flat \(x0\)"):
        pp.bmm(f"y ~ {COLUMNS}", table(), priors={"fixef": "flat()"})
    with pytest.raises(
        ModelError, match="it needs more rows than coefficients, and there are 12 and 21"
    ):
        pp.bmm(f"y ~ {COLUMNS}", table(), engine="marginal")


@pytest.mark.parametrize("fitter", [pp.lmm, pp.glmm, pp.bmm])
def test_numbers_stored_as_text_are_told_from_labels(fitter):
    rng = np.random.default_rng(3)
    text = [f"{value:.8f}" for value in rng.normal(size=40)]
    data = {"y": rng.normal(size=40), "k": rng.poisson(2.0, 40), "x": text, "g": np.arange(40) % 5}
    response, given = ("k", {"family": "poisson"}) if fitter is pp.glmm else ("y", {})
    advice = r"'x' has 40 levels, which look like numbers stored as text: .* as\.numeric\(x\)"
    with pytest.raises(ModelError, match=advice):
        fitter(f"{response} ~ x + (1 | g)", data, **given)
    number = fitter(f"{response} ~ as.numeric(x)", data, **given)
    assert len(number.fixef) == 2


def test_labels_in_every_row_are_better_random_effects():
    data = {"y": np.arange(9.0) ** 2, "x": [f"a{i}" for i in range(9)]}
    with pytest.raises(ModelError, match="'x' has 9 levels; a factor with many levels is better"):
        pp.lmm("y ~ x", data)
