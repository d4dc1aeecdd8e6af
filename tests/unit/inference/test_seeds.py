"""One rule for seeds, in everything that draws."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

import partialpool as pp
from partialpool.compat.merf_data import MERFDataGenerator
from partialpool.errors import DataError
from partialpool.inference.seeds import generator, generator_beside, seed_sequence, whole_seed

SLEEP = "Reaction ~ Days + (Days | Subject)"
BAD = [True, -1, 1.5, "1", [1, 2], np.random.RandomState(1)]


@pytest.fixture(scope="module")
def sleep():
    return pp.load_dataset("sleepstudy")


@pytest.fixture(scope="module")
def fits(sleep):
    ticks = pp.load_dataset("grouseticks")
    stated = {"fixef": {"Intercept": 1, "Days": 2}, "sd": {"Subject": 1.0}, "sigma": 1.0}
    return {
        "lmm": pp.lmm(SLEEP, sleep),
        "glmm": pp.glmm("TICKS ~ HEIGHT + (1 | LOCATION)", ticks, family="poisson"),
        "bmm": pp.bmm("Reaction ~ Days + (1 | Subject)", sleep, draws=50, tune=50, seed=1),
        "penalized": pp.penalized(SLEEP, sleep, l2=1.0),
        "stated": pp.stated_model("y ~ Days + (1 | Subject)", sleep, **stated),
        "estimator": pp.HierarchicalRegressor(1.0).fit(
            sleep[["Days"]], sleep["Reaction"], groups=sleep["Subject"]
        ),
    }


def prediction(fit, seed):
    found = fit.predict(interval="prediction", method="bootstrap", draws=100, seed=seed)
    return found["conf_low"].to_numpy()


DRAWN = {
    "simulate": lambda f, sleep, seed: f["lmm"].simulate(2, seed=seed),
    "simulate counts": lambda f, sleep, seed: f["glmm"].simulate(2, seed=seed),
    "simulate a posterior": lambda f, sleep, seed: f["bmm"].simulate(2, seed=seed),
    "simulate a stated model": lambda f, sleep, seed: f["stated"].simulate(2, seed=seed),
    "bootstrap": lambda f, sleep, seed: f["lmm"].bootstrap(5, seed=seed).draws,
    "bootstrap of cases": lambda f, sleep, seed: (
        f["lmm"].bootstrap(3, kind="case", seed=seed).draws
    ),
    "bootstrap of counts": lambda f, sleep, seed: f["glmm"].bootstrap(2, seed=seed).draws,
    "confint": lambda f, sleep, seed: (
        f["lmm"].confint(method="bootstrap", n=20, seed=seed)["conf_low"].to_numpy()
    ),
    "confint of penalised": lambda f, sleep, seed: (
        f["penalized"].confint(nsim=3, seed=seed)["conf_low"].to_numpy()
    ),
    "confint of an estimator": lambda f, sleep, seed: (
        f["estimator"]
        .confint(sleep[["Days"]], sleep["Reaction"], groups=sleep["Subject"], nsim=3, seed=seed)[
            "conf_low"
        ]
        .to_numpy()
    ),
    "prediction": lambda f, sleep, seed: prediction(f["lmm"], seed),
    "prediction of a posterior": lambda f, sleep, seed: (
        f["bmm"].predict(interval="prediction", seed=seed)["conf_low"].to_numpy()
    ),
    "power": lambda f, sleep, seed: f["lmm"].power("Days", n=3, seed=seed).estimates,
    "power of a study": lambda f, sleep, seed: f["stated"].power("Days", n=3, seed=seed).estimates,
    "quantile residuals": lambda f, sleep, seed: f["lmm"].quantile_residuals(20, seed=seed).values,
    "quantile residuals of counts": lambda f, sleep, seed: (
        f["glmm"].quantile_residuals(20, seed=seed).values
    ),
    "variance tests": lambda f, sleep, seed: (
        f["lmm"].variance_tests(method="simulate", nsim=50, seed=seed)["p_value"].to_numpy()
    ),
    "posterior": lambda f, sleep, seed: (
        pp.bmm("Reaction ~ 1 + (1 | Subject)", sleep, draws=10, tune=10, seed=seed).fixef.values
    ),
    "prior": lambda f, sleep, seed: f["bmm"].prior(5, seed=seed).fixef.values,
    "cross-validation": lambda f, sleep, seed: pp.cross_validate(
        f["lmm"], sleep, "Subject", folds=2, seed=seed
    ).to_frame()["rmse"],
    "MERF's data": lambda f, sleep, seed: MERFDataGenerator(
        0.6, 4.5, 1.0, seed=seed
    ).generate_samples([3, 2])[0]["y"],
}


@pytest.mark.parametrize("seed", BAD, ids=repr)
@pytest.mark.parametrize("what", DRAWN)
@pytest.mark.filterwarnings("ignore")
def test_what_is_no_seed_is_refused(fits, sleep, what, seed):
    with pytest.raises(DataError, match="seed must be a whole number of at least 0"):
        DRAWN[what](fits, sleep, seed)


@pytest.mark.parametrize("what", DRAWN)
@pytest.mark.filterwarnings("ignore")
def test_the_same_seed_gives_the_same_draws_whatever_holds_it(fits, sleep, what):
    draw = DRAWN[what]
    sequence = np.random.SeedSequence(3)
    np.testing.assert_array_equal(draw(fits, sleep, 3), draw(fits, sleep, np.int64(3)))
    np.testing.assert_array_equal(draw(fits, sleep, sequence), draw(fits, sleep, sequence))
    one, other = np.random.default_rng(3), np.random.default_rng(3)
    np.testing.assert_array_equal(draw(fits, sleep, one), draw(fits, sleep, other))
    assert one.integers(2**60) == other.integers(2**60)
    assert one.bit_generator.state != np.random.default_rng(3).bit_generator.state


@pytest.mark.parametrize("random_state", [True, -1, 0.5, "1"])
def test_what_is_no_random_state_is_refused_by_estimators(sleep, random_state):
    X, y, groups = sleep[["Days"]], sleep["Reaction"], sleep["Subject"]
    learner = pp.MixedEffectsRegressor(LinearRegression(), random_state=random_state)
    for estimator in (learner, pp.HierarchicalRegressorCV(random_state=random_state)):
        with pytest.raises(DataError, match="random_state must be a whole number of at least 0"):
            estimator.fit(X, y, groups=groups)


def test_a_seed_that_is_not_needed_is_refused_all_the_same(fits):
    for call in (fits["lmm"].confint, fits["lmm"].predict):
        with pytest.raises(DataError, match="seed must be"):
            call(seed=-1)


def test_generators_beside_have_other_draws_than_the_seeds_own():
    for seed in (1, np.random.SeedSequence(1)):
        assert generator(seed).integers(2**60) != generator_beside(seed, 5).integers(2**60)


def test_a_sequence_that_was_given_has_spawned_nothing():
    given = np.random.SeedSequence(1)
    seed_sequence(given).spawn(3)
    assert given.n_children_spawned == 0


def test_a_seed_to_be_kept_is_a_number():
    assert whole_seed(7) == 7
    assert whole_seed(np.random.SeedSequence(1)) == whole_seed(np.random.SeedSequence(1))
    assert 0 <= whole_seed(None) < 2**32
    with pytest.raises(DataError, match="below 2\\*\\*63"):
        whole_seed(2**63)
