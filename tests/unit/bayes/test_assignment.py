import numpy as np
import pytest

import partialpool as pp
from partialpool.bayes.statement import state
from partialpool.errors import DataError, ModelError

SLEEP = "Reaction ~ Days + (Days | Subject)"


def priors(formula, data, family="gaussian", **arguments):
    found = state(formula, data, family, **arguments).priors.everything()
    return {a.parameter: str(a.prior) for a in found}


def test_defaults_are_scaled_to_the_data():
    sleep = pp.load_dataset("sleepstudy")
    y, days = sleep["Reaction"].to_numpy(), sleep["Days"].to_numpy()
    found = priors(SLEEP, sleep)
    assert found["Intercept"] == str(pp.bayes.Normal(y.mean(), 2.5 * y.std()))
    assert found["Days"] == str(pp.bayes.Normal(0, 2.5 * y.std() / days.std()))
    assert found["sd(Subject.Intercept)"] == str(pp.bayes.HalfStudentT(3, y.std()))
    assert found["sd(Subject.Days)"] == str(pp.bayes.HalfStudentT(3, y.std() / days.std()))
    assert found["corr(Subject)"] == "lkj(1)"
    assert found["sigma"] == str(pp.bayes.Exponential(1 / y.std()))


def test_defaults_follow_the_units_of_the_response():
    sleep = pp.load_dataset("sleepstudy")
    thousand = sleep.assign(Reaction=sleep["Reaction"] * 1000)
    one, two = state(SLEEP, sleep, "gaussian"), state(SLEEP, thousand, "gaussian")
    a, b = one.priors.parts["mean"].fixed[1].prior, two.priors.parts["mean"].fixed[1].prior
    np.testing.assert_allclose(b.sd, 1000 * a.sd)


def test_the_most_particular_key_wins():
    given = {
        "sd": "half_normal(1)",
        "sd(Subject)": "half_normal(2)",
        "sd(Subject.Days)": "half_normal(3)",
    }
    found = priors(SLEEP, pp.load_dataset("sleepstudy"), priors=given)
    assert found["sd(Subject.Intercept)"] == "half_normal(2)"
    assert found["sd(Subject.Days)"] == "half_normal(3)"


def test_a_class_of_coefficients_leaves_the_intercept_alone():
    found = priors(SLEEP, pp.load_dataset("sleepstudy"), priors={"fixef": "normal(0, 7)"})
    assert found["Days"] == "normal(0, 7)"
    assert found["Intercept"] != "normal(0, 7)"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"days": "normal(0, 1)"}, "'days', which is no parameter.*Did you mean 'Days'"),
        ({"sigma": "normal(0, 1)"}, "for real numbers, but sigma is positive"),
        ({"Days": "half_normal(1)"}, "for positive numbers, but Days is any number"),
        ({"corr": "normal(0, 1)"}, "a correlation matrix. Use one of lkj"),
        ("normal(0, 1)", "priors must be a dict"),
    ],
)
def test_priors_that_fit_nothing_are_refused(given, message):
    with pytest.raises(ModelError, match=message):
        priors(SLEEP, pp.load_dataset("sleepstudy"), priors=given)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"draws": 0}, "draws must be a whole number of at least 4"),
        ({"chains": 2.5}, "chains must be a whole number"),
        ({"seed": -1}, "seed must be"),
        ({"target_accept": 1.0}, "target_accept must be a probability"),
        ({"engine": "stan"}, "engine must be"),
        ({"missing": "impute"}, "missing must be"),
    ],
)
def test_arguments_out_of_range_are_refused(arguments, message):
    with pytest.raises(DataError, match=message):
        pp.bmm(SLEEP, pp.load_dataset("sleepstudy"), **arguments)


def test_the_marginal_engine_says_what_it_can_not_do():
    with pytest.raises(ModelError, match="Gaussian models, but the family is poisson"):
        pp.bmm(
            "TICKS ~ 1 + (1 | BROOD)",
            pp.load_dataset("grouseticks"),
            "poisson",
            engine="marginal",
        )
    with pytest.raises(ModelError, match="the prior of Days is student_t"):
        pp.bmm(
            SLEEP,
            pp.load_dataset("sleepstudy"),
            priors={"Days": "student_t(3, 0, 10)"},
            engine="marginal",
        )


RAIN = {"y": [0.0, 1.2, 0.4, 3.1, 0.0, 0.7], "x": [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]}


@pytest.mark.parametrize(
    ("prior", "words"),
    [
        ("gamma(2, 2)", "is for positive numbers, but power is between 1 and 2. Use one of unif"),
        (
            "uniform(0.5, 2)",
            "'power' is .* two numbers from 1 to 2, the first smaller, found uni",
        ),
        ("uniform(1.5, 1.2)", "for 'power': .*two numbers, the first smaller, found 1.5 and 1.2"),
        ("constant(2)", "power must lie between 1 and 2, found constant"),
    ],
)
def test_a_power_lies_between_one_and_two(prior, words):
    with pytest.raises(ModelError, match=words):
        state("y ~ x", RAIN, "tweedie", priors={"power": prior})


@pytest.mark.parametrize(
    ("key", "message"),
    [
        (
            "phi",
            "of 'phi' is for the power of a Tweedie variance, but phi is positive. Use one of",
        ),
        (
            "x",
            "of 'x' is for the power of a Tweedie variance, but x is any number. Use one of no",
        ),
    ],
)
def test_a_uniform_distribution_is_for_powers(key, message):
    for prior in ("uniform(1, 2)", "uniform(0, 5)", "uniform(-3, 3)"):
        with pytest.raises(ModelError, match=message):
            state("y ~ x", RAIN, "tweedie", priors={key: prior})


def test_a_term_is_a_class_of_its_coefficients():
    machines = pp.load_dataset("Machines")
    formula = "score ~ Machine + (1 | Worker)"
    given = {"Machine": "normal(0, 3)", "Machine[T.C]": "normal(0, 4)", "fixef": "normal(0, 5)"}
    found = priors(formula, machines, priors=given)
    assert found["Machine[T.B]"] == "normal(0, 3)"
    assert found["Machine[T.C]"] == "normal(0, 4)"
    assert found["Intercept"] not in given.values()
    # Of terms without it, and of several columns.
    sleep = pp.load_dataset("sleepstudy")
    given = {"ns(Days,df=3)": "normal(0, 6)", "fixef": "normal(0, 7)"}
    found = priors("Reaction ~ ns(Days, df=3) + I(Days^2)", sleep, priors=given)
    assert list(found.values())[1:5] == ["normal(0, 6)"] * 3 + ["normal(0, 7)"]
    found = priors("score ~ 0 + Machine", machines, priors={"Machine": "normal(50, 6)"})
    assert [*found.values()][:3] == ["normal(50, 6)"] * 3


def test_terms_of_every_predictor_are_classes():
    answers = pp.load_dataset("VerbAgg").iloc[::20]
    given = {"btype": "normal(0, 3)", "thresholds": "normal(0, 2)"}
    found = priors("resp ~ btype + Anger", answers, "ordinal", priors=given)
    assert found["btype[T.scold]"] == found["btype[T.shout]"] == "normal(0, 3)"
    assert found["Anger"] != "normal(0, 3)"
    ticks = pp.load_dataset("grouseticks")
    given = {"zero_inflation.YEAR": "normal(0, 1)", "zero_inflation.fixef": "normal(0, 2)"}
    found = priors("TICKS ~ YEAR", ticks, "poisson", zero_inflation="~ YEAR + HEIGHT", priors=given)
    assert found["zero_inflation.YEAR[T.97]"] == "normal(0, 1)"
    assert found["zero_inflation.HEIGHT"] == "normal(0, 2)"
    assert found["YEAR[T.97]"] not in given.values()


def test_a_parameter_has_its_prior_however_it_is_spelled():
    sleep = pp.load_dataset("sleepstudy")
    found = priors("Reaction ~ I(Days^2)", sleep, priors={"I(Days^2)": "normal(0, 2)"})
    assert found["I(Days ** 2)"] == "normal(0, 2)"
    twice = {"I(Days^2)": "normal(0, 2)", "I(Days**2)": "normal(0, 3)"}
    with pytest.raises(ModelError, match=r"one parameter twice: 'I\(Days\^2\)' and 'I\(Days\*\*"):
        priors("Reaction ~ I(Days^2)", sleep, priors=twice)
    with pytest.raises(ModelError, match="keys of priors are names of parameters, found 3"):
        priors("Reaction ~ Days", sleep, priors={3: "normal(0, 1)"})


def test_a_power_is_uniform_unless_something_else_is_said():
    for given in (None, {"power": "flat()"}):
        found = state("y ~ x", RAIN, "tweedie", priors=given).priors.scales["power"].prior
        assert found == pp.bayes.Uniform(1.0, 2.0)


def test_dispersion_is_refused_where_there_is_none():
    with pytest.raises(ModelError, match="poisson has none"):
        pp.bmm("TICKS ~ 1", pp.load_dataset("grouseticks"), "poisson", dispersion="~ YEAR")
