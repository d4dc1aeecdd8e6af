"""Laws of a linear mixed model: what must not matter does not, and the twin agrees."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import partialpool as pp
from tests.property import designs, twins

few = settings(derandomize=True, max_examples=15, database=None)
fewer = settings(derandomize=True, max_examples=6, database=None)
methods = st.booleans()
# The search stops once it expects to gain less than 1e-9: that leaves theta, and what
# follows from it, open by the root of 1e-9 over the curvature (about 10 in these designs).
SEARCH = 1e-5


def fit(example, **arguments):
    return pp.lmm(example.formula, example.data, **arguments)


def changed(example, **columns):
    return designs.Example(example.formula, example.data.assign(**columns))


def assert_same_model(ours, plain, shift=0.0, rtol=1e-8):
    """Assert equal objectives up to a known shift, and fitted values on the response's scale."""
    assert_allclose(ours.objective, plain.objective + shift, rtol=rtol)
    assert ours.singular == plain.singular


# --- against the dense twin -------------------------------------------------------------


@few
@given(designs.any_design, methods)
def test_everything_reported_is_what_the_dense_twin_computes(example, reml):
    twins.assert_repeats(fit(example, reml=reml))


@few
@given(designs.any_design, methods, designs.seeds)
def test_weights_and_offsets_too(example, reml, seed):
    rng, n = np.random.default_rng(seed), len(example.data)
    twins.assert_repeats(
        fit(example, reml=reml, weights=rng.uniform(0.2, 3, n), offset=rng.normal(size=n))
    )


@few
@given(designs.any_design, methods, st.sampled_from([0.5, 1.0, 2.0]))
def test_a_known_sigma_too(example, reml, sigma):
    ours = fit(example, reml=reml, sigma=sigma)
    assert ours.sigma == sigma
    twins.assert_repeats(ours)


@few
@given(designs.one_factor(k=1) | designs.one_factor(k=2) | designs.nested(), methods)
def test_no_search_of_the_twin_ends_lower(example, reml):
    ours = fit(example, reml=reml)
    assert ours.objective <= twins.best_known(ours) + 1e-8


@fewer
@given(designs.crossed() | designs.one_factor(k=3), methods)
def test_no_search_of_the_twin_ends_lower_with_more_parameters(example, reml):
    ours = fit(example, reml=reml)
    assert ours.objective <= twins.best_known(ours) + 1e-8


@fewer
@given(designs.seeds, st.sampled_from(["cs", "homcs", "ar1", "homdiag"]))
def test_structured_covariances_repeat_the_twin(seed, structure):
    data = designs.simulate(seed, (8,), n=90, k=1)
    data["time"] = pd.Categorical(np.random.default_rng(seed).integers(4, size=90))
    ours = pp.lmm(f"y ~ x1 + {structure}(0 + time | g0)", data)
    assert ours.converged
    twins.assert_repeats(ours)


@few
@given(designs.seeds, methods)
def test_effects_that_do_not_apply_leave_the_model(seed, reml):
    """A slope that exists for some groups only: the twin has zeros in those columns."""
    data = designs.simulate(seed, (7,), n=80, k=2)
    outside = data["g0"].isin(["L00", "L03"])
    data.loc[outside, "x1"] = np.nan
    ours = pp.lmm("y ~ x1 + (1 + x1 | g0)", data, reml=reml, applicable="auto")
    twins.assert_repeats(ours)
    modes, sds = next(iter(twins.effects(ours)))
    assert np.isnan(modes).tolist() == [[False, level in ("L00", "L03")] for level in _levels(ours)]
    assert np.array_equal(np.isnan(sds), np.isnan(modes))


def _levels(ours):
    return list(ours.design.random[0].factor.levels)


@few
@given(designs.any_design, methods)
def test_standard_errors_of_predictions_carry_beta_and_b_jointly(example, reml):
    ours = fit(example, reml=reml)
    model = twins.twin(ours)
    solution = twins.dense.solve(model, twins.relative_covariances(ours))
    variance = twins.dense.prediction_variance(
        model,
        solution,
        model.X,
        [t.codes for t in model.terms],
        [t.basis for t in model.terms],
    )
    errors = ours.predict(example.data, se=True)["std_error"]
    assert_allclose(errors, np.sqrt(variance), rtol=1e-6)


@fewer
@given(designs.any_design)
def test_theta_is_the_relative_factor_column_by_column(example):
    ours = fit(example)
    sizes = [twins.dense.n_parameters(c, e.basis.shape[1])
             for c, e in zip(twins.charts(ours), ours.design.random, strict=True)]  # fmt: skip
    parts = twins.dense.split(ours.theta, sizes)
    for chart, part, Sigma in zip(
        twins.charts(ours), parts, twins.relative_covariances(ours), strict=True
    ):
        assert_allclose(chart(part, len(Sigma)), Sigma, rtol=1e-9, atol=1e-12)


# --- what must not matter ---------------------------------------------------------------


@few
@given(designs.any_design, methods, designs.seeds)
def test_the_order_of_the_rows_does_not_matter(example, reml, seed):
    order = np.random.default_rng(seed).permutation(len(example.data))
    plain = fit(example, reml=reml)
    ours = fit(designs.Example(example.formula, example.data.iloc[order]), reml=reml)
    assert_same_model(ours, plain, rtol=1e-11)
    assert_allclose(ours.fitted, plain.fitted[order], rtol=1e-6, atol=1e-7)


@few
@given(designs.any_design, methods, designs.seeds)
def test_the_names_and_the_order_of_the_levels_do_not_matter(example, reml, seed):
    rng, plain = np.random.default_rng(seed), fit(example, reml=reml)
    factors = [name for name in example.data if name.startswith("g")]
    new = {g: dict(zip(u := sorted(set(example.data[g])), rng.permutation(len(u)), strict=True))
           for g in factors}  # fmt: skip
    ours = fit(changed(example, **{g: example.data[g].map(new[g]) for g in factors}), reml=reml)
    assert_same_model(ours, plain, rtol=1e-11)
    assert_allclose(ours.fitted, plain.fitted, rtol=1e-6, atol=1e-7)


@few
@given(designs.any_design, methods, st.sampled_from([1e-6, 1e6]))
def test_the_unit_of_the_response_does_not_matter(example, reml, unit):
    plain = fit(example, reml=reml)
    ours = fit(changed(example, y=example.data["y"] * unit), reml=reml)
    nu = ours.nobs - (len(ours.fixef) if reml else 0)
    assert_same_model(ours, plain, shift=nu * math.log(unit**2))
    assert_allclose(ours.sigma / unit, plain.sigma, rtol=1e-6)
    assert_allclose(ours.fitted / unit, plain.fitted, rtol=1e-5, atol=1e-6)


@few
@given(designs.any_design, methods, st.sampled_from([1e-6, 1e6]))
def test_the_unit_of_a_covariate_does_not_matter(example, reml, unit):
    plain = fit(example, reml=reml)
    ours = fit(changed(example, x1=example.data["x1"] * unit), reml=reml)
    # REML's log|X'V^-1 X| knows the unit of the columns of X.
    assert_same_model(ours, plain, shift=math.log(unit**2) if reml else 0.0)
    assert_allclose(ours.fixef["x1"] * unit, plain.fixef["x1"], rtol=1e-5, atol=1e-6)
    assert_allclose(ours.fitted, plain.fitted, rtol=1e-5, atol=1e-6)


@few
@given(designs.any_design, methods)
def test_the_zero_of_the_response_does_not_matter(example, reml):
    plain = fit(example, reml=reml)
    ours = fit(changed(example, y=example.data["y"] + 1e9), reml=reml)
    assert_same_model(ours, plain)
    assert_allclose(ours.fitted - 1e9, plain.fitted, rtol=0, atol=1e-5)


@few
@given(designs.one_factor(k=2) | designs.one_factor(k=3), methods)
def test_the_zero_of_a_covariate_does_not_matter_beside_an_intercept(example, reml):
    """Only an unstructured term can move its zero: the intercept takes up the shift."""
    example = designs.Example(example.formula.replace("||", "|"), example.data)
    plain = fit(example, reml=reml)
    ours = fit(changed(example, x1=example.data["x1"] + 1e7), reml=reml)
    assert_same_model(ours, plain)
    assert_allclose(ours.fixef["x1"], plain.fixef["x1"], rtol=1e-4, atol=1e-5)
    assert_allclose(ours.fitted, plain.fitted, rtol=0, atol=1e-5)


@few
@given(designs.any_design, methods)
def test_every_row_twice_at_half_weight_is_the_same_model_when_sigma_is_known(example, reml):
    plain = fit(example, reml=reml, sigma=1.0)
    n = len(example.data)
    twice = designs.Example(example.formula, pd.concat([example.data, example.data]))
    ours = fit(twice, reml=reml, sigma=1.0, weights=np.full(2 * n, 0.5))
    assert_allclose(np.asarray(ours.fixef), np.asarray(plain.fixef), rtol=0, atol=SEARCH)
    assert_allclose(ours.fitted, np.tile(plain.fitted, 2), rtol=0, atol=SEARCH)
    for term, theirs in zip(ours.varcorr.terms, plain.varcorr.terms, strict=True):
        assert_allclose(term.sd, theirs.sd, rtol=SEARCH, atol=SEARCH)
    for (b, _), (theirs, _) in zip(twins.effects(ours), twins.effects(plain), strict=True):
        assert_allclose(b, theirs, rtol=0, atol=SEARCH)


KINDS = {
    "polars": pl.DataFrame,
    "pyarrow": lambda data: pa.Table.from_pandas(data, preserve_index=False),
    "dict": lambda data: {name: column.to_numpy() for name, column in data.items()},
    "pandas of objects": lambda data: data.astype({c: object for c in data if c.startswith("g")}),
    "pandas of categories": lambda data: data.astype(
        {c: "category" for c in data if c.startswith("g")}
    ),
}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
@fewer
@given(designs.any_design)
def test_every_kind_of_table_gives_the_same_bits(kind, example):
    ours = pp.lmm(example.formula, kind(example.data))
    assert ours.objective == fit(example).objective


# --- what must hold ---------------------------------------------------------------------


@few
@given(designs.any_design, methods)
def test_predictions_for_the_old_data_are_the_fitted_values(example, reml):
    ours = fit(example, reml=reml)
    assert_allclose(ours.predict(example.data), ours.fitted, rtol=1e-10, atol=1e-10)
    assert_allclose(ours.predict(), ours.fitted, rtol=1e-10, atol=1e-10)


@few
@given(designs.any_design, methods)
def test_residuals_and_fitted_values_add_up_to_the_response(example, reml):
    ours = fit(example, reml=reml)
    assert_allclose(ours.residuals() + ours.fitted, example.data["y"], atol=1e-10)


@few
@given(designs.any_design, methods, designs.seeds)
def test_refitting_to_a_new_response_is_fitting_it(example, reml, seed):
    y = np.random.default_rng(seed).normal(size=len(example.data))
    ours, plain = fit(example, reml=reml).refit(y), fit(changed(example, y=y), reml=reml)
    assert_same_model(ours, plain)
    assert_allclose(ours.fitted, plain.fitted, rtol=1e-5, atol=1e-6)


@few
@given(designs.any_design)
def test_a_certificate_is_true(example):
    """The gradient by differences of the twin is as small, and the twin's slope points nowhere."""
    ours = fit(example)
    assert ours.converged
    assert ours.certificate.gradient < 1e-3
    assert ours.certificate.smallest_eigenvalue > -1e-4
    value = twins.dense.as_function(twins.twin(ours), twins.charts(ours))
    here = value(ours.theta)
    steps = 1e-3 * np.random.default_rng(0).normal(size=(10, len(ours.theta)))
    assert min(value(ours.theta + step) for step in steps) > here - 1e-8


@pytest.mark.parametrize("threads", [2, 3])
def test_any_number_of_threads_gives_the_same_bits(threads):
    assert _bits(threads) == _bits(1)


def _bits(threads):
    data, before = designs.simulate(5, (300, 40), n=30_000, k=2), pp.get_threads()
    try:
        pp.set_threads(threads)
        ours = pp.lmm("y ~ x1 + (1 + x1 | g0) + (1 | g1)", data)
    finally:
        pp.set_threads(before)
    return [ours.objective, *ours.theta, *ours.fixef]
