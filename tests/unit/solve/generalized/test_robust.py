"""Data at the edge: extreme predictors, empty and single groups, weights, separation."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from partialpool.errors import DataError, ModelError
from partialpool.families import Binomial, resolve
from partialpool.solve.generalized import Objective, restore_generalized, solving
from tests.unit.solve.generalized import models
from tests.unit.solve.generalized.twin import Twin

N = 120
FAMILIES = ["binomial", "poisson", "gamma", "nbinom2", "ordinal", "beta", "tweedie", "student_t"]


def data(family="poisson", **columns):
    return models.drawn(models.table(n=N), resolve(family)) | columns


def model(family, terms, table=None, **options):
    family = resolve(family)
    table = data(family) if table is None else table
    return models.example(models.response_of(family) + terms, table, family, **options)


def assert_at_an_optimum(ours, example, objective=None):
    """Converged, finite, and with the value that the dense twin has there."""
    objective = Objective() if objective is None else objective
    assert ours.converged
    assert ours.gradient_norm < 1e-2
    factors = [ours.problem.factor(ours.estimate, t) for t in range(len(example.structures))]
    twin = Twin(example, objective, factors, list(ours.beta.values()))
    assert_allclose(-2 * ours.loglik, twin.laplace(), rtol=1e-8)


# --- extreme predictors and groups ------------------------------------------------------------


@pytest.mark.parametrize(
    ("family", "far"),
    [("binomial", 700.0), (Binomial("probit"), 30.0), (Binomial("cloglog"), 6.0)],
    ids=["logit", "probit", "cloglog"],
)
def test_predictors_far_out_do_not_overflow(family, far):
    offset = np.zeros(N)
    offset[:5], offset[5:10] = far, -far
    example = model(family, "~ x + (1 | g)", offset=offset)
    assert_at_an_optimum(example.solve(), example)


def test_means_near_zero_do_not_underflow():
    offset = np.where(np.arange(N) < 5, -700.0, 0.0)
    example = model("poisson", "~ x + (1 | g)", offset=offset)
    assert_at_an_optimum(example.solve(), example)


def test_an_offset_as_large_everywhere_is_taken_back_by_the_intercept():
    plain, far = (
        model("poisson", "~ x + (1 | g)", offset=np.full(N, size)).solve() for size in (0.0, 800.0)
    )
    assert_allclose(far.loglik, plain.loglik, rtol=1e-10)
    assert_allclose(far.beta["mean"] + [800.0, 0.0], plain.beta["mean"], rtol=1e-6, atol=1e-6)


def test_an_offset_whose_exponential_overflows_is_an_error():
    offset = np.where(np.arange(N) < 5, 800.0, 0.0)
    expected = r"the offset is 800 in row 0 and as extreme in 4 more, beside .* which overflows"
    with pytest.raises(DataError, match=expected):
        model("poisson", "~ x + (1 | g)", offset=offset).solve()


@pytest.mark.parametrize("family", ["poisson", "binomial", "nbinom2"])
def test_groups_without_any_success_are_shrunk_not_infinite(family):
    table = data(family)
    empty = np.isin(table["g"], ["g000", "g003"])
    example = model(family, "~ x + (1 | g)", table | {"y": np.where(empty, 0, table["y"])})
    ours = example.solve()
    assert_at_an_optimum(ours, example)
    (b,) = ours.effects("mean")
    assert set(np.argsort(b[:, 0])[:2]) == {0, 3}
    assert np.abs(b).max() < 10


@pytest.mark.parametrize("family", ["poisson", "binomial"])
@pytest.mark.parametrize("terms", ["~ x + (1 | id)", "~ x + (1 | id) + (1 | g)"])
def test_every_row_may_have_an_effect_of_its_own(family, terms):
    example = model(family, terms, data(family, id=np.array([f"r{i:03d}" for i in range(N)])))
    assert_at_an_optimum(example.solve(), example)


def test_one_group_may_be_nearly_all_of_the_data():
    example = model("poisson", "~ x + (1 | all)", data(all=np.array(["a"] * (N - 1) + ["b"])))
    assert_at_an_optimum(example.solve(), example)


# --- weights and equal rows -------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
def test_rows_of_weight_zero_are_as_good_as_gone(family):
    table, w = data(family), np.random.default_rng(2).uniform(0.5, 2.0, N)
    w[::5] = 0.0
    some = {name: values[w > 0] for name, values in table.items()}
    whole = model(family, "~ x + (1 + x | g)", table, weights=w).solve()
    part = model(family, "~ x + (1 + x | g)", some, weights=w[w > 0]).solve()
    assert_allclose(whole.loglik, part.loglik, rtol=1e-12)
    assert len(whole.eta["mean"]) == N


@pytest.mark.parametrize("family", FAMILIES)
def test_a_weight_is_a_number_of_equal_rows(family):
    table, w = data(family), np.random.default_rng(2).integers(1, 4, N)
    repeated = {name: np.repeat(values, w) for name, values in table.items()}
    weighted = model(family, "~ x + (1 + x | g)", table, weights=w * 1.0).solve()
    long = model(family, "~ x + (1 + x | g)", repeated).solve()
    # Both searches end within 1e-9 of the same optimum.
    assert_allclose(weighted.loglik, long.loglik, atol=2e-9)
    assert_allclose(weighted.vcov, long.vcov, rtol=1e-3, atol=1e-8)


@pytest.mark.parametrize("terms", ["~ x + (1 | g)", "~ x + (1 | g) + (1 | h)"])
@pytest.mark.parametrize("options", [(), ("weights",), ("offset",), ("weights", "offset")])
@pytest.mark.parametrize("family", ["binomial", "poisson"])
def test_equal_rows_become_one_and_nothing_else_changes(family, options, terms, monkeypatch):
    table = data(family)
    table["x"] = np.round(table["x"])
    given = {
        "weights": np.random.default_rng(2).integers(1, 4, N) * 0.5,
        "offset": np.where(table["z"] > 0, 0.3, 0.0),
    }
    example = model(family, terms, table, **{name: given[name] for name in options})
    merged = example.solve()
    monkeypatch.setattr(solving, "merges", lambda *_: False)
    plain = example.solve()
    assert merged.problem.n_rows < plain.problem.n_rows == N
    assert_allclose(merged.loglik, plain.loglik, rtol=1e-11)
    assert_allclose(merged.beta["mean"], plain.beta["mean"], rtol=1e-6)


def test_a_singular_fit_is_restored_as_it_was():
    table = data("binomial") | {"none": np.random.default_rng(4).normal(size=N)}
    example = model("binomial", "~ x + (1 + none | g)", table)
    ours = example.solve()
    again = restore_generalized(
        example.parts, example.response, example.family, example.zero, None, Objective(),
        ours.psi, ours.beta, ours.evaluations, ours.converged,
    )  # fmt: skip
    assert np.linalg.eigvalsh(ours.factor("mean", 0) @ ours.factor("mean", 0).T)[0] < 1e-10
    assert_allclose(again.loglik, ours.loglik, rtol=1e-12)
    assert_allclose(again.factor("mean", 0), ours.factor("mean", 0), atol=1e-12)


# --- separation -------------------------------------------------------------------------------

METHODS = {
    "laplace": Objective(),
    "joint": Objective("joint"),
    "restricted": Objective(reml=True),
    "quadrature": Objective(quadrature=5),
}
links = pytest.mark.parametrize("link", ["logit", "probit", "cloglog"])


def completely():
    """A response that x separates."""
    table = data()
    return table | {"y": (table["x"] > 0) * 1.0}


def quasi():
    """A response that is 1 wherever t is c."""
    table = data()
    y = (np.random.default_rng(5).random(N) < 0.5) * 1.0
    return table | {"y": np.where(table["t"] == "c", 1.0, y)}


def solve(family, formula, table, objective=None):
    return models.example(formula, table, family).solve(objective)


@links
@pytest.mark.parametrize("random", ["", " + (1 | g)"])
def test_complete_separation_names_the_column(link, random):
    with pytest.raises(ModelError, match=r"estimate of 'x' is infinite.* separate .* 'y'"):
        solve(Binomial(link), "y ~ x" + random, completely())


@links
@pytest.mark.parametrize("random", ["", " + (1 | g)"])
def test_quasi_separation_names_the_column_and_the_rows(link, random):
    table = quasi()
    rows = np.flatnonzero(table["t"] == "c")
    where = rf"In {len(rows)} row\(s\) \({rows[0]}, {rows[1]}, .*\) the response is 1"
    with pytest.raises(ModelError, match=r"'t\[T.c\]' is infinite.*" + where):
        solve(Binomial(link), "y ~ x + t" + random, table)


@pytest.mark.parametrize("objective", METHODS.values(), ids=METHODS)
def test_quasi_separation_is_found_with_every_method(objective):
    with pytest.raises(ModelError, match=r"'t\[T.c\]' is infinite.*penalty=2.5"):
        solve("binomial", "y ~ x + t + (1 | g)", quasi(), objective)


@pytest.mark.parametrize("family", ["poisson", "nbinom2", "nbinom1"])
def test_counts_are_separated_by_a_level_of_zeros(family):
    table = data(family)
    table["y"] = np.where(table["t"] == "b", 0, table["y"])
    with pytest.raises(ModelError, match=r"'t\[T.b\]' is infinite.* the response is 0"):
        solve(family, "y ~ x + t + (1 | g)", table)


def test_categories_are_separated_too():
    table = data("ordinal")
    table["y"] = np.where(table["t"] == "c", 3, np.minimum(table["y"], 2))
    # The last threshold goes with the column: no other level has that category.
    with pytest.raises(ModelError, match=r"'t\[T.c\]', '2\|3' is infinite: .* apart"):
        solve("ordinal", "y ~ x + t + (1 | g)", table)


@links
@pytest.mark.parametrize("table", [completely, quasi])
def test_a_penalty_makes_separated_models_estimable(table, link):
    ours = solve(Binomial(link), "y ~ x + t + (1 | g)", table(), Objective(penalty=2.5))
    assert ours.converged
    assert np.isfinite(ours.beta["mean"]).all()
    assert np.abs(ours.beta["mean"]).max() < 15


def test_a_penalty_is_a_normal_prior_on_all_but_the_intercept():
    example = model("binomial", "~ x + (1 | g)")
    weak, strong = (example.solve(Objective(penalty=sd)) for sd in (1e6, 1e-4))
    assert_allclose(weak.beta["mean"], example.solve().beta["mean"], rtol=1e-5)
    assert abs(strong.beta["mean"][1]) < 1e-5
    assert_allclose(
        strong.beta["mean"][0],
        model("binomial", "~ 1 + (1 | g)").solve().beta["mean"][0],
        rtol=1e-4,
    )


@pytest.mark.parametrize(("family", "value"), [("poisson", 0.0), ("binomial", 1.0), ("gamma", 2.5)])
def test_a_constant_response_is_refused(family, value):
    with pytest.raises(ModelError, match="response is constant: y is"):
        models.example("y ~ x + (1 | g)", data() | {"y": np.full(N, value)}, family)
