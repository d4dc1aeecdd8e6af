"""Covariances over times and places against glmmTMB and nlme.

`structures.json` holds what R 4.2.2 with glmmTMB 1.1.5 and nlme 3.1-162 said, each with its call. A
model of gls() has no residual beside its correlated errors, which here is the limit of a known one.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

import partialpool as pp
from tests.reference.cases import r_name, squeeze

STORED = json.loads((Path(__file__).parent / "structures.json").read_text())
CASES = {case["id"]: case for case in STORED["cases"]}
every_case = pytest.mark.parametrize("name", CASES)
# A known residual standard deviation, small beside that of the response.
SMALL = {"sleepstudy": 0.1, "Oxboys": 0.01}


def data_of(case):
    if case["dataset"] == "spatial":
        return STORED["spatial"] | {"one": ["all"] * len(STORED["spatial"]["y"])}
    data = pp.load_dataset(case["dataset"])
    return data[data["Days"].isin(case["subset"])] if "subset" in case else data


@cache
def fit(name, times=1.0):
    case = CASES[name]
    if case["family"] == "poisson":
        return pp.glmm(case["formula"], data_of(case), family="poisson")
    sigma = None if case["residual"] == "estimated" else times * SMALL[case["dataset"]]
    return pp.lmm(case["formula"], data_of(case), reml=case["method"] == "REML", sigma=sigma)


@every_case
def test_the_log_likelihood_is_theirs(name):
    ours = fit(name).loglik
    if CASES[name]["residual"] == "none":
        # The likelihood is even in sigma: two values give that at zero to fourth order.
        ours = (4.0 * fit(name, 0.5).loglik - ours) / 3.0
    assert fit(name).converged
    assert ours > CASES[name]["loglik"] - 2e-6
    assert ours < CASES[name]["loglik"] + 2e-6


@every_case
def test_the_fixed_effects_are_theirs(name):
    case, ours = CASES[name], fit(name, 0.5 if CASES[name]["residual"] == "none" else 1.0)
    theirs = {squeeze(n): x for n, x in case["fixef"].items()}
    for column, value in ours.fixef.items():
        # Their searches end where the likelihood is flat to their own tolerances.
        assert_allclose(value, theirs[r_name(column).replace("**", "^")], rtol=2e-4, atol=2e-5)


@every_case
def test_standard_deviations_and_correlations_are_theirs(name):
    case = CASES[name]
    term = fit(name, 0.5 if case["residual"] == "none" else 1.0).varcorr.terms[0]
    if "sd" in case:
        assert_allclose(term.sd, np.broadcast_to(case["sd"], term.sd.shape), rtol=5e-4)
    if "corr" in case:
        assert_allclose(term.corr[0], case["corr"], atol=2e-4)
    if "corr1" in case:
        assert_allclose(term.corr[1, 0], case["corr1"], atol=2e-4)
    for decay in {"rate", "range"} & set(case):
        # That of a long correlation moves with what is left of the residual.
        assert_allclose(term.decay, case[decay], rtol=2e-3)


def test_ou_over_equal_steps_is_ar1():
    data = pp.load_dataset("sleepstudy")
    ar1 = pp.lmm("Reaction ~ Days + ar1(0 + factor(Days) | Subject)", data)
    ou = pp.lmm("Reaction ~ Days + ou(0 + Days | Subject)", data)
    assert_allclose(ou.loglik, ar1.loglik, rtol=0, atol=1e-8)
    rate = -np.log(ar1.varcorr.terms[0].corr[1, 0])
    assert_allclose(ou.varcorr.terms[0].decay, rate, rtol=1e-5)
