from __future__ import annotations

import numpy as np
import pytest

from partialpool.errors import DataError
from partialpool.families import LINKS, Binomial, InverseGaussian, Link, Poisson

FAR = np.array([-700.0, -40.0, -1.0, 0.0, 1.0, 40.0, 700.0])


@pytest.mark.parametrize("link", LINKS.values(), ids=list(LINKS))
def test_forward_undoes_inverse(link):
    eta = np.linspace(0.1, 2.0, 9)
    np.testing.assert_allclose(link(link.inverse(eta)), eta, rtol=1e-12)


@pytest.mark.parametrize("link", LINKS.values(), ids=list(LINKS))
def test_slopes_are_those_of_the_inverse(link):
    eta, step = np.linspace(0.2, 1.8, 9), 1e-5
    difference = (link.inverse(eta + step) - link.inverse(eta - step)) / (2 * step)
    # The difference's own error is of order step^2.
    np.testing.assert_allclose(link.slope(eta), difference, rtol=1e-8)


@pytest.mark.parametrize("name", ["identity", "log", "logit", "probit", "cloglog"])
def test_means_and_slopes_are_numbers_far_out(name):
    link = LINKS[name]
    assert np.isfinite(link.inverse(FAR)).all()
    assert np.isfinite(link.slope(FAR)).all()


@pytest.mark.parametrize("name", ["logit", "cloglog"])
def test_probabilities_keep_their_digits_near_zero(name):
    # Of 1 - exp(-exp(-40)) computed as written, nothing would be left.
    np.testing.assert_allclose(LINKS[name].inverse(-40.0), np.exp(-40.0), rtol=1e-14)


@pytest.mark.parametrize("name", ["log", "logit", "cloglog"])
def test_nothing_is_warned_about_beyond_overflow(name):
    LINKS[name].inverse(np.array([-1e4, 1e4]))
    LINKS[name].slope(np.array([-1e4, 1e4]))


def test_links_have_other_names():
    assert InverseGaussian("1/mu^2").link.name == "inverse_squared"


def test_a_link_may_be_given_itself():
    assert Binomial(LINKS["probit"]) == Binomial("probit")


def test_an_unknown_link_names_those_that_there_are():
    with pytest.raises(DataError, match=r"binomial has no link 'probitt'.*mean 'probit'"):
        Binomial("probitt")
    with pytest.raises(
        DataError, match=r"poisson has no link 'logit'; its links are log, identity"
    ):
        Poisson("logit")


def test_a_link_of_ones_own_needs_a_family_of_ones_own():
    own = Link("cube", lambda mu: mu**3, lambda eta: np.cbrt(eta), lambda eta: eta)
    with pytest.raises(DataError, match=r"'cube' is not one of poisson's.*families\.Family"):
        Poisson(own)
