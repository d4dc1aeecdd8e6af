from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.special import gammaln, xlogy

from partialpool.errors import DataError, ModelError, NotAvailableError
from partialpool.families import Family, Link, Response

Y = Response("y", np.array([0.0, 3.0, 5.0, 1.0]), weights=np.array([1.0, 2.0, 0.0, 0.5]))
ETA = np.array([-0.3, 0.6, 0.1, 1.2])


def nbinom(y, mu, dispersion):
    return (
        gammaln(y + dispersion) - gammaln(dispersion) - gammaln(y + 1)
        + xlogy(dispersion, dispersion) + y * np.log(mu)
        - (y + dispersion) * np.log(mu + dispersion)
    )  # fmt: skip


COUNTS = Family(
    "own", nbinom, support="counts", variance=lambda mu, dispersion: mu + mu**2 / dispersion
)


def test_the_density_is_weighted_and_has_all_derivatives():
    eta = [ETA, np.full(4, 0.4)]
    value, first, second, third = COUNTS.density(Y)(0, 4, eta, 3, True)
    size = np.exp(0.4)
    expected = Y.weights * stats.nbinom.logpmf(Y.values, size, size / (size + np.exp(ETA)))
    np.testing.assert_allclose(value, expected, rtol=1e-12)
    assert [len(x) for x in (first, second, third)] == [2, 3, 4]
    # The log of a negative binomial in eta: (y - mu) / (1 + mu / phi).
    slope = Y.weights * (Y.values - np.exp(ETA)) / (1 + np.exp(ETA) / size)
    np.testing.assert_allclose(first[0], slope, rtol=1e-12)
    step = 1e-5
    up = COUNTS.density(Y)(0, 4, [ETA, eta[1] + step], 2, True)
    down = COUNTS.density(Y)(0, 4, [ETA, eta[1] - step], 2, True)
    # Position (0, 1) is 1 of the second derivatives; (0, 1, 1) is 2 of the third.
    np.testing.assert_allclose(second[1], (up[1][0] - down[1][0]) / (2 * step), atol=1e-8)
    np.testing.assert_allclose(third[2], (up[2][1] - down[2][1]) / (2 * step), atol=1e-8)


def test_the_first_predictor_alone_has_the_same_derivatives():
    eta = [ETA, np.full(4, 0.4)]
    every = COUNTS.density(Y)(0, 4, eta, 3, True)
    alone = COUNTS.density(Y)(0, 4, eta, 3, False)
    np.testing.assert_allclose(alone[0], every[0])
    for one, many in zip(alone[1:], every[1:], strict=True):
        assert one.shape == (1, 4)
        np.testing.assert_allclose(one[0], many[0])


def test_rows_are_a_piece_of_the_data():
    eta = [ETA, np.full(4, 0.4)]
    whole = COUNTS.density(Y)(0, 4, eta, 2, True)
    piece = COUNTS.density(Y)(1, 3, [x[1:3] for x in eta], 2, True)
    for part, all_rows in zip(piece[1:3], whole[1:3], strict=True):
        np.testing.assert_array_equal(part, all_rows[:, 1:3])
    assert piece[3].shape == (0, 2)


def test_the_value_alone_is_the_same():
    eta = [ETA, np.full(4, 0.4)]
    value, *others = COUNTS.density(Y)(0, 4, eta, 0, True)
    np.testing.assert_allclose(value, COUNTS.density(Y)(0, 4, eta, 1, True)[0], rtol=1e-13)
    assert [part.shape for part in others] == [(0, 4)] * 3


def test_rows_of_weight_zero_count_for_nothing_whatever_their_density():
    family = Family("own", lambda y, eta: np.log(eta) * y, link="identity")
    y = Response("y", np.ones(2), weights=np.array([0.0, 1.0]))
    value, first, *_ = family.density(y)(0, 2, [np.array([-1.0, 2.0])], 1, True)
    np.testing.assert_allclose(value, [0.0, np.log(2.0)])
    np.testing.assert_allclose(first, [[0.0, 0.5]])


def test_derivatives_written_by_hand_go_through_the_link():
    plain = Family("own", lambda y, mu: xlogy(y, mu) - mu)
    by_hand = Family(
        "own",
        lambda y, mu: xlogy(y, mu) - mu,
        derivatives=lambda y, mu: (y / mu - 1, -y / mu**2, 2 * y / mu**3),
    )
    for found, expected in zip(
        by_hand.density(Y)(0, 4, [ETA], 3, True),
        plain.density(Y)(0, 4, [ETA], 3, True),
        strict=True,
    ):
        np.testing.assert_allclose(found, expected, atol=1e-13)


def test_trials_and_a_shape_are_arguments_too():
    def density(y, trials, mu, shape):
        return xlogy(y, mu) + (trials - y) * np.log1p(-mu) - shape

    family = Family("own", density, link="logit", support="trials")
    assert family.parts() == ("mean", "shape")
    assert family.has_trials
    y = Response("y", np.array([1.0, 2.0]), trials=np.array([2.0, 3.0]))
    value, *_ = family.density(y)(0, 2, [np.zeros(2), np.zeros(2)], 0, True)
    np.testing.assert_allclose(value, [2 * np.log(0.5) - 1, 3 * np.log(0.5) - 1])


def test_a_link_of_ones_own_is_differentiated_too():
    link = Link("log2", np.log2, np.exp2, lambda eta: np.exp2(eta) * np.log(2))
    family = Family("own", lambda y, mu: xlogy(y, mu) - mu, link=link)
    found = family.density(Y)(0, 4, [ETA / np.log(2)], 1, True)[1]
    plain = Family("own", lambda y, mu: xlogy(y, mu) - mu).density(Y)(0, 4, [ETA], 1, True)[1]
    np.testing.assert_allclose(found, plain * np.log(2), rtol=1e-12)


def test_moments_and_draws_are_what_the_user_says():
    eta = {"mean": np.zeros(3), "dispersion": np.zeros(3)}
    assert COUNTS.mean(eta).tolist() == [1.0] * 3
    assert COUNTS.variance(eta).tolist() == [2.0] * 3
    family = Family(
        "own",
        lambda y, eta: -np.abs(y - eta),
        mean=lambda eta: eta + 1,
        simulate=lambda eta, rng: rng.laplace(eta),
    )
    assert family.mean(eta).tolist() == [1.0] * 3
    drawn = family.simulate(eta, np.random.default_rng(1))
    np.testing.assert_array_equal(drawn, np.random.default_rng(1).laplace(np.zeros(3)))


def test_what_was_not_said_is_asked_for():
    family = Family("own", lambda y, mu: y * mu)
    with pytest.raises(NotAvailableError, match=r"'own' has no variance. Make it with variance="):
        family.variance({"mean": np.zeros(1)})
    with pytest.raises(NotAvailableError, match=r"'own' has no simulate. Make it with simulate="):
        family.simulate({"mean": np.zeros(1)}, np.random.default_rng(1))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"log_density": lambda y, mean: y}, "log_density of .* 'mean', but arguments are picked"),
        ({"log_density": lambda y, dispersoin: y}, "Did you mean 'dispersion'"),
        ({"log_density": lambda y: y}, "has the arguments y, but it needs y, and the mean mu or"),
        ({"log_density": lambda y, mu, eta: y}, "has the arguments y, mu, eta, but it needs"),
        ({"support": "integers"}, "support must be one of real, positive.*found 'integers'"),
        ({"link": "lgo"}, "own has no link 'lgo'.*mean 'log'"),
        (
            {"log_density": nbinom, "derivatives": lambda y, mu: ()},
            "derivatives= is for a log-density of mu or eta alone, .* has dispersion too",
        ),
        ({"variance": lambda y, m: m}, "variance of the family 'own' has an argument 'm'"),
    ],
)
def test_a_family_that_cannot_be_is_refused(options, message):
    with pytest.raises(DataError, match=message):
        Family("own", **{"log_density": lambda y, mu: y * mu, **options})


def test_a_family_of_ones_own_takes_no_name_that_is_taken():
    with pytest.raises(DataError, match="'poisson' is a family of partialpool's"):
        Family("poisson", lambda y, mu: y * np.log(mu) - mu)


@pytest.mark.parametrize(
    ("density", "message"),
    [
        (lambda y, mu: np.sum(y), "doesn't depend on its mean"),
        (lambda y, mu: 1.0 * y, "doesn't depend on its mean"),
        (lambda y, mu: mu * np.ones((4, 1)), r"shape \(4, 4\) for 4 rows. It must return"),
        (lambda y, mu: mu + {}, "the log-density failed with .*Error"),
        (lambda y, mu: stats.poisson.logpmf(y, mu), "those of scipy.stats"),
    ],
)  # fmt: skip
def test_a_log_density_that_does_not_work_says_why(density, message):
    with pytest.raises(ModelError, match=message):
        Family("own", density).density(Y)(0, 4, [ETA], 1, True)


def test_a_summed_log_density_is_refused_without_derivatives_too():
    with pytest.raises(ModelError, match=r"shape \(\) for 4 rows"):
        Family("own", lambda y, mu: np.sum(mu)).density(Y)(0, 4, [ETA], 0, True)


@pytest.mark.parametrize(
    ("support", "bad"),
    [
        ("positive", 0.0),
        ("nonnegative", -1.0),
        ("counts", 0.5),
        ("proportion", 2.0),
        ("trials", 2.0),
    ],
)
def test_the_support_is_checked(support, bad):
    family = Family("own", lambda y, mu: y * mu, support=support)
    with pytest.raises(DataError, match="row 1"):
        family.check(Response("y", np.array([0.5 if support == "proportion" else 1.0, bad])))


@pytest.mark.parametrize(
    ("link", "support", "expected"),
    [
        ("log", "counts", np.log(2.0)),
        ("logit", "proportion", np.log(99)),
        ("identity", "real", 2.0),
    ],
)
def test_the_start_is_inside_the_links_range(link, support, expected):
    family = Family("own", lambda y, mu, dispersion: y * mu, link=link, support=support)
    start = family.start(np.array([1.0, 3.0]))
    assert start == {"mean": pytest.approx(expected), "dispersion": 0.0}
