"""Generalized fits in files."""

from __future__ import annotations

import json

import numpy as np
import pytest
from numpy.testing import assert_allclose

import partialpool as pp
from partialpool.container import pack, unpack
from partialpool.errors import SavedModelError
from tests.unit.generalized.fakes import varying

COUNT = "count ~ x + (1 | g)"


def laplace():
    formula = "cbind(wins, m - wins) ~ x + f + (x | g)"
    return pp.glmm(formula, varying(), family=pp.families.Binomial("probit"))


def quadrature():
    return pp.glmm("yes ~ x + (1 | g)", varying(), family="binomial", quadrature=7)


def parts():
    return pp.glmm(COUNT, varying(), family="poisson", zero_inflation="~ z + (1 | h)", offset="z")


def dispersion():
    return pp.glmm("size ~ x + (1 | g)", varying(), family="gamma", dispersion="~ z", weights="m")


def ordinal():
    return pp.glmm("grade ~ x + (1 | g)", varying(), family="ordinal")


def aliased():
    data = varying().assign(twice=lambda d: 2 * d["x"])
    return pp.glmm("count ~ x + twice + (1 | g)", data, family="nbinom2")


def penalised():
    return pp.glmm(COUNT, varying(), family="poisson", penalty=2.0)


def dropped():
    data = varying()
    data.loc[[3, 4], "x"] = np.nan
    return pp.glmm(COUNT, data, family="poisson", missing="drop")


def quasi():
    return pp.glmm(COUNT, varying(), family="poisson", method="pql", dispersion="~ 1")


FITS = [laplace, quadrature, parts, dispersion, ordinal, aliased, penalised, dropped, quasi]


@pytest.fixture(params=FITS, ids=lambda make: make.__name__)
def pair(request, tmp_path):
    fit = request.param()
    path = tmp_path / "a.model"
    fit.save(path)
    return fit, pp.load(path)


def close(a, b):
    # The likelihood is evaluated again at the saved optimum; the last digits may differ.
    assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-6, atol=1e-8)


def test_a_loaded_fit_has_the_same_estimates(pair):
    fit, back = pair
    assert back.parts == fit.parts
    for part in fit.parts:
        assert back.fixef_of(part).names == fit.fixef_of(part).names
        close(back.fixef_of(part), fit.fixef_of(part))
        close(back.stderr_of(part), fit.stderr_of(part))
    for name in ("loglik", "theta", "fitted", "linear_predictor", "vcov"):
        close(getattr(back, name), getattr(fit, name))
    assert (back.df, back.nobs, back.ngroups) == (fit.df, fit.nobs, fit.ngroups)
    assert (back.family, back.approximation) == (fit.family, fit.approximation)
    assert (back.converged, back.evaluations) == (fit.converged, fit.evaluations)


def test_a_loaded_fit_prints_the_same_tables(pair):
    fit, back = pair
    # The sentence on the optimum shows a gradient that is rounding.
    assert str(back).split("optimum")[0] == str(fit).split("optimum")[0]


def test_a_loaded_fit_predicts_the_same(pair):
    fit, back = pair
    close(back.predict(type="link"), fit.predict(type="link"))
    if fit.solution.zero == "none":
        errors = fit.predict(type="link", se=True)["std_error"]
        close(back.predict(type="link", se=True)["std_error"], errors)
    close(back.ranef(cond_sd=True).iloc[:, 1:], fit.ranef(cond_sd=True).iloc[:, 1:])


def test_a_loaded_fit_is_saved_as_the_same_file(pair, tmp_path):
    _, back = pair
    back.save(tmp_path / "b.model")
    again, first = unpack(tmp_path / "b.model"), unpack(tmp_path / "a.model")
    assert again.header == first.header
    for name, values in first.arrays.items():
        # Coefficients go through the core's coordinates and back.
        if name.startswith("beta"):
            assert_allclose(again.arrays[name], values, rtol=1e-12)
        else:
            np.testing.assert_array_equal(again.arrays[name], values)


def test_a_loaded_fit_refits_to_the_same_optimum(pair):
    fit, back = pair
    y = fit.simulate(1, seed=1)[:, 0]
    close(back.refit(y).fixef, fit.refit(y).fixef)


def test_a_family_of_ones_own_is_not_saved(tmp_path):
    own = pp.families.Family("laplace", lambda y, mu: -abs(y - mu), link="identity")
    fit = quasi()
    fit = type(fit)(fit.designs, fit.response, fit.approximation, _with_family(fit, own))
    with pytest.raises(SavedModelError, match="one of your own, and a saved model can't hold"):
        fit.save(tmp_path / "a.model")


def _with_family(fit, family):
    import dataclasses

    return dataclasses.replace(fit.solution, family=family)


def rewritten(tmp_path, change, change_arrays=lambda arrays: None):
    path = tmp_path / "a.model"
    quasi().save(path)
    parcel = unpack(path)
    header, arrays = json.loads(json.dumps(dict(parcel.header))), dict(parcel.arrays)
    change(header)
    change_arrays(arrays)
    pack(header, arrays, path)
    return path


@pytest.mark.parametrize(
    "change",
    [
        lambda header: header.pop("designs"),
        lambda header: header["designs"].clear(),
        lambda header: header["response"].update(values="X"),
        lambda header: header["approximation"].update(nodes=3),
        lambda header: header["solution"].pop("psi"),
    ],
)
def test_a_changed_file_is_refused(tmp_path, change):
    with pytest.raises(SavedModelError, match=r"can't be read"):
        pp.load(rewritten(tmp_path, change))


@pytest.mark.parametrize("name", ["y", "X", "point", "psi", "factor0.codes"])
def test_arrays_that_do_not_fit_together_are_refused(tmp_path, name):
    def shorten(arrays):
        arrays[name] = arrays[name][1:]

    with pytest.raises(SavedModelError, match=r"can't be read"):
        pp.load(rewritten(tmp_path, lambda header: None, shorten))


def test_a_family_that_nobody_knows_asks_for_an_upgrade(tmp_path):
    path = rewritten(tmp_path, lambda header: header["family"].update(name="skellam"))
    with pytest.raises(SavedModelError, match="'skellam' is none of partialpool's"):
        pp.load(path)
