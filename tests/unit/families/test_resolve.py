from __future__ import annotations

import numpy as np
import pytest

import partialpool as pp
from partialpool.errors import DataError, ModelError, SavedModelError
from partialpool.families import (
    FAMILIES,
    Binomial,
    Family,
    Gamma,
    Gaussian,
    InverseGaussian,
    NegativeBinomial,
    Poisson,
    ResponseFamily,
    StudentT,
    TruncatedNegativeBinomial,
    TruncatedPoisson,
    from_json,
    resolve,
)


@pytest.mark.parametrize("name", FAMILIES)
def test_every_name_gives_a_family_of_that_name(name):
    assert resolve(name).name == name
    assert from_json(resolve(name).to_json()) == resolve(name)


@pytest.mark.parametrize(
    ("asked", "family"),
    [
        ("negative_binomial", NegativeBinomial(2)),
        ("binom", Binomial()),
        ("Negative Binomial", NegativeBinomial(2)),
        ("nb1", NegativeBinomial(1)),
        ("inverse.gaussian", InverseGaussian()),
        ("Gamma", Gamma()),
        ("normal", Gaussian()),
        ("t", StudentT()),
        (Binomial, Binomial()),
        (Binomial("probit"), Binomial("probit")),
    ],
)
def test_other_ways_to_ask(asked, family):
    assert resolve(asked) == family


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("binomal", "there is no family 'binomal'. Did you mean 'binomial'"),
        ("quasipoisson", r"no family 'quasipoisson'. Use NegativeBinomial\(kind=1\)"),
        ("zip", "Write family='poisson' with zero_inflation"),
        ("qqq", "there is no family 'qqq'. Known are gaussian"),
        (3, "family must be a name such as 'binomial' .*found 3"),
        (Family, r"family=Family is a class without a density. Make a family of it"),
        (ResponseFamily, "family=ResponseFamily is a class without a density"),
    ],
)
def test_what_is_no_family_is_refused(asked, message):
    with pytest.raises(DataError, match=message):
        resolve(asked)


def test_links_and_kinds_survive_json():
    for family in (NegativeBinomial(1, "sqrt"), TruncatedNegativeBinomial(1, "identity")):
        assert from_json(family.to_json()) == family


def test_a_saved_family_of_a_newer_version_says_so():
    with pytest.raises(SavedModelError, match="family 'pareto' is none of partialpool's"):
        from_json({"name": "pareto", "link": "log"})


def test_a_family_of_ones_own_is_given_again_when_it_is_loaded():
    own = Family("geometric", lambda y, mu: y * np.log(mu) - (y + 1) * np.log1p(mu))
    assert from_json(own.to_json(), own) is own
    with pytest.raises(SavedModelError, match=r"'geometric'.*Pass the same family again"):
        from_json(own.to_json())
    with pytest.raises(SavedModelError, match="found Poisson"):
        from_json(own.to_json(), Poisson())


def test_parts_come_in_the_order_of_the_core():
    assert resolve("nbinom2").parts("inflated") == ("mean", "dispersion", "zero_inflation")
    assert resolve("tweedie").parts() == ("mean", "dispersion", "shape")
    assert resolve("ordinal").parts() == ("mean", "thresholds")
    assert resolve("binomial").parts() == ("mean",)


def test_the_core_knows_zeros_by_their_names():
    assert Poisson().core_name(Poisson().zero_for(True)) == "zi_poisson"
    assert NegativeBinomial(1).core_name("inflated") == "zi_nbinom1"
    assert TruncatedPoisson().core_name(TruncatedPoisson().zero_for(True)) == "hurdle_poisson"
    assert TruncatedNegativeBinomial().core_name("hurdle") == "hurdle_nbinom2"
    assert Gamma().core_name(Gamma().zero_for(False)) == "gamma"


def test_zero_inflation_is_for_counts():
    with pytest.raises(ModelError, match="zero_inflation= is for counts, but the family is gamma"):
        Gamma().zero_for(True)


def test_kinds_of_negative_binomials_are_two():
    with pytest.raises(DataError, match=r"kind must be 1 .* found 3"):
        NegativeBinomial(3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("family", "canonical"),
    [
        (Binomial(), True),
        (Binomial("probit"), False),
        (Poisson(), True),
        (Gamma(), False),
        (Gamma("inverse"), True),
        (TruncatedPoisson(), False),
    ],
)
def test_which_links_are_canonical(family, canonical):
    assert family.canonical is canonical


def test_families_are_values():
    assert hash(Poisson()) == hash(pp.families.Poisson("log"))
    assert Poisson() != Poisson("sqrt")
    assert NegativeBinomial(1) != NegativeBinomial(2)
    assert repr(NegativeBinomial(1)) == "NegativeBinomial(kind=1, link='log')"
    with pytest.raises(AttributeError):
        Poisson().link = None  # type: ignore[misc, assignment]
